package sim

import (
	"time"

	"trafficlab/components"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
)

// call is one attempt at a place: of a frame, or of a client at the entry. With
// many under way, each cache line more that is looked at is one to be fetched:
// what its end looks at stands in the first two of its five and in the head of
// the request.
type call struct {
	world  *world
	pool   *pool
	from   *frame        // nil: a client's
	next   *call         // of the frame's
	callee *frame        // who works on it, as far as is known here
	ends   time.Duration // the body, if that takes its time: until then, callee sends it
	owner  uint32        // the client's sample, of the 4 billion next to it
	used   uint16        // calls of its connection so far, itself too; counted where they are bounded
	status uint16
	reason policy.Reason
	ticks  uint8 // events under way that name it
	worked bool  // by whoever began to, whether wanted or not
	fired  bool
	holds  bool // a connection
	queued bool // in the pool's line
	over   bool // nobody will ask for it any more
	cut    bool // its body breaks off when it ends

	header components.Header
	body   components.Body // as it came over the wire

	request components.Request

	slot      int32
	loop      int32    // the client's, if it is a client's; or nobody
	transit   *transit // over a link that has weather; else nil
	connectBy time.Duration
	sent      time.Duration // if it has a body
}

// Fired tells whether the answer has come or the attempt has failed.
func (c *call) Fired() bool { return c.fired }

// Head is the answer's head, without its body but for the size if known.
func (c *call) Head() (components.Head, policy.Reason) {
	return components.Head{Status: int(c.status), Header: c.header}, c.reason
}

// Owed implements components.Debtor. A body takes no time.
func (c *call) Owed() (since time.Duration, ok bool) { return c.sent, true }

// Cancel gives the attempt up. An answer that has come stays readable.
func (c *call) Cancel() {
	if c.fired {
		c.hangUp(c.pool.link == nil) // live it is lost, which only links tell from kept
		return
	}
	c.fired, c.reason = true, policy.Canceled
	if c.world.traced(c.request.Number) {
		c.world.note(c.request.Number, c.who(), "gives %s up", c.pool.to.name)
	}
	c.part()
	c.release(false)
}

// part tells who works on the call that nobody waits for it any more.
func (c *call) part() {
	if l := c.pool.link; l != nil {
		l.part(c)
	} else {
		c.desert()
	}
}

func (c *call) desert() {
	if f := c.callee; f != nil {
		c.callee = nil
		f.abandon()
	}
}

// begin asks for a connection, and waits in line if there is none to be had.
func (c *call) begin() {
	if c.pool.take() {
		c.connect()
		return
	}
	if c.world.traced(c.request.Number) {
		c.world.note(c.request.Number, c.who(), "waits for a connection to %s: %d are busy", c.pool.to.name, c.pool.busy)
	}
	c.queued = true
	c.pool.waiting.push(c)
	if c.connectBy != components.Forever {
		c.ticks++
		c.world.clock.at(c.connectBy, gaveUp, int(c.slot))
	}
}

// connect takes over a connection that stands open, or dials.
func (c *call) connect() {
	c.holds = true
	if c.pool.link != nil {
		c.pool.link.connect(c)
		return
	}
	if c.pool.idle > 0 {
		c.used = c.pool.reuse() + 1
		c.send()
		return
	}
	c.used = 1
	if c.pool.made {
		c.share()
		return
	}
	w, to := c.world, c.pool.to
	if w.traced(c.request.Number) {
		w.note(c.request.Number, c.who(), "dials %s", to.name)
	}
	if c.pool.shared {
		c.pool.made, c.pool.stands = true, w.clock.now+to.dialTime
		c.pool.share()
	}
	switch {
	case to.dialTime == 0:
		c.connected()
	case w.clock.now+to.dialTime > c.connectBy:
		c.ticks++
		w.clock.at(c.connectBy, gaveUp, int(c.slot))
	default:
		c.ticks++
		w.clock.after(to.dialLine, connected, int(c.slot))
	}
}

// share takes part in the connection that there is, or soon will be.
func (c *call) share() {
	w, p := c.world, c.pool
	p.share()
	switch {
	case p.stands <= w.clock.now:
		c.connected()
	case p.stands > c.connectBy:
		c.ticks++
		w.clock.at(c.connectBy, gaveUp, int(c.slot))
	default:
		c.ticks++
		w.clock.at(p.stands, connected, int(c.slot))
	}
}

