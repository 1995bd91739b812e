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
}

// limit says of a request for whom it counts, and how much.
type limit struct {
	by    string
	field string // of the header, if that is who
	costs *pathTable[toll]
}

// toll is what requests for a path cost, by method.
type toll struct {
	byMethod map[string]float64
	others   float64
}

// newLimits builds a node's limits: those that each replica keeps on its own,
// then the shared ones.
func newLimits(node *topologies.Node, tallies Tallies) (all []limits) {
	var left []topologies.Limit
	for _, l := range node.Limits {
		if tallies == nil {
			l.Shared = nil
		}
		left = append(left, l)
	}
	if alone := those(left, nil); len(alone) > 0 {
		all = append(all, limits{limitsOf(alone), newMemory(choices(alone)), false})
	}
	for i := range left {
		at := left[i].Shared
		if at == nil || len(those(left[:i], at)) > 0 {
			continue
		}
		together := those(left, at)
		name := fmt.Sprintf("%s.%d", node.Name, len(all))
		all = append(all, limits{limitsOf(together), tallies.Tally(name, at, choices(together)), at.Open})
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
		limits = append(limits, limit{by, field, newTolls(l.Costs)})
	}
	return limits
}

func newTolls(costs []topologies.Cost) *pathTable[toll] {
	if costs == nil {
		return nil
	}
	tolls := new(pathTable[toll])
	for _, c := range costs {
		t := tolls.add(c.Path, toll{map[string]float64{}, 1})
		if c.Method == "" {
			t.others = c.Cost
		} else {
			t.byMethod[c.Method] = c.Cost
		}
	}
	return tolls
}

// withinLimits takes what the request costs from every limit, and holds it
// back if a limit says so. If it may not pass it answers so and is false.
func (p *proxy) withinLimits(v *visit) bool {
	var hold time.Duration
	for i := range p.limits {
		l := &p.limits[i]
		asks := v.asks[:0]
		for k := range l.each {
			asks = append(asks, policy.Ask{Key: p.limitKey(v, &l.each[k]), Cost: l.each[k].cost(&v.req)})
		}
		wait, ok, err := l.tally.Take(v.x, asks)
		switch {
		case err != nil && !l.open:
			v.reply(noTally)
			return false
		case err == nil && !ok:
			v.reply(retryLater(wait))
			return false
		}
		hold = max(hold, wait)
	}
	return hold == 0 || p.held(v, hold)
}

// held waits; it is false if the caller went away meanwhile.
func (p *proxy) held(v *visit, hold time.Duration) bool {
	v.events[0] = v.x.Canceled()
	return v.x.Wait(v.x.Now()+hold, v.events[:1]...) < 0
}

// limitKey is whom the request counts for. All who give no name share one.
func (p *proxy) limitKey(v *visit, l *limit) string {
	switch l.by {
	case "consumer":
		return v.consumer
	case "address":
		return p.trust.client(&v.req).String()
	case "route":
		return v.route.label
	case "header":
		return v.req.Header.Get(l.field)
	}
	return ""
}

// cost is what the request costs.
func (l *limit) cost(r *Request) float64 {
	if l.costs == nil {
		return 1
	}
	t := l.costs.find(r.Path)
	if t == nil {
		return 1
	}
	if cost, ok := t.byMethod[r.Method]; ok {
		return cost
	}
	return t.others
}
