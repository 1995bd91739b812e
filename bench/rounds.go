package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"trafficlab/bench/measure"
)

// leastRounds is how many repetitions there are before their interval may end
// an execution: of fewer it is too often narrow by chance. From 5 on, intervals
// that do so leave out the truth in 6% to 8% of all cases instead of 5%.
const leastRounds = 5

// rounds makes the runs of the plan, all at once; or repetition by repetition
// until the judged figure is narrow enough or time is up. The plan then says
// how many there were.
func (e *execution) rounds(ctx context.Context, end time.Time) error {
	most := e.plan.Scenario.Repeat
	if e.plan.Until == 0 {
		return e.round(ctx, e.plan.Steps())
	}
	asked := *e.plan.Scenario
	e.plan.Scenario = &asked
	for made := 0; made < most; made = asked.Repeat {
		asked.Repeat = min(max(made+1, leastRounds, e.begun()), most)
		if err := e.store.Replan(e.plan); err != nil {
			return err
		}
		steps := e.plan.Steps()
		if err := e.round(ctx, steps[made*len(steps)/asked.Repeat:]); err != nil {
			return err
		}
		if narrow, err := e.narrow(); err != nil || narrow || time.Now().After(end) {
			return err
		}
	}
	return nil
}

// begun is how many repetitions an earlier execution has begun.
func (e *execution) begun() int {
	most := 0
	for _, r := range e.kept {
		most = max(most, r.Repetition+1)
	}
	return most
}

// narrow tells whether the figure that is judged by is narrow enough, for every
// variant in every world.
func (e *execution) narrow() (bool, error) {
	_, result, err := Fold(e.store.Dir)
	if err != nil {
		return false, err
	}
	return !slices.ContainsFunc(result.Warnings, func(w measure.Warning) bool { return w.Kind == measure.Wide }), nil
}

// round makes steps but for those that an earlier execution has made.
func (e *execution) round(ctx context.Context, steps []Step) error {
	e.mu.Lock()
	e.total += len(steps)
	left := slices.DeleteFunc(steps, e.has)
	e.done = e.total - len(left)
	e.left = newForecast(left)
	e.mu.Unlock()
	return e.all(ctx, left)
}

// has tells whether the run of a step is there already.
func (e *execution) has(s Step) bool {
	return slices.ContainsFunc(e.kept, func(r *measure.Run) bool {
		return !r.Spoiled && r.World == s.World && r.Variant == s.Case.Variant.Name && r.Repetition == s.Case.Repetition
	})
}

// prepare makes the directory ready, anew or to go on with what it holds. What
// of that is damaged it sets aside, and names.
func prepare(plan *Plan, o Options) (store *measure.Store, kept []*measure.Run, aside []error, err error) {
	if !o.Resume || !measure.Holds(o.Dir) {
		store, err = measure.Create(o.Dir, plan)
		return store, nil, nil, err
	}
	kept, damaged, err := earlier(plan, o)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("resume: %w", err)
	}
	if store, err = measure.Resume(o.Dir, plan); err != nil {
		return nil, nil, nil, err
	}
	for _, d := range damaged {
		to, err := store.SetAside(d)
		if err != nil {
			return nil, nil, nil, errors.Join(fmt.Errorf("resume: %w", err), store.Close())
		}
		aside = append(aside, fmt.Errorf("%w; it is made again, and what is left of it is in %s", d, to))
	}
	return store, kept, aside, nil
}

// earlier reads what a directory holds of a plan, and refuses what is of
// another.
func earlier(plan *Plan, o Options) (kept []*measure.Run, damaged []measure.Damaged, err error) {
	was, store, err := openPlan(o.Dir)
	if err != nil {
		return nil, nil, err
	}
	kept, damaged, err = store.Sound()
	if err == nil && was.Version != plan.Version {
		err = fmt.Errorf("read %s: its runs are of version %s of trafficlab, and this is %s", o.Dir, was.Version, plan.Version)
	}
	if err == nil {
		err = plan.check(store, kept)
	}
	for _, r := range kept {
		if charged := o.Calibration.String(); err == nil && r.World == "sim" && r.Machine.Calibration != charged {
			err = fmt.Errorf("read %s: its simulated runs were charged by the calibration %q, not by %q", o.Dir, r.Machine.Calibration, charged)
		}
	}
	if err != nil {
		err = fmt.Errorf("%w (without --resume it is begun anew)", err)
	}
	return kept, damaged, err
}
