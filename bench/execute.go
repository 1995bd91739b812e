package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
)

// Options say how to run a scenario.
type Options struct {
	Worlds  []string // "live", "sim", in order of the report
	Dir     string   // of the result
	Binary  string   // trafficlab itself, to host components with
	Command string   // how to run it again, for the report
	Version string

	// Calibration is what the simulator charges; nil: what is built in.
	Calibration *Calibration

	// Resume goes on with the runs that the directory holds, which must be of
	// the same plan, program and calibration. Damaged ones are made again.
	Resume bool

	// Until repeats until the interval of the judged figure is so narrow: see
	// measure.Question. 0 is as often as the scenario says; else that is the
	// most. Budget then ends it too, at the next whole repetition; 0 is none.
	Until  float64
	Budget time.Duration

	// Progress is told of every step as it begins and ends, one call at a
	// time. It may be nil.
	Progress func(Event)
}

// Event is a step of an execution that begins or has ended.
type Event struct {
	Stage      Stage
	World      string
	Variant    string
	Repetition int // from 1
	Repeat     int
	Done       int           // runs finished
	Total      int           // runs to be made
	Left       time.Duration // estimated, for all that remains
	Warnings   []measure.Warning
	Err        error // of Broken and Aside
}

// Stage says what happened to a step.
type Stage string

// The stages.
const (
	Begun    Stage = "begun"
	Finished Stage = "finished"
	Spoiled  Stage = "spoiled" // by the generator or the machine; it is made once more
	Broken   Stage = "broken"  // it could not be completed
	Aside    Stage = "aside"   // what an earlier execution left of it is damaged; nothing but Err is told
)

// Outcome is what an execution came to.
type Outcome struct {
	Result      *measure.Result
	Finished    int // runs that count
	Planned     int
	Interrupted bool // the context ended before all were made
}

// Execute makes all runs of a scenario, keeps them in a directory, and folds
// them into a result. If the context ends, what has finished is kept and
// folded: the outcome is Interrupted, which is no error. An error means that a
// run could not be completed; the outcome, if there is one, then holds what
// was finished before.
func Execute(ctx context.Context, s *scenarios.Scenario, o Options) (*Outcome, error) {
	return execute(ctx, s, o, worldsOf(s, o))
}

// thriftyGC lets the heap grow by half before it is collected: simulated
// systems are large and leave little garbage, so that this costs 1% of the time.
const thriftyGC = 50

func execute(ctx context.Context, s *scenarios.Scenario, o Options, worlds map[string]world) (*Outcome, error) {
	defer debug.SetGCPercent(debug.SetGCPercent(thriftyGC))
	for _, name := range o.Worlds {
		if worlds[name] == nil {
			return nil, fmt.Errorf("run %s: there is no world %q", s.Name, name)
		}
	}
	plan := &Plan{Scenario: s, Worlds: o.Worlds, Command: o.Command, Version: o.Version, Until: o.Until, Theory: theories(s, o.Worlds, o.Calibration)}
	store, kept, aside, err := prepare(plan, o)
	if err != nil {
		return nil, err
	}
	defer store.Close() // an earlier result that it cannot bring back stays aside, for the next run
	e := &execution{store: store, worlds: worlds, plan: plan, kept: kept, progress: o.Progress}
	for _, damage := range aside {
		e.say(Event{Stage: Aside, Err: damage})
	}
	broke := e.rounds(ctx, time.Now().Add(o.Budget))
	if broke != nil && e.done == 0 && ctx.Err() == nil {
		return nil, broke // nothing to fold
	}
	_, result, err := Fold(o.Dir)
	if err == nil {
		err = store.SaveResult(result)
	}
	if err != nil {
		return nil, errors.Join(broke, err)
	}
	if ctx.Err() != nil {
		broke = nil
	}
	return &Outcome{
		Result: result, Finished: e.done, Planned: e.total,
		Interrupted: ctx.Err() != nil && e.done < e.total,
	}, broke
}

// execution is Execute under way.
type execution struct {
	store  *measure.Store
	worlds map[string]world
	plan   *Plan
	kept   []*measure.Run // of earlier, in a resumed one

	mu       sync.Mutex // guards the rest
	progress func(Event)
	total    int
	done     int
	left     forecast
}

// all makes the steps, and stops at the first that breaks.
func (e *execution) all(ctx context.Context, steps []Step) error {
	for len(steps) > 0 {
		n := together(steps)
		if err := e.batch(ctx, steps[:n]); err != nil {
			return err
		}
		steps = steps[n:]
	}
	return nil
}

// together is how many of the first steps are in the same world.
func together(steps []Step) int {
	n := 1
	for n < len(steps) && steps[n].World == steps[0].World {
		n++
	}
	return n
}

// batch makes steps of one world, as many at once as it allows.
func (e *execution) batch(ctx context.Context, steps []Step) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	todo := make(chan Step)
	var workers sync.WaitGroup
	for range min(len(steps), e.worlds[steps[0].World].abreast()) {
		workers.Go(func() {
			for step := range todo {
				if err := e.step(ctx, step); err != nil {
					stop(err)
				}
			}
		})
	}
	for _, step := range steps {
		if ctx.Err() != nil {
			break
		}
		todo <- step
	}
	close(todo)
	workers.Wait()
	return context.Cause(ctx)
}

// step makes one run, and makes it once more if the generator or the machine
// spoiled it. Both are kept; the spoiled one is in no figure. If the second is
// no better, it counts, with its warning. The simulator would do the same again.
func (e *execution) step(ctx context.Context, step Step) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e.tell(Begun, step, nil, nil)
	began := time.Now()
	run, err := e.attempt(ctx, step, step.World == "live")
	if err == nil && run.Spoiled {
		e.tell(Spoiled, step, run.Warnings, nil)
		run, err = e.attempt(ctx, step, false)
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	if err != nil {
		err = fmt.Errorf("run %s of %s, repetition %d, %s: %w", step.Case.Variant.Name, step.Case.Scenario, step.Case.Repetition+1, step.World, err)
		e.tell(Broken, step, nil, err)
		return err
	}
	e.finished(step, time.Since(began))
	e.tell(Finished, step, run.Warnings, nil)
	return nil
}

// attempt makes a run and keeps it. With first set, severe warnings spoil it.
func (e *execution) attempt(ctx context.Context, step Step, first bool) (*measure.Run, error) {
	draft, err := e.store.Draft(newRun(step.Case, step.World))
	if err != nil {
		return nil, err
	}
	run, err := e.worlds[step.World].play(ctx, step.Case, draft)
	if errors.Is(err, context.Canceled) {
		return nil, errors.Join(err, draft.Drop())
	}
	if err != nil {
		return nil, errors.Join(err, draft.Leave())
	}
	if run.Case, err = digestOf(step.Case); err != nil {
		return nil, errors.Join(err, draft.Leave())
	}
	run.Warnings = append(run.Warnings, draft.Suspect(run)...)
	run.Spoiled = first && run.Severe()
	return run, draft.Keep(run)
}

func (e *execution) finished(step Step, took time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.done++
	e.left.made(step, took)
}

func (e *execution) tell(stage Stage, step Step, warnings []measure.Warning, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.say(Event{
		Stage: stage, World: step.World, Variant: step.Case.Variant.Name,
		Repetition: step.Case.Repetition + 1, Repeat: e.plan.Scenario.Repeat,
		Done: e.done, Total: e.total, Left: e.left.left(), Warnings: warnings, Err: err,
	})
}

func (e *execution) say(event Event) {
	if e.progress != nil {
		e.progress(event)
	}
}
