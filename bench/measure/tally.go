package measure

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"
)

// Tally is a run counted out: its figures.
type Tally struct {
	Run     *Run
	Classes []string // in order, if there is more than one
	figures map[Metric]float64
	good    map[string]int  // successes after warm-up by class, "" for all
	curve   []time.Duration // latency at each quantile of curve; nil if nothing succeeded
	samples int64           // after warm-up
	reasons [16]int64       // of these
	ledger  *ledger         // of parts of latencies
	latency Histogram       // of successes
	service Histogram       // zero: the same
	after   aftermath       // of the last fault
}

// tally is what the samples came to.
func (c *counter) tally() *Tally {
	all := c.whole()
	t := &Tally{
		Run: c.run, figures: map[Metric]float64{}, good: map[string]int{},
		samples: all.all, reasons: all.reasons,
	}
	all.figures(t, "")
	t.latency, t.service = all.histograms()
	if all.latencies.n > 0 {
		for _, q := range curve {
			t.curve = append(t.curve, all.latencies.quantile(q))
		}
	}
	if load, ok := backendLoad(c.run); ok {
		t.figures[Metric{Name: "backend-load"}] = load
	}
	c.run.effort(t)
	c.run.fairness(t)
	if c.line != nil {
		c.line.figures(t)
		c.run.regards(t)
	}
	if names := c.classes(); len(names) > 1 {
		t.Classes = names
		for _, name := range names {
			c.ofClass(name).figures(t, name)
		}
	}
	return t
}

// CountAll counts every run of a variant that is not spoiled, in order of
// repetition, and draws their time line, warm-up included. It reads all of
// them abreast, second by second: quantiles of a second are of all repetitions
// together, since one has too few, and once they are told its samples are
// forgotten.
func CountAll(runs []*Run) (tallies []*Tally, line []Second, err error) {
	runs = slices.DeleteFunc(slices.Clone(runs), func(r *Run) bool { return r.Spoiled })
	slices.SortStableFunc(runs, func(a, b *Run) int { return cmp.Compare(a.Repetition, b.Repetition) })
	if len(runs) == 0 {
		return nil, nil, nil
	}
	abreast := make([]*reading, 0, len(runs))
	defer func() {
		for _, r := range abreast {
			err = errors.Join(err, r.Close())
		}
	}()
	for _, run := range runs {
		r, err := read(run)
		if err != nil {
			return nil, nil, err
		}
		abreast = append(abreast, r)
	}
	duration := runs[0].Duration
	for from := time.Duration(0); from < duration; from += time.Second {
		var second count
		for _, r := range abreast {
			if err := r.until(from+time.Second, &second); err != nil {
				return nil, nil, err
			}
		}
		line = append(line, second.second(from, min(from+time.Second, duration), len(runs)))
	}
	reached(line, runs)
	for _, r := range abreast {
		if err := r.until(forever, nil); err != nil {
			return nil, nil, err
		}
		t := r.tally()
		t.ledger = r.ledger
		tallies = append(tallies, t)
	}
	return tallies, line, nil
}

// reading is a run being counted.
type reading struct {
	*counter
	reel
	ledger *ledger
	next   *Sample // nil at the end
}

func read(run *Run) (*reading, error) {
	samples, err := run.reel()
	if err != nil {
		return nil, err
	}
	r := &reading{newCounter(run), samples, newLedger(run), nil}
	if err := r.advance(); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

func (r *reading) advance() (err error) {
	if r.next, err = r.turn(); err == io.EOF {
		r.next, err = nil, nil
	}
	return err
}

const forever time.Duration = math.MaxInt64

// until counts the samples that began before an instant, and adds them to
// another count, if there is one.
func (r *reading) until(end time.Duration, also *count) error {
	for r.next != nil && (r.next.At < end || end == forever) {
		r.add(r.next)
		if err := r.ledger.add(r.next); err != nil {
			return fmt.Errorf("request %d of %s: %w", r.next.Number, r.run.Name(), err)
		}
		if also != nil {
			also.add(r.next)
		}
		if err := r.advance(); err != nil {
			return err
		}
	}
	return nil
}

// Window is the measured time of a run, from warm-up to the end of the load.
func (r *Run) Window() time.Duration { return r.Duration - r.Warmup }

// Figure is one figure of the run; ok is false where it cannot be told. A
// quantile also depends on the other repetitions: see told.
func (t *Tally) Figure(m Metric) (value float64, ok bool) {
	value, ok = t.figures[m]
	return value, ok
}

// backendLoad is how many requests reached backends each second.
func backendLoad(run *Run) (perSecond float64, ok bool) {
	var requests int64
	for _, n := range run.Nodes {
		if n.Kind == "backend" {
			requests += n.Requests
			ok = true
		}
	}
	if !ok || run.Window() <= 0 {
		return 0, false
	}
	return float64(requests) / run.Window().Seconds(), true
}
