package sim

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// laws of service, of 1 ms on average.
var laws = map[string]topologies.Distribution{
	"constant":           {Law: "constant", Mean: ms},
	"uniform 0.5 to 1.5": {Law: "uniform", Low: ms / 2, High: 3 * ms / 2},
	"uniform 0 to 2":     {Law: "uniform", High: 2 * ms},
	"exponential":        {Law: "exponential", Mean: ms},
	"lognormal 0.5":      lognormalWork(.5),
	"lognormal 1":        lognormalWork(1),
}

// lognormalWork has the given deviation of its logarithm.
func lognormalWork(sigma float64) topologies.Distribution {
	median := math.Exp(-sigma * sigma / 2)
	return topologies.Distribution{Law: "lognormal", Median: seconds(median / 1000),
		P99: seconds(median / 1000 * math.Exp(2.3263478740408408*sigma))}
}

// The systems of models, by what tells them apart.

func markov(workers int, load float64) func(int) *scenarios.Case {
	return func(n int) *scenarios.Case { return poisson(queue{workers, load}, n, 1) }
}

func general(law string, load float64) func(int) *scenarios.Case {
	return func(n int) *scenarios.Case { return single(laws[law], load, n) }
}

func bounded(workers, room int, load float64, law string) func(int) *scenarios.Case {
	return func(n int) *scenarios.Case {
		c := poisson(queue{workers, load}, n, 1)
		c.Variant.Topology.Nodes[0].Queue, c.Variant.Topology.Nodes[0].ServiceTime = room, laws[law]
		return c
	}
}

func sharing(workers int, law string, load float64) func(int) *scenarios.Case {
	return func(n int) *scenarios.Case {
		c := poisson(queue{workers, load}, n, 1)
		c.Variant.Topology.Nodes[0].Sharing, c.Variant.Topology.Nodes[0].ServiceTime = true, laws[law]
		return c
	}
}

func even(load float64) func(int) *scenarios.Case {
	return func(n int) *scenarios.Case {
		c := poisson(queue{1, load}, n, 1)
		c.Variant.Load.Streams[0].Poisson = false
		return c
	}
}

func spreading(pick string, backends int, load float64) func(int) *scenarios.Case {
	return func(n int) *scenarios.Case { return spread(pick, backends, load, n) }
}

func choosing(d float64, backends int, load float64) func(int) *scenarios.Case {
	return func(n int) *scenarios.Case {
		c := spread("power-of-d", backends, load, n)
		c.Variant.Topology.Nodes[0].Pick.Params = policy.Params{"d": {Number: d}}
		return c
	}
}

// withQuantiles is the mean of a law and some quantiles.
func withQuantiles(theMean float64, beyond law, ps ...float64) []figure {
	return append([]figure{mean(theMean)}, quantiles(beyond, ps...)...)
}

func markovFigures(workers int, load float64, ps ...float64) []figure {
	q := queue{workers, load}
	return withQuantiles(q.mean(), q.beyond, ps...)
}

func turnsFigures(k int, load float64, ps ...float64) []figure {
	return withQuantiles(turns(k, load), exponential(turns(k, load)), ps...)
}

