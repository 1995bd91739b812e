package measure

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"trafficlab/components/policy"
)

// Tally is a run counted out: its figures, and its latencies in order.
type Tally struct {
	Run     *Run
	Classes []string // in order, if there is more than one
	figures map[Metric]float64
	good    map[string]int  // successes after warm-up by class, "" for all
	sorted  []time.Duration // their latencies
}

// Count reduces a run to its figures.
func Count(run *Run) *Tally {
	t := &Tally{Run: run, figures: map[Metric]float64{}, good: map[string]int{}}
	all := count{}
	classes := map[string]*count{}
	for i := range run.Samples {
		s := &run.Samples[i]
		class := classes[s.Class]
		if class == nil {
			class = &count{}
			classes[s.Class] = class
		}
		for _, c := range []*count{&all, class} {
			c.finish(s, run)
			if s.At >= run.Warmup {
				c.add(s)
			}
		}
	}
	all.figures(t, "")
	t.sorted = all.latencies
	if load, ok := backendLoad(run); ok {
		t.figures[Metric{Name: "backend-load"}] = load
	}
	if len(classes) > 1 {
		t.Classes = slices.Sorted(maps.Keys(classes))
		for _, name := range t.Classes {
			classes[name].figures(t, name)
		}
	}
	return t
}

// CountAll counts every run that is not spoiled, in order of repetition.
func CountAll(runs []*Run) []*Tally {
	var tallies []*Tally
	for _, run := range runs {
		if !run.Spoiled {
			tallies = append(tallies, Count(run))
		}
	}
	slices.SortStableFunc(tallies, func(a, b *Tally) int { return cmp.Compare(a.Run.Repetition, b.Run.Repetition) })
	return tallies
}

// Window is the measured time of a run, from warm-up to the end of the load.
func (r *Run) Window() time.Duration { return r.Duration - r.Warmup }

// Figure is one figure of the run; ok is false where it cannot be told. A
// quantile also depends on the other repetitions: see told.
func (t *Tally) Figure(m Metric) (value float64, ok bool) {
	value, ok = t.figures[m]
	return value, ok
}

// fromCache is the words of a cache that answered by itself, at once or after
// a failure.
var fromCache = map[string]bool{"hit": true, "updating": true, "stale": true}

// count adds up samples of one class, or of all.
type count struct {
	reasons   [16]int64
	all       int64
	hits      int64
	latencies []time.Duration

	done, doneInTime int64 // successes by the instant of their last byte
}

// finish counts a success that ended within the measured window, whenever it
// was asked for. Counted by the instant of asking, a queue that drains after
// the load would pass for capacity.
func (c *count) finish(s *Sample, run *Run) {
	end := s.At + s.Latency
	if s.Reason != policy.OK || end < run.Warmup || end >= run.Duration {
		return
	}
	c.done++
	if run.Deadline == 0 || s.Latency <= run.Deadline {
		c.doneInTime++
	}
}

func (c *count) add(s *Sample) {
	c.all++
	c.reasons[s.Reason&15]++
	if fromCache[s.Cache] {
		c.hits++
	}
	if s.Reason != policy.OK {
		return
	}
	c.latencies = append(c.latencies, s.Latency)
}

// figures enters what was counted into the tally.
func (c *count) figures(t *Tally, class string) {
	set := func(name string, value float64) { t.figures[Metric{name, class}] = value }
	share := func(name string, part, whole int64) {
		if whole > 0 {
			set(name, float64(part)/float64(whole))
		}
	}
	ok, limited := c.reasons[policy.OK], c.reasons[policy.Limited]
	wanted := c.all - limited - c.reasons[policy.Denied]
	share("availability", ok, wanted)
	share("failed", wanted-ok, c.all)
	share("limited", limited, c.all)
	share("cache-hits", c.hits, c.all)
	if window := t.Run.Window().Seconds(); window > 0 {
		set("offered", float64(c.all)/window)
		set("throughput", float64(c.done)/window)
		set("goodput", float64(c.doneInTime)/window)
	}
	t.good[class] = len(c.latencies)
	c.latency(set)
}

func (c *count) latency(set func(string, float64)) {
	if len(c.latencies) == 0 {
		return
	}
	slices.Sort(c.latencies)
	sum := 0.0
	for _, l := range c.latencies {
		sum += l.Seconds()
	}
	set("mean", sum/float64(len(c.latencies)))
	for name, q := range quantiles {
		if beyond(len(c.latencies), q) >= beyondEach {
			set(name, quantile(c.latencies, q).Seconds())
		}
	}
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
