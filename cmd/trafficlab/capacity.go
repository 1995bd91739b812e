package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"trafficlab/bench"
	"trafficlab/bench/measure"
	"trafficlab/reports"
	"trafficlab/scenarios"
	"trafficlab/topologies/strict"
)

// seeking is what the flags of capacity say.
type seeking struct {
	scenarioFlags
	costFlag
	slo       string
	precision string
	narrow    float64 // precision, read
	budget    time.Duration
	out       string
	json      bool
}

func capacityVerb() *cobra.Command {
	var k seeking
	c := &cobra.Command{
		Use:   "capacity FILE-or-NAME… --slo BOUNDS",
		Short: "Find the highest load that stays within bounds, of each variant",
		Long: `capacity scales the load of a scenario (the rates of open streams, the clients of
closed ones), judges the repetitions at each by their intervals, and narrows down
for every variant in every world how much it bears: between a load that met the
bounds and one that did not. It draws latency against load.

The bounds are those of expect (see "trafficlab list metrics"), but for rates and
for what is held against a baseline. Where none speaks of failures, availability
> 99% is added: who fails most of its requests is fast on the few that are left.
Where the generator or the processors give out before the system does, it says so
instead of naming a capacity. Loads between the two may stay undecided: more than
repetitions can tell apart. The knee is where each repetition by itself crosses
the bounds, on average: it may lie beyond a load that was found not to meet them.

Exit status: 0 found; 1 the bounds are not met at the smallest load; 2 bad usage;
3 not known of some variant, for the machine gave out, time was up or the load is
too short to tell; 130 interrupted.`,
		Example: `  trafficlab capacity slow-replica --world sim --slo 'p99 < 100ms, availability > 99.9%'
  trafficlab capacity mine.yaml --slo 'p99 of alice < 30ms' --precision 2% --budget 5m
  trafficlab capacity flood --world sim --slo 'limited < 1%' --json | jq .Answer`,
		Args:              named("which scenario? (\"trafficlab list scenarios\" shows those shipped)"),
		ValidArgsFunction: completeFiles(scenarios.Shipped),
		RunE:              verb(k.run),
	}
	k.scenarioFlags.add(c)
	k.costFlag.add(c)
	c.Flags().StringVar(&k.slo, "slo", "", "the `BOUNDS` to stay within: 'p99 < 100ms, availability > 99.9%'")
	c.Flags().StringVar(&k.precision, "precision", "5%", "how far apart the load that meets them and the one that does not may be")
	c.Flags().DurationVar(&k.budget, "budget", 15*time.Minute, "try no more loads of a scenario after this time")
	c.Flags().StringVarP(&k.out, "out", "o", "out", "the folder for reports")
	c.Flags().BoolVar(&k.json, "json", false, "print what was found as JSON, one a line, and no table")
	return c
}

func (k *seeking) run(c *cobra.Command, args []string) error {
	all, worlds, err := k.load(c, args)
	if err != nil {
		return err
	}
	bounds := make([]boundsOf, len(all))
	wrong := []error{vacantPage(k.out, indexName)}
	for i, s := range all {
		bounds[i], err = k.bounds(s)
		wrong = append(wrong, err, vacantPage(k.dir(s), reportName), vacantText(k.dir(s)))
	}
	if err := errors.Join(append(wrong, k.check())...); err != nil {
		return ending{unusable, err}
	}
	if err := k.costFlag.read(); err != nil {
		return err
	}
	for _, s := range all {
		if err := writable(k.dir(s)); err != nil {
			return ending{unusable, err}
		}
	}
	release, err := takeMachine(all, worlds)
	if err != nil {
		return err
	}
	defer release()
	ctx, stop := interruptible(c, "interrupted: keeping what was found")
	defer stop()
	worst := met
	for i, s := range all {
		found, err := k.one(ctx, c, s, in(s, worlds), bounds[i])
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		worst = max(worst, borne(found))
		if ctx.Err() != nil {
			return ending{interrupted, nil}
		}
	}
	if worst != met {
		return ending{worst, nil}
	}
	return nil
}

// boundsOf is what a load is to stay within, and whether the last was added.
type boundsOf struct {
	all     []measure.Expectation
	implied bool
}

// alive is added where no bound speaks of failures.
const alive = "availability > 99%"

func (k *seeking) bounds(s *scenarios.Scenario) (b boundsOf, err error) {
	if strings.TrimSpace(k.slo) == "" {
		return b, errors.New("capacity: within which bounds? --slo 'p99 < 100ms, availability > 99.9%'")
	}
	b.all, err = s.ReadSLO(k.slo)
	if err == nil && !scenarios.SpeaksOfFailures(b.all) {
		b.implied = true
		b.all, err = s.ReadSLO(k.slo + ", " + alive)
	}
	return b, err
}

// check reads how exact the answer is to be.
func (k *seeking) check() (err error) {
	if k.narrow, err = strict.ParseShare(k.precision); err != nil || k.narrow < .001 || k.narrow > 1 {
		return fmt.Errorf("--precision %s: not a share from 0.1%% to 100%%, such as 5%%", k.precision)
	}
	if k.budget <= 0 {
		return fmt.Errorf("--budget %v: not a time to spend", k.budget)
	}
	return nil
}

func (k *seeking) dir(s *scenarios.Scenario) string { return filepath.Join(k.out, s.Name+"-capacity") }

// borne is the status that what was found amounts to.
func borne(c *measure.Capacity) status {
	result := met
	for i := range c.Searches {
		switch s := &c.Searches[i]; {
		case !s.Known():
			return incomplete
		case s.Met == 0:
			result = unmet
		}
	}
	return result
}

