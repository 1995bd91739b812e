package sim

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// TestPriorities: Cobham's non-preemptive priorities, at the gate of a proxy
// before one worker.
func TestPriorities(t *testing.T) {
	theory(t)
	const first, all = .3, .6 // load
	gold := []scenarios.HeaderField{{Name: "X-Class", Value: "gold"}}
	path := scenarios.Template{Before: "/"}
	of := func(class string, wait float64) figure {
		return figure{name: "mean of " + class, of: func(r *measure.Run) float64 {
			sum, n := 0.0, 0.0
			counted(r, func(s *measure.Sample) {
				if s.Class == class {
					sum, n = sum+s.Latency.Seconds()*1000, n+1
				}
			})
			return sum / n
		}, want: 1 + wait}
	}
	model{"priorities", 20, 125_000, func(n int) *scenarios.Case {
		c := poisson(queue{1, all}, n, 5)
		c.Variant.Topology = behind(c.Variant.Topology, &topologies.Node{Name: "gate", Kind: topologies.ReverseProxy,
			Concurrency: &topologies.Concurrency{
				Limit: policy.Choice{Name: "fixed", Params: policy.Params{"limit": {Number: 1}}},
				Queue: 1 << 20, By: "header X-Class", Order: []string{"gold"},
			}})
		c.Variant.Load.Streams[0].Mix = []scenarios.Ask{
			{Share: first / all, Method: "GET", Path: path, Class: "gold", Header: gold},
			{Share: 1 - first/all, Method: "GET", Path: path, Class: "rest"},
		}
		return c
	}, []figure{of("gold", all/(1-first)), of("rest", all/(1-first)/(1-all))}}.hold(t)
}

// TestABucketOfOneIsAStationOfOne: what Poisson arrivals lose at a limit that
// lets one pass each so often is Erlang's loss with work that long.
func TestABucketOfOneIsAStationOfOne(t *testing.T) {
	theory(t)
	for _, name := range []string{"token-bucket", "gcra"} {
		for _, load := range []float64{.5, 1.5} {
			model{name, 20, 20_000, func(n int) *scenarios.Case {
				c := poisson(queue{1000, load / 1000}, n, 1)
				c.Variant.Topology = behind(c.Variant.Topology, &topologies.Node{Name: "gate", Kind: topologies.Gateway,
					Limits: []topologies.Limit{{By: "all", Algorithm: policy.Choice{Name: name,
						Params: policy.Params{"rate": {Number: 1000}, "burst": {Number: 1}}}}}})
				return c
			}, []figure{ends("limited", policy.Limited, queue{1, load}.blocked())}}.hold(t)
		}
	}
}

// retrying is a proxy before backends of which each attempt fails with the
// given chance.
func retrying(tries int, failure float64, budget *topologies.Budget) *scenarios.Case {
	top := constant("api", ms)
	top.Nodes[0].Workers, top.Nodes[0].Errors = 100, failure
	front := &topologies.Node{Name: "lb", Kind: topologies.LoadBalancer,
		Retry: topologies.Retry{Tries: tries, On: []string{"5xx"}, Budget: budget}}
	return steady(behind(top, front), ms, 50_000)
}

// TestRetriesMultiplyTheLoad: (1-f^(r+1))/(1-f) attempts, of which f^(r+1) are
// not enough.
func TestRetriesMultiplyTheLoad(t *testing.T) {
	theory(t)
	for _, tt := range []struct {
		failure  float64
		tries    int
		requests int
	}{{.2, 2, 140_000}, {.4, 3, 80_000}, {.5, 2, 20_000}, {.5, 4, 85_000}} {
		model{fmt.Sprintf("%d tries at %g", tt.tries, tt.failure), 20, tt.requests, func(n int) *scenarios.Case {
			c := retrying(tt.tries, tt.failure, nil)
			c.Variant.Load.Streams[0].Rate[0].For = time.Duration(n) * ms
			return c
		}, []figure{
			copies("api", "lb", (1-math.Pow(tt.failure, float64(tt.tries)))/(1-tt.failure)),
			ends("failed", policy.Failed, math.Pow(tt.failure, float64(tt.tries))),
		}}.hold(t)
	}
	r := play(t, retrying(4, 1, &topologies.Budget{Share: .2, Window: 10 * time.Second}))
	require.InDelta(t, 1.2, requestsOf(r, "api")/requestsOf(r, "lb"), .001, "a budget of a fifth")
}

