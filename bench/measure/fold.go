package measure

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Question is what a scenario asks, as far as figures go.
type Question struct {
	Scenario string
	Text     string
	Variants []string // in the order of the file
	Baseline string
	JudgeBy  Metric
	Repeat   int
	Seed     uint64
	Expect   []Expectation
	Worlds   []string
	Command  string
	// Until is how wide half of the 95% interval of the judged figure may be:
	// a share of the figure, or of the whole where the figure is itself a
	// share. Wider ones are warned of. 0: as wide as they are.
	Until float64
	// Steady says that the same load comes all the time and nothing befalls
	// anybody.
	Steady bool
}

// Fold reduces runs to everything that a report shows. The same runs give the
// same result, in whatever order they come. Those that are stored it reads
// sample by sample: what it holds at once does not grow with their length. An
// error names the file that is missing or damaged.
func Fold(q Question, runs []*Run) (*Result, error) {
	groups, lines, err := group(q, runs)
	if err != nil {
		return nil, err
	}
	r := &Result{
		Scenario: q.Scenario, Question: q.Text, Baseline: q.Baseline, JudgeBy: q.JudgeBy,
		Worlds: q.Worlds, Variants: q.Variants, Repeat: q.Repeat, Seed: q.Seed, Command: q.Command,
	}
	for _, g := range groups {
		g.burn(&q)
	}
	for i, g := range groups {
		r.Summaries = append(r.Summaries, Summarise(g, lines[i]))
		if rival := base(groups, g[0].Run.World, q.Baseline); rival != nil && g[0].Run.Variant != q.Baseline {
			r.Comparisons = append(r.Comparisons, Compare(rival, g, q.JudgeBy, len(q.Variants)-1)...)
		}
	}
	r.Partial = len(groups) < len(q.Worlds)*len(q.Variants) || incomplete(groups, q.Repeat)
	r.Checks = Judge(q, groups)
	r.Warnings = append(warningsOf(groups, lines, q), once(flattery(r.Comparisons, q.related()))...)
	if r.Partial {
		r.Warnings = append(r.Warnings, partial(groups, len(q.Worlds)*len(q.Variants), q.Repeat))
	}
	r.describe(groups)
	r.Apart = apart(r)
	r.Answer = Answer(r)
	return r, nil
}

// related are the metrics by which variants are held against the baseline.
func (q *Question) related() []Metric {
	all := []Metric{q.JudgeBy}
	for _, e := range q.Expect {
		if e.Relative {
			all = append(all, e.Metric)
		}
	}
	return all
}

// group sorts runs by world, then variant, in the order of the question, and
// counts each group, with its time line, on a processor of its own.
func group(q Question, runs []*Run) (groups []Group, lines [][]Second, err error) {
	var some [][]*Run
	for _, world := range q.Worlds {
		for _, variant := range q.Variants {
			of := slices.DeleteFunc(slices.Clone(runs), func(r *Run) bool {
				return r.World != world || r.Variant != variant || r.Spoiled
			})
			if len(of) > 0 {
				some = append(some, of)
			}
		}
	}
	groups, lines = make([]Group, len(some)), make([][]Second, len(some))
	errs := make([]error, len(some))
	processors := make(chan struct{}, runtime.GOMAXPROCS(0))
	var counting sync.WaitGroup
	for i := range some {
		counting.Go(func() {
			processors <- struct{}{}
			groups[i], lines[i], errs[i] = CountAll(some[i])
			<-processors
		})
	}
	counting.Wait()
	return groups, lines, errors.Join(errs...)
}

// describe fills in what the runs have in common. Durations are the longest
// of all variants; the machine is that of the first live run, if there is one,
// with what the generator did in all of them.
func (r *Result) describe(groups []Group) {
	live := slices.IndexFunc(groups, func(g Group) bool { return g[0].Run.World == "live" })
	for i, g := range groups {
		run := g[0].Run
		r.Warmup = max(r.Warmup, run.Warmup)
		r.Duration = max(r.Duration, run.Duration)
		if run.World == "sim" {
			r.Calibration = run.Machine.Calibration
		}
		if i == max(0, live) {
			r.Machine = run.Machine
		}
	}
	r.Machine.generator(groups)
}

// generator is how late the generator was in the worst of the live runs, and
// what a request took of its time in their mean.
func (p *Provenance) generator(groups []Group) {
	p.LateP50, p.LateP99, p.GeneratorCPU = 0, 0, 0
	runs := time.Duration(0)
	for _, g := range groups {
		for _, counted := range g {
			m := counted.Run.Machine
			p.LateP50, p.LateP99 = max(p.LateP50, m.LateP50), max(p.LateP99, m.LateP99)
			if counted.Run.World == "live" {
				p.GeneratorCPU += m.GeneratorCPU
				runs++
			}
		}
	}
	p.GeneratorCPU /= max(runs, 1)
}
