package measure

import (
	"maps"
	"slices"
	"time"

	"trafficlab/components/policy"
)

// counter counts the samples of a run as they pass by. It keeps none of them
// but their latencies, which take little room: see pile.
type counter struct {
	run      *Run
	parts    map[part]*count
	punctual int       // requests after warm-up that were sent while the load lasted
	line     *timeline // nil: nothing goes wrong
}

// part is what samples are counted by.
type part struct {
	class string
	loop  int // see loopOf
}

func newCounter(run *Run) *counter {
	return &counter{run: run, parts: map[part]*count{}, line: newTimeline(run)}
}

func (c *counter) add(s *Sample) {
	key := part{s.Class, c.run.loopOf(s)}
	n := c.parts[key]
	if n == nil {
		n = &count{}
		c.parts[key] = n
	}
	n.finish(s, c.run)
	if c.line != nil {
		c.line.add(s)
	}
	if s.At < c.run.Warmup {
		return
	}
	n.add(s)
	if s.At+s.Late <= c.run.Duration+lateCeilingP99 {
		c.punctual++
	}
}

// of adds up the parts that are wanted.
func (c *counter) of(wanted func(part) bool) *count {
	sum := &count{}
	for key, n := range c.parts {
		if wanted(key) {
			sum.plus(n)
		}
	}
	return sum
}

func (c *counter) whole() *count { return c.of(func(part) bool { return true }) }

func (c *counter) ofClass(name string) *count {
	return c.of(func(p part) bool { return p.class == name })
}

// classes are those seen, in order.
func (c *counter) classes() []string {
	seen := map[string]bool{}
	for key := range c.parts {
		seen[key.class] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// fromCache is the words of a cache that answered by itself, at once or after
// a failure.
var fromCache = map[string]bool{"hit": true, "updating": true, "stale": true}

// count adds up samples of one part, or of several.
type count struct {
	reasons   [16]int64
	all       int64
	hits      int64
	latencies pile  // of successes
	services  *pile // the same since they were sent; nil: none was sent late

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
	if s.Late > 0 && c.services == nil {
		c.services = c.latencies.clone()
	}
	c.latencies.add(s.Latency)
	if c.services != nil {
		c.services.add(s.Latency - s.Late)
	}
}

// service is the latencies of successes since they were sent.
func (c *count) service() *pile {
	if c.services == nil {
		return &c.latencies
	}
	return c.services
}

func (c *count) plus(other *count) {
	for i, n := range other.reasons {
		c.reasons[i] += n
	}
	c.all += other.all
	c.hits += other.hits
	if c.services != nil || other.services != nil {
		c.services = c.service().clone()
		c.services.plus(other.service())
	}
	c.latencies.plus(&other.latencies)
	c.done += other.done
	c.doneInTime += other.doneInTime
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
	t.good[class] = c.latencies.n
	c.latency(set)
}

func (c *count) latency(set func(string, float64)) {
	n := c.latencies.n
	if n == 0 {
		return
	}
	sum := 0.0
	for l, times := range c.latencies.all() {
		for range times { // one by one: a product would round otherwise
			sum += l.Seconds()
		}
	}
	set("mean", sum/float64(n))
	for name, q := range quantiles {
		if beyond(n, q) >= beyondEach {
			set(name, c.latencies.quantile(q).Seconds())
		}
	}
	for name, q := range serviceQuantiles {
		if beyond(n, q) >= beyondEach {
			set(name, c.service().quantile(q).Seconds())
		}
	}
}

// histograms are those of a run's successes after warm-up: of latency, and of
// service time, which is the zero one if nobody was sent late.
func (c *count) histograms() (latency, service Histogram) {
	latency = histogramOf(&c.latencies)
	if c.services != nil {
		service = histogramOf(c.services)
	}
	return latency, service
}

// second turns the counts of several runs between two instants into rates.
func (c *count) second(from, to time.Duration, runs int) Second {
	per := func(n int64) float64 { return float64(n) / float64(runs) / (to - from).Seconds() }
	good, refused := c.reasons[policy.OK], c.reasons[policy.Limited]+c.reasons[policy.Denied]
	s := Second{
		At:      (from + to).Seconds() / 2,
		Offered: per(c.all),
		Good:    per(good),
		Failed:  per(c.all - good - refused),
		Refused: per(refused),
	}
	if c.all > 0 {
		s.Hits = float64(c.hits) / float64(c.all)
	}
	if n := c.latencies.n; n > 0 {
		s.P50 = c.latencies.quantile(.5).Seconds()
		if n >= seriesP99 {
			s.P99 = c.latencies.quantile(.99).Seconds()
		}
	}
	return s
}

// seriesP99 is how many successes a second must have, all repetitions
// together, before its p99 is more than its maximum.
const seriesP99 = 100
