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

// site builds the components of a case, which share their tallies.
func site(c *scenarios.Case, costs Costs) builder {
	s := components.NewSite(c, &tallies{trip: costs.Shared})
	return func(place topologies.Place) component { return s.New(place) }
}

func run(ctx context.Context, c *scenarios.Case, costs Costs, build builder) (*measure.Run, error) {
	w, err := newWorld(c, costs, build)
	if err != nil {
		return nil, fmt.Errorf("simulate %s: %w", c.Scenario, err)
	}
	if err := w.play(ctx); err != nil {
		return nil, fmt.Errorf("simulate %s: %w", c.Scenario, err)
	}
	return w.report(), nil
}

// report is the run, now that it is over.
func (w *world) report() *measure.Run {
	c, v := w.c, &w.c.Variant
	r := &measure.Run{
		Format: measure.Format, Scenario: c.Scenario, Variant: v.Name, World: "sim",
		Repetition: c.Repetition, Seed: c.Seed,
		Warmup: v.Warmup, Duration: c.Duration(), Deadline: v.Deadline,
		Target: c.Target(w.clients.samples), Loops: v.Load.Loops(), Samples: w.clients.samples,
	}
	if v.Load.Closed() {
		measure.Order(r.Samples)
	}
	for _, p := range w.places {
		r.Nodes = append(r.Nodes, p.total())
	}
	return r
}
