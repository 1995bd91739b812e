package sim

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// Student's t at 99.9% for 10 repetitions. The seeds are fixed: no test here
// can flake.
const t999 = 4.781

// repeated plays ten repetitions of a case and takes a figure of each.
func repeated(t *testing.T, c *scenarios.Case, figure func(*measure.Run) float64) []float64 {
	t.Helper()
	var figures []float64
	for seed := range uint64(10) {
		c.Seed = 1 + seed
		r, err := Run(context.Background(), c, Costs{})
		require.NoError(t, err)
		figures = append(figures, figure(r))
	}
	return figures
}

// meanOfServed is the mean latency in ms of those that were answered.
func meanOfServed(r *measure.Run) float64 {
	sum, n := 0.0, 0
	for _, s := range r.Samples {
		if s.At >= r.Warmup && s.Reason == policy.OK {
			sum += s.Latency.Seconds() * 1000
			n++
		}
	}
	return sum / float64(n)
}

// lost is the share that was turned away.
func lost(r *measure.Run) float64 {
	shed, all := 0, 0
	for _, s := range r.Samples {
		if s.At >= r.Warmup {
			all++
			if s.Reason == policy.Shed {
				shed++
			}
		}
	}
	return float64(shed) / float64(all)
}

// single is one backend with a mean service time of 1 ms.
func single(law topologies.Distribution, load float64, requests int) *scenarios.Case {
	c := poisson(queue{1, load}, requests, 1)
	c.Variant.Topology.Nodes[0].ServiceTime = law
	return c
}

var laws = map[string]topologies.Distribution{
	"constant":            {Law: "constant", Mean: ms},
	"uniform 0.5 to 1.5":  {Law: "uniform", Low: ms / 2, High: 3 * ms / 2},
	"exponential":         {Law: "exponential", Mean: ms},
	"lognormal, variance": {Law: "lognormal", Median: 800 * time.Microsecond, P99: 3800 * time.Microsecond},
}

// TestMeanOfAnyServiceTime holds M/G/1 against Pollaczek and Khinchine, with
// moments worked out here.
func TestMeanOfAnyServiceTime(t *testing.T) {
	theory(t)
	const load = .6
	sigma := math.Log(3.8/.8) / 2.3263478740408408
	for name, one := range map[string]struct{ mean, second float64 }{
		"constant":            {1, 1},
		"uniform 0.5 to 1.5":  {1, 1 + 1.0/12},
		"exponential":         {1, 2},
		"lognormal, variance": {.8 * math.Exp(sigma*sigma/2), .8 * .8 * math.Exp(2*sigma*sigma)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := single(laws[name], load, 100_000)
			rate := load // a ms
			want := one.mean + rate*one.second/2/(1-rate*one.mean)
			agree(t, "mean", repeated(t, c, meanOfServed), want, t999, .05)
			theory, ok := TheoryOf(&c.Variant, Costs{})
			require.True(t, ok)
			require.InEpsilon(t, want, theory.Mean.Seconds()*1000, 1e-4, "what is printed beside the figures")
		})
	}
}

// TestSharedWorkersServeAllLawsAlike: the mean of M/G/1 processor sharing
// depends on the mean of the law alone.
func TestSharedWorkersServeAllLawsAlike(t *testing.T) {
	theory(t)
	for _, name := range []string{"constant", "exponential"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := single(laws[name], .6, 100_000)
			c.Variant.Topology.Nodes[0].Sharing = true
			agree(t, "mean", repeated(t, c, meanOfServed), 1/(1-.6), t999, .05)
			theory, ok := TheoryOf(&c.Variant, Costs{})
			require.True(t, ok)
			require.InEpsilon(t, 2.5, theory.Mean.Seconds()*1000, 1e-6)
		})
	}
}

// TestLossesOfShortQueues holds M/M/c/K against Erlang: the share turned away,
// and the mean of the rest.
func TestLossesOfShortQueues(t *testing.T) {
	theory(t)
	for _, one := range []struct {
		workers, room int
		load          float64
	}{{1, 0, .8}, {1, 4, .8}, {2, 3, .9}, {4, 0, 1.2}, {3, 5, 1.5}} {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			c := poisson(queue{one.workers, one.load}, 50_000, 1)
			c.Variant.Topology.Nodes[0].Queue = one.room
			a := one.load * float64(one.workers)
			sum, weighed, p := 0.0, 0.0, 1.0
			for n := 0; n <= one.workers+one.room; n++ {
				if n > 0 {
					p *= a / float64(min(n, one.workers))
				}
				sum += p
				weighed += p * float64(n)
			}
			loss := p / sum
			mean := weighed / sum / (a * (1 - loss)) // Little's law
			agree(t, "lost", repeated(t, c, lost), loss, t999, .05)
			agree(t, "mean", repeated(t, c, meanOfServed), mean, t999, .04)
			theory, ok := TheoryOf(&c.Variant, Costs{})
			require.True(t, ok)
			require.InEpsilon(t, loss, theory.Loss, 1e-5)
			require.InEpsilon(t, mean, theory.Mean.Seconds()*1000, 1e-5)
		})
	}
}