func (k *seeking) one(ctx context.Context, c *cobra.Command, s *scenarios.Scenario, worlds []string, b boundsOf) (*measure.Capacity, error) {
	p := newProgress(c.ErrOrStderr(), s.Name)
	p.plain = true
	found, err := bench.FindCapacity(ctx, s, bench.CapacityOptions{
		Options: bench.Options{Worlds: worlds, Binary: binary(), Command: k.again(s, worlds, &k.costFlag, "capacity", s.File, "--slo", quoted(k.slo), "--precision", k.precision), Version: versionName(),
			Calibration: k.costs, Budget: k.budget, Progress: p.step},
		Bounds: b.all, Implied: b.implied, Precision: k.narrow,
		Tried: func(f *measure.Search, l *measure.Level) {
			p.line("%s: %s %s at %s: %s", s.Name, f.World, f.Variant, f.LoadText(l.Load), levelWords(l))
		},
	})
	p.wipe()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(found)
	if err != nil {
		return nil, err
	}
	if err := k.write(s, found, text); err != nil {
		return nil, err
	}
	if k.json {
		fmt.Fprintf(c.OutOrStdout(), "%s\n", text)
		return found, nil
	}
	t := newTerminal(c.OutOrStdout())
	capacity(t, found)
	t.line("Report: %s", filepath.Join(k.dir(s), reportName))
	t.line("")
	return found, nil
}

// vacantText refuses a folder whose capacity.json is somebody else's: of ours
// there is a page beside it.
func vacantText(dir string) error {
	path := filepath.Join(dir, capacityName)
	if _, err := os.Lstat(path); err != nil || drawnByUs(filepath.Join(dir, reportName)) {
		return nil
	}
	return fmt.Errorf("write %s: it is there already, without a page of trafficlab; choose another folder, or move it", path)
}

// write keeps what was found of a scenario, as text and as a page, and makes the
// index lead there.
func (k *seeking) write(s *scenarios.Scenario, found *measure.Capacity, text []byte) error {
	err := writePage(filepath.Join(k.dir(s), capacityName), func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
	if err != nil {
		return err
	}
	err = writePage(filepath.Join(k.dir(s), reportName), func(w io.Writer) error { return reports.WriteCapacity(w, s, found) })
	if err != nil {
		return err
	}
	return writeIndex(k.out, nil)
}

// levelWords says how a load fared: "not met: p99 was 120 ms".
func levelWords(l *measure.Level) string {
	if l.GaveOut != "" {
		return "the machine gave out: " + l.GaveOut
	}
	var texts []string
	for _, c := range l.Checks {
		m := c.Expectation.Metric
		texts = append(texts, m.String()+" "+c.Figure.Text(m))
	}
	return string(l.Met) + " (" + strings.Join(texts, ", ") + ")"
}

// capacity prints what was found: a line for each variant in each world, then
// a sentence for each.
func capacity(t *terminal, c *measure.Capacity) {
	t.line("%s: the highest load with %s", c.Scenario, c.SLO())
	if c.Implied {
		t.line("%s", t.paint(dim, "(The bounds speak of no failures: "+alive+" is added.)"))
	}
	t.line("")
	lines := table{numbers: 2, until: 5}
	lines.add("variant", "world", "met", "not met", "knee (95%)", "against "+c.Baseline)
	for i := range c.Searches {
		s := &c.Searches[i]
		lines.add(s.Variant, s.World, loadCell(s, s.Met), upperCell(t, s), orDash(s.KneeText()), againstCell(t, c, s))
	}
	lines.write(t.w)
	t.line("")
	for i := range c.Searches {
		s := &c.Searches[i]
		text := fmt.Sprintf("%s (%s): %s", s.Variant, s.World, s.Text)
		if !s.Known() {
			text = t.paint(yellow, text)
		}
		t.line("%s", text)
	}
	if line := unknown(c); line != "" {
		t.line("%s", t.paint(yellow, line))
	}
}

// unknown names those whose capacity was not found, with what to do.
func unknown(c *measure.Capacity) string {
	var names []string
	advice := "let the load last longer, or repeat it more often"
	for i := range c.Searches {
		s := &c.Searches[i]
		if s.Known() {
			continue
		}
		names = append(names, fmt.Sprintf("%s (%s)", s.Variant, s.World))
		switch {
		case s.GaveOut != "":
			advice = "have a stronger or quieter machine, or --world sim, which needs none"
		case s.Short:
			advice = "give it more --budget"
		}
	}
	if names == nil {
		return ""
	}
	return fmt.Sprintf("Not known of %s: %s.", strings.Join(names, ", "), advice)
}

func loadCell(s *measure.Search, load float64) string {
	if load == 0 {
		return orDash("")
	}
	return s.LoadText(load)
}

func upperCell(t *terminal, s *measure.Search) string {
	if s.GaveOut != "" {
		return t.paint(yellow, loadCell(s, s.NotMet)+" (machine)")
	}
	return loadCell(s, s.NotMet)
}

func againstCell(t *terminal, c *measure.Capacity, s *measure.Search) string {
	if s.Variant == c.Baseline {
		return t.paint(dim, "baseline")
	}
	text, f := s.AgainstText(c.Baseline), s.Against
	switch {
	case text == "":
		return orDash("")
	case f.Low > 1:
		return t.paint(green, text)
	case f.High < 1:
		return t.paint(red, text)
	}
	return text
}

func orDash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}
