package measure

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
)

// looped is a run of two clients who think for 90 ms and take 10 ms, but for
// some requests that take long.
func looped(requests int, long ...time.Duration) *Run {
	run := &Run{Variant: "a", World: "live", Duration: time.Minute, Machine: Provenance{Cores: 2},
		Loops: []Loop{{First: 1 << 32, Beyond: 3 << 32, Clients: 2, Think: 90 * ms}}}
	for i := range requests {
		run.Samples = append(run.Samples, Sample{Number: uint64(1+i%2)<<32 + uint64(i/2), At: time.Duration(i) * ms, Latency: 10 * ms, Reason: policy.OK})
	}
	for i, l := range long {
		run.Samples[i].Latency = l
	}
	return run
}

// What waiting clients left out is counted as a dumb list of it would.
func TestLatenciesAtAPace(t *testing.T) {
	run := looped(100, 1050*ms, 100*ms, 199*ms, 200*ms, 201*ms, 430*ms)
	run.Samples = append(run.Samples, Sample{Number: 5, Latency: 5000 * ms, Reason: policy.OK}) // of an open stream
	var list []time.Duration
	for _, s := range run.Samples {
		list = append(list, s.Latency)
		for l := s.Latency - 100*ms; s.Number != 5 && l >= 100*ms; l -= 100 * ms {
			list = append(list, l)
		}
	}
	slices.Sort(list)
	paced := counting(run).paced()
	for _, bound := range []time.Duration{-1, 0, 10 * ms, 50 * ms, 99 * ms, 100 * ms, 101 * ms, 150 * ms, 250 * ms, 1049 * ms, 1050 * ms, 5000 * ms} {
		n := 0
		for _, l := range list {
			if l > bound {
				n++
			}
		}
		assert.Equal(t, n, paced.beyond(bound), "beyond %v", bound)
	}
	for _, q := range []float64{.01, .5, .9, .95, .99, 1} {
		assert.Equal(t, nearest(list, q), paced.quantile(q), "q %v", q)
	}
}

func TestClosedLoopsAreSaidToBe(t *testing.T) {
	const words = "Closed loop: a slow system is asked less, and latencies hide what would have queued"
	require.Empty(t, Suspect(&Run{Variant: "a"}))
	for text, run := range map[string]*Run{
		words + ".": looped(40),
		words + ": p50 is 10 ms, and would be about 10 ms had the clients kept asking at their usual pace.":  looped(100),
		words + ": p99 is 10 ms, and would be about 12.9 s had the clients kept asking at their usual pace.": looped(4000, 15*time.Second, 15*time.Second),
	} {
		warnings := Suspect(run)
		require.Len(t, warnings, 1)
		assert.Equal(t, Warning{Kind: "closed", Text: text}, warnings[0])
	}
}

// nearest is the nearest-rank quantile of values in order.
func nearest(sorted []time.Duration, q float64) time.Duration {
	return sorted[len(sorted)-beyond(len(sorted), q)-1]
}
