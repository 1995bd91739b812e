package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"trafficlab/bench"
	"trafficlab/bench/measure"
	"trafficlab/reports"
	"trafficlab/scenarios"
	"trafficlab/sim"
	"trafficlab/topologies/strict"
)

// running is what the flags of run say.
type running struct {
	scenarioFlags
	costFlag
	all   bool
	out   string
	json  bool
	junit string
	trace int
	from  time.Duration

	resume bool
	until  string
	budget time.Duration
	narrow float64 // until, read
}

func runVerb() *cobra.Command {
	var r running
	c := &cobra.Command{
		Use:   "run FILE-or-NAME…",
		Short: "Run scenarios, live and simulated, and write their reports",
		Long: `run runs every variant of each scenario, interleaved and repeated, prints a
table and writes a report. The first Ctrl-C keeps the repetitions that have
finished and writes a partial report; the second leaves at once.`,
		Example: `  trafficlab run slow-replica
  trafficlab run slow-replica crash --world sim --repeat 20
  trafficlab run mine.yaml --set api.workers=8 --set load.poisson=300/s
  trafficlab run slow-replica --world sim --json | jq .Answer
  trafficlab run mine.yaml --junit expectations.xml
  trafficlab run crash --world sim --trace 3
  trafficlab run --all --out out`,
		Args:              r.args,
		ValidArgsFunction: completeFiles(scenarios.Shipped),
		RunE:              verb(r.run),
	}
	r.scenarioFlags.add(c)
	r.costFlag.add(c)
	c.Flags().BoolVar(&r.all, "all", false, "run every shipped scenario that is for both worlds")
	c.Flags().StringVarP(&r.out, "out", "o", "out", "the folder for runs and reports")
	c.Flags().IntVar(&r.trace, "trace", 0, "tell the stories of so many simulated requests of each variant, from --trace-from on")
	c.Flags().DurationVar(&r.from, "trace-from", 0, "the instant from which on --trace tells stories (default: the first fault, or else the end of the warm-up)")
	c.Flags().BoolVar(&r.resume, "resume", false, "go on with what an interrupted or killed run of the same has left in the folder; what is damaged is made again")
	c.Flags().StringVar(&r.until, "until", "", "repeat until the judged figure is known to within so much, such as `5%`, but at most --repeat times (default then: as often as the budget allows); a warning says if it is not, and the exit status is as without")
	c.Flags().DurationVar(&r.budget, "budget", 10*time.Minute, "with --until: begin no more repetitions of a scenario after this time")
	c.Flags().BoolVar(&r.json, "json", false, "print results as JSON, one a line, and no table: what was expected, and how it fared, is in .Checks")
	c.Flags().StringVar(&r.junit, "junit", "", "write how expectations fared to a `FILE` of JUnit XML, for CI: undecided ones are skipped, untrusted ones are errors")
	return c
}

func (r *running) args(c *cobra.Command, args []string) error {
	switch {
	case r.all && len(args) > 0:
		return errors.New("run: name scenarios or say --all, not both")
	case !r.all && len(args) == 0:
		return errors.New(`run: which scenario? ("trafficlab list scenarios" shows those shipped; --all runs them all)`)
	}
	return nil
}

func (r *running) run(c *cobra.Command, args []string) error {
	if r.all {
		args = scenarios.Shipped()
	}
	err := r.contradiction(c)
	if err == nil {
		err = r.precision(c)
	}
	if err != nil {
		return ending{unusable, err}
	}
	all, worlds, err := r.load(c, args)
	if err != nil {
		return err
	}
	if r.all {
		all = slices.DeleteFunc(all, func(s *scenarios.Scenario) bool { return len(s.Worlds) == 1 })
	}
	if err := r.costFlag.read(); err != nil {
		return err
	}
	if err := r.beyond(all); err != nil {
		return ending{unusable, err}
	}
	if err := r.prepare(all); err != nil {
		return ending{unusable, err}
	}
	release, err := takeMachine(all, worlds)
	if err != nil {
		return err
	}
	defer release()
	ctx, stop := interruptible(c, "interrupted: keeping what has finished")
	defer stop()
	return r.each(ctx, c, all, worlds)
}

