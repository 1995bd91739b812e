package sim

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// interactive is clients who think for a second before one worker that takes
// 100 ms, exponential.
func interactive(clients int, think string, length time.Duration) *scenarios.Case {
	c := single(topologies.Distribution{Law: "exponential", Mean: 100 * ms}, .5, 1)
	c.Variant.Load.Streams = []scenarios.Stream{looping(clients, topologies.Distribution{Law: think, Mean: time.Second}, length)}
	c.Variant.Warmup = length / 20
	return c
}

func looping(clients int, think topologies.Distribution, length time.Duration) scenarios.Stream {
	return scenarios.Stream{
		Closed: &scenarios.Closed{Clients: clients, Think: think, For: length},
		Mix:    []scenarios.Ask{{Share: 1, Method: "GET", Path: scenarios.Template{Before: "/"}}},
	}
}

// throughput is the rate at which requests after the warm-up were sent.
func throughput(r *measure.Run) float64 { return r.Target }

// TestClosedLoopsFollowMeanValueAnalysis: the law of thinking does not matter,
// its mean does.
func TestClosedLoopsFollowMeanValueAnalysis(t *testing.T) {
	theory(t)
	for _, one := range []struct {
		clients  int
		requests int
		x, r     float64 // as printed in tables
	}{
		{1, 15_000, .90909, .10000}, {2, 15_000, 1.80328, .10909}, {5, 20_000, 4.36048, .14666}, {10, 40_000, 7.85418, .27321},
		{11, 40_000, 8.36768, .31458}, {15, 60_000, 9.63503, .55682}, {20, 45_000, 9.98131, 1.00375}, {30, 15_000, 10, 2},
	} {
		x, r := meanValues(one.clients, 1, .1)
		require.InDelta(t, one.x, x, 1e-5)
		require.InDelta(t, one.r, r, 1e-4)
		for _, think := range []string{"exponential", "constant"} {
			if think == "constant" && one.clients != 20 {
				continue
			}
			m := model{fmt.Sprintf("%d clients who think %s", one.clients, think), 20, one.requests, func(n int) *scenarios.Case {
				return interactive(one.clients, think, seconds(float64(n)/x))
			}, []figure{mean(1000 * r), {name: "rate", of: throughput, want: x}}}
			t.Run(m.name, func(t *testing.T) {
				m.hold(t)
				theory, ok := TheoryOf(&m.system(1000).Variant, Costs{Client: ms})
				require.True(t, ok)
				require.InDelta(t, x, theory.Rate, .01*x, "the way counts as thinking")
			})
		}
	}
}

// TestTheInteractiveLaw: R = N/X - Z holds in every run, whatever the law of
// service, but for the requests under way at its ends.
func TestTheInteractiveLaw(t *testing.T) {
	theory(t)
	for name, law := range laws {
		law.Mean, law.Low, law.High, law.Median, law.P99 = 50*law.Mean, 50*law.Low, 50*law.High, 50*law.Median, 50*law.P99
		for _, n := range []int{1, 7, 40} {
			c := interactive(n, "constant", 2000*time.Second)
			c.Variant.Topology.Nodes[0].ServiceTime = law
			r, err := Run(context.Background(), c, Costs{})
			require.NoError(t, err)
			require.InDelta(t, float64(n)/throughput(r)-1, meanOfServed(r)/1000, .01, "%s, %d clients", name, n)
		}
	}
}

// TestWhatAClosedLoopLeavesOut: the same freeze of ten seconds, asked by one
// client who waits and by the public, who does not.
func TestWhatAClosedLoopLeavesOut(t *testing.T) {
	play := func(s scenarios.Stream) *measure.Run {
		s.Mix = []scenarios.Ask{{Share: 1, Method: "GET", Path: scenarios.Template{Before: "/"}}}
		c := single(topologies.Distribution{Law: "constant", Mean: ms}, .5, 1)
		c.Variant.Load.Streams, c.Variant.Warmup = []scenarios.Stream{s}, 0
		c.Variant.Faults = []scenarios.Fault{{At: 50*time.Second + 500*time.Microsecond, For: 10 * time.Second, On: []topologies.Place{"api"}, Freeze: true}}
		r, err := Run(context.Background(), c, Costs{})
		require.NoError(t, err)
		return r
	}
	quantile := func(r *measure.Run, q float64) float64 {
		all := latencies(r)
		slices.Sort(all)
		return all[int(q*float64(len(all)))].Seconds()
	}
	slow := func(r *measure.Run) (n int) {
		for _, s := range r.Samples {
			if s.Latency > 2*ms {
				n++
			}
		}
		return n
	}
	closed := play(looping(1, topologies.Distribution{Law: "constant"}, 100*time.Second))
	require.Len(t, closed.Samples, 90_001)
	require.Equal(t, 1, slow(closed), "one request of 90 001 met the freeze")
	require.Equal(t, .001, quantile(closed, .999))

	open := play(scenarios.Stream{Rate: []scenarios.Leg{{From: 100, To: 100, For: 100 * time.Second}}})
	require.Len(t, open.Samples, 10_000)
	require.InDelta(t, 1111, slow(open), 2, "those of ten seconds, and of the 1.1 s that it took to catch up")
	require.InDelta(t, 9.1, quantile(open, .99), .02)
	require.InDelta(t, 9.91, quantile(open, .999), .02)

	warnings := measure.Suspect(closed)
	require.Len(t, warnings, 1)
	require.Equal(t, measure.Warning{Kind: "closed", Text: "Closed loop: a slow system is asked less, and latencies hide what would have queued: " +
		"p99 is 1 ms, and would be about 9 s had the clients kept asking at their usual pace."}, warnings[0])
	require.Empty(t, measure.Suspect(open))
}

