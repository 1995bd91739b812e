package sim

import (
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

// The laws of service of these tests have a mean of 1 ms.
var serviceLaws = map[string]topologies.Distribution{
	"constant":    {Law: "constant", Mean: ms},
	"exponential": {Law: "exponential", Mean: ms},
	"uniform":     {Law: "uniform", Low: 0, High: 2 * ms},
	"lognormal":   {Law: "lognormal", Median: 606531, P99: 6210973}, // sigma 1
}

// fares is what befell the requests of a case after its warm-up.
type fares struct {
	n     int
	times []float64 // of the answered ones, in ms, sorted
	share map[policy.Reason]float64
}

func fare(r *measure.Run) fares {
	f := fares{share: map[policy.Reason]float64{}}
	for _, s := range r.Samples {
		if s.At < r.Warmup {
			continue
		}
		f.n++
		f.share[s.Reason]++
		if s.Reason == ok {
			f.times = append(f.times, s.Latency.Seconds()*1000)
		}
	}
	for reason := range f.share {
		f.share[reason] /= float64(f.n)
	}
	slices.Sort(f.times)
	return f
}

func (f fares) mean() float64 {
	sum := 0.0
	for _, t := range f.times {
		sum += t
	}
	return sum / float64(len(f.times))
}

func (f fares) quantile(p float64) float64 { return f.times[int(p*float64(len(f.times)))] }

// TestLossDoesNotDependOnTheLaw: Erlang's B, for any law of service.
func TestLossDoesNotDependOnTheLaw(t *testing.T) {
	theory(t)
	t.Parallel()
	for law, service := range serviceLaws {
		for _, tt := range []struct {
			workers    int
			load, loss float64
		}{{1, .8, .444444}, {5, 4, .199067}, {10, 10, .214582}} {
			c := poisson(queue{tt.workers, tt.load / float64(tt.workers)}, 200_000, 1)
			api := c.Variant.Topology.Nodes[0]
			api.Queue, api.ServiceTime = 0, service
			require.InEpsilon(t, tt.loss, fare(play(t, c)).share[policy.Shed], .02, "%s, %d workers", law, tt.workers)
		}
	}
}

// TestLossOfABoundedQueue: M/M/1/K.
func TestLossOfABoundedQueue(t *testing.T) {
	theory(t)
	for _, tt := range []struct {
		load       float64
		k          int
		loss, mean float64
	}{{.8, 5, .088819, 2.5631}, {1, 10, .090909, 5.5}, {1.2, 10, .192586, 6.9261}, {2, 10, .500244, 9.0098}} {
		c := poisson(queue{1, tt.load}, 200_000, 2)
		c.Variant.Topology.Nodes[0].Queue = tt.k - 1
		f := fare(play(t, c))
		require.InEpsilon(t, tt.loss, f.share[policy.Shed], .04, "loss at %v", tt.load)
		require.InEpsilon(t, tt.mean, f.mean(), .02, "mean at %v", tt.load)
	}
}

// TestProcessorSharing: the mean is 1/(1-ρ) whatever the law of service; the
// variance of M/M/1-PS is (2+ρ)/((1-ρ)²(2-ρ)).
func TestProcessorSharing(t *testing.T) {
	theory(t)
	for law, service := range serviceLaws {
		c := poisson(queue{1, .5}, 200_000, 3)
		api := c.Variant.Topology.Nodes[0]
		api.Sharing, api.ServiceTime = true, service
		f := fare(play(t, c))
		require.InEpsilon(t, 2, f.mean(), .02, law)
		if law == "exponential" {
			variance, mean := 0.0, f.mean()
			for _, x := range f.times {
				variance += (x - mean) * (x - mean) / float64(len(f.times))
			}
			require.InEpsilon(t, 6.6667, variance, .06)
		}
	}
}

// TestSharedWorkersQueueNobodyBelowTheirNumber: M/M/c with processor sharing
// has the mean of M/M/c, as both lose work at the same pace.
func TestSharedWorkersQueueNobodyBelowTheirNumber(t *testing.T) {
	theory(t)
	q := queue{4, .8}
	c := poisson(q, 300_000, 4)
	c.Variant.Topology.Nodes[0].Sharing = true
	require.InEpsilon(t, q.mean(), fare(play(t, c)).mean(), .03)
}

// TestPriorities: Cobham's non-preemptive priorities, at the gate of a proxy
// before one worker.
func TestPriorities(t *testing.T) {
	theory(t)
	t.Parallel()
	c := poisson(queue{1, .8}, 400_000, 5)
	c.Variant.Topology = behind(c.Variant.Topology, &topologies.Node{Name: "gate", Kind: topologies.ReverseProxy,
		Concurrency: &topologies.Concurrency{
			Limit: policy.Choice{Name: "fixed", Params: policy.Params{"limit": {Number: 1}}},
			Queue: 1 << 20, By: "header X-Class", Order: []string{"gold"},
		}})
	gold := []scenarios.HeaderField{{Name: "X-Class", Value: "gold"}}
	path := scenarios.Template{Before: "/"}
	c.Variant.Load.Streams[0].Mix = []scenarios.Ask{
		{Share: .5, Method: "GET", Path: path, Class: "gold", Header: gold},
		{Share: .5, Method: "GET", Path: path, Class: "rest"},
	}
	r := play(t, c)
	sum, n := map[string]float64{}, map[string]float64{}
	for _, s := range r.Samples {
		require.Equal(t, ok, s.Reason)
		sum[s.Class] += s.Latency.Seconds() * 1000
		n[s.Class]++
	}
	require.InEpsilon(t, 1+1.3333, sum["gold"]/n["gold"], .02)
	require.InEpsilon(t, 1+6.6667, sum["rest"]/n["rest"], .06)
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

// TestRetriesMultiplyTheLoad: (1-f^(r+1))/(1-f) attempts, of which 1-f^(r+1)
// succeed.
func TestRetriesMultiplyTheLoad(t *testing.T) {
	theory(t)
	for _, tt := range []struct {
		failure           float64
		tries             int
		attempts, success float64
	}{{.1, 2, 1.1, .99}, {.1, 4, 1.111, .9999}, {.5, 4, 1.875, .9375}, {1, 4, 4, 0}} {
		r := play(t, retrying(tt.tries, tt.failure, nil))
		require.InDelta(t, tt.attempts, float64(r.Nodes[1].Requests)/float64(r.Nodes[0].Requests), .01)
		require.InDelta(t, tt.success, fare(r).share[ok], .005)
	}
	r := play(t, retrying(4, 1, &topologies.Budget{Share: .2, Window: 10 * time.Second}))
	require.InDelta(t, 1.2, float64(r.Nodes[1].Requests)/float64(r.Nodes[0].Requests), .001, "a budget of a fifth")
}

// TestLayersOfRetriesMultiply: three layers of four attempts ask 64 times, or
// with budgets of a fifth 1.2³ times.
func TestLayersOfRetriesMultiply(t *testing.T) {
	theory(t)
	for want, budget := range map[float64]*topologies.Budget{64: nil, 1.728: {Share: .2, Window: 10 * time.Second}} {
		c := retrying(4, 1, budget)
		for _, name := range []string{"gateway", "cdn"} {
			c.Variant.Topology = behind(c.Variant.Topology, &topologies.Node{Name: name, Kind: topologies.Gateway,
				Retry: topologies.Retry{Tries: 4, On: []string{"5xx"}, Budget: budget}})
		}
		c.Variant.Load.Streams[0].Rate[0].For = 2 * time.Second
		r := play(t, c)
		require.InEpsilon(t, want, float64(r.Nodes[3].Requests)/float64(r.Nodes[0].Requests), .01)
	}
}

// TestHedging: with copies independent of each other P(T>t) is F(t) before the
// delay d, and F(t)·F(t-d) after; the extra load is F(d). (Workers are many, so
// that copies do not wait for each other.)
func TestHedging(t *testing.T) {
	theory(t)
	t.Parallel()
	for _, tt := range []struct {
		hedge                  topologies.Hedge
		extra, mean, p99, p999 float64
	}{
		{topologies.Hedge{After: time.Hour}, 0, 1, 4.6052, 6.9078},
		{topologies.Hedge{After: 2995732}, .05, .975, 3.8005, 4.9517},
		{topologies.Hedge{After: 2302585}, .10, .95, 3.4539, 4.6052},
		{topologies.Hedge{After: 693147}, .50, .75, 2.6492, 3.8005},
		{topologies.Hedge{Quantile: .95}, .05, .975, 3.8005, 4.9517},
	} {
		c := poisson(queue{1000, .001}, 300_000, 7)
		c.Variant.Topology = behind(c.Variant.Topology, &topologies.Node{Name: "lb", Kind: topologies.LoadBalancer, Hedge: &tt.hedge})
		r := play(t, c)
		f := fare(r)
		require.InDelta(t, tt.extra, float64(r.Nodes[1].Requests)/float64(r.Nodes[0].Requests)-1, .003)
		require.InEpsilon(t, tt.mean, f.mean(), .01)
		require.InEpsilon(t, tt.p99, f.quantile(.99), .03)
		require.InEpsilon(t, tt.p999, f.quantile(.999), .06)
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
