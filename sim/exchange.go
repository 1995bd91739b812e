package sim

import (
	"net/http"
	"net/netip"
	"time"

	"trafficlab/components"
	"trafficlab/components/policy"
)

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// Now is the virtual time.
func (f *frame) Now() time.Duration { return f.world.clock.now }

// epoch is the date of the beginning of every run.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// Date is the virtual time as a date.
func (f *frame) Date() time.Time { return epoch.Add(f.world.clock.now) }

// Canceled fires when the caller goes away.
func (f *frame) Canceled() components.Event { return &f.gone }

// NewSignal makes a signal.
func (f *frame) NewSignal() components.Signal { return f.world.newSignal() }

// Recycle takes a signal back that nobody refers to any more.
func (f *frame) Recycle(s components.Signal) {
	f.world.idleSignals = append(f.world.idleSignals, s.(*signal))
}

// Background opens an exchange that has no caller.
func (f *frame) Background(open func(components.Exchange) components.Steps) {
	f.place.background(open)
}

// Hop is room for one, the same for all: it is used up before anything else is
// done.
func (f *frame) Hop() *components.Hop { return &f.world.hop }

// Start begins an attempt. It panics if the place is none of the node's
// upstreams.
func (f *frame) Start(h *components.Hop) components.Call {
	c := f.world.newCall(f.place.way(h))
	c.from = f
	f.keep(c)
	c.request = h.Request
	c.request.Header = handed(h.Request.Header)
	c.request.Size = 0
	if h.Body && f.call != nil {
		c.request.Size, c.sent = f.call.request.Size, f.world.clock.now
	}
	if h.Connect > 0 {
		c.connectBy = f.world.clock.now + h.Connect
	}
	if f.world.traced(c.request.Number) {
		f.world.noteAsk(c)
	}
	c.begin()
	return c
}

// Reply answers with a body of the handler's own.
func (f *frame) Reply(r components.Response) {
	c := f.answerTo()
	if c == nil {
		return
	}
	body := f.bodyOf(&r, r.Body)
	if r.Ill != nil {
		f.ail(c, &r, &body)
	}
	c.answer(&r, body)
	if r.Ill != nil && c.lingers() {
		c.callee = f
	}
}

// Forward hands an answer on. It never waits: a body that takes its time has
// ended by now.
func (f *frame) Forward(upstream components.Call, r components.Response, limit int64, keep func(components.Body)) policy.Reason {
	up := upstream.(*call)
	if !up.fired || up.reason != policy.OK {
		panic("the handler forwards a call that has no answer")
	}
	switch {
	case f.gone.fired:
		up.Cancel()
		return policy.Canceled
	case up.cut || up.lingers():
		f.breakOff(up, &r)
		return policy.Reset
	}
	if keep != nil && up.body.Size <= limit {
		keep(up.body)
	}
	if f.answered { // its head has been passed on
		f.call.callee = nil
	} else if c := f.answerTo(); c != nil {
		c.answer(&r, f.bodyOf(&r, up.body))
	}
	up.release(true)
	return policy.OK
}

// answerTo takes the caller off the frame: nil if nobody listens any more.
func (f *frame) answerTo() *call {
	if f.answered {
		panic("the handler answered twice")
	}
	f.answered = true
	if !f.wanted {
		return nil
	}
	f.wanted = false
	return f.call
}

// handed is a header on its way to another place. It is not copied: handlers
// make what they change anew, as they must for the tries of a request. Its
// spare room stays behind, so that two who append do not meet in it.
func handed(h components.Header) components.Header { return h[:len(h):len(h)] }

// hasBody tells whether an answer has a body at all (RFC 9110 section 6.4.1).
func hasBody(method string, status int) bool {
	return method != http.MethodHead && status != http.StatusNoContent && status != http.StatusNotModified
}

// bodyOf is a body as it goes over the wire.
func (f *frame) bodyOf(r *components.Response, b components.Body) components.Body {
	switch {
	case f.call != nil && !hasBody(f.call.request.Method, r.Status):
		return components.Body{}
	case r.Encode != "":
		return components.Body{Size: components.EncodedSize(r.Encode, b)}
	case b.Bytes != nil:
		b.Size = int64(len(b.Bytes))
	}
	return b
}

// Take implements components.Taker. Bodies take no time, so it never waits.
func (f *frame) Take(upstream components.Call, limit int64) (components.Body, policy.Reason) {
	up := upstream.(*call)
	switch {
	case f.gone.fired:
		up.Cancel()
		return components.Body{}, policy.Canceled
	case up.cut:
		up.Cancel()
		return components.Body{}, policy.Reset
	case up.body.Size > limit:
		up.Cancel()
		return components.Body{}, policy.Denied
	}
	up.release(true)
	return up.body, policy.OK
}

// Rewrite implements components.Rewriter. Bodies take no time here either.
func (f *frame) Rewrite(limit int64, edit func([]byte) ([]byte, bool)) policy.Reason {
	size := f.call.request.Size
	if size > limit {
		return policy.Denied
	}
	if _, ok := edit(components.Filler(size)); !ok {
		return policy.Failed
	}
	return policy.OK
}
