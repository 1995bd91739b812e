package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"trafficlab/bench"
	"trafficlab/scenarios"
)

// doubting is what the flags of aa say.
type doubting struct {
	scenarioFlags
	costFlag
	comparisons int
	out         string
}

func aaVerb() *cobra.Command {
	var d doubting
	c := &cobra.Command{
		Use:   "aa FILE-or-NAME…",
		Short: "Hold a system against itself, to see that nothing is found",
		Long: `aa compares the baseline of a scenario with itself, again and again, and counts
how often a difference is called, which there is none of: at a confidence of 95%
one comparison in twenty may. More tells of a machine, a generator or a statistic
that cannot be trusted, and the exit status is 1. With --out, the comparisons that
found a difference are kept, for "trafficlab report" to draw.`,
		Example: `  trafficlab aa slow-replica --world sim
  trafficlab aa mine.yaml --world live --comparisons 20 --repeat 3
  trafficlab aa crash --world sim --out aa && trafficlab report aa/crash-sim`,
		Args:              named("which scenario? (\"trafficlab list scenarios\" shows those shipped)"),
		ValidArgsFunction: completeFiles(scenarios.Shipped),
		RunE:              verb(d.run),
	}
	d.scenarioFlags.add(c)
	d.costFlag.add(c)
	c.Flags().IntVarP(&d.comparisons, "comparisons", "n", 200, "how many comparisons to make")
	c.Flags().StringVarP(&d.out, "out", "o", "", "keep comparisons that find a difference in this folder")
	return c
}

func (d *doubting) run(c *cobra.Command, args []string) error {
	if d.comparisons < 1 {
		return ending{unusable, fmt.Errorf("--comparisons %d: at least 1", d.comparisons)}
	}
	all, worlds, err := d.load(c, args)
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.Repeat < 2 {
			return ending{unusable, fmt.Errorf("%s: one repetition has no interval, and so calls no difference; at least --repeat 2", s.Name)}
		}
	}
	if err := d.prepare(all, worlds); err != nil {
		return ending{unusable, err}
	}
	if err := d.costFlag.read(); err != nil {
		return err
	}
	release, err := takeMachine(all, worlds)
	if err != nil {
		return err
	}
	defer release()
	ctx, stop := interruptible(c, "interrupted")
	defer stop()
	worst := met
	for _, s := range all {
		for _, world := range in(s, worlds) {
			fared, err := d.one(ctx, c, s, world)
			if err != nil {
				return err
			}
			worst = max(worst, fared)
		}
	}
	if worst != met {
		return ending{worst, nil}
	}
	return nil
}

// prepare makes the folders for what is to be kept, which must be empty.
func (d *doubting) prepare(all []*scenarios.Scenario, worlds []string) error {
	for _, s := range all {
		for _, world := range in(s, worlds) {
			dir := d.dir(s, world)
			if dir == "" {
				return nil
			}
			if there, _ := os.ReadDir(dir); len(there) > 0 {
				return fmt.Errorf("write to %s: it is not empty; choose another --out, or empty it", dir)
			}
			if err := writable(dir); err != nil {
				return err
			}
		}
	}
	return nil
}

// dir is where comparisons of a scenario in a world are kept, or nothing.
func (d *doubting) dir(s *scenarios.Scenario, world string) string {
	if d.out == "" {
		return ""
	}
	return filepath.Join(d.out, s.Name+"-"+world)
}

// one holds a scenario's baseline against itself in one world, and prints what
// was found.
func (d *doubting) one(ctx context.Context, c *cobra.Command, s *scenarios.Scenario, world string) (status, error) {
	errs := newTerminal(c.ErrOrStderr())
	alike, err := bench.HoldAgainstItself(ctx, s, d.comparisons,
		bench.Options{Worlds: []string{world}, Dir: d.dir(s, world), Binary: binary(), Version: versionName(), Calibration: d.costs},
		func(made int) {
			errs.now(fmt.Sprintf("%s, %s: %d of %d comparisons", s.Name, world, made, d.comparisons))
		})
	errs.wipe()
	if err != nil {
		return incomplete, ending{incomplete, fmt.Errorf("%s, %s: %w", s.Name, world, err)}
	}
	aa(newTerminal(c.OutOrStdout()), alike)
	if dir := d.dir(s, world); dir != "" {
		fmt.Fprintf(c.OutOrStdout(), "Kept: %s in %s\n\n", count(len(stores(dir)), "comparison"), dir)
	}
	switch {
	case ctx.Err() != nil:
		return interrupted, ending{interrupted, nil}
	case !alike.Holds():
		return unmet, nil
	}
	return met, nil
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
		if f.Called > f.Most() {
			verdict = t.paint(red, "too often")
		}
		lines.add(f.Metric.String(), fmt.Sprint(f.Told), fmt.Sprint(f.Called), fmt.Sprint(f.Most()), verdict)
	}
	lines.write(t.w)
	t.line("")
}
