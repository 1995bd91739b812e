package components

import (
	"cmp"
	"slices"
	"time"

	"trafficlab/bench/measure"
	"trafficlab/components/policy"
)

// counters is what a component counts whatever its kind. It is safe for
// concurrent use.
type counters struct {
	mu             lock
	requests       int64
	worked         time.Duration // of workers
	received       byTime
	reasons        [policy.Canceled + 1]int64
	wasted         time.Duration // of what they worked
	checks, probes int64
	words          [words]int64
	bounds         [bounds]int64
	usage          map[usageKey]*measure.Usage
	latest         *measure.Usage // counted; nil: none yet
}

// usageKey is what usage is counted by.
type usageKey struct{ consumer, route string }

// one counts one more.
func (c *counters) one(of *int64) {
	c.mu.Lock()
	*of++
	c.mu.Unlock()
}

// come counts a request that comes, by time too if somebody measures.
func (c *counters) come(x Exchange) {
	c.mu.Lock()
	c.requests++
	if len(c.received.counts) > 0 {
		c.received.add(x.Now())
	}
	c.mu.Unlock()
}

// work counts what a worker did, and whether it was in vain.
func (c *counters) work(took time.Duration, vain bool) {
	c.mu.Lock()
	c.worked += took
	if vain {
		c.wasted += took
	}
	c.mu.Unlock()
}

// count takes a visit that has ended.
func (c *counters) count(v *visit) {
	c.mu.Lock()
	c.reasons[v.reason]++
	if v.word != noWord {
		c.words[v.word]++
	}
	if v.route != nil && v.route.metered {
		c.meter(v)
	}
	c.mu.Unlock()
}

func (c *counters) meter(v *visit) {
	took, used := v.x.Now()-v.began, v.at.capacity.of(v)
	u := c.usageOf(usageKey{v.consumer, v.route.label})
	u.Requests++
	u.Bytes += v.bytes
	u.Used += used
	switch {
	case v.status >= 500:
		u.Errors++
	case v.reason == policy.Limited:
		u.Limited++
	case v.reason == policy.OK:
		u.Latency.Add(took)
	}
}

// Tokens may name any number of consumers: those who come when there are
// mostUsages already count together.
const (
	mostUsages = 4096
	others     = "other"
)

func (c *counters) usageOf(key usageKey) *measure.Usage {
	if u := c.latest; u != nil && u.Consumer == key.consumer && u.Route == key.route {
		return u
	}
	u := c.usage[key]
	if u == nil && len(c.usage) >= mostUsages {
		key.consumer = others
		u = c.usage[key]
	}
	if u == nil {
		if c.usage == nil {
			c.usage = map[usageKey]*measure.Usage{}
		}
		u = &measure.Usage{Consumer: key.consumer, Route: key.route}
		c.usage[key] = u
	}
	c.latest = u
	return u
}

func (c *counters) snapshot() measure.NodeUse {
	c.mu.Lock()
	defer c.mu.Unlock()
	u := measure.NodeUse{
		Requests: c.requests,
		Checks:   c.checks,
		Probes:   c.probes,
		Worked:   c.worked,
		Wasted:   c.wasted,
		Received: c.received.counts.Plus(nil),
		Reasons:  named(policy.Reasons(), c.reasons[:]),
		Cache:    named(cacheWords(), c.words[:]),
	}
	if beyond := named([]bound{longURL, longBody, longAnswer}, c.bounds[:]); len(beyond) > 0 {
		u.Refused = beyond
	}
	for _, one := range c.usage {
		u.Usage = append(u.Usage, one.Clone())
	}
	slices.SortFunc(u.Usage, func(a, b measure.Usage) int {
		return cmp.Or(cmp.Compare(a.Consumer, b.Consumer), cmp.Compare(a.Route, b.Route))
	})
	return u
}

// byTime counts by ticks since the run began, while load lasts. Where nobody
// measures it has none.
type byTime struct {
	tick   time.Duration
	counts measure.Series
}

func newByTime(duration time.Duration) byTime {
	return byTime{measure.Tick(duration), make(measure.Series, measure.Ticks(duration))}
}

func (b *byTime) add(now time.Duration) {
	if i := now / b.tick; now >= 0 && i < time.Duration(len(b.counts)) {
		b.counts[i]++
	}
}

// named makes a map of the counts that are not 0.
func named[K interface {
	~uint8
	String() string
}](keys []K, counts []int64) map[string]int64 {
	m := map[string]int64{}
	for _, k := range keys {
		if n := counts[k]; n != 0 {
			m[k.String()] = n
		}
	}
	return m
}