// spread is a balancer before backends with one exponential worker each.
func spread(pick string, backends int, load float64, requests int) *scenarios.Case {
	c := balanced(backends, requests)
	lb, api := c.Variant.Topology.Nodes[0], c.Variant.Topology.Nodes[1]
	lb.Pick, lb.Connections, api.Queue = policy.Choice{Name: pick}, 0, 1<<20
	rate := load * float64(backends) * 1000
	stream := &c.Variant.Load.Streams[0]
	stream.Rate[0] = scenarios.Leg{From: rate, To: rate, For: time.Duration(float64(requests) / rate * 1e9)}
	c.Variant.Timeout, c.Variant.Warmup = time.Hour, stream.Rate[0].For/5
	return c
}

// TestTurnsMakeArrivalsRegular: round robin over n makes each queue E_n/M/1,
// whose wait is known by the root of the transform of the gaps.
func TestTurnsMakeArrivalsRegular(t *testing.T) {
	theory(t)
	t.Parallel()
	const n, load = 4, .7
	x := load
	for range 200 {
		x = math.Pow(n*load/(n*load+1-x), n)
	}
	agree(t, "mean", repeated(t, spread("round-robin", n, load, 150_000), meanOfServed), 1/(1-x), t999, .04)
}

// TestTwoChoicesHaveDoublyExponentialTails: with many backends, the mean of the
// better of d is the sum of load^((d^i-d)/(d-1)) (Mitzenmacher 1996). It is a
// limit: at 100 backends the excess is some 1%, which the tolerance allows for.
func TestTwoChoicesHaveDoublyExponentialTails(t *testing.T) {
	theory(t)
	t.Parallel()
	const load, bias = .8, .03
	want := 0.0
	for i := 1; i < 30; i++ {
		want += math.Pow(load, math.Pow(2, float64(i))-2)
	}
	mean := 0.0
	for _, one := range repeated(t, spread("p2c", 100, load, 150_000), meanOfServed) {
		mean += one / 10
	}
	t.Logf("mean %.4f, in the limit %.4f", mean, want)
	require.InEpsilon(t, want, mean, bias)
}

// TestRetriesAmplifyLoad: where each attempt fails with a chance of q on its
// own, at most k tries make (1-q^k)/(1-q) attempts of a request, and fail it
// with q^k.
func TestRetriesAmplifyLoad(t *testing.T) {
	theory(t)
	t.Parallel()
	const q, k = .3, 3
	c := spread("random", 10, .1, 100_000)
	lb, api := c.Variant.Topology.Nodes[0], c.Variant.Topology.Nodes[1]
	lb.Retry.Tries, lb.Retry.On = k, []string{"5xx"}
	api.Errors = q
	attempts := func(r *measure.Run) float64 {
		asked := 0.0
		for _, n := range r.Nodes[0].Asked {
			asked += float64(n)
		}
		return asked / float64(r.Nodes[0].Requests)
	}
	failed := func(r *measure.Run) float64 {
		failed := 0.0
		for _, s := range r.Samples {
			if s.Reason != policy.OK {
				failed++
			}
		}
		return failed / float64(len(r.Samples))
	}
	agree(t, "attempts", repeated(t, c, attempts), (1-math.Pow(q, k))/(1-q), t999, .01)
	agree(t, "failed", repeated(t, c, failed), math.Pow(q, k), t999, .05)
}

// TestWhatIsNotForSharingIsWaitedForOnce: a cache that collapses learns from
// the first answer that each has to fetch its own.
func TestWhatIsNotForSharingIsWaitedForOnce(t *testing.T) {
	top := chain("cdn", "api")
	top.Nodes[0].Kind, top.Nodes[0].Cache = topologies.CDN, &topologies.Cache{Capacity: 1 << 20, Collapse: true}
	top.Nodes[1].Workers = 100
	top.Nodes[1].ServiceTime = topologies.Distribution{Law: "constant", Mean: 5 * ms}
	r, err := Run(context.Background(), steady(top, ms, 100), Costs{})
	require.NoError(t, err)
	for i, s := range r.Samples {
		if waits := s.Latency > 5*ms; i == 0 || i > 5 {
			require.False(t, waits, "request %d took %s", i, s.Latency)
		}
	}
}
