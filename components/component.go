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
	counters counters
}

// server is the part that differs from kind to kind.
type server interface {
	serve(v *visit)         // ends the visit by reply or forward, unless the caller went away
	begin(x Exchange)       // work on its own account
	use(u *measure.NodeUse) // adds what only this kind counts
}

// New builds the component of a place in a case. The place must be one that
// trafficlab plays itself: not an external.
func New(c *scenarios.Case, place topologies.Place) *Component {
	component := &Component{
		place:   place,
		node:    c.Variant.Topology.Node(place.Node()),
		weather: scenarios.NewWeather(c.Seed, c.Variant.Faults),
	}
	if component.node.Kind.Proxies() {
		component.server = newProxy(c, component.node, place)
	} else {
		component.server = newBackend(c.Seed, component.node, place, component.weather)
	}
	return component
}

// Begin implements Starter: it starts the health checks, if the place makes
// any.
func (c *Component) Begin(x Exchange) { c.server.begin(x) }

// Handle implements Handler.
func (c *Component) Handle(x Exchange, req Request) {
	v := visits.Get().(*visit)
	v.open(x, req)
	if v.check {
		c.counters.checks.Add(1)
	} else {
		c.counters.requests.Add(1)
	}
	c.answer(v)
	if !v.check {
		c.counters.count(v)
	}
	v.close()
}

func (c *Component) answer(v *visit) {
	ail := c.weather.At(c.place, v.x.Now())
	switch {
	case c.weather.Fails(c.place, ail.Errors, v.req.Number, v.req.Attempt):
		v.reply(brokenInside)
	case v.check:
		v.reply(healthy)
	default:
		c.server.serve(v)
	}
}

// Use is what the place has counted so far.
func (c *Component) Use() measure.NodeUse {
	u := c.counters.snapshot()
	u.Place, u.Kind = string(c.place), string(c.node.Kind)
	c.server.use(&u)
	return u
}
