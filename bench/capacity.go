package bench

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
)

// CapacityOptions say what load to look for, and how. Worlds, Binary, Command,
// Version, Calibration, Budget and Progress of a run mean the same here.
type CapacityOptions struct {
	Options
	Bounds    []measure.Expectation
	Implied   bool
	Precision float64
	Tried     func(*measure.Search, *measure.Level) // told of every load; may be nil
}

// more is how many times as many repetitions a load gets that they leave
// undecided. It is looked at twice, so that a load at the very bound is called
// one way or the other in up to 9% of cases instead of 5%.
const more = 4

// FindCapacity looks for the highest load that stays within bounds, of every
// variant in every world: it doubles the scenario's load until it is too high,
// or halves it until it is not, and then tries loads between. All loads meet
// the same repetitions, which are judged by their intervals. Searches take
// turns, so that what drifts on the machine, and the end of the budget, meets
// them alike. If the context ends, what was found until then is the outcome.
func FindCapacity(ctx context.Context, s *scenarios.Scenario, o CapacityOptions) (*measure.Capacity, error) {
	return findCapacity(ctx, s, o, Execute)
}

// executor is Execute.
type executor func(context.Context, *scenarios.Scenario, Options) (*Outcome, error)

func findCapacity(ctx context.Context, s *scenarios.Scenario, o CapacityOptions, run executor) (*measure.Capacity, error) {
	dir, done, err := measure.Scratch("capacity")
	if err != nil {
		return nil, err
	}
	defer done()
	c := &measure.Capacity{
		Scenario: s.Name, Question: s.Question, Bounds: o.Bounds, Implied: o.Implied, Precision: o.Precision, Worlds: o.Worlds,
		Baseline: s.Baseline, Repeat: s.Repeat, Seed: s.Seed, Command: o.Command,
	}
	var all []*search
	for _, world := range o.Worlds {
		for i := range s.Variants {
			all = append(all, newSearch(s, &s.Variants[i], world, o, run))
		}
	}
	for i := range s.Variants {
		v := &s.Variants[i]
		c.Variants = append(c.Variants, v.Name)
		c.Warmup, c.Duration = max(c.Warmup, v.Warmup), max(c.Duration, v.Load.Duration())
	}
	end := time.Now().Add(o.Budget)
	err = inTurns(ctx, all, filepath.Join(dir, "level"), end)
	for _, found := range all {
		c.Searches = append(c.Searches, found.Search)
		if found.machine.Version != "" && (c.Machine.Version == "" || c.Machine.Cores == 0) {
			c.Machine = found.machine
		}
	}
	c.Conclude()
	return c, err
}

// inTurns tries a load of each search, again and again until none has one left
// or time is up.
func inTurns(ctx context.Context, all []*search, dir string, end time.Time) error {
	for left := slices.Clone(all); len(left) > 0; {
		for _, s := range left {
			switch factor, ok := s.next(); {
			case !ok:
			case ctx.Err() != nil:
				s.cut("for it was interrupted")
			case time.Now().After(end):
				s.cut("for the budget is spent")
			default:
				if err := s.try(ctx, factor, dir); err != nil {
					return fmt.Errorf("%s, %s, %.3g times its load: %w", s.World, s.Variant, factor, err)
				}
			}
		}
		left = slices.DeleteFunc(left, func(s *search) bool { return s.over })
	}
	return nil
}

// search is a measure.Search under way.
type search struct {
	measure.Search
	scenario    *scenarios.Scenario
	variant     *scenarios.Variant
	options     CapacityOptions
	run         executor
	least, most float64 // factors of the scenario's load
	over        bool
	machine     measure.Provenance
}

func newSearch(s *scenarios.Scenario, v *scenarios.Variant, world string, o CapacityOptions, run executor) *search {
	_, clients := v.Offered()
	least, most := leastScaled(s, v, o.Bounds), v.MostScaled()
	return &search{
		Search:   measure.Search{World: world, Variant: v.Name, Clients: clients},
		scenario: s, variant: v, options: o, run: run, least: least, most: max(least, most),
	}
}

// leastShare is the smallest part of the scenario's load that is tried.
const leastShare = 1. / 1024

// leastScaled is the smallest factor at which all quantiles asked for can still
// be told, if hardly any request fails.
func leastScaled(s *scenarios.Scenario, v *scenarios.Variant, bounds []measure.Expectation) float64 {
	least := leastShare
	for _, b := range bounds {
		requests := v.Estimate(v.Warmup, v.Load.Duration(), b.Metric.Class)
		least = max(least, spare*float64(b.Metric.Needed(s.Repeat))/max(1, requests))
	}
	return least
}

// spare leaves room for what chance and bounds on failures take of the samples.
const spare = 1.2

func (s *search) end(why string) { s.Ended, s.over = why, true }

func (s *search) cut(why string) {
	s.end(why)
	s.Short = true
}