// TestClientsWhoGiveUpAskAgain, and so do those who are refused, at their pace.
func TestClientsWhoGiveUpAskAgain(t *testing.T) {
	c := steady(chain("api"), ms, 1, scenarios.Fault{At: 105 * ms, For: 20 * ms, On: []topologies.Place{"api"}, Crash: true})
	c.Variant.Load.Streams = []scenarios.Stream{looping(1, topologies.Distribution{Law: "constant", Mean: 10 * ms}, 160*ms)}
	c.Variant.Timeout = 30 * ms
	r := simulate(t, c, Costs{}, scripts(map[topologies.Place]*script{"api": answering(time.Second)}))
	first := r.Samples[0].At
	require.Less(t, first, 10*ms)
	var whens []time.Duration
	for _, s := range r.Samples {
		whens = append(whens, s.At-first)
	}
	crash := 105*ms - first
	require.Equal(t, []policy.Reason{timedOut, timedOut, reset, refused, timedOut}, reasons(r))
	require.Equal(t, []time.Duration{0, 40 * ms, 80 * ms, crash + 10*ms, crash + 20*ms}, whens)
}

// TestOpenAndClosedStreamsSideBySide are in order of time, and the open one is
// what it is alone.
func TestOpenAndClosedStreamsSideBySide(t *testing.T) {
	c := single(topologies.Distribution{Law: "exponential", Mean: ms}, .4, 2000)
	alone, err := Run(context.Background(), c, Costs{})
	require.NoError(t, err)
	c.Variant.Load.Streams = append(c.Variant.Load.Streams, looping(30, topologies.Distribution{Law: "exponential", Mean: 100 * ms}, 3*time.Second))
	both, err := Run(context.Background(), c, Costs{})
	require.NoError(t, err)
	again, err := Run(context.Background(), c, Costs{})
	require.NoError(t, err)
	require.Equal(t, both, again)
	require.True(t, slices.IsSortedFunc(both.Samples, func(a, b measure.Sample) int { return int(a.At - b.At) }))
	open := slices.DeleteFunc(slices.Clone(both.Samples), func(s measure.Sample) bool { _, closed := scenarios.ClientOf(s.Number); return closed })
	require.Greater(t, len(both.Samples), len(open)+700)
	require.Len(t, open, len(alone.Samples))
	for i, s := range open {
		require.Equal(t, [2]uint64{alone.Samples[i].Number, uint64(alone.Samples[i].At)}, [2]uint64{s.Number, uint64(s.At)})
	}
	require.False(t, math.IsNaN(both.Target))
}

// TestSeveralWorkersServeClientsWhoWait, or one that shares itself, as the
// printed theory says.
func TestSeveralWorkersServeClientsWhoWait(t *testing.T) {
	theory(t)
	exponential, constant := topologies.Distribution{Law: "exponential", Mean: 100 * ms}, topologies.Distribution{Law: "constant", Mean: 100 * ms}
	for name, node := range map[string]topologies.Node{
		"G/M/3//25":    {Workers: 3, ServiceTime: exponential},
		"M/G/1-PS//25": {Workers: 1, ServiceTime: constant, Sharing: true},
	} {
		system := func(n int) *scenarios.Case {
			c := interactive(25, "constant", time.Duration(n)*100*ms)
			api := c.Variant.Topology.Nodes[0]
			api.Workers, api.ServiceTime, api.Sharing = node.Workers, node.ServiceTime, node.Sharing
			return c
		}
		theory, ok := TheoryOf(&system(1).Variant, Costs{})
		require.True(t, ok)
		require.Equal(t, name, theory.Model)
		model{name, 20, 20_000, system, []figure{mean(theory.Mean.Seconds() * 1000), {name: "rate", of: throughput, want: theory.Rate}}}.hold(t)
	}
	c := interactive(25, "constant", time.Second)
	c.Variant.Topology.Nodes[0].Queue = 20
	_, ok := TheoryOf(&c.Variant, Costs{})
	require.False(t, ok, "some are turned away")
}
