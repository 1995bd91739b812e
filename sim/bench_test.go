package sim

import (
	"testing"
	"time"

	"trafficlab/components"
	"trafficlab/topologies"
)

// BenchmarkHost measures the host alone: handlers that do next to nothing.
func BenchmarkHost(b *testing.B) {
	for _, tiers := range []int{1, 2, 4} {
		names := []string{"a", "b", "c", "d"}[:tiers]
		b.Run(names[tiers-1], func(b *testing.B) {
			make := map[topologies.Place]func() *script{}
			for i, n := range names {
				if i+1 < tiers {
					make[topologies.Place(n)] = func() *script { return passing(topologies.Place(names[i+1]), components.Hop{}) }
				} else {
					make[topologies.Place(n)] = func() *script { return answering(ms) }
				}
			}
			b.ReportAllocs()
			c := steady(chain(names...), 100*time.Microsecond, b.N)
			b.ResetTimer()
			r := simulateB(b, c, make)
			b.ReportMetric(float64(len(r.Samples))/b.Elapsed().Seconds(), "requests/s")
		})
	}
}
