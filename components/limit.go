package components

import (
	"fmt"
	"strings"
	"time"

	"trafficlab/components/policy"
	"trafficlab/topologies"
)

// limits are rate limits that are kept in the same place: they admit a request
// together or take nothing.
type limits struct {
	each  []limit
	tally Tally
	open  bool // when the tally is out of reach
	names []string
	told  []topologies.Limit
}

// limit says of a request for whom it counts, and how much.
type limit struct {
	by    string
	field string // of the header, if that is who
	costs *pathTable[toll]
	dated bool // counts by the calendar
}

// toll is what requests for a path cost, by method.
type toll struct {
	byMethod map[string]float64
	others   float64
}

// newLimits builds limits of that name: those that each replica keeps on its
// own, then the shared ones. If told to, they tell how much is left.
func newLimits(name string, told []topologies.Limit, tallies Tallies, tells bool) (all []limits) {
	var left []topologies.Limit
	for _, l := range told {
		if tallies == nil {
			l.Shared = nil
		}
		left = append(left, l)
	}
	if alone := those(left, nil); len(alone) > 0 {
		all = append(all, limits{limitsOf(alone), newMemory(choices(alone), tells), false, namesOf(alone), alone})
	}
	for i := range left {
		at := left[i].Shared
		if at == nil || len(those(left[:i], at)) > 0 {
			continue
		}
		together := those(left, at)
		name := fmt.Sprintf("%s.%d", name, len(all))
		all = append(all, limits{limitsOf(together), tallies.Tally(name, at, choices(together), tells), at.Open, namesOf(together), together})
	}
	return all
}

// those are the limits that are kept in the given place.
func those(all []topologies.Limit, at *topologies.Shared) (some []topologies.Limit) {
	for _, l := range all {
		if (l.Shared == nil) == (at == nil) && (at == nil || *l.Shared == *at) {
			some = append(some, l)
		}
	}
	return some
}

func choices(all []topologies.Limit) (chosen []policy.Choice) {
	for _, l := range all {
		chosen = append(chosen, l.Algorithm)
	}
	return chosen
}

func limitsOf(all []topologies.Limit) (limits []limit) {
	for _, l := range all {
		by, field, _ := strings.Cut(l.By, " ")
		limits = append(limits, limit{by, field, newTolls(l.Costs), l.Algorithm.Name == policy.Quota})
	}
	return limits
}

func newTolls(costs []topologies.Cost) *pathTable[toll] {
	if costs == nil {
		return nil
	}
	tolls := new(pathTable[toll])
	for _, c := range costs {
		t := tolls.add(canonical(c.Path), toll{map[string]float64{}, 1})
		if c.Method == "" {
			t.others = c.Cost
		} else {
			t.byMethod[c.Method] = c.Cost
		}
	}
	return tolls
}

// limit takes what the request costs from every tally, and holds it back if
// one says so: the node's own first, then those of the consumer's plan.
func (p *proxy) limit(v *visit) (Pause, bool) {
	for {
		l := p.nextLimits(v)
		if l == nil {
			break
		}
		asks := v.asks[:0]
		for k := range l.each {
			a := policy.Ask{Key: p.limitKey(v, &l.each[k]), Cost: l.each[k].cost(v.req)}
			if l.each[k].dated {
				a.Date = time.Duration(v.x.Date().UnixNano())
			}
			asks = append(asks, a)
		}
		v.taken = l.tally.Take(v.x, asks)
		if v.taken.Trip > 0 {
			return v.pause(counting, v.x.Now()+v.taken.Trip)
		}
		if !p.within(v) {
			return over()
		}
	}
	if v.held > 0 {
		return v.pause(held, v.x.Now()+v.held, v.x.Canceled())
	}
	return p.recall(v)
}

// nextLimits are those that have not been asked yet, or nil.
func (p *proxy) nextLimits(v *visit) *limits {
	i := v.counted
	if i < len(p.limits) {
		return &p.limits[i]
	}
	if i -= len(p.limits); v.plan != nil && i < len(v.plan.limits) {
		return &v.plan.limits[i]
	}
	return nil
}

// told goes on with what a tally has said that is a trip away.
func (p *proxy) told(v *visit) (Pause, bool) {
	if !p.within(v) {
		return over()
	}
	return p.limit(v)
}

// within takes what a tally has said. If the request may not pass it answers so
// and is false.
func (p *proxy) within(v *visit) bool {
	l, t := p.nextLimits(v), &v.taken
	v.counted++
	if p.tells != nil {
		p.tells.note(v, l)
	}
	switch {
	case t.Lost != nil && !l.open:
		v.reply(noTally)
		return false
	case t.Lost == nil && !t.OK:
		v.reply(retryLater(t.Wait))
		return false
	}
	v.held = max(v.held, t.Wait)
	return true
}

// limitKey is whom the request counts for. Who has no name as a consumer counts
// by address, as in Kong; all who send no such field share one.
func (p *proxy) limitKey(v *visit, l *limit) string {
	switch l.by {
	case "consumer":
		if v.consumer == "" {
			return nameless + p.trust.client(v.req).String()
		}
		return v.consumer
	case "address":
		return p.trust.client(v.req).String()
	case "route":
		return v.route.label
	case "header":
		return v.req.Header.Get(l.field)
	}
	return ""
}

// nameless begins the keys of those who are no consumers: no consumer's does.
const nameless = "\x00"

// cost is what the request costs.
func (l *limit) cost(r *Request) float64 {
	if l.costs == nil {
		return 1
	}
	t := l.costs.find(canonical(r.Path))
	if t == nil {
		return 1
	}
	if cost, ok := t.byMethod[r.Method]; ok {
		return cost
	}
	return t.others
}
