package measure

import "slices"

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
}

// Fold reduces runs to everything that a report shows. The same runs give the
// same result, in whatever order they come.
func Fold(q Question, runs []*Run) *Result {
	groups := group(q, runs)
	r := &Result{
		Scenario: q.Scenario, Question: q.Text, Baseline: q.Baseline, JudgeBy: q.JudgeBy,
		Worlds: q.Worlds, Variants: q.Variants, Repeat: q.Repeat, Seed: q.Seed, Command: q.Command,
	}
	for _, g := range groups {
		r.Summaries = append(r.Summaries, Summarise(g))
		if rival := base(groups, g[0].Run.World, q.Baseline); rival != nil && g[0].Run.Variant != q.Baseline {
			r.Comparisons = append(r.Comparisons, Compare(rival, g, q.JudgeBy, len(q.Variants)-1)...)
		}
	}
	r.Partial = len(groups) < len(q.Worlds)*len(q.Variants) || incomplete(groups, q.Repeat)
	r.Checks = Judge(q, groups)
	r.Warnings = append(warningsOf(groups, q.JudgeBy, q.Repeat), once(flattery(r.Comparisons, q.related()))...)
	if r.Partial {
		r.Warnings = append(r.Warnings, partial(groups, len(q.Worlds)*len(q.Variants), q.Repeat))
	}
	r.describe(groups)
	r.Apart = apart(r)
	r.Answer = Answer(r)
	return r
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

// group sorts runs by world, then variant, in the order of the question.
func group(q Question, runs []*Run) []Group {
	var groups []Group
	for _, world := range q.Worlds {
		for _, variant := range q.Variants {
			var some []*Run
			for _, run := range runs {
				if run.World == world && run.Variant == variant {
					some = append(some, run)
				}
			}
			if g := CountAll(some); len(g) > 0 {
				groups = append(groups, g)
			}
		}
	}
	return groups
}

// describe fills in what the runs have in common. Durations are the longest
// of all variants; the machine is that of the first live run, if there is one.
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
}
