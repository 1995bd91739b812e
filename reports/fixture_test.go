package reports

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// invention makes up the runs of a variant: as they may look.
type invention struct {
	variant string
	median  float64 // of latency, in ms
	spread  float64 // sigma of its logarithm
	failing float64 // share of failures while the fault lasts
	tripled float64 // how many times the latency is while it lasts
	shares  []float64
}

const (
	inventedFor  = 20 * time.Second
	inventedWarm = 2 * time.Second
	inventedRate = 300.0
)

func (v invention) run(s *scenarios.Scenario, world string, repetition int) *measure.Run {
	rng := rand.New(rand.NewPCG(uint64(repetition), uint64(len(v.variant))))
	run := &measure.Run{Format: measure.Format, Scenario: s.Name, Variant: v.variant, World: world, Repetition: repetition,
		Seed: s.Seed, Warmup: inventedWarm, Duration: inventedFor, Deadline: 100 * time.Millisecond, Target: inventedRate}
	scale := v.median * math.Exp(rng.NormFloat64()*0.02)
	if world == "live" {
		scale *= 1.12
		run.Machine = measure.Provenance{Version: "v0.1.0-3-g1a2b3c4", Go: "go1.26.0", System: "Linux 6.12.9 amd64", CPU: "AMD EPYC 7B13", Cores: 2,
			Started: time.Date(2026, 5, 4, 12, 30, 0, 0, time.UTC), LateP50: 60 * time.Microsecond, LateP99: 900 * time.Microsecond, GeneratorCPU: 64 * time.Microsecond}
	} else {
		run.Machine.Version, run.Machine.Calibration = "v0.1.0-3-g1a2b3c4", "built-in"
	}
	at := time.Duration(0)
	for n := uint64(0); ; n++ {
		at += time.Duration(rng.ExpFloat64() / inventedRate * float64(time.Second))
		if at >= inventedFor {
			break
		}
		run.Samples = append(run.Samples, v.sample(rng, n, at, scale))
	}
	v.nodes(run, variantOf(s, v.variant).Topology)
	return run
}

func (v invention) sample(rng *rand.Rand, n uint64, at time.Duration, scale float64) measure.Sample {
	s := measure.Sample{Number: n, At: at, Status: 200, Class: "alice"}
	if rng.Float64() < 0.1 {
		s.Class = "bob"
	}
	ill := at > 6*time.Second && at < 12*time.Second
	ms := scale * math.Exp(rng.NormFloat64()*v.spread)
	if ill {
		ms *= v.tripled
	}
	s.Latency = time.Duration(ms * float64(time.Millisecond))
	switch {
	case ill && rng.Float64() < v.failing:
		s.Status, s.Reason = 502, policy.Refused
	case s.Class == "bob" && rng.Float64() < 0.3:
		s.Status, s.Reason = 429, policy.Limited
	case s.Latency > time.Second:
		s.Status, s.Reason, s.Latency = 0, policy.Timeout, time.Second
	}
	return s
}

