package components

import (
	"cmp"
	"math/rand/v2"
	"time"

	"trafficlab/bench/measure"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// pool is the places that a route may go to, and who chooses among them.
type pool struct {
	places []topologies.Place
	keyed  bool
	source affinity // of keys
	sticky *sticky  // nil: clients have no home
	homes  *homes   // of keys; nil: there are none, or nobody goes away
	name   string   // of the nodes

	mu lock
	membership
	met      []acquaintance    // by place
	breakers []*policy.Breaker // by place; nil: none
	opened   []int             // places with an open breaker, the next to be half open first
	probing
	owner *proxy // who counts what it is asked, and checks its places
}

// acquaintance is what a pool keeps of a place that it asks.
type acquaintance struct {
	asked int64   // attempts
	sent  *byTime // likewise; nil: no fault befalls it
	way   Way
}

// newPool makes a pool whose draws depend on the seed and its name alone.
func (p *proxy) newPool(t *topologies.Topology, name string, nodes []string) *pool {
	kind := policy.Pickers[cmp.Or(p.node.Pick.Name, policy.DefaultPicker)]
	params := kind.Params(p.node.Pick.Params)
	random := rand.New(rand.NewPCG(p.seed, scenarios.Hash("pool "+name)))
	places := p.subset(t.Pool(nodes))
	members := policyPool(t, places)
	members.Ramps = p.node.SlowStart != nil
	within := func() policy.Picker { return kind.New(members, params, random) }
	made := &pool{
		name:       name,
		owner:      p,
		places:     places,
		keyed:      kind.Keyed,
		source:     newAffinity(params.Word("key")),
		sticky:     newSticky(p.node.Sticky, members),
		membership: newMembership(p.node, p.inZones(t, places, members, within, random), members),
		met:        make([]acquaintance, len(places)),
		probing:    probing{patience: params.Duration("timeout"), id: scenarios.Mix(p.seed, scenarios.Hash("probes of "+name))},
	}
	if kind.Probes {
		made.prober, _ = made.picker.(policy.Prober)
	}
	return made
}

// subset is the places that this replica of the proxy asks. Only what the
// replicas have in common decides: the order of each round is the same to all.
func (p *proxy) subset(all []topologies.Place) []topologies.Place {
	var places []topologies.Place
	for _, i := range policy.Subset(len(all), p.place.Replica(), p.node.Subset, scenarios.Hash(p.node.Name)) {
		places = append(places, all[i])
	}
	return places
}

// policyPool is the places as a picker knows them.
func policyPool(t *topologies.Topology, places []topologies.Place) policy.Pool {
	pool := policy.Pool{Names: make([]string, len(places)), Weights: t.Weights(places)}
	for i, place := range places {
		pool.Names[i] = string(place)
	}
	return pool
}

// start picks a place and begins an attempt there, in one move: two requests
// at once do not both see it idle.
func (p *pool) start(now time.Duration, key uint64, home int, avoid []int) (i int, pass policy.Pass, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.advance(now)
	if len(p.opened) > 0 {
		p.reopen(now)
	}
	i, ok = p.choose(now, key, home, avoid)
	if ok && p.breakers != nil {
		pass, ok = p.letThrough(now, i)
	}
	if ok {
		p.picker.Started(i)
		if p.homes != nil && len(avoid) == 0 {
			p.homes.note(&p.membership, key, i)
		}
		p.met[i].asked++
		if sent := p.met[i].sent; sent != nil {
			sent.add(now)
		}
	}
	return i, pass, ok
}

func (p *pool) done(now time.Duration, i int, pass policy.Pass, o policy.Outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.advance(now)
	p.picker.Done(now, i, o)
	p.judge(i, o.Reason)
	if p.breakers != nil {
		p.report(now, i, pass, o.Reason)
	}
}

func (p *pool) setUp(now time.Duration, by *proxy, place topologies.Place, up bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.owner != by {
		return
	}
	p.advance(now)
	for i := range p.places {
		if p.places[i] == place {
			p.mark(i, unwell, !up)
		}
	}
}

// watch counts attempts by time at places that faults befall, or the way there,
// and whom they drive from elsewhere.
func (p *pool) watch(v *scenarios.Variant) {
	ill := map[topologies.Place]bool{}
	for i := range v.Faults {
		for _, place := range v.Faults[i].On {
			ill[place] = true
		}
	}
	for i, place := range p.places {
		if ill[place] || ill[topologies.Link(p.owner.place, place)] {
			counts := newByTime(v.Load.Duration())
			p.met[i].sent = &counts
			if p.keyed && p.sticky == nil && p.homes == nil {
				p.homes = &homes{of: map[uint64]home{}}
			}
		}
	}
}

func (p *pool) countInto(u *measure.NodeUse, of *proxy) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.owner != of {
		return
	}
	p.homes.into(u)
	for i, place := range p.places {
		u.Asked[string(place)] += p.met[i].asked
		if sent := p.met[i].sent; sent != nil {
			u.Sent[string(place)] = u.Sent[string(place)].Plus(sent.counts)
		}
	}
}
