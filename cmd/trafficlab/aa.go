package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"trafficlab/bench"
	"trafficlab/live"
	"trafficlab/scenarios"
)

func aaVerb() *cobra.Command {
	var f scenarioFlags
	var comparisons int
	c := &cobra.Command{
		Use:   "aa FILE-or-NAME…",
		Short: "Hold a system against itself, to see that nothing is found",
		Long: `aa compares the baseline of a scenario with itself, again and again, and counts
how often a difference is called, which there is none of: at a confidence of 95%
one comparison in twenty may. More tells of a machine, a generator or a statistic
that cannot be trusted, and the exit status is 1.`,
		Example: `  trafficlab aa slow-replica --world sim
  trafficlab aa mine.yaml --world live --comparisons 20 --repeat 3`,
		Args:              named("which scenario? (\"trafficlab list scenarios\" shows those shipped)"),
		ValidArgsFunction: completeFiles(scenarios.Shipped),
		RunE: verb(func(c *cobra.Command, args []string) error {
			if comparisons < 1 {
				return ending{unusable, fmt.Errorf("--comparisons %d: at least 1", comparisons)}
			}
			all, worlds, err := f.load(c, args)
			if err != nil {
				return err
			}
			if slices.Contains(worlds, "live") {
				release, err := live.Lock()
				if err != nil {
					return err
				}
				defer release()
			}
			ctx, stop := interruptible(c, "interrupted")
			defer stop()
			t, errs := newTerminal(c.OutOrStdout()), newTerminal(c.ErrOrStderr())
			worst := met
			for _, s := range all {
				for _, world := range in(s, worlds) {
					alike, err := bench.HoldAgainstItself(ctx, s, comparisons, bench.Options{Worlds: []string{world}, Binary: binary(), Version: versionName()},
						func(made int) {
							errs.now(fmt.Sprintf("%s, %s: %d of %d comparisons", s.Name, world, made, comparisons))
						})
					errs.wipe()
					if err != nil {
						return ending{incomplete, fmt.Errorf("%s, %s: %w", s.Name, world, err)}
					}
					aa(t, alike)
					switch {
					case ctx.Err() != nil:
						return ending{interrupted, nil}
					case !alike.Holds():
						worst = unmet
					}
				}
			}
			if worst != met {
				return ending{worst, nil}
			}
			return nil
		}),
	}
	f.add(c)
	c.Flags().IntVarP(&comparisons, "comparisons", "n", 200, "how many comparisons to make")
	return c
}

func aa(t *terminal, a *bench.Alike) {
	t.line("%s, %s: %s against itself, %s", a.Scenario, a.World, a.Variant, count(a.Comparisons, "comparison"))
	lines := table{numbers: 1, until: 4}
	lines.add("figure", "told", "called different", "by chance at most", "")
	for _, f := range a.Figures {
		if f.Told == 0 {
			continue
		}
		verdict := t.paint(green, "as it should be")
		if float64(f.Called) > f.Most() {
			verdict = t.paint(red, "too often")
		}
		lines.add(f.Metric.String(), fmt.Sprint(f.Told), fmt.Sprint(f.Called), fmt.Sprintf("%.0f", f.Most()), verdict)
	}
	lines.write(t.w)
	t.line("")
}