// load is what the variant offers at a factor.
func (s *search) load(factor float64) float64 {
	v := *s.variant
	v.Load = v.Load.Scaled(factor)
	load, _ := v.Offered()
	return load
}

// next is the load to be tried next, as a factor of the scenario's; not ok if
// there is none.
func (s *search) next() (factor float64, ok bool) {
	good, bad := measure.Bracket(s.Levels)
	switch {
	case s.over:
		return 0, false
	case len(s.Levels) == 0:
		return min(max(1, s.least), s.most), true
	case bad == nil:
		return s.outward(s.Levels[len(s.Levels)-1].Factor, 2, s.most, "the most that can be offered")
	case good == nil:
		return s.outward(s.Levels[0].Factor, .5, s.least, "the least at which the bounds can be told, or there is")
	}
	return s.between(good, bad)
}

// outward goes on from the last load tried towards the end of all that can be.
func (s *search) outward(from, by, end float64, is string) (float64, bool) {
	to := from * by
	if by > 1 == (to > end) {
		to = end
	}
	if s.tried(to) {
		s.end("which is " + is)
		return 0, false
	}
	return to, true
}

// between halves the wider of the gaps that undecided loads leave between one
// that is met and one that is not.
func (s *search) between(good, bad *measure.Level) (float64, bool) {
	edges := []float64{good.Factor}
	for _, l := range s.Levels {
		if good.Factor < l.Factor && l.Factor < bad.Factor {
			edges = append(edges, l.Factor)
		}
	}
	edges = append(edges, bad.Factor)
	widest, factor, n := s.options.Precision, 0., len(edges)
	if n > 2 {
		widest /= 2 // both sides of what is undecided
	}
	for _, gap := range [][2]float64{{edges[0], edges[1]}, {edges[n-2], edges[n-1]}} {
		mid := math.Sqrt(gap[0] * gap[1])
		if wide := gap[1]/gap[0] - 1; wide > widest && !s.tried(mid) {
			widest, factor = wide, mid
		}
	}
	if factor > 0 {
		return factor, true
	}
	s.over = true
	if bad.Factor/good.Factor-1 > s.options.Precision && n > 2 {
		s.Ended = fmt.Sprintf("between which %d times %d repetitions leave it undecided", more, s.scenario.Repeat)
	}
	return 0, false
}

// tried tells whether the load of a factor was tried already, which of clients
// need not be of the same factor.
func (s *search) tried(factor float64) bool {
	load := s.load(factor)
	return slices.ContainsFunc(s.Levels, func(l measure.Level) bool { return math.Abs(l.Load/load-1) < 1e-9 })
}

// try makes the repetitions of a load, and more of them if they leave it
// undecided.
func (s *search) try(ctx context.Context, factor float64, dir string) error {
	level, err := s.level(ctx, factor, dir, s.scenario.Repeat)
	if err == nil && level != nil && level.Met == measure.Undecided && level.GaveOut == "" {
		most := min(more*s.scenario.Repeat, scenarios.MostRepetitions)
		level, err = s.level(ctx, factor, dir, most)
	}
	if err != nil || level == nil {
		return err
	}
	s.Levels = append(s.Levels, *level)
	slices.SortFunc(s.Levels, func(a, b measure.Level) int {
		if a.Load < b.Load {
			return -1
		}
		return 1
	})
	if s.options.Tried != nil {
		s.options.Tried(&s.Search, level)
	}
	return os.RemoveAll(dir)
}

// level makes repetitions of a load, beyond those that are there, and judges
// them all. It is nil if the context ended meanwhile.
func (s *search) level(ctx context.Context, factor float64, dir string, repeat int) (*measure.Level, error) {
	o := s.options.Options
	o.Worlds, o.Dir, o.Resume, o.Until = []string{s.World}, dir, true, 0
	out, err := s.run(ctx, s.at(factor, repeat), o)
	if err != nil || out.Interrupted {
		return nil, err
	}
	_, store, err := openPlan(dir)
	if err != nil {
		return nil, err
	}
	runs, err := store.Runs()
	if err != nil {
		return nil, err
	}
	tallies, _, err := measure.CountAll(runs)
	if err != nil {
		return nil, err
	}
	s.machine = tallies[0].Run.Machine
	level := measure.NewLevel(factor, s.load(factor), tallies, s.options.Bounds, gaveOut(out.Result.Warnings))
	return &level, nil
}

// at is the scenario of the variant alone, at a factor of its load.
func (s *search) at(factor float64, repeat int) *scenarios.Scenario {
	one, v := *s.scenario, *s.variant
	v.Load = v.Load.Scaled(factor)
	one.Variants, one.Baseline, one.Expect, one.Repeat = []scenarios.Variant{v}, v.Name, nil, repeat
	one.JudgeBy = s.options.Bounds[0].Metric
	return &one
}

// gaveOut is what a severe warning says of the machine, or nothing.
func gaveOut(warnings []measure.Warning) string {
	for _, w := range warnings {
		if w.Severe {
			return w.Text
		}
	}
	return ""
}
