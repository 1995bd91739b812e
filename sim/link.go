package sim

import (
	"fmt"
	"time"

	"trafficlab/components"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// link is a way between two places, or from the clients to the entry, that
// something ails at some time. Calls over other ways know nothing of it.
type link struct {
	world *world
	name  topologies.Place
	line  *scenarios.Line
	pools []*pool

	last [2]time.Duration // when what came last over a shared connection arrives, by way
}

// transit is how far a call has come on its link.
type transit struct {
	made        time.Duration // its connection
	there, back scenarios.Passage
	lag         time.Duration // of the answer
	why         policy.Reason // the connection was not made

	reused   bool // the connection
	again    bool // another broke under the request before
	begun    bool // the request has been sent…
	arrived  bool // …and is there
	parted   bool // the news that nobody waits is under way
	heard    bool // the answer is back, or the news that there is none
	broken   bool // the connection, before the request was there or answered
	severed  bool // the news that the answer breaks off is under way
	finished bool // nothing that is under way matters any more

	status int
	header components.Header
	body   components.Body
}

// failed is why a call fails that gets no connection: one that was under way
// before was broken, whatever became of it then.
func (t *transit) failed(why policy.Reason) policy.Reason {
	if t != nil && t.again {
		return policy.Reset
	}
	return why
}

// headBytes is how long the head of a request or an answer is taken to be.
const headBytes = 256

// openLinks prepares those that something ails.
func (w *world) openLinks(weather *scenarios.Weather) {
	w.links = map[topologies.Place]*link{}
	for _, name := range weather.Links() {
		l := &link{world: w, name: name, line: weather.Line(name)}
		w.links[name] = l
		for _, at := range weather.Resets(name) {
			w.clock.at(at, snapped, len(w.resets))
			w.resets = append(w.resets, l)
		}
	}
}

// connect finds a connection for a call, or makes one.
func (l *link) connect(c *call) {
	if c.transit == nil {
		c.transit = new(transit)
	}
	w, p, t := l.world, c.pool, c.transit
	switch {
	case p.idle > 0 && !t.again:
		c.used = p.reuse() + 1
		t.made, t.reused = p.born[p.idle], true
		p.born = p.born[:p.idle]
		c.send()
		return
	case p.made:
		p.share()
		c.used, t.made, t.why = 1, p.stands, p.why
	default:
		c.used = 1
		if t.again && w.traced(c.request.Number) {
			w.note(c.request.Number, c.who(), "tries a new connection, since that one had been used before")
		}
		d := l.line.Dial(w.clock.now, p.to.node.TLS != nil)
		t.made, t.why = d.Arrives+p.to.dialTime, d.Why
		if w.traced(c.request.Number) {
			w.note(c.request.Number, c.who(), "dials %s%s", p.to.name, l.told(d))
		}
		if p.shared {
			p.made, p.stands, p.why = true, t.made, t.why
			p.share()
		}
	}
	switch {
	case t.made <= w.clock.now:
		c.connected()
	case t.made >= c.connectBy && !t.again: // so that a patience of a second is none for a second try
		c.ticks++
		w.clock.at(c.connectBy, gaveUp, int(c.slot))
	default:
		c.ticks++
		w.clock.at(t.made, connected, int(c.slot))
	}
}

// send puts a request on its way.
func (l *link) send(c *call) {
	w, t := l.world, c.transit
	t.begun = true
	t.there = l.line.Send(w.clock.now, t.made, scenarios.There, headBytes+c.request.Size)
	if w.traced(c.request.Number) {
		l.tell(c, "the request", t.there)
	}
	if t.broken = t.there.Why != policy.OK; t.broken {
		l.carry(c, scenarios.Back, t.there.Arrives)
		return
	}
	l.carry(c, scenarios.There, t.there.Arrives)
}

// answer puts an answer on its way. Its body takes what bandwidth there is, and
// its own time after its head.
func (l *link) answer(c *call, r *components.Response, body components.Body) {
	w, t, now := l.world, c.transit, l.world.clock.now
	t.status, t.header, t.body = r.Status, handed(r.Header), body
	t.back = l.line.Send(now, t.made, scenarios.Back, headBytes)
	if w.traced(c.request.Number) {
		l.tell(c, "the answer", t.back)
	}
	whole := t.back
	l.line.More(now, t.made, scenarios.Back, body.Size, &whole)
	if c.fired || whole.Why != policy.OK { // the news that nobody waits is under way, or this is in vain
		return
	}
	t.lag = t.back.Arrives - now
	switch {
	case c.ends == components.Forever:
	case c.ends > now:
		c.ends = max(c.ends+t.lag, whole.Arrives)
	case whole.Arrives > t.back.Arrives:
		c.ends = whole.Arrives
	}
	l.carry(c, scenarios.Back, t.back.Arrives)
}

// part sends the news that nobody waits any more behind the request.
func (l *link) part(c *call) {
	t := c.transit
	if t == nil || !t.begun || t.broken || t.parted || t.arrived && c.callee == nil {
		return
	}
	t.parted = true
	l.carry(c, scenarios.There, l.line.Part(l.world.clock.now, t.made, scenarios.There, t.there))
}

// lose sends the news that the far end is gone.
func (l *link) lose(c *call) {
	c.callee = nil
	if t := c.transit; !c.fired {
		t.broken = true
		l.carry(c, scenarios.Back, l.line.Part(l.world.clock.now, t.made, scenarios.Back, t.back))
	}
}

// sever sends the news that an answer breaks off behind its beginning.
func (l *link) sever(c *call) {
	t := c.transit
	t.severed = true
	l.carry(c, scenarios.Back, l.line.Part(l.world.clock.now, t.made, scenarios.Back, t.back))
}

// carry lets something arrive at an instant, over HTTP/2 not before what was
// sent earlier. What takes no time happens at once.
func (l *link) carry(c *call, way scenarios.Way, at time.Duration) {
	now := l.world.clock.now
	if c.pool.shared {
		last := &l.last[way-1]
		at = max(at, *last)
		*last = at
	}
	c.ticks++
	switch {
	case at > now && way == scenarios.There:
		l.world.clock.at(at, went, int(c.slot))
	case at > now:
		l.world.clock.at(at, came, int(c.slot))
	case way == scenarios.There:
		c.went()
	default:
		c.came()
	}
}

// went is called when what the caller has sent is there: the request, and then
// perhaps the news that nobody waits for the answer.
func (c *call) went() {
	t := c.transit
	switch {
	case t.finished:
	case t.arrived:
		c.desert()
	case c.pool.to.down:
		t.arrived = true
		c.pool.link.lose(c)
	default:
		t.arrived, c.worked = true, true
		c.callee = c.pool.to.receive(c)
	}
	c.ticks-- // not before: it is not to be used anew meanwhile
	c.free()
}

// came is called when what was sent to the caller is there: the answer, and
// then perhaps the news that it breaks off; or the news that there is none.
func (c *call) came() {
	t := c.transit
	switch {
	case t.finished || c.over:
	case t.heard && t.severed:
		c.breakOff()
	case t.heard:
	case t.broken:
		t.heard = true
		c.pool.link.broke(c)
	case !c.fired:
		t.heard = true
		c.hear(t.status, t.header, t.body)
	}
	c.ticks-- // not before: it is not to be used anew meanwhile
	c.free()
}

// lose ends an attempt whose far end is gone.
func (c *call) lose() {
	if l := c.pool.link; l != nil {
		l.lose(c)
	} else {
		c.fail(policy.Reset)
	}
}

// broke ends an attempt whose connection is no more. A node that had used it
// before tries once more over a new one, if the request may be repeated, as its
// pool does live.
func (l *link) broke(c *call) {
	t := c.transit
	if c.fired || !t.reused || c.from == nil || c.pool.shared || c.request.Size > 0 || !idempotent(c.request.Method) {
		c.fail(policy.Reset)
		return
	}
	*t = transit{again: true}
	l.connect(c)
}

// idempotent tells whether a request may be repeated (RFC 9110 section 9.2.2).
func idempotent(method string) bool {
	switch method {
	case "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE":
		return true
	}
	return false
}

// reset breaks all connections of the link: both ends know at once.
func (l *link) reset() {
	for _, p := range l.pools {
		p.lose()
	}
	for slot := range l.world.calls.len {
		c := l.world.calls.at(slot)
		if c.pool == nil || c.pool.link != l || c.transit == nil || !c.transit.begun || c.transit.finished {
			continue
		}
		c.transit.finished = true
		c.desert()
		switch {
		case c.over:
		case !c.fired:
			l.broke(c)
		case c.lingers():
			c.breakOff()
		}
	}
}

// tell tells what keeps a message.
func (l *link) tell(c *call, what string, p scenarios.Passage) {
	if told := l.told(p); told != "" {
		l.world.note(c.request.Number, string(l.name), "%s%s", what, told)
	}
}

func (l *link) told(p scenarios.Passage) string {
	takes := p.Arrives - l.world.clock.now
	switch {
	case p.Why != policy.OK && p.Lost > 0:
		return fmt.Sprintf(" is lost, and sent again in vain for %s", takes)
	case p.Why == policy.Reset:
		return " meets a connection that is reset"
	case p.Why != policy.OK:
		return ", which the way there refuses"
	case p.Lost == 1:
		return fmt.Sprintf(" is lost once and sent again: it takes %s", takes)
	case p.Lost > 1:
		return fmt.Sprintf(" is lost %d times and sent again: it takes %s", p.Lost, takes)
	case takes > 0:
		return fmt.Sprintf(" takes %s", takes)
	}
	return ""
}
