package sim

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// foretold is a system, and what is to be told of it by formula.
type foretold struct {
	name   string
	system func(requests int) *scenarios.Case
	model  string // where nothing is charged for the machinery; "": none
	costly string // where the usual is charged
}

// worked is a system whose unit of time is so long, not a millisecond.
func worked(unit time.Duration, system func(int) *scenarios.Case) func(int) *scenarios.Case {
	return func(n int) *scenarios.Case {
		c := system(n)
		k := float64(unit) / float64(ms)
		v := &c.Variant
		for _, node := range v.Topology.Nodes {
			d := &node.ServiceTime
			for _, t := range []*time.Duration{&d.Mean, &d.Low, &d.High, &d.Median, &d.P99} {
				*t = time.Duration(float64(*t) * k)
			}
		}
		leg := &v.Load.Streams[0].Rate[0]
		leg.From, leg.To, leg.For = leg.From/k, leg.To/k, time.Duration(float64(leg.For)*k)
		v.Warmup = leg.For / 10
		return c
	}
}

// but is a system with something about it.
func but(system func(int) *scenarios.Case, about func(v *scenarios.Variant)) func(int) *scenarios.Case {
	return func(n int) *scenarios.Case {
		c := system(n)
		about(&c.Variant)
		return c
	}
}

func entry(v *scenarios.Variant) *topologies.Node { return v.Topology.Nodes[0] }

func backend(v *scenarios.Variant) *topologies.Node {
	return v.Topology.Nodes[len(v.Topology.Nodes)-1]
}

func toldSystems() []foretold {
	slow := func(system func(int) *scenarios.Case) func(int) *scenarios.Case { return worked(10*ms, system) }
	single, three := slow(markov(1, .7)), slow(spreading("random", 3, .5))
	return []foretold{
		{"one worker", single, "M/M/1", "M/M/1"},
		{"one worker, loaded", slow(markov(1, .8)), "M/M/1", "M/M/1"},
		{"four workers", slow(markov(4, .6)), "M/M/4", "M/M/4"},
		{"short line", slow(bounded(2, 3, .8, "exponential")), "M/M/2/5", "M/M/2/5"},
		{"constant work", slow(general("constant", .7)), "M/D/1", "M/D/1"},
		{"uniform work", slow(general("uniform 0 to 2", .7)), "M/G/1", "M/G/1"},
		{"shared", slow(sharing(1, "uniform 0 to 2", .6)), "M/G/1-PS", "M/G/1-PS"},
		{"at random", three, "3 × M/M/1", "3 × M/M/1"},
		{"in turns", slow(spreading("round-robin", 3, .6)), "3 × E3/M/1", "3 × E3/M/1"},
		{"two choices of 10", slow(spreading("p2c", 10, .7)), "supermarket, d = 2", "supermarket, d = 2"},
		{"two choices of 40", worked(50*ms, spreading("p2c", 40, .7)), "supermarket, d = 2", "supermarket, d = 2"},
		{"three choices of 20", slow(choosing(3, 20, .5)), "supermarket, d = 3", ""},
		{"patient enough", but(single, func(v *scenarios.Variant) { v.Timeout = 450 * ms }), "M/M/1", "M/M/1"},
		{"checks", but(three, func(v *scenarios.Variant) {
			entry(v).Health = &topologies.Health{Every: 500 * ms, Timeout: 250 * ms, Path: "/healthz", DownAfter: 2, UpAfter: 2}
		}), "3 × M/M/1", "3 × M/M/1"},

		// The machine is too busy, or what waits for it is too short.
		{"short work", worked(100*time.Microsecond, markov(4, .025)), "M/M/4", ""},
		{"busy cores", slow(markov(40, .7)), "M/M/40", ""},

		// What no formula knows of.
		{"impatient clients", but(slow(markov(1, .8)), func(v *scenarios.Variant) { v.Timeout = 300 * ms }), "", ""},
		{"impatient balancer", but(three, func(v *scenarios.Variant) { entry(v).Timeout.Response = 150 * ms }), "", ""},
		{"a long line", but(slow(bounded(1, 50, 1.2, "exponential")), func(v *scenarios.Variant) { v.Timeout = 500 * ms }), "", ""},
		{"errors", but(single, func(v *scenarios.Variant) { backend(v).Errors = .3 }), "", ""},
		{"a fault", but(single, func(v *scenarios.Variant) {
			v.Faults = []scenarios.Fault{{At: time.Second, For: time.Second, On: []topologies.Place{"api"}, Slow: 2}}
		}), "", ""},
		{"few connections", but(three, func(v *scenarios.Variant) { entry(v).Connections = 2 }), "", ""},
		{"a short line behind a balancer", but(three, func(v *scenarios.Variant) { backend(v).Queue = 3 }), "", ""},
		{"a breaker", but(three, func(v *scenarios.Variant) { entry(v).Breaker = &topologies.Breaker{Consecutive: 5} }), "", ""},
		{"health checks as load", but(single, func(v *scenarios.Variant) { v.Load.Streams[0].Mix[0].Path.Before = "/healthz" }), "", ""},
		{"by address", slow(spreading("ip-hash", 3, .5)), "", ""},
		{"few to choose from", slow(spreading("p2c", 3, .8)), "", ""},
		{"newest first", but(single, func(v *scenarios.Variant) { backend(v).Order = policy.Choice{Name: "lifo"} }), "", ""},
	}
}

