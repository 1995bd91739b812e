package components

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// Renew builds the component that is to take the place of one, when its node is
// told to be set otherwise. What is set as before the two have in common: pools
// with all that is known of their places, what a cache has stored, what limits
// and budgets have counted, who is inside a concurrency limit, sets of token
// keys. What is set otherwise begins anew, but places that checks have found
// down stay so. Limits that are counted together are the tallies' to keep.
//
// The old component goes on as before, for whoever it serves, and may so to
// their end. The new one serves nobody before TakeOver.
func (s *Site) Renew(old *Component) *Component {
	c := s.build(old.place, old)
	if c.gauge != nil && old.gauge != nil {
		c.gauge = old.gauge
	}
	return c
}

// TakeOver makes c, which Renew has built of old, count and judge what the two
// have in common: from now on health checks of the old one say nothing.
func (c *Component) TakeOver(now time.Duration, old *Component) {
	p, proxies := c.server.(*proxy)
	before, did := old.server.(*proxy)
	if !proxies || !did {
		return
	}
	down := before.unwell()
	for _, pool := range p.pools {
		pool.own(now, p, func(place topologies.Place) bool { return p.node.Health != nil && slices.Contains(down, place) })
	}
}

// unwell lists the places that checks have found down.
func (p *proxy) unwell() (down []topologies.Place) {
	for _, pool := range p.pools {
		pool.mu.Lock()
		for i, place := range pool.places {
			if pool.out[i]&unwell != 0 {
				down = append(down, place)
			}
		}
		pool.mu.Unlock()
	}
	return down
}

// own gives a pool to a proxy, which knows which of its places are down.
func (p *pool) own(now time.Duration, by *proxy, down func(topologies.Place) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.owner = by
	p.advance(now)
	for i, place := range p.places {
		p.mark(i, unwell, down(place))
	}
}

// formerly is the proxy that stood in the place of one; nil: none did.
func formerly(old *Component) *proxy {
	if old == nil {
		return nil
	}
	p, _ := old.server.(*proxy)
	return p
}

// poolFor is the old proxy's pool to the same nodes, if it is as the new one's
// would be; or nil.
func (p *proxy) poolFor(by *proxy, name string, nodes []string) *pool {
	if p == nil {
		return nil
	}
	i := slices.IndexFunc(p.pools, func(pool *pool) bool { return pool.name == name })
	if i < 0 || !reflect.DeepEqual(p.terms(p.pools[i].places), by.terms(by.subset(by.topology.Pool(nodes)))) {
		return nil
	}
	return p.pools[i]
}

// terms is all that a pool is made of.
func (p *proxy) terms(places []topologies.Place) any {
	n, t := p.node, p.topology
	zones := make([]string, 0, len(places))
	for _, place := range slices.Concat(places, n.Places()) {
		zones = append(zones, t.Zone(place))
	}
	return []any{places, t.Weights(places), zones, n.Pick, n.Sticky, n.Ejection, n.Panic, n.SlowStart, n.ZoneAware, n.Breaker}
}

// inherit takes over what is set as before, but for pools.
func (p *proxy) inherit(old *proxy) {
	if old == nil {
		return
	}
	was, is := old.node, p.node
	same := func(a, b any) bool { return reflect.DeepEqual(a, b) }
	if same(was.Retry.Budget, is.Retry.Budget) {
		p.budget = old.budget
	}
	if same(was.Hedge, is.Hedge) {
		p.hedge = old.hedge
	}
	if same(was.Concurrency, is.Concurrency) {
		p.gate = old.gate
	}
	if same(was.Cache, is.Cache) && same(was.Compress, is.Compress) && same(was.Auth, is.Auth) && same(was.Keys, is.Keys) &&
		(is.Cache == nil || same(old.store.secrets, p.store.secrets)) {
		p.store = old.store // else other answers might be for other people
	}
	p.inheritCounts(old)
	p.auth.inherit(old.auth, same(p.issuers, old.issuers))
}

// inheritCounts takes over what each replica counts alone.
func (p *proxy) inheritCounts(old *proxy) {
	takeOver(p.limits, old.limits)
	if p.plans == nil || old.plans == nil {
		return
	}
	for _, plan := range p.plans.all {
		for _, was := range old.plans.all {
			if plan.name == was.name {
				takeOver(plan.limits, was.limits)
			}
		}
	}
}

func takeOver(limits, were []limits) {
	for i := range limits {
		for k := range were {
			is, alone := limits[i].tally.(*memory)
			was, did := were[k].tally.(*memory)
			if alone && did && is.tells == was.tells && reflect.DeepEqual(limits[i].told, were[k].told) {
				limits[i].tally = were[k].tally
			}
		}
	}
}

// inherit takes over what is known of those who have shown something. Files of
// keys have been read anew.
func (a *auth) inherit(was *auth, sameIssuers bool) {
	if a == nil || was == nil {
		return
	}
	if a.tokens != nil && was.tokens != nil && sameIssuers &&
		reflect.DeepEqual(a.tokens.told, was.tokens.told) && reflect.DeepEqual(a.tokens.fixed, was.tokens.fixed) {
		a.tokens = was.tokens
	}
	if a.passwords != nil && was.passwords != nil && reflect.DeepEqual(a.passwords.hashes, was.passwords.hashes) {
		a.passwords = was.passwords
	}
}

// meaning tells routes apart whose answers are not each other's: by what they
// take, where they lead and what they ask there. It is the same for a route
// that was built anew, so that what is stored of it stays good.
func meaning(r topologies.Route, nodes []string) uint64 {
	r.Timeout, r.Retry, r.MaxURL, r.MaxBody, r.Response = nil, nil, nil, nil, topologies.Edit{}
	text, err := json.Marshal(r)
	if err != nil {
		panic(fmt.Sprintf("a route cannot be written: %v", err)) // it is text and numbers
	}
	return scenarios.Mix(scenarios.Hash(string(text)), scenarios.Hash(fmt.Sprintf("%q", nodes)))
}