// dialled is called when the dialling is over: the caller may be frozen, or
// have given up long ago.
func (c *call) dialled() {
	if c.from == nil || c.fired {
		c.run()
	} else {
		c.from.place.do(c)
	}
}

// run goes on with a call whose dialling is over.
func (c *call) run() {
	if c.ticked() {
		c.connected()
	}
}

// giveUp ends the wait for a connection.
func (c *call) giveUp() {
	if c.ticked() && c.callee == nil && (c.transit == nil || !c.transit.begun) {
		c.fail(policy.Timeout)
	}
}

// connected has the answer to the dialling.
func (c *call) connected() {
	if c.pool.link != nil && c.transit.why != policy.OK {
		c.pool.made = false
		c.fail(c.transit.failed(c.transit.why))
		return
	}
	if c.pool.to.shut() || c.distrusts() {
		c.pool.made = false
		c.fail(c.transit.failed(policy.Refused))
		return
	}
	c.send()
}

// distrusts tells whether the certificate has expired that it was shown: on a
// connection made just now.
func (c *call) distrusts() bool {
	p, now := c.pool, c.world.clock.now
	return len(p.to.papers) > 0 && (!p.shared || p.stands == now) && p.to.papers.At(now).Expired
}

// send hands the request over.
func (c *call) send() {
	if c.request.Size != 0 {
		c.sent = c.world.clock.now
	}
	if c.pool.link != nil {
		c.pool.link.send(c)
		return
	}
	c.worked = true
	c.callee = c.pool.to.receive(c)
}

// answer ends the attempt with an answer, whose body comes at once but for what
// the way takes.
func (c *call) answer(r *components.Response, body components.Body) {
	c.callee = nil
	if l := c.pool.link; l != nil {
		l.answer(c, r, body)
		return
	}
	c.hear(r.Status, handed(r.Header), body)
}

// hear has the answer.
func (c *call) hear(status int, header components.Header, body components.Body) {
	c.fired, c.reason = true, policy.OK
	c.status, c.header, c.body = uint16(status), header, body
	if c.pool.reads > 0 {
		c.ends = max(c.ends, c.world.clock.now+scenarios.Takes(body.Size, c.pool.reads))
	}
	if c.world.traced(c.request.Number) {
		why := ""
		if reason := components.ReasonOf(status, header); reason != policy.OK {
			why = " (" + reason.String() + ")"
		}
		c.world.note(c.request.Number, string(c.pool.to.name), "answers %d%s, %d bytes", status, why, body.Size)
	}
	c.tell()
}

// fail ends the attempt without an answer.
func (c *call) fail(why policy.Reason) {
	if c.fired {
		return
	}
	c.callee = nil
	c.fired, c.reason = true, why
	if c.world.traced(c.request.Number) {
		c.world.note(c.request.Number, c.who(), "hears nothing of %s: %s", c.pool.to.name, why)
	}
	c.release(false)
	c.tell()
}

func (c *call) tell() {
	switch {
	case c.from != nil:
		c.from.notify()
	case c.ends == components.Forever: // until the client has no more patience
	case c.lingers():
		c.ticks++
		c.world.clock.at(c.ends, received, int(c.slot))
	default:
		c.world.outcome(c)
	}
}

// release gives the connection back: whole, or closed in mid-exchange.
func (c *call) release(whole bool) {
	if c.holds {
		c.holds = false
		c.pool.give(c, whole && (c.pool.link == nil || !c.transit.finished))
	}
}

// ticked takes notice that an event that named the call has come due, and
// tells whether it still matters.
func (c *call) ticked() bool {
	c.ticks--
	matters := !c.fired
	c.free()
	return matters
}

// done says that nobody will ask for the call any more.
func (c *call) done() {
	c.over = true
	c.free()
}

// leave says that nobody works on the call any more.
func (c *call) leave() {
	c.worked = false
	c.free()
}

// free makes the call available for reuse, once nothing refers to it.
func (c *call) free() {
	if c.over && c.ticks == 0 && !c.queued && !c.worked {
		c.world.calls.lay(c)
	}
}