// TestLayersOfRetriesMultiply: three layers of four attempts ask 64 times if
// all fail, or with budgets of a fifth 1.2³ times. If half of what the last
// layer tries fails, two attempts each make 1.5·1.25·1.0625.
func TestLayersOfRetriesMultiply(t *testing.T) {
	theory(t)
	layered := func(tries int, failure float64, budget *topologies.Budget) *scenarios.Case {
		c := retrying(tries, failure, budget)
		for _, name := range []string{"gateway", "cdn"} {
			c.Variant.Topology = behind(c.Variant.Topology, &topologies.Node{Name: name, Kind: topologies.Gateway,
				Retry: topologies.Retry{Tries: tries, On: []string{"5xx"}, Budget: budget}})
		}
		c.Variant.Load.Streams[0].Rate[0].For = 2 * time.Second
		return c
	}
	for want, budget := range map[float64]*topologies.Budget{64: nil, 1.728: {Share: .2, Window: 10 * time.Second}} {
		r := play(t, layered(4, 1, budget))
		require.InEpsilon(t, want, requestsOf(r, "api")/requestsOf(r, "cdn"), .01)
	}
	model{"three layers", 20, 10_000, func(n int) *scenarios.Case {
		c := layered(2, .5, nil)
		c.Variant.Load.Streams[0].Rate[0].For = time.Duration(n) * ms
		return c
	}, []figure{copies("lb", "gateway", 1.25), copies("gateway", "cdn", 1.0625), copies("api", "cdn", 1.5*1.25*1.0625)}}.hold(t)
}

// TestHedging: with copies independent of each other P(T>t) is F(t) before the
// delay d, and F(t)·F(t-d) after; the extra load is F(d). (Workers are many, so
// that copies do not wait for each other.)
func TestHedging(t *testing.T) {
	theory(t)
	for _, tt := range []struct {
		law      string
		beyond   law
		p        float64 // of those that are hedged against
		measured bool
		requests int
	}{
		{"exponential", exponential(1), .9, false, 50_000},
		{"exponential", exponential(1), .5, false, 30_000},
		{"exponential", exponential(1), .9, true, 60_000},
		{"lognormal 1", lognormal(1), .9, false, 50_000},
	} {
		after := tt.beyond.quantile(tt.p)
		law := hedged(tt.beyond, after)
		hedge := topologies.Hedge{After: seconds(after / 1000)}
		if tt.measured {
			hedge = topologies.Hedge{Quantile: tt.p}
		}
		m := model{fmt.Sprintf("%s hedged at p%g", tt.law, 100*tt.p), 20, tt.requests, func(n int) *scenarios.Case {
			c := poisson(queue{1000, .001}, n, 7)
			c.Variant.Topology.Nodes[0].ServiceTime = laws[tt.law]
			c.Variant.Topology = behind(c.Variant.Topology, &topologies.Node{Name: "lb", Kind: topologies.LoadBalancer, Hedge: &hedge})
			return c
		}, append(withQuantiles(law.mean(), law, .99), figure{name: "extra", of: func(r *measure.Run) float64 {
			return requestsOf(r, "api")/requestsOf(r, "lb") - 1
		}, want: 1 - tt.p})}
		if tt.measured { // the quantile of a sample, which changes every 10s
			m.figures[0].bias, m.figures[1].bias, m.figures[2].bias = .005, .01, .03
		}
		t.Run(m.name, func(t *testing.T) { m.hold(t) })
	}
}

// TestBackOffSpreadsThoseWhoFailedTogether: full jitter is even over its
// window.
func TestBackOffSpreadsThoseWhoFailedTogether(t *testing.T) {
	theory(t)
	c := retrying(2, 1, nil)
	c.Variant.Topology.Nodes[0].Retry.Base, c.Variant.Topology.Nodes[0].Retry.Cap = 100*ms, 100*ms
	c.Variant.Topology.Nodes[1].Workers = 1000
	sum, squares := 0.0, 0.0
	samples := play(t, c).Samples
	for _, s := range samples {
		pause := (s.Latency - 2*ms).Seconds() / .1
		require.True(t, pause >= 0 && pause <= 1)
		sum += pause
		squares += pause * pause
	}
	n := float64(len(samples))
	require.InDelta(t, .5, sum/n, .01)
	require.InDelta(t, math.Sqrt(1./12), math.Sqrt(squares/n-sum/n*sum/n), .01)
}
