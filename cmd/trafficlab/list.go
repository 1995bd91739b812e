package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"trafficlab/bench/measure"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// entry is one line of a list, or the heading of those that follow and an
// example.
type entry struct {
	heading     string
	name, about string
	parameters  []policy.Parameter
}

// shelves is the registry of what can be listed, in this order.
var shelves = []struct {
	name string
	list func() ([]entry, error)
}{
	{"scenarios", shippedScenarios},
	{"topologies", shippedTopologies},
	{"policies", policies},
	{"load", loadForms},
	{"faults", faults},
	{"metrics", metrics},
}

func listVerb() *cobra.Command {
	var quiet bool
	c := &cobra.Command{
		Use:   "list [scenarios|topologies|policies|load|faults|metrics]",
		Short: "List what is shipped: scenarios, topologies, policies, load, faults, metrics",
		Example: `  trafficlab list
  trafficlab list policies           what nodes of a topology can be told, with examples
  trafficlab list scenarios --quiet  names only, one a line`,
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: shelfNames(),
		RunE: verb(func(c *cobra.Command, args []string) error {
			t := newTerminal(c.OutOrStdout())
			for _, s := range shelves {
				if len(args) > 0 && args[0] != s.name {
					continue
				}
				entries, err := s.list()
				if err != nil {
					return err
				}
				if len(args) == 0 && !quiet {
					t.line("%s", s.name)
				}
				listing(t, entries, quiet)
			}
			return nil
		}),
	}
	c.Flags().BoolVarP(&quiet, "quiet", "q", false, "names only, one a line")
	return c
}

func listing(t *terminal, entries []entry, quiet bool) {
	var lines table
	for _, e := range entries {
		switch {
		case e.heading != "" && quiet:
		case e.heading != "":
			lines.write(t.w)
			lines = table{}
			t.line("\n%s", e.heading)
			t.line("  %s", e.about)
		case quiet:
			t.line("%s", e.name)
		default:
			lines.add(e.name, t.paint(dim, e.about))
			for _, p := range e.parameters {
				lines.add("  "+p.Name+": "+topologies.Usual(p), t.paint(dim, p.About+" ("+topologies.Range(p)+")"))
			}
		}
	}
	lines.write(t.w)
}

func shelfNames() []string {
	var names []string
	for _, s := range shelves {
		names = append(names, s.name)
	}
	return names
}

func shippedScenarios() ([]entry, error) {
	var entries []entry
	for _, name := range scenarios.Shipped() {
		s, err := scenarios.Open(name, scenarios.Options{})
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry{name: name, about: s.Question})
	}
	return entries, nil
}

func shippedTopologies() ([]entry, error) {
	var entries []entry
	for _, name := range topologies.Shipped() {
		t, err := topologies.Load(name, "")
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry{name: name, about: t.About})
	}
	return entries, nil
}

// group is policies that are written in the same place of a topology.
type group struct {
	heading string
	example string // fields of a node
	entries []entry
}

func groups() []group {
	return []group{
		{"pick: which backend of a pool (weights are heeded by " + weighers() + ")", "pick: {power-of-d: {d: 5}}", kindsOf(policy.Pickers)},
		{"Fields of a proxy: who is in the pool", "ejection: {failures: 3, base: 10s}, panic: on, subset: 20", kindsOf(policy.Memberships)},
		{"Fields of a proxy: what is done about failures and overload", "retry: {tries: 3, on: [refused, 5xx], backoff: {base: 10ms}, budget: 20%}, breaker: {ratio: 50%}", kindsOf(policy.Guards)},
		{"concurrency.limit: how much is upstream at once", "concurrency: {limit: {aimd: {max: 50}}, queue: 64}", kindsOf(policy.Concurrencies)},
		{"Fields of a proxy: rate limits", `limit: {rate: 100/s, by: address, cost: {"POST /orders": 2}}`, kindsOf(policy.Limiting)},
		{"limit.algorithm: what a rate is", "limit: {algorithm: sliding-log, rate: 100/s, window: 10s}", kindsOf(policy.Limiters)},
		{"Fields of a proxy: what callers and upstreams may take their time and room for", "callers: {head: 16KiB, send: {rate: 4KiB}, per-address: 100}, answers: {body: 10MiB}, tunnels: off", kindsOf(policy.Bounding)},
		{"Fields of a backend: how it takes work", "queue: 16, drop-expired: true", kindsOf(policy.Working)},
		{"queue.order: who of a backend's queue is next", "queue: {bound: 64, order: {codel: {target: 2ms}}}", kindsOf(policy.Lines)},
		{"Fields of a proxy: its cache", "cache: {capacity: 16MiB, negative: 5s, stale: {if-error: 1m}}", kindsOf(policy.Caching)},
		{"cache.evict: what has to go from a full cache", "cache: {evict: {s3-fifo: {small: 20%}}}", kindsOf(policy.Evictions)},
	}
}

func policies() ([]entry, error) {
	var entries []entry
	for _, g := range groups() {
		entries = append(entries, entry{heading: g.heading, about: "such as  " + g.example})
		entries = append(entries, g.entries...)
	}
	return entries, nil
}

func weighers() string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(policy.Pickers)) {
		if policy.Pickers[name].Weighs {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// kindsOf lists a registry of policies, each with its parameters.
func kindsOf[K interface{ Describe() policy.Kind }](registry map[string]K) []entry {
	var entries []entry
	for _, name := range slices.Sorted(maps.Keys(registry)) {
		kind := registry[name].Describe()
		entries = append(entries, entry{name: name, about: kind.About, parameters: kind.Parameters})
	}
	return entries
}

func faults() ([]entry, error) {
	entries := []entry{{heading: "One of these, and when and where it is", about: "such as  " + scenarios.FaultExample}}
	for _, name := range scenarios.FaultNames() {
		kind := scenarios.Faults[name]
		entries = append(entries, entry{name: name + ": " + kind.Example, about: kind.About})
	}
	for _, f := range scenarios.FaultFields {
		entries = append(entries, entry{name: "  " + f.Name, about: f.About})
	}
	return entries, nil
}

func loadForms() ([]entry, error) {
	entries := []entry{{heading: "One of these, and what is asked for", about: "such as  load: " + scenarios.LoadExample}}
	for _, name := range scenarios.ShapeNames() {
		kind := scenarios.Shapes[name]
		entries = append(entries, entry{name: name + ": " + kind.Example, about: kind.About})
	}
	entries = append(entries, entry{heading: "A drawn key in a path", about: "such as  get: /products/{zipf 1000 1.1}"})
	for _, name := range scenarios.KeyLawNames() {
		kind := scenarios.KeyLaws[name]
		entries = append(entries, entry{name: kind.Example, about: kind.About})
	}
	for _, group := range []struct {
		heading, example string
		fields           []scenarios.Field
	}{
		{"Fields of a stream", "{poisson: 100/s, at: 5s, for: 10s, mix: [{get: /}]}", scenarios.StreamFields},
		{"Fields of what is asked for", "{post: /orders, body: 1KiB, share: 10%, class: buyers}", scenarios.AskFields},
	} {
		entries = append(entries, entry{heading: group.heading, about: "such as  " + group.example})
		for _, f := range group.fields {
			entries = append(entries, entry{name: f.Name, about: f.About})
		}
	}
	return entries, nil
}

func metrics() ([]entry, error) {
	var entries []entry
	for _, name := range measure.MetricNames() {
		entries = append(entries, entry{name: name, about: measure.Metrics[name].About})
	}
	return entries, nil
}
