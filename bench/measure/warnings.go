package measure

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// Where a run stops being trusted. Lateness counts into latency, so what it
// may be depends on what was measured; the floors are what a healthy machine
// of two cores shows with a whole system beside the generator.
const (
	lateMild, lateSevere         = 0.2, 0.5 // of the latency at the same quantile
	lateFloorP50, lateCeilingP50 = 300 * time.Microsecond, 2 * time.Millisecond
	lateFloorP99, lateCeilingP99 = 5 * time.Millisecond, 25 * time.Millisecond
	busyMild, busySevere         = 0.75, 0.9 // of the processor time there is
	sentEnough                   = 0.98      // of the load intended…
	chance                       = 4         // …give or take what Poisson's law may do, in its deviations
	driftRuns                    = 5         // repetitions before drift can be told from chance
	driftMild                    = 0.1       // from the first repetition to the last
	splitMild                    = 0.2       // between two kinds of repetitions, as a share of their mean
	splitApart                   = 4         // as often as far from each other as each is wide
	othersMild, othersSevere     = 0.1, 0.3  // of the processor time there is, that went to others
	stepMild                     = 100 * time.Millisecond
	coldSeconds                  = 8   // of a steady load before a slow beginning can be told from chance
	coldMild                     = 1.2 // times the latency of all that follows
)

// Suspect tells what is wrong with a run that has ended, whose samples are in
// memory.
func Suspect(run *Run) []Warning {
	c := newCounter(run)
	for i := range run.Samples {
		c.add(&run.Samples[i])
	}
	return c.suspect()
}

// suspect tells what is wrong with a run that has ended.
func (c *counter) suspect() []Warning {
	var all []Warning
	whole := c.whole()
	for _, check := range []func(*counter, *count) *Warning{late, slack, saturated, crowded, exhausted, clocked, closed} {
		if w := check(c, whole); w != nil {
			all = append(all, *w)
		}
	}
	return all
}

// late holds the generator's lateness against the latency measured.
func late(c *counter, whole *count) *Warning {
	if whole.latencies.n == 0 {
		return nil
	}
	m := c.run.Machine
	p50, p99 := whole.latencies.quantile(.5), whole.latencies.quantile(.99)
	beyond := func(share float64, least50, least99 time.Duration) bool {
		return m.LateP50 > max(least50, scaled(p50, share)) || m.LateP99 > max(least99, scaled(p99, share))
	}
	if !beyond(lateMild, lateFloorP50, lateFloorP99) {
		return nil
	}
	return &Warning{
		Kind:   "late",
		Severe: beyond(lateSevere, lateCeilingP50, lateCeilingP99),
		Text: fmt.Sprintf("The generator sent its requests late, by %s at p50 and %s at p99, against latencies of %s and %s: "+
			"offer less load, stop what else runs on this machine, or, if it has processors to spare, fire from several processes (generators: 2).",
			duration(m.LateP50.Seconds()), duration(m.LateP99.Seconds()), duration(p50.Seconds()), duration(p99.Seconds())),
	}
}

func scaled(d time.Duration, by float64) time.Duration { return time.Duration(float64(d) * by) }

// slack says that less was sent, while the load lasted, than it intends.
func slack(c *counter, _ *count) *Warning {
	intended := c.run.Target * c.run.Window().Seconds()
	sent := float64(c.punctual)
	if sent >= sentEnough*intended-chance*math.Sqrt(intended) {
		return nil
	}
	return &Warning{
		Kind:   "rate",
		Severe: true,
		Text: fmt.Sprintf("Only %s of the %s requests that the load intends were sent in time: the generator could not keep up; offer less load, or, if the machine has processors to spare, fire from several processes (generators: 2).",
			digits(sent, 6), digits(intended, 6)),
	}
}