// contradiction refuses flags that say nothing without another, or against it.
func (r *running) contradiction(c *cobra.Command) error {
	given := c.Flags().Changed
	switch {
	case given("trace") && r.trace < 1:
		return fmt.Errorf("--trace %d: at least 1", r.trace)
	case r.trace > 0 && (r.json || r.world == "live"):
		return errors.New("--trace tells stories of the simulator, as text: it goes with neither --json nor --world live")
	case given("trace-from") && r.trace == 0:
		return errors.New("--trace-from: of how many requests? It goes with --trace")
	case r.from < 0:
		return fmt.Errorf("--trace-from %v: before the run begins", r.from)
	case given("budget") && r.until == "":
		return errors.New("--budget bounds what --until repeats: name both, or neither")
	case r.short && r.until != "":
		return errors.New("--short makes at most two repetitions, and --until as many as it takes: name one of them")
	case r.until != "" && given("repeat") && r.repeat == 1:
		return errors.New("--until with --repeat 1: one repetition has no interval; at least --repeat 2")
	}
	return nil
}

// beyond refuses to tell stories from an instant on at which no request comes
// any more.
func (r *running) beyond(all []*scenarios.Scenario) error {
	for _, s := range all {
		longest := time.Duration(0)
		for i := range s.Variants {
			longest = max(longest, s.Variants[i].Load.Duration())
		}
		if r.from > 0 && r.from >= longest {
			return fmt.Errorf("--trace-from %v: the load of %s lasts no longer than %v", r.from, s.Name, longest)
		}
	}
	return nil
}

// precision reads how exact figures are to be.
func (r *running) precision(c *cobra.Command) (err error) {
	if r.until == "" {
		return nil
	}
	if r.narrow, err = strict.ParseShare(r.until); err != nil || r.narrow <= 0 || r.narrow > 1 {
		return fmt.Errorf("--until %s: not a share such as 5%%", r.until)
	}
	if r.budget <= 0 {
		return fmt.Errorf("--budget %v: not a time to spend", r.budget)
	}
	if !c.Flags().Changed("repeat") {
		return c.Flags().Set("repeat", strconv.Itoa(scenarios.MostRepetitions))
	}
	return nil
}

// each runs one scenario after the other, and goes on if one comes to nothing.
func (r *running) each(ctx context.Context, c *cobra.Command, all []*scenarios.Scenario, worlds []string) error {
	t := newTerminal(c.OutOrStdout())
	worst, failures := met, []error(nil)
	known := map[string]reports.IndexEntry{}
	var overview table
	var fared suites
	for _, s := range all {
		result, err := r.one(ctx, c, s, in(s, worlds))
		fared.add(s.Name, result, err)
		status := incomplete
		if result != nil {
			known[s.Name] = entryOf(s.Name, s, result)
			status = outcome(result)
		}
		for _, err := range parts(err) {
			status, failures = incomplete, append(failures, fmt.Errorf("%s: %w", s.Name, err))
		}
		if ctx.Err() != nil {
			status = interrupted
		}
		worst = max(worst, status)
		overview.add(s.Name, t.paint(status.colour(), status.String()))
		if status == interrupted {
			break
		}
	}
	err := writeIndex(r.out, known)
	if err != nil {
		worst, failures = max(worst, incomplete), append(failures, err)
	}
	if r.junit != "" {
		if err := fared.write(r.junit); err != nil {
			worst, failures = max(worst, incomplete), append(failures, err)
		}
	}
	if !r.json && len(all) > 1 {
		overview.write(t.w)
		if err == nil {
			t.line("All reports: %s", filepath.Join(r.out, indexName))
		}
	}
	if worst == met {
		return nil
	}
	return ending{worst, errors.Join(failures...)}
}

