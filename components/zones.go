package components

import (
	"math/rand/v2"
	"slices"

	"trafficlab/components/policy"
	"trafficlab/topologies"
)

// inZones puts the pickers that make builds, one for each zone of the places
// and the proxy's replicas, under one that prefers the proxy's own. Without
// zone-aware it is one picker for all.
func (p *proxy) inZones(t *topologies.Topology, places []topologies.Place, pool policy.Pool,
	within func() policy.Picker, random *rand.Rand) policy.Picker {
	if p.node.ZoneAware == nil {
		return within()
	}
	var names []string
	number := func(place topologies.Place) int {
		zone := t.Zone(place)
		if !slices.Contains(names, zone) {
			names = append(names, zone)
		}
		return slices.Index(names, zone)
	}
	of := make([]int, len(places))
	for i, place := range places {
		of[i] = number(place)
	}
	rule := policy.ZoneRule{Own: number(p.place), Hosts: p.node.ZoneAware.Int("hosts")}
	replicas := p.node.Places()
	for _, replica := range replicas {
		number(replica) // zones without backends have proxies all the same
	}
	rule.Traffic = make([]float64, len(names))
	for _, replica := range replicas {
		rule.Traffic[number(replica)] += 1 / float64(len(replicas))
	}
	return policy.NewZoneAware(pool, of, rule, within, random)
}