// saturated says that the machine's processors were used up, the simulator's
// no less than a real one's.
func saturated(c *counter, whole *count) *Warning {
	p := c.run.processors(whole.all)
	there := float64(p.Cores) * c.run.Window().Seconds()
	share := p.Busy.Seconds() / there
	if there <= 0 || share <= busyMild {
		return nil
	}
	w := &Warning{
		Kind:   "cpu",
		Severe: share > busySevere,
		Text: fmt.Sprintf("Components and generator used %s of the machine's processors, so that they wait for each other, %s: offer less load, or use more cores.",
			percent(min(1, share)), c.run.busiest(whole.all)),
	}
	if c.run.Modelled != nil {
		w.Text = fmt.Sprintf("Components and generator used %s of the %d processors that the simulator gives them, as a live run here would: offer less load, or say worlds: [sim] in the scenario, where every place has processors of its own.",
			percent(min(1, share)), p.Cores)
	}
	return w
}

// busiest names who used most of the processors.
func (r *Run) busiest(requests int64) string {
	name, most := "the generator", r.Machine.GeneratorCPU*time.Duration(requests)
	for _, n := range r.Nodes {
		if n.CPU > most {
			name, most = n.Place, n.CPU
		}
	}
	return fmt.Sprintf("most of all %s with %s of one", name, percent(most.Seconds()/r.Window().Seconds()))
}

// crowded says that the machine's processors worked for others too.
func crowded(c *counter, _ *count) *Warning {
	m := c.run.Machine
	there := float64(m.Cores) * c.run.Window().Seconds()
	share := (m.Others + m.Stolen).Seconds() / there
	if there <= 0 || share <= othersMild {
		return nil
	}
	return &Warning{
		Kind:   "neighbours",
		Severe: share > othersSevere,
		Text: fmt.Sprintf("%s of the machine's processors went to others (%s to other machines on the same host): stop what else runs, or run again when it is over.",
			percent(min(1, share)), percent(min(1, m.Stolen.Seconds()/there))),
	}
}

// OutOfFiles is what a node calls connections that it could not take or make
// for want of a file descriptor, among Refused.
const OutOfFiles = "out of file descriptors"

// exhausted says that a place ran out of file descriptors, which looks like
// slowness and errors of its own.
func exhausted(c *counter, _ *count) *Warning {
	place, most := "", int64(0)
	for _, n := range c.run.Nodes {
		if times := n.Refused[OutOfFiles]; times > most {
			place, most = n.Place, times
		}
	}
	if most == 0 {
		return nil
	}
	return &Warning{
		Kind:   "files",
		Severe: true,
		Text:   fmt.Sprintf("%s had no file descriptor left for connections, %s: raise the limit (ulimit -n), or offer less load.", place, times(most)),
	}
}

// times is "once", "3 times".
func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// clocked says that somebody set the clock.
func clocked(c *counter, _ *count) *Warning {
	step := c.run.Machine.ClockStep
	if step.Abs() <= stepMild {
		return nil
	}
	return &Warning{
		Kind: "clock",
		Text: fmt.Sprintf("The calendar's clock was set by %v while the run lasted: latencies are not touched by that, but ages in caches, quotas and tokens may be; run again.", step.Round(time.Millisecond)),
	}
}

// warningsOf gathers what is wrong with a result: what the runs were warned of,
// then what only shows over repetitions.
func warningsOf(groups []Group, lines [][]Second, q Question) []Warning {
	all := ofRuns(groups)
	for i, g := range groups {
		all = append(all, g.few(q.JudgeBy, q.Repeat)...)
		all = append(all, g.drift(q.JudgeBy)...)
		all = append(all, g.split(q.JudgeBy)...)
		all = append(all, g.wide(q.JudgeBy, q.Until)...)
		if q.Steady {
			all = append(all, g.cold(lines[i])...)
		}
	}
	return once(all)
}