// one runs a scenario, keeps and reports what came of it, which may be less
// than was asked for.
func (r *running) one(ctx context.Context, c *cobra.Command, s *scenarios.Scenario, worlds []string) (*measure.Result, error) {
	dir := filepath.Join(r.out, s.Name)
	p := newProgress(c.ErrOrStderr(), s.Name)
	p.open = r.until != ""
	out, broke := bench.Execute(ctx, s, bench.Options{
		Worlds: worlds, Dir: dir, Binary: binary(), Progress: p.step,
		Command: r.again(s, worlds, &r.costFlag, "run", s.File), Version: versionName(), Calibration: r.costs,
		Resume: r.resume, Until: r.narrow, Budget: r.budget,
	})
	p.wipe()
	if out == nil || out.Finished == 0 {
		return nil, broke // what was there before is there again
	}
	if err := writeReport(dir, s, out.Result); err != nil {
		return out.Result, errors.Join(broke, err)
	}
	return out.Result, errors.Join(broke, r.print(c, dir, s, out.Result), r.stories(ctx, c, s, worlds))
}

// stories tells what befell single requests, if that is asked for.
func (r *running) stories(ctx context.Context, c *cobra.Command, s *scenarios.Scenario, worlds []string) error {
	if r.trace == 0 || ctx.Err() != nil || !slices.Contains(worlds, "sim") {
		return nil
	}
	for _, one := range s.Cases()[:len(s.Variants)] {
		fmt.Fprintf(c.OutOrStdout(), "%s\n", one.Variant.Name)
		if err := sim.Trace(ctx, &one, bench.CostsOf(s, r.costs), r.traceFrom(&one), r.trace, c.OutOrStdout()); err != nil {
			return err
		}
	}
	return nil
}

// traceFrom is from when on stories are told of a case.
func (r *running) traceFrom(c *scenarios.Case) time.Duration {
	if r.from > 0 || len(c.Variant.Faults) == 0 {
		return max(r.from, c.Variant.Warmup)
	}
	first := slices.MinFunc(c.Variant.Faults, func(a, b scenarios.Fault) int { return cmp.Compare(a.At, b.At) })
	return max(first.At, c.Variant.Warmup)
}

func (r *running) print(c *cobra.Command, dir string, s *scenarios.Scenario, result *measure.Result) error {
	if r.json {
		text, err := json.Marshal(result)
		fmt.Fprintf(c.OutOrStdout(), "%s\n", text)
		return err
	}
	t := newTerminal(c.OutOrStdout())
	summary(t, result)
	t.line("Report: %s", filepath.Join(dir, reportName))
	t.line("")
	return nil
}

// prepare finds out before anything starts whether results can be kept, and
// that nothing of somebody else's would be overwritten.
func (r *running) prepare(all []*scenarios.Scenario) error {
	if err := vacantPage(r.out, indexName); err != nil {
		return err
	}
	if r.junit != "" {
		if err := mayWrite(r.junit); err != nil {
			return err
		}
	}
	for _, s := range all {
		dir := filepath.Join(r.out, s.Name)
		if err := measure.MayTake(dir); err != nil {
			return fmt.Errorf("write to %s: %w", dir, cause(err))
		}
	}
	for _, s := range all {
		if err := writable(filepath.Join(r.out, s.Name)); err != nil {
			return err
		}
	}
	return nil
}

// writable makes a folder and tries whether files can be written to it.
func writable(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write to %s: %w", dir, cause(err))
	}
	probe, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return fmt.Errorf("write to %s: %w", dir, cause(err))
	}
	probe.Close()
	return os.Remove(probe.Name())
}

// binary is this program, for the nodes of the live world.
func binary() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

func cause(err error) error {
	var e *os.PathError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

var linux = runtime.GOOS == "linux"
