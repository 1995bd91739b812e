package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"trafficlab/bench"
	"trafficlab/scenarios"
)

func planVerb() *cobra.Command {
	var f scenarioFlags
	c := &cobra.Command{
		Use:   "plan FILE-or-NAME…",
		Short: "Tell what would run, how long, and whether the samples will suffice",
		Long: `plan starts nothing. It tells how many runs a scenario stands for, how long they
would take, and whether each quantile that the scenario asks for would have
enough samples beyond it to be told.`,
		Example: `  trafficlab plan slow-replica
  trafficlab plan mine.yaml --world live --repeat 10`,
		Args:              named("which scenario? (\"trafficlab list scenarios\" shows those shipped)"),
		ValidArgsFunction: completeFiles(scenarios.Shipped),
		RunE: verb(func(c *cobra.Command, args []string) error {
			all, worlds, err := f.load(c, args)
			if err != nil {
				return err
			}
			t := newTerminal(c.OutOrStdout())
			var total time.Duration
			for _, s := range all {
				e := bench.EstimateOf(s, in(s, worlds))
				total += e.Takes
				plan(t, s, in(s, worlds), e)
			}
			if len(all) > 1 {
				t.line("All together: about %s", span(total))
			}
			return nil
		}),
	}
	f.add(c)
	return c
}

func plan(t *terminal, s *scenarios.Scenario, worlds []string, e bench.Estimate) {
	t.line("%s: %s", s.Name, s.Question)
	t.line("%s: %s × %s × %s; about %s", count(e.Runs, "run"), count(len(s.Variants), "variant"),
		count(s.Repeat, "repetition"), strings.Join(worlds, " and "), span(e.Takes))
	for _, line := range loads(s) {
		t.line("%s", t.paint(dim, line))
	}
	lines := table{numbers: 1, until: 3}
	lines.add("variant", "load", "requests", "samples")
	for _, v := range e.Variants {
		requests := fmt.Sprint(v.Requests)
		if v.AtMost {
			requests = "≤ " + requests
		}
		lines.add(v.Variant, span(v.Load), requests, enough(t, v.Quantiles))
	}
	lines.write(t.w)
	t.line("")
}

// loads says what each stream of the load is: once if it is the same for all
// variants, or of each whose load is another than that of the one before.
func loads(s *scenarios.Scenario) []string {
	words := func(v scenarios.Variant) (all []string) {
		for _, stream := range v.Load.Streams {
			all = append(all, stream.Words())
		}
		return all
	}
	var lines, before []string
	for i, v := range s.Variants {
		own := words(v)
		name := "load of " + v.Name
		if !slices.ContainsFunc(s.Variants, func(o scenarios.Variant) bool { return !slices.Equal(words(o), own) }) {
			name = "load"
		}
		if i == 0 || !slices.Equal(own, before) {
			for _, line := range own {
				lines = append(lines, name+": "+line)
			}
		}
		before = own
	}
	return lines
}

// enough says of each quantile asked for whether it can be told.
func enough(t *terminal, quantiles []bench.QuantileEstimate) string {
	if len(quantiles) == 0 {
		return t.paint(dim, "no quantile is asked for")
	}
	var texts []string
	for _, q := range quantiles {
		if q.Enough {
			texts = append(texts, fmt.Sprintf("enough for %s", q.Metric))
		} else {
			texts = append(texts, t.paint(yellow, fmt.Sprintf("too few for %s (%d of %d)", q.Metric, q.Expected, q.Needed)))
		}
	}
	return strings.Join(texts, ", ")
}
