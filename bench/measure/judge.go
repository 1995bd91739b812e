package measure

// Group is the repetitions of one variant in one world.
type Group []*Tally

// Judge holds the expectations of a question against every variant and world
// that they stand for. What was not run is not judged. Relative bounds on the
// judged metric are held to the level of Compare, so that the two never
// contradict each other.
func Judge(q Question, groups []Group) []Check {
	var checks []Check
	for _, e := range q.Expect {
		for _, g := range groups {
			if e.standsFor(g[0].Run, q.Baseline) {
				level := level(e.Metric, q.JudgeBy, len(q.Variants)-1)
				checks = append(checks, g.judge(e, base(groups, g[0].Run.World, q.Baseline), level))
			}
		}
	}
	return checks
}

// judge holds one expectation against the repetitions of a variant. What only
// the survivors of failures speak for stays undecided.
func (g Group) judge(e Expectation, base Group, level float64) Check {
	c := Check{Expectation: e, World: g[0].Run.World, Variant: g[0].Run.Variant}
	if !e.Relative {
		c.Figure = figure(g, e.Metric)
		c.Met = e.held(c.Figure)
		return c
	}
	paired, own := pairs(base, g)
	c.Figure = against(paired, own, e.Metric, level)
	c.Met = e.held(c.Figure)
	above := e.Less == (c.Met == NotMet)
	if s := survivors(paired, own, e.Metric); c.Met != Undecided && s.flatter(above) {
		c.Met, c.Reason = Undecided, s.crowd(true)
	}
	return c
}

// standsFor says whether the expectation is about that run's variant and
// world. The baseline is never held against itself.
func (e Expectation) standsFor(run *Run, baseline string) bool {
	if e.World != "" && e.World != run.World {
		return false
	}
	if e.Relative && run.Variant == baseline {
		return false
	}
	return e.Variant == "all" || e.Variant == run.Variant
}

// base is the baseline's repetitions in a world, or nil.
func base(groups []Group, world, baseline string) Group {
	for _, g := range groups {
		if g[0].Run.World == world && g[0].Run.Variant == baseline {
			return g
		}
	}
	return nil
}

// against is the ratio of a metric to that of the baseline, which a relative
// bound is held against.
func against(base, own []*Tally, m Metric, level float64) Figure {
	from, to, ok := values(base, own, m)
	switch {
	case !ok:
		return Figure{}
	case Metrics[m.Name].Unit == Share:
		return fieller(to, from, level)
	}
	return ratio(to, from, level)
}

// held compares a figure with the bound. An interval that contains the bound
// decides nothing; with one repetition the value decides.
func (e Expectation) held(f Figure) Met {
	switch {
	case !f.Known:
		return Undecided
	case e.Less && f.High < e.Bound, !e.Less && f.Low > e.Bound:
		return IsMet
	case e.Less && f.Low >= e.Bound, !e.Less && f.High <= e.Bound:
		return NotMet
	}
	return Undecided
}
