package sim

import (
	"fmt"
	"reflect"
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
		{"one worker, loaded", slow(markov(1, .75)), "M/M/1", "M/M/1"},
		{"four workers", slow(markov(4, .6)), "M/M/4", "M/M/4"},
		{"short line", slow(bounded(2, 3, .8, "exponential")), "M/M/2/5", "M/M/2/5"},
		{"constant work", slow(general("constant", .7)), "M/D/1", "M/D/1"},
		{"uniform work", slow(general("uniform 0 to 2", .7)), "M/G/1", "M/G/1"},
		{"shared", slow(sharing(1, "uniform 0 to 2", .6)), "M/G/1-PS", "M/G/1-PS"},
		{"at random", three, "3 × M/M/1", "3 × M/M/1"},
		{"in turns", slow(spreading("round-robin", 3, .6)), "3 × E3/M/1", "3 × E3/M/1"},
		{"two choices of 10", worked(20*ms, spreading("p2c", 10, .7)), "supermarket, d = 2", "supermarket, d = 2"},
		{"two choices of 40", worked(50*ms, spreading("p2c", 40, .7)), "supermarket, d = 2", "supermarket, d = 2"},
		{"three choices of 20", slow(choosing(3, 20, .5)), "supermarket, d = 3", ""},
		{"patient enough", but(single, func(v *scenarios.Variant) { v.Timeout = 450 * ms }), "M/M/1", "M/M/1"},

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
// as exactly as is said; and nothing is printed where no formula holds. What the
// machinery adds is told from pairs of runs, with it and without, which meet the
// same requests: there a formula that is off by a hundredth shows.
func TestTheoryHolds(t *testing.T) {
	theory(t)
	for _, one := range toldSystems() {
		t.Run(one.name, func(t *testing.T) {
			free, costly := one.told(t, Costs{}, one.model), one.told(t, DefaultCosts(), one.costly)
			if one.model != "" {
				free.hold(t, one.system)
			}
			if one.costly != "" {
				costly.holdBeside(t, free, one.system, free.pair(one.system).play(t, Costs{}))
			}
		})
	}
}

// told is what theory says of the system, by the model given or by none.
func (f *foretold) told(t *testing.T, costs Costs, model string) Theory {
	told, ok := TheoryOf(&f.system(1).Variant, costs)
	require.Equal(t, model, told.Model)
	require.Equal(t, model != "", ok)
	return told
}

// often is how health checks are usually made.
var often = &topologies.Health{Every: 500 * ms, Timeout: 250 * ms, Path: "/healthz", DownAfter: 2, UpAfter: 2}

// harmless is what theory takes no notice of in a balancer or in a backend, by
// field, with what a run is given of it. nil: it is what theory is about.
var harmless = map[topologies.Kind]map[string]func(n *topologies.Node){
	topologies.LoadBalancer: {
		"Name": nil, "Kind": nil, "Replicas": nil, "Numbered": nil, "To": nil, "Pick": nil,
		"TLS":    func(n *topologies.Node) { n.TLS = &topologies.TLS{} },
		"Health": func(n *topologies.Node) { n.Health = often },
		"Retry":  func(n *topologies.Node) { n.Retry = topologies.Retry{Tries: 3, On: []string{"5xx", "timeout"}} },
		"Timeout": func(n *topologies.Node) {
			n.Timeout = topologies.Timeouts{Connect: time.Second, Response: 2 * time.Second}
		},
		"Connections": func(n *topologies.Node) { n.Connections = 64 },
		"Trust":       func(n *topologies.Node) { n.Trust = []string{"127.0.0.0/8"} },
		"Forwarded":   func(n *topologies.Node) { n.Forwarded = true },
		"Via":         func(n *topologies.Node) { n.Via = true },
		"Problems":    func(n *topologies.Node) { n.Problems = true },
	},
	topologies.Backend: {
		"Name": nil, "Kind": nil, "Replicas": nil, "Numbered": nil, "Workers": nil, "Sharing": nil, "ServiceTime": nil,
		"Queue":        func(n *topologies.Node) { n.Queue = 100 },
		"Order":        func(n *topologies.Node) { n.Order.Name = "fifo" },
		"Response":     func(n *topologies.Node) { n.Response = 64 << 10 },
		"CacheControl": func(n *topologies.Node) { n.CacheControl = []topologies.PathValue{{Path: "*", Value: "max-age=60"}} },
		"CacheTag":     func(n *topologies.Node) { n.CacheTag = []topologies.PathValue{{Path: "*", Value: "all"}} },
		"Content":      func(n *topologies.Node) { n.Content = []topologies.PathValue{{Path: "*", Value: "hello"}} },
	},
}

// TestTheoryKnowsWhatMatters: whatever a node is told, theory is either silent
// from then on, or a run fares with it as theory says that one without does.
func TestTheoryKnowsWhatMatters(t *testing.T) {
	theory(t)
	plain := worked(10*ms, spreading("random", 3, .5))
	free, ok := TheoryOf(&plain(1).Variant, Costs{})
	require.True(t, ok)
	without := free.pair(plain).play(t, Costs{})
	nodeOf := map[topologies.Kind]func(*scenarios.Variant) *topologies.Node{topologies.LoadBalancer: entry, topologies.Backend: backend}
	for kind, node := range nodeOf {
		fields := reflect.TypeFor[topologies.Node]()
		for i := range fields.NumField() {
			name := fields.Field(i).Name
			give, named := harmless[kind][name]
			t.Run(fmt.Sprint(name, " of a ", kind), func(t *testing.T) {
				switch {
				case !named:
					c := plain(1)
					fill(reflect.ValueOf(node(&c.Variant)).Elem().Field(i))
					_, ok := TheoryOf(&c.Variant, DefaultCosts())
					require.False(t, ok, "theory takes no notice of it, and nobody has said that it does not matter")
				case give != nil:
					system := but(plain, func(v *scenarios.Variant) { give(node(v)) })
					told, ok := TheoryOf(&system(1).Variant, DefaultCosts())
					require.True(t, ok)
					told.holdBeside(t, free, system, without)
				}
			})
		}
	}
}

// fill makes a field of a node say something.
func fill(field reflect.Value) {
	switch field.Kind() {
	case reflect.Pointer:
		field.Set(reflect.New(field.Type().Elem()))
	case reflect.Slice:
		field.Set(reflect.MakeSlice(field.Type(), 1, 1))
	case reflect.Map:
		field.Set(reflect.MakeMap(field.Type()))
	case reflect.Struct:
		fill(field.Field(0))
	case reflect.String:
		field.SetString("something")
	case reflect.Bool:
		field.SetBool(true)
	case reflect.Float64:
		field.SetFloat(.5)
	default:
		field.SetInt(1)
	}
}

// The widest that three standard errors may be, as a share of the figure.
const (
	sharp     = .03
	sharpTail = .07
)

// hold plays the system that theory tells of, without costs.
func (t Theory) hold(tb testing.TB, system func(int) *scenarios.Case) {
	tb.Helper()
	m := model{system: system, runs: 20, requests: 30_000, figures: t.figures()}
	for i, all := range m.play(tb, Costs{}) {
		f := m.figures[i]
		mean, e := standard(all)
		tb.Logf("%s %s: %.4g, theory %.4g ± %.2g, standard error %.2g", t.Model, f.name, mean, f.want, f.bias, e)
		require.InDelta(tb, f.want, mean, tolerated*e+f.bias+1e-9, f.name)
		most := sharp
		if f.name == "p99" {
			most = sharpTail
		}
		require.LessOrEqual(tb, 3*e, most*f.want, "%s: too few requests to tell", f.name)
	}
}

// pair is a model to be played beside another of the same size.
func (t Theory) pair(system func(int) *scenarios.Case) model {
	return model{system: system, runs: 20, requests: 5_000, figures: t.figures()}
}

// holdBeside plays a system with costs, beside figures of one without that met
// the same requests and of which other is known to hold: they differ by what
// theory says.
func (t Theory) holdBeside(tb testing.TB, other Theory, system func(int) *scenarios.Case, without [][]float64) {
	tb.Helper()
	m := t.pair(system)
	with, told := m.play(tb, DefaultCosts()), other.figures()
	for i := range min(len(with), len(without)) { // quantiles may be told of one alone
		f, g := m.figures[i], told[i]
		for k := range with[i] {
			with[i][k] -= without[i][k]
		}
		apart, e := standard(with[i])
		bias := max(f.bias, g.bias)
		tb.Logf("%s %s: costs add %.3g, theory %.3g ± %.2g, standard error %.2g", t.Model, f.name, apart, f.want-g.want, bias, e)
		require.InDelta(tb, f.want-g.want, apart, tolerated*e+bias+1e-9, f.name)
		if f.name == "mean" {
			require.LessOrEqual(tb, 3*e, .025*f.want, "too few requests to tell")
		}
	}
}

// figures are what theory tells, with the bias of each.
func (t Theory) figures() []figure {
	of := func(p float64) func(*measure.Run) float64 {
		return func(r *measure.Run) float64 {
			all := servedIn(r)
			return all[int(p*float64(len(all)))].Seconds()
		}
	}
	all := []figure{
		{name: "mean", of: func(r *measure.Run) float64 { return meanOfServed(r) / 1000 }, want: t.Mean.Seconds()},
		{name: "loss", of: func(r *measure.Run) float64 {
			return share(r, func(s *measure.Sample) bool { return s.Reason != policy.OK })
		}, want: t.Loss},
	}
	if t.P50 > 0 {
		all = append(all, figure{name: "p50", of: of(.5), want: t.P50.Seconds()}, figure{name: "p99", of: of(.99), want: t.P99.Seconds()})
	}
	for i := range all {
		if f := &all[i]; f.name != "loss" {
			f.bias = t.Bias * max(f.want, t.Mean.Seconds())
		}
	}
	return all
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
