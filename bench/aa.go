package bench

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
)

// Alike is what came of holding a system against itself: how often each figure
// was called different, which it never is.
type Alike struct {
	Scenario, Variant, World string
	Comparisons              int
	Figures                  []AlikeFigure // in the order of the metrics
}

// AlikeFigure is one of them.
type AlikeFigure struct {
	Metric measure.Metric
	Told   int // comparisons that could be made
	Called int // those that found a difference
}

// Most is how many differences chance may be blamed for: so many or more are
// called, if one in twenty is, with a probability above beyondChance.
func (f AlikeFigure) Most() int {
	tail := 0.0
	for k := f.Told; k > 0; k-- {
		if tail += binomial(f.Told, k, .05); tail > beyondChance {
			return k
		}
	}
	return 0
}

// beyondChance is what a normal law has beyond three deviations, on one side.
const beyondChance = .00135

// binomial is how likely exactly k of n are that come about with probability p.
func binomial(n, k int, p float64) float64 {
	ways := func(of int) float64 { l, _ := math.Lgamma(float64(of) + 1); return l }
	return math.Exp(ways(n) - ways(k) - ways(n-k) + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
}

// Holds tells whether no figure was called different too often.
func (a *Alike) Holds() bool {
	for _, f := range a.Figures {
		if f.Called > f.Most() {
			return false
		}
	}
	return true
}

// HoldAgainstItself makes so many comparisons of a scenario's baseline with
// itself in one world, each of the repetitions that the scenario asks for, and
// counts those that find a difference: an A/A test of the machine, the
// generator and the statistics together. The two sides meet load of other
// seeds; with the same, the simulator would give the same twice. Those that find
// one are kept in the directory of the options, under their numbers, if it names
// one. Progress is told after each comparison; it may be nil.
func HoldAgainstItself(ctx context.Context, s *scenarios.Scenario, comparisons int, o Options, progress func(made int)) (*Alike, error) {
	dir, done, err := measure.Scratch("aa")
	if err != nil {
		return nil, err
	}
	defer done()
	all := &Alike{Scenario: s.Name, Variant: s.Baseline, World: o.Worlds[0]}
	keep := o.Dir
	for i := range comparisons {
		o.Dir = filepath.Join(dir, fmt.Sprint(i+1))
		if keep != "" {
			o.Dir = filepath.Join(keep, fmt.Sprint(i+1))
		}
		out, err := Execute(ctx, twice(s, uint64(i)), o)
		if err != nil {
			return nil, err
		}
		if out.Interrupted {
			return all, os.RemoveAll(o.Dir)
		}
		called := all.add(out.Result.Comparisons)
		if progress != nil {
			progress(i + 1)
		}
		if called && keep != "" {
			continue
		}
		if err := os.RemoveAll(o.Dir); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// twice is a scenario of the baseline beside itself.
func twice(s *scenarios.Scenario, number uint64) *scenarios.Scenario {
	pair := *s
	pair.Seed, pair.Baseline, pair.Expect, pair.Variants = scenarios.Mix(s.Seed, number), "one", nil, nil
	for _, v := range s.Variants {
		if v.Name == s.Baseline {
			one, other := v, v
			one.Name, other.Name, other.Salt = "one", "other", 1
			pair.Variants = []scenarios.Variant{one, other}
		}
	}
	return &pair
}

// add takes a comparison, and tells whether it found a difference.
func (a *Alike) add(comparisons []measure.Comparison) (called bool) {
	a.Comparisons++
	if a.Figures == nil {
		for _, c := range comparisons {
			a.Figures = append(a.Figures, AlikeFigure{Metric: c.Metric})
		}
	}
	for i, c := range comparisons {
		if c.Verdict == measure.Unknowable || i >= len(a.Figures) {
			continue
		}
		a.Figures[i].Told++
		if c.Verdict != measure.NoDiff {
			a.Figures[i].Called++
			called = true
		}
	}
	return called
}
