package components

import (
	"trafficlab/bench/measure"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// CheckPath is where every component answers health checks itself.
const CheckPath = policy.HealthPath

// Component is what stands at one place of a case: its handler, the faults
// that need no process to be killed, and its counters. It
// is safe for concurrent use.
type Component struct {
	server   server
	forecast scenarios.Forecast
	timed    bool // it matters how long requests take
	proxies  bool // hands requests on
	counters counters

	gauge    *gauge                   // nil: nobody asks how busy it is
	tell     func(Exchange, *Account) // what became of each; nil: nobody listens
	place    topologies.Place
	node     *topologies.Node
	firsts   firsts
	capacity *capacity // of its limits
	_        [48]byte  // to whole cache lines, of which a visit to a backend looks at the first two
}

// server is the part that differs from kind to kind.
type server interface {
	// greet is called before the first step, or an answer in its place.
	greet(v *visit)
	// step plays a visit, and ends it by reply or forward, unless the caller
	// went away.
	step(v *visit, woken int) (p Pause, over bool)
	start(x Exchange)       // work on its own account
	use(u *measure.NodeUse) // adds what only this kind counts
	waiting() int           // requests in its line
}

// Site is where the components of a case stand: what they have in common. It
// is not safe for concurrent use, what it builds is.
type Site struct {
	c       *scenarios.Case
	weather *scenarios.Weather
	tallies Tallies                       // nil: each component counts alone
	alone   bool                          // one step is played at a time
	answers map[*topologies.Node]*answers // of backends
}

// NewSite is the site of a case. The tallies are for what replicas count
// together, in whatever form the world keeps them; nil lets each count alone,
// even what is to be shared.
func NewSite(c *scenarios.Case, tallies Tallies) *Site {
	weather := c.Weather()
	return &Site{c: c, weather: weather, tallies: underWeather(tallies, weather), answers: map[*topologies.Node]*answers{}}
}

// Alone says that all components are played by one goroutine. What New builds
// from now on is then not safe for concurrent use, and need not pay for it.
func (s *Site) Alone() { s.alone = true }

// New builds the component of a place, as it is when its process starts. The
// place must be one that trafficlab plays itself: not an external.
func (s *Site) New(place topologies.Place) *Component { return s.build(place, nil) }

func (s *Site) build(place topologies.Place, old *Component) *Component {
	node := s.c.Variant.Topology.Node(place.Node())
	component := &Component{place: place, node: node, forecast: s.weather.Of(place),
		gauge: newGauge(s.c.Variant.Topology, node)}
	component.timed = component.gauge != nil || node.Routes != nil || node.Knows() || node.ServerTiming
	component.counters.mu.alone = s.alone
	component.counters.received = newByTime(s.c.Duration())
	if node.Kind.Proxies() {
		component.proxies = true
		component.capacity = newCapacity(node)
		p := newProxy(s.c, node, place, s.tallies, formerly(old))
		if s.alone {
			p.unlock()
		}
		component.server = p
		return component
	}
	if s.answers[node] == nil {
		s.answers[node] = newAnswers(node)
	}
	b := newBackend(s.c.Seed, node, component.forecast, s.answers[node])
	b.mu.alone = s.alone
	component.server = b
	return component
}

// New builds the component of a place that counts alone.
func New(c *scenarios.Case, place topologies.Place) *Component { return NewSite(c, nil).New(place) }

// Begin implements Starter: it starts the health checks, if the place makes
// any.
func (c *Component) Begin(x Exchange) { c.server.start(x) }

// Open implements Handler.
func (c *Component) Open(x Exchange, req *Request, used Steps) Steps {
	v, _ := used.(*visit)
	if v == nil {
		v = new(visit)
	}
	v.open(c, x, req)
	v.check = req.Method == "GET" && req.Path == CheckPath
	if c.timed {
		c.time(v)
	} else {
		v.timing = nil
	}
	switch {
	case v.check:
		c.counters.one(&c.counters.checks)
	case v.probe:
		c.counters.one(&c.counters.probes)
	default:
		c.counters.come(x)
	}
	return v
}

// Step implements Steps.
func (v *visit) Step(woken int) (p Pause, over bool) {
	c := v.at
	if v.timing != nil && v.stage != arriving {
		v.timing.resume(v.stage, v.x.Now())
	}
	if v.stage > delayed || len(c.forecast) == 0 && !v.check && !v.probe {
		p, over = c.server.step(v, woken)
	} else {
		p, over = c.meet(v, woken)
	}
	if !over {
		return p, false
	}
	if c.timed && v.tag > 0 {
		c.gauge.end(v)
	}
	if !v.check && !v.probe && !v.aside {
		c.counters.count(v)
		if v.timing != nil && c.tell != nil {
			c.tell(v.x, v.timing.close(v))
		}
	}
	v.course = course{}
	if c.proxies {
		v.onwards = onwards{}
	}
	return Pause{}, true
}

// Waiting is how many requests wait in its line: for a worker, or for their
// turn to go upstream.
func (c *Component) Waiting() int { return c.server.waiting() }

// Use is what the place has counted so far.
func (c *Component) Use() measure.NodeUse {
	u := c.counters.snapshot()
	u.Place, u.Kind = string(c.place), string(c.node.Kind)
	c.server.use(&u)
	return u
}
