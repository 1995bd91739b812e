package components

import (
	"trafficlab/bench/measure"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// CheckPath is where every component answers health checks itself.
const CheckPath = "/healthz"

// Component is what stands at one place of a case: its handler, the faults
// that need no process to be killed (a share of errors), and its counters. It
// is safe for concurrent use.
type Component struct {
	place    topologies.Place
	node     *topologies.Node
	weather  *scenarios.Weather
	server   server
	blocking blocking // the server, if it is one
	stepping stepping // likewise
	counters counters
}

// server is the part that differs from kind to kind.
type server interface {
	start(x Exchange)       // work on its own account
	use(u *measure.NodeUse) // adds what only this kind counts
}

// blocking is a server that waits wherever it must.
type blocking interface {
	server
	serve(v *visit) // ends the visit by reply or forward, unless the caller went away
}

// stepping is a server whose visits are played in steps; the last one ends the
// visit likewise.
type stepping interface {
	server
	step(v *visit, woken int) (p Pause, over bool)
}

// New builds the component of a place in a case. The place must be one that
// trafficlab plays itself: not an external. It counts alone, even what is to be
// shared among replicas.
func New(c *scenarios.Case, place topologies.Place) *Component {
	return NewSharing(c, place, nil)
}

// NewSharing is New for a component that shares tallies with its replicas. The
// same tallies go to all of them, in whatever form the world keeps them.
func NewSharing(c *scenarios.Case, place topologies.Place, tallies Tallies) *Component {
	component := &Component{
		place:   place,
		node:    c.Variant.Topology.Node(place.Node()),
		weather: scenarios.NewWeather(c.Seed, c.Variant.Faults),
	}
	if component.node.Kind.Proxies() {
		component.server = newProxy(c, component.node, place, tallies)
	} else {
		component.server = newBackend(c.Seed, component.node, place, component.weather)
	}
	component.blocking, _ = component.server.(blocking)
	component.stepping, _ = component.server.(stepping)
	return component
}

// Begin implements Starter: it starts the health checks, if the place makes
// any.
func (c *Component) Begin(x Exchange) { c.server.start(x) }

// Handle implements Handler.
func (c *Component) Handle(x Exchange, req Request) {
	v := c.open(x, req)
	if c.stepping != nil {
		play(x, v)
		return
	}
	if !c.settled(v) {
		c.blocking.serve(v)
	}
	c.close(v)
}

// Open implements Stepper, for backends.
func (c *Component) Open(x Exchange, req Request) Steps {
	if c.stepping == nil {
		return nil
	}
	return c.open(x, req)
}

// Step implements Steps.
func (v *visit) Step(woken int) (p Pause, over bool) {
	c := v.at
	if v.stage != arriving || !c.settled(v) {
		if p, over = c.stepping.step(v, woken); !over {
			return p, false
		}
	}
	c.close(v)
	return Pause{}, true
}

func (c *Component) open(x Exchange, req Request) *visit {
	v := visits.Get().(*visit)
	v.open(c, x, req)
	if v.check {
		c.counters.checks.Add(1)
	} else {
		c.counters.requests.Add(1)
	}
	return v
}

func (c *Component) close(v *visit) {
	if !v.check {
		c.counters.count(v)
	}
	v.close()
}

// settled answers what no server is needed for, if that is all there is to do.
func (c *Component) settled(v *visit) bool {
	ail := c.weather.At(c.place, v.x.Now())
	switch {
	case c.weather.Fails(c.place, ail.Errors, v.req.Number, v.req.Attempt):
		v.reply(brokenInside)
	case v.check && ail.Drains:
		v.reply(draining)
	case v.check:
		v.reply(healthy)
	default:
		return false
	}
	return true
}

// Use is what the place has counted so far.
func (c *Component) Use() measure.NodeUse {
	u := c.counters.snapshot()
	u.Place, u.Kind = string(c.place), string(c.node.Kind)
	c.server.use(&u)
	return u
}
