package measure

import (
	"fmt"
	"slices"
	"time"

	"trafficlab/components/policy"
)

// What clients felt of faults, from samples.
//
// A request that fails counts from the fault's beginning on if that came while
// it was under way. A success is as good as before if it takes at most twice as
// long as 99% of those between warm-up and the first fault, and no longer than
// the deadline.

// never stands for the time of what did not come about.
const never = 1e9

const (
	calmLeast   = 50          // requests before the first fault that tell how it was
	asBefore    = 0.95        // of the share that went well before is as well as before…
	steadyFor   = time.Second // …for so long…
	steadyLeast = 50          // …and over so many requests
)

// timeline counts samples by time, for a run with faults.
type timeline struct {
	run                  *Run
	tick                 time.Duration
	first                time.Duration // fault
	wanted, good, failed Series        // refusals by policy aside; good only from the first fault on
	calm                 pile          // latencies of successes between warm-up and the first fault
	calmGood             int64         // of them, within limit
	limit                time.Duration // of a latency that is as good as before; 0: not known yet
}

// newTimeline is nil for a run without faults.
func newTimeline(run *Run) *timeline {
	if len(run.Faults) == 0 {
		return nil
	}
	n := Ticks(run.Duration)
	return &timeline{run: run, tick: Tick(run.Duration), first: run.Faults[0].From,
		wanted: make(Series, n), good: make(Series, n), failed: make(Series, n)}
}

// add counts the next sample in order.
func (l *timeline) add(s *Sample) {
	at := l.felt(s)
	i := int(at / l.tick)
	if s.Reason == policy.Limited || s.Reason == policy.Denied || i >= len(l.wanted) {
		return
	}
	l.wanted[i]++
	switch {
	case s.Reason != policy.OK:
		l.failed[i]++
	case s.At < l.first:
		if s.At >= l.run.Warmup {
			l.calm.add(s.Latency)
		}
	default:
		if l.settle(); s.Latency <= l.limit {
			l.good[i]++
		}
	}
}

// felt is when a sample counts.
func (l *timeline) felt(s *Sample) time.Duration {
	if s.Reason == policy.OK {
		return s.At
	}
	for _, f := range l.run.Faults {
		if s.At < f.From && f.From <= s.At+s.Latency {
			return f.From
		}
	}
	return s.At
}

// settle takes what was before the first fault as the measure of what follows.
func (l *timeline) settle() {
	if l.limit > 0 || l.calm.n == 0 {
		return
	}
	l.limit = max(1, 2*l.calm.quantile(.99))
	if l.run.Deadline > 0 {
		l.limit = min(l.limit, l.run.Deadline)
	}
	for latency, times := range l.calm.all() {
		if latency <= l.limit {
			l.calmGood += int64(times)
		}
	}
}

// quiet is the ticks between warm-up and the first fault.
func (r *Run) quiet() (from, to int) {
	tick := Tick(r.Duration)
	return int((r.Warmup + tick - 1) / tick), int(r.Faults[0].From / tick)
}

// aftermath is what came after the last fault.
type aftermath struct {
	known bool
	back  bool
	after time.Duration // its end; if not back, how long was left until the end of the load
}

// figures enters what clients felt into the tally.
func (l *timeline) figures(t *Tally) {
	l.settle()
	from, to := l.run.quiet()
	before := l.wanted.sum(from, to)
	if before < calmLeast || l.calmGood == 0 {
		return
	}
	failing := float64(l.failed.sum(from, to)) / float64(before)
	level := float64(l.calmGood) / float64(before)
	lost, worst, told := 0.0, 0.0, false
	spells := l.run.spells()
	for i := 0; i < len(spells); i++ {
		began := spells[i].From
		end := l.back(spells, i, level)
		for !end.back && i+1 < len(spells) { // the next one came too soon
			i++
			end = l.back(spells, i, level)
		}
		until := l.run.Duration
		if end.back {
			until = spells[i].To + end.after
		}
		a, b := int(began/l.tick), int((until+l.tick-1)/l.tick)
		lost += max(0, float64(l.failed.sum(a, b))-failing*float64(l.wanted.sum(a, b)))
		switch {
		case end.back:
			worst, told = max(worst, end.after.Seconds()), true
		case end.known:
			worst, told = never, true
		}
		t.after = end
	}
	t.figures[Metric{Name: "lost"}] = lost
	if told {
		t.figures[Metric{Name: "recovery"}] = worst
	}
}

// spells are the times when something is wrong somewhere, in order and apart.
func (r *Run) spells() []Fault {
	var all []Fault
	for _, f := range r.Faults {
		f.To = min(f.To, r.Duration)
		if last := len(all) - 1; last >= 0 && f.From <= all[last].To {
			all[last].To = max(all[last].To, f.To)
		} else if f.From < r.Duration {
			all = append(all, f)
		}
	}
	return all
}

// back is whether and when all was as before, after the end of a spell and
// before the next.
func (l *timeline) back(spells []Fault, i int, level float64) aftermath {
	end, until := spells[i].To, l.run.Duration
	if i+1 < len(spells) {
		until = spells[i+1].From
	}
	a := aftermath{after: until - end}
	for t := int((end + l.tick - 1) / l.tick); ; t++ {
		to := t + int(steadyFor/l.tick)
		for to*int(l.tick) < int(until) && l.wanted.sum(t, to) < steadyLeast {
			to++
		}
		wanted := l.wanted.sum(t, to)
		if time.Duration(to)*l.tick > until || wanted < steadyLeast {
			return a
		}
		a.known = true
		well := func(from, to int) bool {
			return float64(l.good.sum(from, to)) >= asBefore*level*float64(l.wanted.sum(from, to))
		}
		if well(t, to) {
			for t < to && !well(t, t+1) { // the window may begin a little too soon
				t++
			}
			return aftermath{true, true, max(0, time.Duration(t)*l.tick-end)}
		}
	}
}

// verdict says in a sentence what came after the last fault, over repetitions;
// "" if that cannot be told.
func verdict(tallies []*Tally) string {
	var back, left []float64
	for _, t := range tallies {
		switch {
		case t.after.back:
			back = append(back, t.after.after.Seconds())
		case t.after.known:
			left = append(left, t.after.after.Seconds())
		}
	}
	recovered := func() string {
		longest := slices.Max(back)
		if longest == 0 {
			return "recovered at once when the fault was gone"
		}
		shortest := slices.Min(back)
		switch {
		case shortest == 0:
			return fmt.Sprintf("recovered within %s of the fault’s end", duration(longest))
		case shortest != longest:
			return fmt.Sprintf("recovered %s to %s after the fault was gone", duration(shortest), duration(longest))
		}
		return fmt.Sprintf("recovered %s after the fault was gone", duration(longest))
	}
	stayed := func() string {
		return fmt.Sprintf("had not recovered %s after the fault was gone, when the load ended", duration(slices.Min(left)))
	}
	switch {
	case len(back)+len(left) == 0:
		return ""
	case len(left) == 0:
		return recovered()
	case len(back) == 0:
		return stayed()
	}
	return fmt.Sprintf("%s in %d of %d repetitions, and %s in the others", recovered(), len(back), len(back)+len(left), stayed())
}
