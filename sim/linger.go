package sim

import (
	"time"

	"trafficlab/components"
)

// Bodies come with their heads here, at once, but for those that a fault makes
// ill: they take their time, or never come.

// Lingers implements components.Lingerer.
func (f *frame) Lingers(of components.Call) (until time.Duration, end components.Event, ok bool) {
	c := f.call
	if of != nil {
		c = of.(*call)
	}
	if c == nil || !c.lingers() || of == nil && c.callee != f {
		return 0, nil, false
	}
	until = c.ends
	if of == nil && c.transit != nil && until != components.Forever {
		until -= c.transit.lag // it has left by then
	}
	return until, (*bodyEnd)(c), until > f.world.clock.now
}

// bodyEnd is the event of a call's body that has ended.
type bodyEnd call

func (e *bodyEnd) Fired() bool { return !(*call)(e).lingers() }

// Pass implements components.Lingerer.
func (f *frame) Pass(of components.Call, r components.Response) {
	up := of.(*call)
	if c := f.answerTo(); c != nil {
		c.ends, c.cut = up.ends, up.cut
		c.answer(&r, f.bodyOf(&r, up.body))
		c.callee = f
	}
}

// ail makes an answer of the place's own as ill as a fault has it.
func (f *frame) ail(c *call, r *components.Response, body *components.Body) {
	if !hasBody(c.request.Method, r.Status) {
		return
	}
	course := r.Ill.Course(body.Size)
	body.Size = course.Sent
	c.ends, c.cut = f.world.clock.now+course.Lasts(), course.Cut
	if course.Hung {
		c.ends = components.Forever
	}
}

// breakOff hands on an answer whose body breaks off, or what is left of it.
func (f *frame) breakOff(up *call, r *components.Response) {
	up.Cancel()
	if f.answered {
		if f.call.callee == f {
			f.call.sever()
		}
		return
	}
	if c := f.answerTo(); c != nil {
		c.cut = true
		c.answer(r, f.bodyOf(r, up.body))
	}
}

// lingers tells whether the answer's body is still on its way.
func (c *call) lingers() bool { return c.ends > c.world.clock.now }

// received is called when the body of a client's answer has ended, unless it
// broke off or was given up before.
func (c *call) received() {
	c.ticks--
	if c.over {
		c.free()
		return
	}
	c.callee = nil
	c.world.outcome(c)
}

// hangUp lets go of an answer that has come, wholly or not, and keeps the
// connection if it can.
func (c *call) hangUp(keep bool) {
	whole := keep && !c.lingers() && !c.cut
	if c.lingers() {
		c.part()
	}
	c.release(whole)
}

// sever breaks a body off that is on its way.
func (c *call) sever() {
	if c.over {
		return
	}
	c.callee = nil
	if l := c.pool.link; l != nil {
		l.sever(c)
		return
	}
	c.breakOff()
}

func (c *call) breakOff() {
	c.ends, c.cut = c.world.clock.now, true
	c.tell()
}
