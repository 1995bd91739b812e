// Package bench runs what a scenario stands for: every variant, repeated, in
// one world or both, interleaved so that whatever drifts on the machine meets
// all of them alike. It owns the load generator, and folds the runs that it
// keeps into a result.
package bench

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
)

// Plan is what was asked for, kept beside its runs.
type Plan struct {
	Scenario *scenarios.Scenario
	Worlds   []string
	Command  string // how to run it again
	Version  string
	Until    float64          `json:",omitempty"` // how narrow the judged figure is to be; 0: as repetitions make it
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
		Repeat: s.Repeat, Seed: s.Seed, Expect: s.Expect, Worlds: p.Worlds, Command: p.Command, Until: p.Until,
	}
	q.Steady = true
	for _, v := range s.Variants {
		q.Variants = append(q.Variants, v.Name)
		q.Steady = q.Steady && v.Steady()
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
		return nil, nil, repairable(err)
	}
	if err := plan.check(store, runs); err != nil {
		return nil, nil, err
	}
	result, err := measure.Fold(plan.question(), runs)
	if err != nil {
		return nil, nil, repairable(err)
	}
	result.Theory = plan.Theory
	return plan.Scenario, result, nil
}

// repairable says what to do about a stored repetition that cannot be read.
func repairable(err error) error {
	return fmt.Errorf("%w (trafficlab run --resume makes again what is damaged, and keeps the rest)", err)
}

// check refuses runs that are not of the plan: figures over them would answer
// another question.
func (p *Plan) check(store *measure.Store, runs []*measure.Run) error {
	cases := p.Scenario.Cases()
	for _, run := range runs {
		if err := p.owns(run, cases); err != nil {
			return fmt.Errorf("read %s: it is not of this plan: %w", store.RunFile(run), err)
		}
	}
	return nil
}

// owns tells what the plan says otherwise of a run.
func (p *Plan) owns(run *measure.Run, cases []scenarios.Case) error {
	s := p.Scenario
	i := slices.IndexFunc(s.Variants, func(v scenarios.Variant) bool { return v.Name == run.Variant })
	switch {
	case !slices.Contains(p.Worlds, run.World):
		return fmt.Errorf("it was run in the world %q, not in one of %q", run.World, p.Worlds)
	case i < 0:
		return fmt.Errorf("there is no variant %q", run.Variant)
	case run.Repetition < 0 || run.Repetition >= s.Repeat:
		return fmt.Errorf("it is repetition %d of %d", run.Repetition+1, s.Repeat)
	}
	c := &cases[run.Repetition*len(s.Variants)+i]
	want := newRun(c, run.World)
	for _, f := range []struct {
		name      string
		has, want any
	}{
		{"scenario", run.Scenario, want.Scenario},
		{"seed", run.Seed, want.Seed},
		{"warm-up", run.Warmup, want.Warmup},
		{"duration", run.Duration, want.Duration},
		{"deadline", run.Deadline, want.Deadline},
	} {
		if f.has != f.want {
			return fmt.Errorf("its %s is %v, not %v", f.name, f.has, f.want)
		}
	}
	digest, err := digestOf(c)
	if err == nil && run.Case != digest {
		err = errors.New("its system, load or faults are others")
	}
	return err
}

// digestOf tells cases apart, in 64 bits.
func digestOf(c *scenarios.Case) (string, error) {
	text, err := json.Marshal(c.Anywhere())
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8]), err
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
	if err := plan.Scenario.Check(); err != nil {
		return nil, nil, fmt.Errorf("read plan of %s: %w", dir, err)
	}
	return plan, store, nil
}