// nodes counts what each place may have done for the samples.
func (v invention) nodes(run *measure.Run, t *topologies.Topology) {
	received := map[topologies.Place]float64{topologies.Place(t.Entry): float64(len(run.Samples)) * 0.9}
	for _, name := range order(t) {
		n := t.Node(name)
		for _, place := range n.Places() {
			use := measure.NodeUse{Place: string(place), Kind: string(n.Kind), Requests: int64(received[place]), Asked: map[string]int64{},
				Reasons: map[string]int64{"ok": int64(received[place] * 0.97), "failed": int64(received[place] * 0.01)}}
			onwards := received[place]
			if n.Cache != nil {
				use.Cache = map[string]int64{"hit": int64(onwards * 0.82), "miss": int64(onwards * 0.18)}
				onwards *= 0.18
			}
			if n.Keys != nil {
				use.Reasons["limited"] = int64(onwards * 0.03)
				onwards *= 0.97
				for i, consumer := range []string{"alice", "bob"} {
					products := measure.Usage{Consumer: consumer, Route: "/products/*", Requests: int64(onwards * []float64{0.8, 0.08}[i]), Bytes: int64(onwards * 1830), Limited: int64(onwards) / 30 * int64(i)}
					orders := measure.Usage{Consumer: consumer, Route: "POST /orders", Requests: int64(onwards * 0.06), Bytes: 51234, Errors: int64(i)}
					products.Used, orders.Used = time.Duration(products.Requests)*time.Millisecond, time.Duration(orders.Requests)*5*time.Millisecond
					for k := range products.Requests {
						products.Latency.Add(time.Duration(10+k%40) * time.Millisecond)
					}
					use.Usage = append(use.Usage, products, orders)
				}
			}
			for _, up := range n.Upstreams() {
				pool := t.Node(up).Places()
				for i, to := range pool {
					part := onwards / float64(len(pool)) / float64(len(n.Upstreams()))
					if len(pool) == len(v.shares) {
						part = onwards * v.shares[i] / float64(len(n.Upstreams()))
					}
					use.Asked[string(to)] = int64(part)
					received[to] += part
				}
			}
			if run.World == "live" {
				use.CPU = time.Duration(received[place] * float64(80+20*len(use.Asked)+run.Repetition) * 1e3)
				use.Memory = 23 << 20
			}
			run.Nodes = append(run.Nodes, use)
		}
	}
}

// order lists nodes, each after all that ask it.
func order(t *topologies.Topology) []string {
	depth := depths(t)
	var names []string
	for d := 0; d <= len(t.Nodes); d++ {
		for _, n := range t.Nodes {
			if depth[n.Name] == d {
				names = append(names, n.Name)
			}
		}
	}
	return names
}

func variantOf(s *scenarios.Scenario, name string) *scenarios.Variant {
	for i := range s.Variants {
		if s.Variants[i].Name == name {
			return &s.Variants[i]
		}
	}
	return nil
}

// pickers compares four balancers while a backend is down.
func pickers(t *testing.T) (*scenarios.Scenario, *measure.Result) {
	names := []string{"round-robin", "least-connections", "ip-hash", "p2c"}
	s := scenario(t, "crash", "One of three backends crashes for six seconds. Does a load balancer hide it from its clients?", names, func(string) string { return "lb" })
	for i := range s.Variants {
		v := &s.Variants[i]
		v.Changes = []scenarios.Change{{Path: "lb.pick", Value: v.Name}}
		v.Faults = []scenarios.Fault{{At: 6 * time.Second, For: 6 * time.Second, On: []topologies.Place{"api[1]"}, Crash: true}}
	}
	return s, fold(s, []invention{
		{"round-robin", 5.2, 0.62, 0.06, 1.9, []float64{.38, .24, .38}},
		{"least-connections", 5.1, 0.5, 0.01, 1.5, []float64{.38, .24, .38}},
		{"ip-hash", 5.6, 0.75, 0.31, 1.2, []float64{.52, .18, .30}},
		{"p2c", 5.0, 0.48, 0.012, 1.45, []float64{.37, .25, .38}},
	}, []string{"live", "sim"}, nil)
}

// systemsCompared compares four topologies.
func systemsCompared(t *testing.T) (*scenarios.Scenario, *measure.Result) {
	names := []string{"direct", "proxy", "gateway-lb", "cdn-gateway-lb"}
	s := scenario(t, "hops", "What does each further hop cost?", names, func(name string) string { return name })
	return s, fold(s, []invention{
		{"direct", 3.4, 0.5, 0, 1, nil},
		{"proxy", 3.7, 0.5, 0, 1, nil},
		{"gateway-lb", 4.3, 0.5, 0, 1, nil},
		{"cdn-gateway-lb", 1.2, 0.9, 0, 1, nil},
	}, []string{"live", "sim"}, []measure.Warning{
		{Kind: "cpu", Severe: true, Text: "Components and generator used 93% of the machine's processors, so that they wait for each other: offer less load, or use more cores."},
		{Kind: "samples", Text: "p99.9 is a dash: a repetition has 5 400 samples, and 30 beyond the quantile need 30 000; let the load last longer."},
	})
}