// models are those of continuous integration: no load is above 0.8.
func models() []model {
	all := []model{
		// Lines before workers.
		{"M/M/1 at 0.5", 20, 190_000, markov(1, .5), markovFigures(1, .5, .5, .99)},
		{"M/M/1 at 0.7", 20, 180_000, markov(1, .7), markovFigures(1, .7, .5)},
		{"M/M/1 at 0.8", 30, 420_000, markov(1, .8), markovFigures(1, .8, .5)},
		{"M/M/2 at 0.7", 20, 105_000, markov(2, .7), markovFigures(2, .7, .5)},
		{"M/M/4 at 0.7", 20, 45_000, markov(4, .7), markovFigures(4, .7, .5)},
		{"M/M/10 at 0.5", 20, 40_000, markov(10, .5), markovFigures(10, .5, .5, .99)},
		{"M/M/10 at 0.8", 20, 115_000, markov(10, .8), markovFigures(10, .8, .5, .99)},
		{"M/D/1 at 0.5", 20, 90_000, general("constant", .5), withQuantiles(1.5, constantWork(.5), .9, .99)},
		{"M/D/1 at 0.7", 20, 120_000, general("constant", .7), withQuantiles(1+.7/.6, constantWork(.7), .5, .9)},
		{"M/G/1 uniform 0.5 to 1.5 at 0.7", 20, 80_000, general("uniform 0.5 to 1.5", .7), []figure{mean(pollaczek(.7, 1./12))}},
		{"M/G/1 uniform 0 to 2 at 0.7", 20, 100_000, general("uniform 0 to 2", .7), []figure{mean(pollaczek(.7, 1./3))}},
		{"M/G/1 lognormal 0.5 at 0.7", 20, 90_000, general("lognormal 0.5", .7), []figure{mean(pollaczek(.7, math.Expm1(.25)))}},
		{"M/G/1 lognormal 1 at 0.5", 20, 160_000, general("lognormal 1", .5), []figure{mean(pollaczek(.5, math.Expm1(1)))}},
		{"D/M/1 at 0.7", 20, 40_000, even(.7), withQuantiles(turns(0, .7), exponential(turns(0, .7)), .5)},

		// Workers that share themselves: the mean does not depend on the law.
		{"M/D/1-PS at 0.7", 20, 110_000, sharing(1, "constant", .7), []figure{mean(1 / .3)}},
		{"M/M/1-PS at 0.7", 20, 140_000, sharing(1, "exponential", .7), []figure{mean(1 / .3)}},
		{"M/G/1-PS uniform at 0.7", 20, 130_000, sharing(1, "uniform 0 to 2", .7), []figure{mean(1 / .3)}},
		{"M/G/1-PS lognormal 1 at 0.5", 20, 65_000, sharing(1, "lognormal 1", .5), []figure{mean(2)}},
		{"M/M/1-PS at 0.3", 20, 150_000, sharing(1, "exponential", .3), []figure{mean(1 / .7), meanSquare((2.3/1.7 + 1) / .49)}},
		{"M/M/4-PS at 0.7", 20, 45_000, sharing(4, "exponential", .7), []figure{mean(queue{4, .7}.mean())}},

		// Balancers. At random, each queue is M/M/1; in turns, E_k/M/1.
		{"random over 10 at 0.5", 20, 40_000, spreading("random", 10, .5), []figure{mean(2)}},
		{"round robin over 2 at 0.5", 20, 50_000, spreading("round-robin", 2, .5), turnsFigures(2, .5, .5)},
		{"round robin over 10 at 0.5", 20, 75_000, spreading("round-robin", 10, .5), turnsFigures(10, .5, .5, .99)},
		{"round robin over 4 at 0.7", 20, 115_000, spreading("round-robin", 4, .7), turnsFigures(4, .7, .5)},
		{"round robin over 10 at 0.7", 20, 110_000, spreading("round-robin", 10, .7), turnsFigures(10, .7, .5)},

		// The best of d among n. Theory is the limit for very many; with 100
		// the mean is above it by 0.4% to 1.3%.
		{"two choices of 100 at 0.7", 20, 55_000, spreading("p2c", 100, .7), []figure{biased(mean(choices(2, .7)), .01)}},
		{"three choices of 100 at 0.8", 20, 70_000, choosing(3, 100, .8), []figure{biased(mean(choices(3, .8)), .015)}},
		{"five choices of 100 at 0.7", 20, 45_000, choosing(5, 100, .7), []figure{biased(mean(choices(5, .7)), .01)}},

		// Three backends, solved as a Markov chain. TestOtherRulesWouldShow
		// says what other rules would come to.
		{"least connections of 3 at 0.6", 20, 45_000, spreading("least-connections", 3, .6), []figure{mean(chain3(.6, 16, shortest))}},
		{"two choices of 3 at 0.6", 20, 45_000, spreading("p2c", 3, .6), []figure{mean(chain3(.6, 16, twoOf(true)))}},

		// Ties are broken at random: else almost all would go to the first.
		{"least connections, hardly loaded", 20, 60_000, spreading("least-connections", 10, .05), []figure{taken(0, .1), taken(9, .1)}},
		{"two choices, hardly loaded", 20, 70_000, spreading("p2c", 10, .05), []figure{taken(0, .1), taken(9, .1)}},
		// Of fifty balancers each sees a fiftieth of what is in flight: next to
		// nothing, so that ties are all there is to go by. If they went to the
		// first, it would be asked for five times what it can bear.
		{"least connections, fifty times", 20, 50_000, apart(50, spreading("least-connections", 10, .5)), []figure{biased(mean(2), .03)}},
	}
	for _, law := range []string{"constant", "exponential", "uniform 0 to 2", "lognormal 1"} {
		all = append(all,
			model{"Erlang's B of 1, " + law, 20, 12_000, bounded(1, 0, .8, law), []figure{lost(queue{1, .8}.blocked())}},
			model{"Erlang's B of 5, " + law, 20, 60_000, bounded(5, 0, .8, law), []figure{lost(queue{5, .8}.blocked())}})
	}
	for _, k := range []struct {
		queue
		room, requests int
	}{
		{queue{1, .8}, 1, 25_000}, {queue{1, .8}, 4, 150_000}, {queue{1, 1}, 4, 110_000}, {queue{1, 1.2}, 4, 60_000},
		{queue{1, 2}, 9, 25_000}, {queue{2, .9}, 3, 85_000}, {queue{3, 1.5}, 5, 55_000}, {queue{10, 1}, 0, 100_000},
	} {
		loss, served := k.bounded(k.room)
		all = append(all, model{fmt.Sprintf("M/M/%d/%d at %g", k.workers, k.workers+k.room, k.load), 20, k.requests,
			bounded(k.workers, k.room, k.load, "exponential"), []figure{lost(loss), mean(served)}})
	}
	return all
}

