package policy

import (
	"math/rand/v2"
	"slices"
	"time"
)

// ZoneAware keeps requests in the zone of the proxy as far as that has its
// share of the backends, and lets the rest spill over to the zones that have
// more than theirs, in proportion to what they have to spare. Within a zone
// another picker picks.
//
// With c the part of the backends that are up, by weight, and t the part of the
// proxies that a zone holds, min(1, c/t) of the requests stay, and zone z takes
// of the others max(0, c-t) of z over the sum of those. With fewer backends up
// than Hosts all zones are one: zones take requests by c.
//
// Source: Envoy's zone aware routing.
// Cost: that of the picker within and one draw; O(n) at the first pick after a
// backend went up or down.
// Weak spot: it takes all proxies for equally busy, and it buys fewer crossings
// with less even loads.
type ZoneAware struct {
	rule   ZoneRule
	pool   Pool
	zones  []Picker  // each over the whole pool, the others' backends down
	of     []int     // zone of each backend
	up     []bool    // by backend
	stale  bool      // shares are of the past
	last   int       // zone picked from
	shares []float64 // of requests, by zone
	random *rand.Rand
}

// ZoneRule is what a ZoneAware picker is told.
type ZoneRule struct {
	Own     int       // the proxy's zone
	Traffic []float64 // part of the proxies, by zone
	Hosts   int       // fewest backends up that it takes
}

// NewZoneAware returns a picker over a pool whose backends are all up. of is
// the zone of each, and within makes the picker of one.
func NewZoneAware(pool Pool, of []int, rule ZoneRule, within func() Picker, random *rand.Rand) *ZoneAware {
	z := &ZoneAware{rule: rule, pool: pool, of: of, up: make([]bool, pool.Size()),
		shares: make([]float64, len(rule.Traffic)), stale: true, random: random}
	for zone := range rule.Traffic {
		z.zones = append(z.zones, within())
		for i := range of {
			z.up[i] = true
			z.zones[zone].SetUp(i, of[i] == zone)
		}
	}
	return z
}

// SetUp implements Picker.
func (z *ZoneAware) SetUp(i int, up bool) {
	if z.up[i] != up {
		z.up[i], z.stale = up, true
		z.zones[z.of[i]].SetUp(i, up)
	}
}

// Ramp implements Ramper, as far as the pickers within do.
func (z *ZoneAware) Ramp(i int, full, share float64) {
	if ramper, ok := z.zones[z.of[i]].(Ramper); ok {
		ramper.Ramp(i, full, share)
	}
}

// divide works out which part of the requests each zone is to take.
func (z *ZoneAware) divide() {
	z.stale = false
	clear(z.shares)
	hosts, weight := 0, 0.0
	for i, up := range z.up {
		if up {
			hosts++
			weight += float64(z.pool.Weight(i))
			z.shares[z.of[i]] += float64(z.pool.Weight(i))
		}
	}
	if hosts == 0 {
		return
	}
	for zone := range z.shares {
		z.shares[zone] /= weight
	}
	if own := z.shares[z.rule.Own]; hosts >= z.rule.Hosts && own > 0 {
		z.spill(min(1, whole(own/z.rule.Traffic[z.rule.Own])))
	}
}

// spill keeps a part in the zone of the proxy and shares out the rest.
func (z *ZoneAware) spill(stays float64) {
	spare := 0.0
	for zone, capacity := range z.shares {
		z.shares[zone] = max(0, capacity-z.rule.Traffic[zone])
		if zone != z.rule.Own {
			spare += z.shares[zone]
		}
	}
	for zone := range z.shares {
		if spare > 0 {
			z.shares[zone] *= (1 - stays) / spare
		}
	}
	z.shares[z.rule.Own] = stays
}

// Pick implements Picker.
func (z *ZoneAware) Pick(now time.Duration, key uint64, avoid []int) (int, bool) {
	if z.stale {
		z.divide()
	}
	first := z.draw()
	picked, found := 0, false
	for k := range z.zones {
		zone := (first + k) % len(z.zones)
		i, ok := z.zones[zone].Pick(now, key, avoid)
		if ok && !slices.Contains(avoid, i) {
			z.last = zone
			return i, true
		}
		if ok && !found {
			picked, found = i, true
			z.last = zone
		}
	}
	return picked, found
}

func (z *ZoneAware) draw() int {
	if z.shares[z.rule.Own] >= 1 {
		return z.rule.Own
	}
	point := z.random.Float64()
	for zone, share := range z.shares {
		if point < share {
			return zone
		}
		point -= share
	}
	return z.rule.Own
}

// Started implements Picker.
func (z *ZoneAware) Started(i int) { z.zones[z.of[i]].Started(i) }

// Done implements Picker.
func (z *ZoneAware) Done(now time.Duration, i int, o Outcome) { z.zones[z.of[i]].Done(now, i, o) }

// Probes implements Prober, as far as the pickers within do: those of the zone
// picked from last.
func (z *ZoneAware) Probes(to []int) []int {
	if prober, ok := z.zones[z.last].(Prober); ok {
		return prober.Probes(to)
	}
	return to
}

// Probed implements Prober.
func (z *ZoneAware) Probed(now time.Duration, i int, load Load) {
	if prober, ok := z.zones[z.of[i]].(Prober); ok {
		prober.Probed(now, i, load)
	}
}
