package topologies

import (
	"testing"
	"time"
)

func BenchmarkQuantile(b *testing.B) {
	for _, d := range []Distribution{
		{Law: "constant", Mean: time.Millisecond},
		{Law: "exponential", Mean: time.Millisecond},
		{Law: "uniform", Low: time.Millisecond, High: time.Second},
		{Law: "lognormal", Median: time.Millisecond, P99: time.Second},
	} {
		b.Run(d.Law, func(b *testing.B) {
			u := 0.0
			for b.Loop() {
				if u += 0.6180339887498949; u >= 1 {
					u--
				}
				d.Quantile(u)
			}
		})
	}
}