// crowded has many variants of long names, many faults, many replicas, and
// one world.
func crowded(t *testing.T) (*scenarios.Scenario, *measure.Result) {
	var names []string
	var all []invention
	for i, pick := range []string{"round-robin", "least-connections", "ip-hash", "random", "p2c"} {
		for tries := range 2 {
			name := fmt.Sprintf("%s, retry.tries %d", pick, tries+1)
			names = append(names, name)
			all = append(all, invention{variant: name, median: 3 * float64(i+1), spread: 0.6, failing: 0.1, tripled: 3})
		}
	}
	s := scenario(t, "crowded", "Which of ten balancers bears a crash, a slow backend, a frozen one and one that errs, all in twenty seconds, over sixty replicas?", names,
		func(string) string { return "lb" })
	s.JudgeBy = measure.Metric{Name: "p90", Class: "bob"}
	at := func(from, length int, place topologies.Place) scenarios.Fault {
		return scenarios.Fault{At: time.Duration(from) * time.Second, For: time.Duration(length) * time.Second, On: []topologies.Place{place}}
	}
	crash, slow, freeze, errs := at(3, 4, "api[1]"), at(5, 6, "api[2]"), at(6, 1, "api[3]"), at(18, 2, "api[4]")
	crash.Crash, slow.Slow, freeze.Freeze, errs.Rule = true, 5, true, scenarios.Erring(0.3)
	for i := range s.Variants {
		s.Variants[i].Faults = []scenarios.Fault{crash, slow, freeze, errs}
		s.Variants[i].Topology.Node("api").Replicas = 60
	}
	return s, fold(s, all, []string{"live"}, nil)
}

func scenario(t *testing.T, name, question string, variants []string, topology func(variant string) string) *scenarios.Scenario {
	s := &scenarios.Scenario{Name: name, Question: question, File: name, Baseline: variants[0], JudgeBy: measure.Metric{Name: "p99"}, Repeat: 5, Seed: 42,
		Expect: []measure.Expectation{
			{Variant: "all", Metric: measure.Metric{Name: "availability"}, Bound: 0.985, Text: "> 98.5%"},
			{Variant: variants[len(variants)-1], Metric: measure.Metric{Name: "p99"}, Less: true, Bound: 1, Relative: true, Text: "< baseline"},
		}}
	for _, v := range variants {
		loaded, err := topologies.Load(topology(v), "")
		require.NoError(t, err)
		s.Variants = append(s.Variants, scenarios.Variant{Name: v, Topology: loaded, Warmup: inventedWarm, Timeout: time.Second, Deadline: 100 * time.Millisecond,
			Load: scenarios.Load{Streams: []scenarios.Stream{{Poisson: true, Rate: []scenarios.Leg{{From: inventedRate, To: inventedRate, For: inventedFor}},
				Mix: []scenarios.Ask{
					{Share: 0.9, Method: "GET", Path: scenarios.Template{Before: "/products/", Law: "zipf", Keys: 1000, Skew: 1.1}, Class: "alice"},
					{Share: 0.1, Method: "POST", Path: scenarios.Template{Before: "/orders"}, Body: 1024, Class: "bob"}}}}}})
	}
	return s
}

func fold(s *scenarios.Scenario, all []invention, worlds []string, warnings []measure.Warning) *measure.Result {
	var runs []*measure.Run
	q := measure.Question{Scenario: s.Name, Text: s.Question, Baseline: s.Baseline, JudgeBy: s.JudgeBy, Repeat: s.Repeat, Seed: s.Seed,
		Expect: s.Expect, Worlds: worlds, Command: fmt.Sprintf("trafficlab run %s --world both --seed %d", s.File, s.Seed)}
	for _, v := range all {
		q.Variants = append(q.Variants, v.variant)
		for _, world := range worlds {
			for i := range s.Repeat {
				runs = append(runs, v.run(s, world, i))
			}
		}
	}
	if warnings != nil {
		runs[len(runs)-2*s.Repeat].Warnings = warnings
	}
	result, err := measure.Fold(q, runs)
	if err != nil {
		panic(err)
	}
	return result
}
