package main

import (
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"trafficlab/bench/measure"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// entry is one line of a list, or the heading of those that follow.
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
	{"metrics", metrics},
}

func listVerb() *cobra.Command {
	var quiet bool
	c := &cobra.Command{
		Use:   "list [scenarios|topologies|policies|metrics]",
		Short: "List what is shipped: scenarios, topologies, policies, metrics",
		Example: `  trafficlab list
  trafficlab list policies           what "pick:" of a balancer may be
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

func policies() ([]entry, error) {
	return slices.Concat(
		kindsOf("pick: which backend of a pool", policy.Pickers),
		kindsOf("Fields of a proxy: who is in the pool", policy.Memberships),
		kindsOf("Fields of a proxy: what is done about failures and overload", policy.Guards),
		kindsOf("concurrency: how much is upstream at once", policy.Concurrencies),
		kindsOf("Fields of a proxy: rate limits", policy.Limiting),
		kindsOf("limit.algorithm: what a rate is", policy.Limiters),
		kindsOf("queue.order: who of a backend's queue is next", policy.Lines),
		kindsOf("cache.evict: what has to go from a full cache", policy.Evictions),
		kindsOf("Fields of cache: what else it is told", policy.Caching),
	), nil
}

// kindsOf lists a registry of policies, each with its parameters.
func kindsOf[K interface{ Describe() policy.Kind }](heading string, registry map[string]K) []entry {
	entries := []entry{{heading: heading}}
	for _, name := range slices.Sorted(maps.Keys(registry)) {
		kind := registry[name].Describe()
		entries = append(entries, entry{name: name, about: kind.About, parameters: kind.Parameters})
	}
	return entries
}

func metrics() ([]entry, error) {
	var entries []entry
	for _, name := range measure.MetricNames() {
		entries = append(entries, entry{name: name, about: measure.Metrics[name].About})
	}
	return entries, nil
}
