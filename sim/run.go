package sim

import (
	"context"
	"fmt"

	"trafficlab/bench/measure"
	"trafficlab/components"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// Run plays a case to its end: the load is over and every request has its
// outcome. The run it returns depends on the case and the costs alone. An
// error says what cannot be simulated (nodes of kind external), or that the
// context ended.
func Run(ctx context.Context, c *scenarios.Case, costs Costs) (*measure.Run, error) {
	return run(ctx, c, costs, site(c, costs))
}

// Play is Run, but watches what places are like, and hands the samples over instead of keeping them: each as soon
// as it and all before it have their outcome, in order of instant and number.
// What it holds at once does not grow with the length of the run.
func Play(ctx context.Context, c *scenarios.Case, costs Costs, tell func(*measure.Sample)) (*measure.Run, error) {
	return enact(ctx, c, costs, site(c, costs), true, tell)
}

// site builds the components of a case, which share their tallies.
func site(c *scenarios.Case, costs Costs) builder {
	s := components.NewSite(c, &tallies{trip: costs.Shared})
	s.Alone()
	return func(place topologies.Place) component { return s.New(place) }
}

func run(ctx context.Context, c *scenarios.Case, costs Costs, build builder) (*measure.Run, error) {
	samples := make([]measure.Sample, 0, int(c.Variant.Load.Expected(0, c.Duration(), ""))*17/16)
	r, err := enact(ctx, c, costs, build, false, func(s *measure.Sample) { samples = append(samples, *s) })
	if err == nil {
		r.Samples = samples
	}
	return r, err
}

func enact(ctx context.Context, c *scenarios.Case, costs Costs, build builder, watched bool, tell func(*measure.Sample)) (*measure.Run, error) {
	w, err := newWorld(c, costs, build)
	if err != nil {
		return nil, fmt.Errorf("simulate %s: %w", c.Scenario, err)
	}
	if watched {
		w.observe()
	}
	w.clients.tell = tell
	if err := w.play(ctx); err != nil {
		return nil, fmt.Errorf("simulate %s: %w", c.Scenario, err)
	}
	w.clients.handOver(components.Forever)
	return w.report(), nil
}

// report is the run, now that it is over.
func (w *world) report() *measure.Run {
	c, v := w.c, &w.c.Variant
	r := &measure.Run{
		Format: measure.Format, Scenario: c.Scenario, Variant: v.Name, World: "sim",
		Repetition: c.Repetition, Seed: c.Seed,
		Warmup: v.Warmup, Duration: c.Duration(), Deadline: v.Deadline,
		Target: c.Target(w.clients.asked), Loops: v.Load.Loops(), Faults: v.Troubles(),
	}
	if w.costs.Cores > 0 {
		r.Modelled = &measure.Processors{Cores: w.costs.Cores, Busy: w.machine.busy}
	}
	for _, p := range w.places {
		r.Nodes = append(r.Nodes, p.total())
	}
	if w.lookout != nil {
		r.Courses = w.lookout.courses
	}
	return r
}
