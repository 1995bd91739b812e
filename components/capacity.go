package components

import (
	"slices"
	"time"

	"trafficlab/topologies"
)

// capacity says how much a request takes of what limits let in: of those that
// count for consumers, routes or all together, by a rate. What an address or a
// field of the header may take is no share of what a consumer may, and of a
// quota's day a run sees a moment.
type capacity struct {
	node  []allowance
	plans map[string][]allowance // by name
}

type allowance struct {
	costs *pathTable[toll]
	each  float64 // nanoseconds in which the limit lets in one of cost 1
}

// newCapacity is that of a node's replicas together.
func newCapacity(node *topologies.Node) *capacity {
	c := &capacity{node: allowances(node, node.Limits), plans: map[string][]allowance{}}
	for _, plan := range node.Plans {
		c.plans[plan.Name] = allowances(node, plan.Limits)
	}
	return c
}

func allowances(node *topologies.Node, limits []topologies.Limit) (all []allowance) {
	for _, l := range limits {
		rate := l.Algorithm.Params.Number("rate")
		if !slices.Contains([]string{"consumer", "route", "all"}, l.By) || rate <= 0 {
			continue
		}
		if l.Shared == nil {
			rate *= float64(max(node.Replicas, 1))
		}
		all = append(all, allowance{newTolls(l.Costs), float64(time.Second) / rate})
	}
	return all
}

// of is how long the tightest limit takes to let in the likes of a visit; 0 if
// they did not let it in.
func (c *capacity) of(v *visit) time.Duration {
	if v.detour == nil || !v.taken.OK {
		return 0
	}
	longest := longestOf(c.node, v.req)
	if v.plan != nil {
		longest = max(longest, longestOf(c.plans[v.plan.name], v.req))
	}
	return longest
}

func longestOf(all []allowance, r *Request) (longest time.Duration) {
	for i := range all {
		asked := limit{costs: all[i].costs}
		longest = max(longest, time.Duration(asked.cost(r)*all[i].each))
	}
	return longest
}
