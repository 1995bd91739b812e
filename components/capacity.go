package components

import (
	"slices"
	"time"

	"trafficlab/topologies"
)

// capacity says how much a request takes of what a node's limits let in: those
// that count for consumers, routes or all together. What an address or a field
// of the header may take is no share of what a consumer may.
type capacity []allowance

type allowance struct {
	costs *pathTable[toll]
	each  float64 // nanoseconds in which the limit lets in one of cost 1
}

// newCapacity is of a node's limits, as they are at its replicas together.
func newCapacity(node *topologies.Node) (all capacity) {
	for _, l := range node.Limits {
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
func (c capacity) of(v *visit) (longest time.Duration) {
	if len(c) == 0 || v.detour == nil || !v.taken.OK {
		return 0
	}
	for i := range c {
		asked := limit{costs: c[i].costs}
		longest = max(longest, time.Duration(asked.cost(v.req)*c[i].each))
	}
	return longest
}
