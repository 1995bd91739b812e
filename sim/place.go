package sim

import (
	"time"

	"trafficlab/components"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// place is one replica of a node: a process of the simulated system.
type place struct {
	world   *world
	handler component
	node    *topologies.Node
	down    bool
	frozen  bool
	leaving bool
	asked   toll // of a proxy's request

	visit    toll // of a client's
	name     topologies.Place
	number   int    // among the world's
	jitter   uint64 // what the visits' is drawn from
	dialTime time.Duration
	dialLine int
	papers   scenarios.Forecast // when its certificate has expired; nil: it needs none
	held     []task             // what a frozen place would have done

	upstreams []fleet
	inbound   []*pool

	use *tally
	_   [16]byte // to whole cache lines, of which most visits touch the first alone
}

// start makes the component anew, as a process starts.
func (p *place) start() {
	p.handler = p.world.build(p.name)
	if s, ok := p.handler.(components.Starter); ok {
		p.background(func(x components.Exchange) components.Steps { return beginning{s, x} })
	}
}

// beginning is what a place does when it has started.
type beginning struct {
	components.Starter
	x components.Exchange
}

// Step implements components.Steps.
func (b beginning) Step(int) (components.Pause, bool) {
	b.Begin(b.x)
	return components.Pause{}, true
}

// turn follows the weather: from now on the place is down, frozen, leaving or
// none of these.
func (p *place) turn(t scenarios.Turn) {
	switch {
	case t.Down && !p.down:
		p.crash()
	case !t.Down && p.down:
		p.down = false
		p.start()
	}
	p.leaving, p.frozen = t.Leaving, t.Frozen
	if p.leaving {
		for _, in := range p.inbound {
			in.made, in.shares = false, 0
		}
	}
	if !p.frozen {
		p.thaw()
	}
}

// part ends the idle connections to a place that leaves still. One that has
// nothing in hand then ends, live; here it is left until its time is over,
// since nobody can tell.
func (p *place) part() {
	if p.leaving {
		for _, in := range p.inbound {
			in.lose()
		}
	}
}

// shut tells whether nobody new is let in.
func (p *place) shut() bool { return p.down || p.leaving }

// crash ends all work at the place. Its state is lost, but for what it counted.
func (p *place) crash() {
	p.down = true
	p.use.close(p.handler)
	p.held = nil
	for _, in := range p.inbound {
		in.lose()
	}
	for out := range p.outbound {
		out.desert()
	}
	for slot := range p.world.frames.len {
		f := p.world.frames.at(slot)
		if f.place == p && !f.dead {
			f.crash()
		}
	}
	for out := range p.outbound {
		out.lose()
	}
}

// do runs a task, or keeps it for the thaw.
func (p *place) do(t task) {
	if p.frozen {
		p.held = append(p.held, t)
		return
	}
	t.run()
}

// play is do for a frame, which is what is done most.
func (p *place) play(f *frame) {
	if p.frozen {
		p.held = append(p.held, f)
		return
	}
	f.run()
}

// thaw does what the place would have done while it was frozen.
func (p *place) thaw() {
	held := p.held
	p.held = nil
	for _, t := range held {
		p.do(t)
	}
}

// receive takes a request in. The handler sees it after the cost of a visit.
func (p *place) receive(c *call) *frame {
	f := p.frame()
	f.call, f.wanted = c, true
	c.request.Peer = loopback
	c.request.TLS = p.node.TLS != nil
	if c.from == nil {
		p.world.enter(f, &p.visit)
	} else {
		p.world.enter(f, &p.asked)
	}
	return f
}

// background runs work that has no caller.
func (p *place) background(open func(components.Exchange) components.Steps) {
	f := p.frame()
	f.open = open
	f.wake()
}

// frame takes a frame into work.
func (p *place) frame() *frame {
	f := p.world.newFrame()
	f.place = p
	return f
}

// fleet is the connections to the replicas of a node.
type fleet struct {
	node  string
	pools []*pool // by replica; nil: not asked yet
}

// way is the connections to where a hop leads, as they were noted at the last.
func (p *place) way(h *components.Hop) *pool {
	if h.Way == nil {
		return p.pool(h.To)
	}
	o, known := h.Way.Known.(*pool)
	if !known {
		o = p.pool(h.To)
		h.Way.Known = o
	}
	return o
}

// pool is the connections to an upstream place.
func (p *place) pool(to topologies.Place) *pool {
	f := p.fleet(to.Node())
	i := to.Replica()
	for i >= len(f.pools) {
		f.pools = append(f.pools, nil)
	}
	if f.pools[i] == nil {
		f.pools[i] = p.world.newPool(p.name, to, p.node.Connections)
		if p.node.Idle != nil {
			f.pools[i].keeps = int32(p.node.Idle.Most)
		}
		if up := p.node.Upstream; up != nil && up.HTTP2 {
			f.pools[i].limit, f.pools[i].shared = 0, true
		}
	}
	return f.pools[i]
}

func (p *place) fleet(node string) *fleet {
	for i := range p.upstreams {
		if p.upstreams[i].node == node {
			return &p.upstreams[i]
		}
	}
	p.upstreams = append(p.upstreams, fleet{node: node})
	return &p.upstreams[len(p.upstreams)-1]
}

// outbound is the pools that the place has used.
func (p *place) outbound(yield func(*pool) bool) {
	for _, f := range p.upstreams {
		for _, o := range f.pools {
			if o != nil && !yield(o) {
				return
			}
		}
	}
}
