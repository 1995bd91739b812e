package bench

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
)

//go:embed calibrate.yaml
var calibrating []byte

// Calibrate measures what the machinery costs on this machine: it runs ever
// longer chains live, which takes a minute and a half, and fits the simulator's
// costs to them. Of o it heeds Binary, Version and Progress.
func Calibrate(ctx context.Context, o Options) (*Calibration, error) {
	s, err := scenarios.Read("calibrate.yaml", calibrating, scenarios.Options{})
	if err != nil {
		return nil, err
	}
	dir, done, err := measure.Scratch("calibrate")
	if err != nil {
		return nil, err
	}
	defer done()
	o.Dir, o.Worlds = filepath.Join(dir, "all"), []string{"live"}
	out, err := Execute(ctx, s, o)
	switch {
	case err != nil:
		return nil, err
	case out.Interrupted:
		return nil, context.Cause(ctx)
	}
	runs, err := (&measure.Store{Dir: o.Dir}).Runs()
	if err != nil {
		return nil, err
	}
	for _, run := range runs {
		if err := run.Load(); err != nil {
			return nil, err
		}
	}
	return calibration(ctx, s, runs)
}

// calibration is what live runs of the scenario tell.
func calibration(ctx context.Context, s *scenarios.Scenario, runs []*measure.Run) (*Calibration, error) {
	var trials []*trial
	cases := s.Cases()
	for i := range cases {
		run := trusted(runs, &cases[i])
		if run == nil && i+len(s.Variants) < len(cases) {
			continue // a later repetition may do
		}
		if run == nil && !shown(trials, cases[i].Variant.Name) {
			return nil, fmt.Errorf("calibrate: no run of %q can be trusted: let the machine rest and try again", cases[i].Variant.Name)
		}
		if run == nil {
			continue
		}
		t, err := newTrial(ctx, &cases[i], run)
		if err != nil {
			return nil, fmt.Errorf("calibrate: %w", err)
		}
		trials = append(trials, t)
	}
	if len(trials) == 0 {
		return nil, errors.New("calibrate: no runs")
	}
	m := trials[0].live.Machine
	costs, err := fit(ctx, trials, m.Cores)
	if err != nil {
		return nil, fmt.Errorf("calibrate: %w", err)
	}
	return &Calibration{Version: m.Version, System: m.System, CPU: m.CPU, Measured: m.Started.UTC(), Costs: costs}, nil
}

// shown tells whether there is a trial of a variant.
func shown(trials []*trial, variant string) bool {
	return slices.ContainsFunc(trials, func(t *trial) bool { return t.c.Variant.Name == variant })
}

// trusted is the run of a case without severe warnings, or nil.
func trusted(runs []*measure.Run, c *scenarios.Case) *measure.Run {
	for _, r := range runs {
		if r.Variant == c.Variant.Name && r.Repetition == c.Repetition && !r.Spoiled && !r.Severe() {
			return r
		}
	}
	return nil
}
