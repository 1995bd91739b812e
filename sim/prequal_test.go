package sim

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// farm is ten balancers, asked at random, before a hundred backends with so
// many workers each that share the work, of 10 ms on average.
type farm struct {
	workers int
	load    float64 // of what all can do
	slow    float64 // how many times slower every fifth is; 1: all are alike
}

// play is mean and p99 in units of the mean time of service.
func (f farm) play(t *testing.T, pick string, params policy.Params) (mean, p99 float64) {
	t.Helper()
	const requests, replicas, service = 120_000, 100, 10 * ms
	top := chain("gate", "lb", "api")
	gate, lb, api := top.Nodes[0], top.Nodes[1], top.Nodes[2]
	gate.Pick.Name, gate.Retry.Tries = "random", 1
	lb.Pick, lb.Retry.Tries, lb.Replicas, lb.Numbered = policy.Choice{Name: pick, Params: params}, 1, 10, true
	api.Workers, api.Queue, api.Sharing, api.Replicas, api.Numbered = f.workers, 1<<20, true, replicas, true
	api.ServiceTime = topologies.Distribution{Law: "exponential", Mean: service}
	rate := f.load * float64(f.workers) * replicas * (.8 + .2/f.slow) / service.Seconds()
	c := steady(top, time.Duration(1e9/rate), requests)
	c.Variant.Load.Streams[0].Poisson = true
	c.Variant.Timeout, c.Variant.Warmup = time.Hour, c.Duration()/10
	if f.slow > 1 {
		c.Variant.Faults = []scenarios.Fault{{For: time.Hour, On: api.Places()[:replicas/5], Slow: f.slow}}
	}
	r, err := Run(context.Background(), c, Costs{})
	require.NoError(t, err)
	var times []float64
	sum := 0.0
	for _, s := range r.Samples {
		require.Equal(t, policy.OK, s.Reason)
		if s.At >= r.Warmup {
			times = append(times, s.Latency.Seconds()/service.Seconds())
			sum += times[len(times)-1]
		}
	}
	slices.Sort(times)
	return sum / float64(len(times)), times[len(times)*99/100]
}

// TestPrequalShapes holds what an independent model of Prequal showed: answers
// that are used again beat two choices, by far; and with equal backends it does
// not do harm to look at latencies too, which pays where backends differ.
func TestPrequalShapes(t *testing.T) {
	theory(t)
	byLoad := policy.Pickers["prequal"].Params(policy.Params{"quantile": {}})
	for _, one := range []struct {
		farm
		byLoad, twoChoices float64 // mean, of an independent model
		p99                float64 // of that by load
		latencyPays        bool
	}{
		{farm{1, .9, 1}, 2.04, 4.23, 9.5, false},
		{farm{1, .9, 2}, 2.38, 6.18, 12.8, false},
		{farm{20, .7, 2}, 1.116, 1.159, 5.66, true},
	} {
		t.Run(fmt.Sprintf("%d workers, a fifth %vx slower", one.workers, one.slow), func(t *testing.T) {
			t.Parallel()
			twoChoices, _ := one.play(t, "p2c", nil)
			require.InEpsilon(t, one.twoChoices, twoChoices, .1)
			loads, p99 := one.play(t, "prequal", byLoad)
			require.InEpsilon(t, one.byLoad, loads, .06)
			require.InEpsilon(t, one.p99, p99, .1)
			both, _ := one.play(t, "prequal", nil)
			t.Logf("two choices %.3f; by load %.3f, p99 %.2f; by load and latency %.3f", twoChoices, loads, p99, both)
			if one.latencyPays {
				require.Less(t, both, .97*loads)
			} else {
				require.Less(t, both, 1.1*loads, "the latency half is to do no harm: 1.3 at most")
			}
		})
	}
}

// TestFewerProbesKnowLess: three a request are enough, with fewer it gets worse,
// and soon.
func TestFewerProbesKnowLess(t *testing.T) {
	theory(t)
	var means []float64
	for _, probes := range []float64{6, 3, 2, 1, .5} {
		mean, _ := farm{1, .9, 1}.play(t, "prequal", policy.Pickers["prequal"].Params(policy.Params{"probes": {Number: probes}}))
		means = append(means, mean)
	}
	t.Logf("mean by probes a request: %.3f", means)
	require.True(t, slices.IsSorted(means))
	require.Less(t, means[1], 1.15*means[0])
	require.Greater(t, means[4], 2*means[1])
}
