package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"trafficlab/bench"
	"trafficlab/bench/measure"
)

// comparing is what the flags of compare say.
type comparing struct {
	failOn string
	force  bool
	json   bool
}

func compareVerb() *cobra.Command {
	var k comparing
	c := &cobra.Command{
		Use:   "compare BASE OTHER",
		Short: "Hold a stored result against an earlier one",
		Long: `compare reads two folders that run has written, such as one of an earlier commit or
of another machine, and says of every variant in every world how far its figures
are apart, with a 95% interval (Welch's t on the figures of the repetitions). The
figure that the scenario is judged by is held to a stricter level the more variants
there are. Results of other systems, loads or faults are refused without --force.

Exit status: 0 nothing judged got worse; 1 something did; 2 they cannot be
compared; 3 one of them is not to be trusted.`,
		Example: `  trafficlab compare baseline/slow-replica out/slow-replica
  trafficlab compare baseline/slow-replica out/slow-replica --fail-on never --json | jq .Comparisons`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fmt.Errorf("compare: which two folders of results? (the base first)")
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: verb(k.run),
	}
	c.Flags().StringVar(&k.failOn, "fail-on", "worse", "what makes the exit status 1: worse, different (better, too) or never")
	c.Flags().BoolVar(&k.force, "force", false, "compare them although they asked for different things")
	c.Flags().BoolVar(&k.json, "json", false, "print the comparison as JSON, and no table")
	mustComplete(c, "fail-on", "worse", "different", "never")
	return c
}

func (k *comparing) run(c *cobra.Command, args []string) error {
	if !slices.Contains([]string{"worse", "different", "never"}, k.failOn) {
		return ending{unusable, fmt.Errorf("--fail-on %s: worse, different or never", k.failOn)}
	}
	x, err := bench.Compare(filepath.Clean(args[0]), filepath.Clean(args[1]))
	if err != nil {
		return ending{unusable, err}
	}
	if len(x.Unlike) > 0 && !k.force {
		return ending{unusable, fmt.Errorf("compare %s with %s: they did not ask the same: %s (--force compares them all the same)",
			x.Base.Dir, x.Other.Dir, strings.Join(x.Unlike, "; "))}
	}
	if k.json {
		text, err := json.Marshal(x)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.OutOrStdout(), "%s\n", text)
	} else {
		contrast(newTerminal(c.OutOrStdout()), x)
	}
	switch {
	case k.fails(x):
		return ending{unmet, nil}
	case len(x.Doubts) > 0:
		return ending{incomplete, nil}
	}
	return nil
}

// fails tells whether anything judged came out as it should not. What cannot be
// trusted is no failure, but status 3.
func (k *comparing) fails(x *measure.Contrast) bool {
	if len(x.Doubts) > 0 || k.failOn == "never" {
		return false
	}
	return slices.ContainsFunc(x.Judged(), func(c measure.Comparison) bool {
		if k.failOn == "worse" {
			return c.Verdict == measure.Worse
		}
		return c.Verdict != measure.NoDiff && c.Verdict != measure.Unknowable
	})
}

// contrast prints what was judged, and what of the other figures differs.
func contrast(t *terminal, x *measure.Contrast) {
	t.line("%s: %s against %s", x.Scenario, x.Other.Dir, x.Base.Dir)
	for _, said := range []struct{ colour, before, text string }{
		{yellow, "They did not ask the same: ", strings.Join(x.Unlike, "; ")},
		{yellow, "Not the same: ", strings.Join(x.Elsewhere, "; ")},
		{dim, "Left out: ", strings.Join(x.Left, "; ")},
	} {
		if said.text != "" {
			t.line("%s", t.paint(said.colour, said.before+said.text))
		}
	}
	t.line("")
	lines := table{numbers: 3, until: 5}
	lines.add("variant", "world", "figure", "base", "now", "verdict")
	for i := range x.Other.Summaries {
		was, is := &x.Base.Summaries[i], &x.Other.Summaries[i]
		for _, c := range x.Comparisons {
			if c.World != is.World || c.Variant != is.Variant || !shown(x, c) {
				continue
			}
			text := t.paint(verdictColours[c.Verdict], c.Text)
			if c.Metric == x.JudgeBy {
				text += t.paint(dim, " (judged)")
			}
			lines.add(c.Variant, c.World, c.Metric.String(), was.Figure(c.Metric).Text(c.Metric), is.Figure(c.Metric).Text(c.Metric), text)
		}
	}
	lines.write(t.w)
	t.line("")
	for _, w := range x.Doubts {
		t.line("%s", t.paint(red, "not to be trusted: "+w.Text))
	}
	t.line("%s", verdictsOf(x.Judged()))
}

// shown are the figures of the table: those that everybody asks of, and all
// that differ.
func shown(x *measure.Contrast, c measure.Comparison) bool {
	usual := slices.Contains([]string{"availability", "p50", "p99", "throughput"}, c.Metric.Name) && c.Metric.Class == ""
	differs := c.Verdict == measure.Better || c.Verdict == measure.Worse || c.Verdict == measure.Different
	return usual || differs || c.Metric == x.JudgeBy
}

// verdictsOf counts what was judged: "p99: 1 worse, 3 no detectable difference".
func verdictsOf(judged []measure.Comparison) string {
	var parts []string
	for _, v := range []measure.Verdict{measure.Worse, measure.Better, measure.Different, measure.NoDiff, measure.Unknowable} {
		n := 0
		for _, c := range judged {
			if c.Verdict == v {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, v))
		}
	}
	if len(parts) == 0 {
		return "Nothing was judged."
	}
	return judged[0].Metric.String() + ": " + strings.Join(parts, ", ")
}