// ofRuns lists the warnings of all runs, each told where it happened.
func ofRuns(groups []Group) []Warning {
	var all []Warning
	for _, g := range groups {
		for _, t := range g {
			for _, w := range t.Run.Warnings {
				w.World, w.Variant = t.Run.World, t.Run.Variant
				w.Text = fmt.Sprintf("%s, %s, repetition %d: %s", w.World, w.Variant, t.Run.Repetition+1, w.Text)
				all = append(all, w)
			}
		}
	}
	return all
}

// once keeps one warning of each kind and says how often it occurred. Severe
// ones are kept for each variant in each world, since they say which figures
// not to trust; beside them, mild ones of their kind are not worth a word.
func once(all []Warning) []Warning {
	severe := map[string]bool{}
	for _, w := range all {
		severe[w.Kind] = severe[w.Kind] || w.Severe
	}
	var kept []Warning
	var times []int
	for _, w := range all {
		if w.Severe != severe[w.Kind] {
			continue
		}
		i := slices.IndexFunc(kept, w.covered)
		if i < 0 {
			kept, times = append(kept, w), append(times, 1)
			continue
		}
		kept[i].widen(w)
		times[i]++
	}
	for i, n := range times {
		if n > 1 {
			kept[i].Text += fmt.Sprintf(" (This occurred %d times.)", n)
		}
	}
	return kept
}

// covered says whether a warning that is kept stands for this one too.
func (w Warning) covered(kept Warning) bool {
	return kept.Kind == w.Kind && (!w.Severe || kept.World == w.World && kept.Variant == w.Variant)
}

// widen makes a warning stand for another one too.
func (w *Warning) widen(other Warning) {
	if w.World != other.World {
		w.World = ""
	}
	if w.Variant != other.Variant {
		w.Variant = ""
	}
}

// few says that the judged quantile has too few samples beyond it.
func (g Group) few(judged Metric, repeat int) []Warning {
	need := judged.Needed(repeat)
	if figure(g, judged).Known || need == 0 {
		return nil
	}
	short := func(t *Tally) bool { return t.good[judged.Class] < need }
	if len(g) < repeat && !slices.ContainsFunc(g, short) {
		return nil // only repetitions are missing, which partial says
	}
	each := fmt.Sprintf("in each of %d repetitions", repeat)
	if repeat == 1 {
		each = "in one repetition"
	}
	return []Warning{g.warning("samples", fmt.Sprintf(
		"%s cannot be told: it needs %d successes %s; let the load last longer, or repeat it more often.", judged, need, each))}
}

// split says that the repetitions are of two kinds, so that their mean is of
// neither.
func (g Group) split(judged Metric) []Warning {
	var values []float64
	for _, t := range g {
		if v, ok := t.Figure(judged); ok {
			values = append(values, v)
		}
	}
	if len(values) < driftRuns {
		return nil
	}
	slices.Sort(values)
	at := 1
	for i := range values[1:] {
		if values[i+1]-values[i] > values[at]-values[at-1] {
			at = i + 1
		}
	}
	low, high := values[:at], values[at:]
	gap := high[0] - low[len(low)-1]
	wide := max(low[len(low)-1]-low[0], high[len(high)-1]-high[0])
	if min(len(low), len(high)) < 2 || gap <= splitApart*wide || gap <= splitMild*mean(values) {
		return nil
	}
	return []Warning{g.warning("split", fmt.Sprintf(
		"%s is of two kinds, about %s in %d repetitions and about %s in %d: look for what differs between them, in their logs or on the machine.",
		judged, Text(judged, mean(low)), len(low), Text(judged, mean(high)), len(high)))}
}

