package sim

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"trafficlab/bench/measure"
	"trafficlab/components"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// component is what plays at a place.
type component interface {
	components.Handler
	Use() measure.NodeUse
}

// builder makes the component of a place, new each time it starts.
type builder func(topologies.Place) component

// task is something that a frozen place would have done.
type task interface{ run() }

// world is one run under way.
type world struct {
	c     *scenarios.Case
	costs Costs
	build builder

	machine machine
	uneven  bool // a toll is not the same for all

	clock clock
	ready upNext
	hop   components.Hop // about to be made

	places []*place
	byName map[topologies.Place]*place
	turns  []turn
	links  map[topologies.Place]*link // those that something ails at some time
	resets []*link
	active *place // that did something last

	frames      shelf[frame]
	calls       shelf[call]
	idleSignals []*signal

	clients clients
	tracer  *tracer  // nil: no stories
	lookout *lookout // nil: nobody wants to know what places are like
	steps   int
}

// turn is a change in the life of a place.
type turn struct {
	place *place
	scenarios.Turn
	parts bool // no change, but idle connections to who leaves end
}

func newWorld(c *scenarios.Case, costs Costs, build builder) (*world, error) {
	if err := c.Recall(); err != nil {
		return nil, err
	}
	w := &world{c: c, costs: costs, build: build, byName: map[topologies.Place]*place{}}
	w.machine.reset(costs.Cores, c.Duration())
	w.uneven = costs.Cores > 0 || costs.Jitter > 0
	weather := c.Weather()
	for _, n := range c.Variant.Topology.Nodes {
		if n.Kind == topologies.External {
			return nil, fmt.Errorf("node %s: is external, and only the live world can measure what it did not build", n.Name)
		}
		for _, name := range n.Places() {
			w.addPlace(name, n, weather)
		}
	}
	w.openLinks(weather)
	if err := w.openClients(); err != nil {
		return nil, err
	}
	w.schedule(weather)
	for _, p := range w.places {
		p.start()
	}
	return w, nil
}

// addPlace adds a place at rest.
func (w *world) addPlace(name topologies.Place, n *topologies.Node, weather *scenarios.Weather) {
	p := &place{world: w, number: len(w.places), name: name, node: n, use: new(tally)}
	p.visit = w.toll(w.costs.Visit[n.Kind], w.costs.Work.Visit[n.Kind])
	p.asked = w.toll(w.costs.Visit[n.Kind]+w.costs.Ask, w.costs.Work.Visit[n.Kind]+w.costs.Work.Ask)
	p.jitter = scenarios.Mix(w.c.Seed, scenarios.Hash("jitter of "+string(name)))
	p.dialTime = w.costs.Dial
	if n.TLS != nil {
		p.dialTime += w.costs.Handshake
	}
	if p.dialTime > 0 {
		p.dialLine = w.clock.line(p.dialTime)
	}
	w.places = append(w.places, p)
	w.byName[name] = p
	if n.TLS != nil {
		p.papers = weather.Of(name)
	}
}

// schedule puts the weather and the end of the warm-up on the clock.
func (w *world) schedule(weather *scenarios.Weather) {
	for _, p := range w.places {
		for _, t := range weather.Turns(p.name) {
			w.clock.at(t.At, turned, len(w.turns))
			w.turns = append(w.turns, turn{p, t, false})
			if t.Leaving {
				w.clock.at(t.At+components.Parting, turned, len(w.turns))
				w.turns = append(w.turns, turn{p, t, true})
			}
		}
	}
	w.clock.at(w.c.Variant.Warmup, warmed, 0)
}

// play runs the case to its end: the load is over and every request has its
// outcome.
func (w *world) play(ctx context.Context) error {
	defer w.name()
	w.settle()
	w.openLoops()
	for a := range w.c.Arrivals() {
		if w.tracer.over() {
			return nil
		}
		if err := w.until(ctx, a.At); err != nil {
			return err
		}
		w.clock.now = a.At
		w.arrive(&a, w.newLoop(a.Then))
		w.settle()
	}
	if err := w.until(ctx, max(w.c.Duration(), w.c.Variant.Warmup)); err != nil {
		return err
	}
	for w.clients.open > 0 && !w.tracer.over() {
		e, _ := w.clock.pop(components.Forever)
		if err := w.step(ctx, e); err != nil {
			return err
		}
	}
	return w.until(ctx, w.clock.now) // who handed the last answer on is to count it
}

// until plays what happens up to an instant.
func (w *world) until(ctx context.Context, t time.Duration) error {
	for !w.tracer.over() {
		e, ok := w.clock.pop(t)
		if !ok {
			return nil
		}
		if err := w.step(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// glance is how many events pass between two looks at the context.
const glance = 4096

// step plays an event and all that follows from it at once.
func (w *world) step(ctx context.Context, e event) error {
	if w.steps++; w.steps%glance == 0 && ctx.Err() != nil {
		return ctx.Err()
	}
	w.dispatch(e)
	w.settle()
	return nil
}

func (w *world) dispatch(e event) {
	switch slot := e.slot(); e.kind() {
	case turned:
		t := &w.turns[slot]
		if t.parts {
			t.place.part()
		} else {
			t.place.turn(t.Turn)
		}
	case warmed:
		w.machine.busy = 0
		for _, p := range w.places {
			p.use.open(p)
		}
	case expired:
		w.expire()
	case asked:
		w.ask(slot)
	case sent:
		w.calls.at(slot).depart()
	case connected:
		w.calls.at(slot).dialled()
	case gaveUp:
		w.calls.at(slot).giveUp()
	case received:
		w.calls.at(slot).received()
	case visited:
		w.frames.at(slot).arrive()
	case elapsed:
		w.frames.at(slot).elapse(e.at)
	case looked:
		w.look()
	case snapped:
		w.resets[slot].reset()
	case went:
		w.calls.at(slot).went()
	case came:
		w.calls.at(slot).came()
	}
}

// settle runs what is ready, and what that makes ready, until nothing
// is left to do at this instant.
func (w *world) settle() {
	for !w.ready.empty() {
		f := w.ready.pop()
		w.active = f.place
		f.place.play(f)
	}
}

func (w *world) newFrame() *frame {
	if f := w.frames.take(); f != nil {
		return f
	}
	f, slot := w.frames.add()
	f.world, f.slot, f.armed = w, int32(slot), components.Forever
	return f
}

func (w *world) newCall(p *pool) *call {
	c := w.calls.take()
	if c == nil {
		var slot int
		c, slot = w.calls.add()
		c.world, c.slot = w, int32(slot)
	}
	c.pool, c.from, c.next, c.callee = p, nil, nil, nil
	c.status, c.header, c.connectBy = 0, nil, components.Forever
	c.worked, c.fired, c.holds, c.queued, c.over = false, false, false, false, false
	c.ends, c.cut = 0, false
	if c.transit != nil {
		*c.transit = transit{}
	}
	return c
}

func (w *world) newPool(from, to topologies.Place, limit int) *pool {
	p := w.byName[to]
	if p == nil {
		panic("sim: no place " + string(to))
	}
	o := &pool{to: p, limit: int32(limit), keeps: -1}
	if len(w.links) > 0 {
		if l := w.links[topologies.Link(from, to)]; l != nil {
			o.link = l
			l.pools = append(l.pools, o)
		}
	}
	p.inbound = append(p.inbound, o)
	return o
}

// name says where a panic comes from.
func (w *world) name() {
	if r := recover(); r != nil {
		panic(fmt.Sprintf("sim: %s: %v\n\n%s", w.active.name, r, debug.Stack()))
	}
}
