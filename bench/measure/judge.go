package measure

// Group is the repetitions of one variant in one world.
type Group []*Tally

// Judge holds expectations against every variant and world that they stand
// for. What was not run is not judged.
func Judge(expectations []Expectation, groups []Group, baseline string) []Check {
	var checks []Check
	for _, e := range expectations {
		for _, g := range groups {
			run := g[0].Run
			if !e.standsFor(run, baseline) {
				continue
			}
			f := g.expected(e, base(groups, run.World, baseline))
			checks = append(checks, Check{Expectation: e, World: run.World, Variant: run.Variant, Figure: f, Met: e.held(f)})
		}
	}
	return checks
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

// expected is the figure that a bound is held against.
func (g Group) expected(e Expectation, base Group) Figure {
	if !e.Relative {
		return figure(g, e.Metric)
	}
	paired, own := pairs(base, g)
	from, to, ok := values(paired, own, e.Metric)
	switch {
	case !ok:
		return Figure{}
	case Metrics[e.Metric.Name].Unit == Share:
		return fieller(to, from, confidence)
	}
	return ratio(to, from, confidence)
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
