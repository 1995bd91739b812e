// Package bench runs what a scenario stands for: every variant, repeated, in
// one world or both, interleaved so that whatever drifts on the machine meets
// all of them alike. It owns the load generator, and folds the runs that it
// keeps into a result.
package bench

import (
	"fmt"
	"math/rand/v2"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
)

// Plan is what was asked for, kept beside its runs.
type Plan struct {
	Scenario *scenarios.Scenario
	Worlds   []string
	Command  string // how to run it again
	Version  string
	Theory   []measure.Theory `json:",omitempty"` // beside the simulator's figures, for what it charged
}

// Step is one run to be made.
type Step struct {
	World string
	Case  *scenarios.Case
}

// Steps lists the runs of a plan in the order in which they are made:
// repetition by repetition; in each, world by world, all variants in an order
// drawn from the seed, so that none is always the first or follows the same
// other.
func (p *Plan) Steps() []Step {
	cases := p.Scenario.Cases()
	var steps []Step
	for r := range p.Scenario.Repeat {
		order := rand.New(rand.NewPCG(p.Scenario.Seed, uint64(r))).Perm(len(p.Scenario.Variants))
		for _, world := range p.Worlds {
			for _, i := range order {
				steps = append(steps, Step{world, &cases[r*len(order)+i]})
			}
		}
	}
	return steps
}

// question is the plan's part that figures depend on.
func (p *Plan) question() measure.Question {
	s := p.Scenario
	q := measure.Question{
		Scenario: s.Name, Text: s.Question, Baseline: s.Baseline, JudgeBy: s.JudgeBy,
		Repeat: s.Repeat, Seed: s.Seed, Expect: s.Expect, Worlds: p.Worlds, Command: p.Command,
	}
	for _, v := range s.Variants {
		q.Variants = append(q.Variants, v.Name)
	}
	return q
}

// Fold reads a result directory and folds its finished runs into the result
// that a report shows. Errors name the file that is missing, damaged or of
// another version.
func Fold(dir string) (*scenarios.Scenario, *measure.Result, error) {
	plan, store, err := openPlan(dir)
	if err != nil {
		return nil, nil, err
	}
	runs, err := store.Runs()
	if err != nil {
		return nil, nil, err
	}
	result, err := measure.Fold(plan.question(), runs)
	if err == nil {
		result.Theory = plan.Theory
	}
	return plan.Scenario, result, err
}

// Glance is Fold for those who trust what was folded when the runs were made,
// and do not want to read every sample again.
func Glance(dir string) (*scenarios.Scenario, *measure.Result, error) {
	plan, store, err := openPlan(dir)
	if err != nil {
		return nil, nil, err
	}
	if result, err := store.Result(); err == nil {
		return plan.Scenario, result, nil
	}
	return Fold(dir)
}

func openPlan(dir string) (*Plan, *measure.Store, error) {
	plan := &Plan{}
	store, err := measure.Open(dir, plan)
	if err != nil {
		return nil, nil, err
	}
	if plan.Scenario == nil {
		return nil, nil, fmt.Errorf("read plan of %s: it names no scenario", dir)
	}
	return plan, store, nil
}