// TestTheoryHolds: what is printed by formula is what the simulator comes to,
// as exactly as is said, whatever the machinery costs; and nothing is printed
// where no formula holds.
func TestTheoryHolds(t *testing.T) {
	theory(t)
	for _, one := range toldSystems() {
		for costs, model := range map[*Costs]string{{}: one.model, new(DefaultCosts()): one.costly} {
			t.Run(fmt.Sprintf("%s, %d cores", one.name, costs.Cores), func(t *testing.T) {
				told, ok := TheoryOf(&one.system(6_000).Variant, *costs)
				require.Equal(t, model, told.Model)
				require.Equal(t, model != "", ok)
				if ok {
					told.hold(t, one.system, *costs)
				}
			})
		}
	}
}

// hold plays the system that theory tells of.
func (t Theory) hold(tb testing.TB, system func(int) *scenarios.Case, costs Costs) {
	tb.Helper()
	of := func(p float64) func(*measure.Run) float64 {
		return func(r *measure.Run) float64 {
			all := servedIn(r)
			return all[int(p*float64(len(all)))].Seconds()
		}
	}
	m := model{system: system, runs: 20, requests: 6_000, figures: []figure{
		{name: "mean", of: func(r *measure.Run) float64 { return meanOfServed(r) / 1000 }, want: t.Mean.Seconds()},
		{name: "loss", of: func(r *measure.Run) float64 {
			return share(r, func(s *measure.Sample) bool { return s.Reason != policy.OK })
		}, want: t.Loss},
	}}
	if t.P50 > 0 {
		m.figures = append(m.figures, figure{name: "p50", of: of(.5), want: t.P50.Seconds()}, figure{name: "p99", of: of(.99), want: t.P99.Seconds()})
	}
	for i, all := range m.play(tb, costs) {
		f := m.figures[i]
		bias := t.Bias * max(f.want, t.Mean.Seconds())
		if f.name == "loss" {
			bias = 0
		}
		mean, e := standard(all)
		tb.Logf("%s %s: %.4g, theory %.4g ± %.2g, standard error %.2g", t.Model, f.name, mean, f.want, bias, e)
		require.InDelta(tb, f.want, mean, tolerated*e+bias+1e-9, f.name)
	}
}

// servedIn is the latencies of those that were answered, in order.
func servedIn(r *measure.Run) (all []time.Duration) {
	counted(r, func(s *measure.Sample) {
		if s.Reason == policy.OK {
			all = append(all, s.Latency)
		}
	})
	slices.Sort(all)
	return all
}