// meanSquare is the mean of squared latencies, in ms².
func meanSquare(want float64) figure {
	return figure{name: "mean square", of: func(r *measure.Run) float64 {
		sum, n := 0.0, 0.0
		counted(r, func(s *measure.Sample) {
			t := s.Latency.Seconds() * 1000
			sum, n = sum+t*t, n+1
		})
		return sum / n
	}, want: want}
}

// taken is the share of attempts that went to a place of the last node.
func taken(i int, want float64) figure {
	return figure{name: "share of a backend", of: func(r *measure.Run) float64 {
		return float64(r.Nodes[1+i].Requests) / float64(r.Nodes[0].Requests)
	}, want: want}
}

// apart has so many balancers, to which clients turn in turns.
func apart(balancers int, system func(int) *scenarios.Case) func(int) *scenarios.Case {
	return func(n int) *scenarios.Case {
		c := system(n)
		lb := c.Variant.Topology.Nodes[0]
		lb.Replicas, lb.Numbered = balancers, true
		return c
	}
}

// TestTheory holds the simulator against queueing theory.
func TestTheory(t *testing.T) {
	theory(t)
	for _, m := range models() {
		t.Run(m.name, func(t *testing.T) { m.hold(t) })
	}
}

// BenchmarkTheory holds the simulator against queueing theory at higher loads,
// where runs have to be long: to see that it is right, and by the way how fast.
func BenchmarkTheory(b *testing.B) {
	for _, m := range []model{
		{"M/M/1 at 0.8", 64, 480_000, markov(1, .8), markovFigures(1, .8, .5, .99)},
		{"M/M/1 at 0.9", 96, 480_000, markov(1, .9), markovFigures(1, .9, .5)},
		{"M/M/10 at 0.9", 30, 480_000, markov(10, .9), markovFigures(10, .9, .5)},
		{"M/D/1 at 0.9", 40, 480_000, general("constant", .9), withQuantiles(5.5, constantWork(.9), .5)},
		{"M/G/1 lognormal 1 at 0.8", 45, 480_000, general("lognormal 1", .8), []figure{mean(pollaczek(.8, math.Expm1(1)))}},
		{"M/M/1-PS at 0.9", 80, 480_000, sharing(1, "exponential", .9), []figure{mean(10)}},
		{"round robin over 10 at 0.9", 72, 480_000, spreading("round-robin", 10, .9), turnsFigures(10, .9)},
		{"two choices of 1000 at 0.9", 20, 300_000, spreading("p2c", 1000, .9), []figure{biased(mean(choices(2, .9)), .005)}},
	} {
		b.Run(m.name, func(b *testing.B) {
			for b.Loop() {
				m.hold(b)
			}
			b.ReportMetric(float64(b.N*m.runs*m.requests)/b.Elapsed().Seconds(), "requests/s")
		})
	}
}

// TestOtherRulesWouldShow: the models of three backends tell apart, by far more
// than they scatter, the rules that get mistaken for each other: drawing two
// with replacement, counting only what runs, and the first of those that look
// alike.
func TestOtherRulesWouldShow(t *testing.T) {
	theory(t)
	right := chain3(.6, 16, shortest)
	require.Greater(t, chain3(.6, 16, twoOf(true)), 1.05*right)
	require.Greater(t, chain3(.6, 16, twoOf(false)), 1.05*chain3(.6, 16, twoOf(true)))
	require.Greater(t, chain3(.6, 16, leastRunning), 1.05*right)
	require.Greater(t, chain3(.6, 16, firstOfLeastRunning), 1.4*right)
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
