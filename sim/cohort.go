package sim

import (
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// cohort is the connections of clients who behave alike.
type cohort struct {
	habits scenarios.Habits
	made   [][]*pool // by client, if each has its own; else the first is all clients'
}

// openCohorts finds out which kinds of request share connections.
func (w *world) openCohorts() {
	known := map[scenarios.Cohort]*cohort{}
	for _, kind := range w.c.Variant.Load.Kinds() {
		var k *cohort
		if c, ok := kind.Cohort(); ok {
			if known[c] == nil {
				known[c] = &cohort{habits: c.Habits}
			}
			k = known[c]
		}
		w.clients.cohorts = append(w.clients.cohorts, k)
	}
}

// pools are the connections that a client uses, to the places of the entry.
func (k *cohort) pools(w *world, who int) []*pool {
	if !k.habits.Own {
		who = 0
	}
	for len(k.made) <= who {
		k.made = append(k.made, nil)
	}
	if k.made[who] == nil {
		k.made[who] = w.doors(k.habits)
	}
	return k.made[who]
}

// doors are pools of new connections to the places of the entry.
func (w *world) doors(h scenarios.Habits) []*pool {
	t := w.c.Variant.Topology
	var pools []*pool
	for _, place := range t.Node(t.Entry).Places() {
		p := w.newPool(topologies.Outside, place, 0)
		p.shared, p.uses, p.reads = h.HTTP2, uint16(h.Requests), h.Reads
		pools = append(pools, p)
	}
	return pools
}