// cold says that a steady load was answered more slowly at first: what warms
// up had not done so.
func (g Group) cold(line []Second) []Warning {
	run := g[0].Run
	line = slices.DeleteFunc(slices.Clone(line), func(s Second) bool { return s.At < run.Warmup.Seconds() || s.P50 == 0 })
	if len(line) < coldSeconds {
		return nil
	}
	by := func(a, b Second) int { return cmp.Compare(a.P50, b.P50) }
	n := len(line) / coldSeconds
	first, rest := slices.MinFunc(line[:n], by).P50, slices.MaxFunc(line[n:], by).P50
	if first <= coldMild*rest {
		return nil
	}
	return []Warning{g.warning("cold", fmt.Sprintf(
		"the first %s after the warm-up was still slower, with a median of %s against at most %s later: give warmup more time.",
		duration(float64(n)), duration(first), duration(rest)))}
}

// Wide is the kind of warnings that an interval is wider than was asked for.
const Wide = "wide"

// wide says that the judged figure is not known as exactly as it should be.
func (g Group) wide(judged Metric, until float64) []Warning {
	f := figure(g, judged)
	if until == 0 || f.within(until, Metrics[judged.Name].Unit) {
		return nil
	}
	return []Warning{g.warning(Wide, fmt.Sprintf("%s is not known to within %s, as was asked for, %s: repeat it more often (--resume goes on with what there is), or let the load last longer.",
		judged, percent(until), f.instead(Metrics[judged.Name].Unit)))}
}

// within tells whether half of the interval is at most so wide.
func (f Figure) within(until float64, unit Unit) bool {
	return f.Known && f.N > 1 && f.wide(unit) <= until
}

// wide is half of the interval: as a share of the figure, or of the whole where
// the figure is itself a share.
func (f Figure) wide(unit Unit) float64 {
	half := (f.High - f.Low) / 2
	if unit != Share && half > 0 {
		half /= math.Abs(f.Value)
	}
	return half
}

// instead says how exactly a figure is known that should be known better.
func (f Figure) instead(unit Unit) string {
	switch {
	case !f.Known:
		return "nor at all"
	case f.N < 2:
		return "for one repetition has no interval"
	case f.wide(unit) >= 1:
		return fmt.Sprintf("but is as uncertain as it is large after %d repetitions", f.N)
	}
	return fmt.Sprintf("but to within %s after %d repetitions", percent(f.wide(unit)), f.N)
}

// warning is a mild one about all repetitions of a variant in a world.
func (g Group) warning(kind, text string) Warning {
	run := g[0].Run
	return Warning{Kind: kind, World: run.World, Variant: run.Variant, Text: fmt.Sprintf("%s, %s: %s", run.World, run.Variant, text)}
}

// drift says that the judged figure moved one way from each repetition to the
// next: by chance, five in a row do so once in sixty times.
func (g Group) drift(judged Metric) []Warning {
	var series []float64
	for _, t := range g {
		if v, ok := t.Figure(judged); ok {
			series = append(series, v)
		}
	}
	if g[0].Run.World != "live" || len(series) < driftRuns || !oneWay(series) {
		return nil
	}
	first, last := series[0], series[len(series)-1]
	if max(first, last) <= (1+driftMild)*min(first, last) {
		return nil
	}
	return []Warning{g.warning("drift", fmt.Sprintf(
		"%s drifted from %s in the first repetition to %s in the last: let the machine come to rest and run again.",
		judged, Text(judged, first), Text(judged, last)))}
}

func oneWay(series []float64) bool {
	up, down := true, true
	for i := 1; i < len(series); i++ {
		up = up && series[i] > series[i-1]
		down = down && series[i] < series[i-1]
	}
	return up || down
}

// partial says that repetitions are missing.
func partial(groups []Group, variants, repeat int) Warning {
	fewest := repeat
	for _, g := range groups {
		fewest = min(fewest, len(g))
	}
	if len(groups) < variants {
		fewest = 0
	}
	return Warning{Kind: "partial", Text: fmt.Sprintf(
		"The run was cut short: some variants have %d of %d repetitions; go on with it (run --resume).", fewest, repeat)}
}

func incomplete(groups []Group, repeat int) bool {
	return slices.ContainsFunc(groups, func(g Group) bool { return len(g) < repeat })
}
