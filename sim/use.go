package sim

import (
	"cmp"
	"slices"
	"time"

	"trafficlab/bench/measure"
)

// tally adds up what a place counted after the warm-up, over all the lives of
// its process.
type tally struct {
	before measure.NodeUse // what the process at work counted earlier
	sum    measure.NodeUse
}

// open begins the count.
func (t *tally) open(p *place) {
	*t = tally{sum: measure.NodeUse{Received: t.sum.Received, Sent: t.sum.Sent}} // from the beginning
	if !p.down {
		t.before = p.handler.Use()
	}
}

// close ends the count of one life of the process.
func (t *tally) close(c component) {
	life := c.Use()
	add(&t.sum, life, 1)
	add(&t.sum, t.before, -1)
	t.sum.Received = t.sum.Received.Plus(life.Received)
	t.sum.Sent = measure.AddSeries(t.sum.Sent, life.Sent)
	t.before = measure.NodeUse{}
}

// add adds the counts of a use, times a sign.
func add(sum *measure.NodeUse, u measure.NodeUse, sign int64) {
	sum.Requests += sign * u.Requests
	sum.Checks += sign * u.Checks
	sum.Probes += sign * u.Probes
	sum.Worked += time.Duration(sign) * u.Worked
	sum.Keys += sign * u.Keys
	sum.Moved += sign * u.Moved
	sum.Wasted += time.Duration(sign) * u.Wasted
	addAll(&sum.Reasons, u.Reasons, sign)
	addAll(&sum.Refused, u.Refused, sign)
	addAll(&sum.Cache, u.Cache, sign)
	addAll(&sum.Asked, u.Asked, sign)
	for _, v := range u.Usage {
		addUsage(sum, v, sign)
	}
}

func addAll(sum *map[string]int64, counts map[string]int64, sign int64) {
	for k, n := range counts {
		if *sum == nil {
			*sum = map[string]int64{}
		}
		if (*sum)[k] += sign * n; (*sum)[k] == 0 {
			delete(*sum, k)
		}
	}
}

func addUsage(sum *measure.NodeUse, v measure.Usage, sign int64) {
	i := slices.IndexFunc(sum.Usage, func(o measure.Usage) bool {
		return o.Consumer == v.Consumer && o.Route == v.Route
	})
	if i < 0 {
		i = len(sum.Usage)
		sum.Usage = append(sum.Usage, measure.Usage{Consumer: v.Consumer, Route: v.Route})
	}
	sum.Usage[i].Merge(v, sign)
}

// total is the use of the place between warm-up and now.
func (p *place) total() measure.NodeUse {
	if !p.down {
		p.use.close(p.handler)
	}
	u := p.use.sum
	u.Place, u.Kind = string(p.name), string(p.node.Kind)
	u.Usage = slices.DeleteFunc(u.Usage, func(v measure.Usage) bool { return v.Requests == 0 })
	slices.SortFunc(u.Usage, func(a, b measure.Usage) int {
		return cmp.Or(cmp.Compare(a.Consumer, b.Consumer), cmp.Compare(a.Route, b.Route))
	})
	return u
}
