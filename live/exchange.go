package live

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"trafficlab/components"
	"trafficlab/components/policy"
	"trafficlab/live/http1"
)

// exchange plays components.Exchange over real HTTP: one request that a node
// answers, or work of its own in the background.
type exchange struct {
	node   *Node
	by     *setup
	req    components.Request
	life   context.Context // of work in the background; nil: this is none
	gone   <-chan struct{} // closed when the caller goes away, or in the background the node ends
	out    caller          // nil in the background
	in     incoming        // its body
	method string
	body   *requestBody // nil: none
	calls  []*call
	room   [1]*call       // of calls
	first  call           // room for the first
	hop    components.Hop // about to be made
	sink   sink           // of the answer's body

	// What the caller wants of the connection.
	asked    bool   // the target has a question mark
	expects  bool   // to be asked for the body
	trailers bool   // behind the answer
	trailer  string // names of the fields behind the body
	upgrade  string // a protocol to change to, which the node allows
	heard    []byte // the body, at a backend that echoes

	hints sync.Mutex
	over  bool // no hints any more: they would be another request's

	status   int // of the answer, once begun
	sent     int64
	answered bool
	refused  string // why it was refused or cut off, beside what the component told
	told     told   // of it by the component
	trace    *trace // nil: none
}

func (x *exchange) Now() time.Duration { return x.node.now() }

func (x *exchange) Date() time.Time { return x.node.clock.Now() }

func (x *exchange) Canceled() components.Event { return canceled(x.gone) }

func (x *exchange) NewSignal() components.Signal { return new(latch) }

func (x *exchange) Recycle(components.Signal) {}

func (x *exchange) Background(open func(components.Exchange) components.Steps) {
	life := x.life
	if life == nil {
		life = x.node.ctx
	}
	x.by.background(life, open)
}

func (x *exchange) Hop() *components.Hop { return &x.hop }

func (x *exchange) Start(h *components.Hop) components.Call {
	if x.trace != nil {
		traced := x.trace.onward(*h)
		h = &traced
	}
	c := x.start(h)
	if x.calls == nil {
		x.calls = x.room[:0]
	}
	x.calls = append(x.calls, c)
	return c
}

// interim passes on what an upstream says before its answer.
func (x *exchange) interim(status int, h components.Header) {
	x.hints.Lock()
	defer x.hints.Unlock()
	if x.over {
		return
	}
	if status == http.StatusContinue {
		x.out.Continue()
		return
	}
	x.out.Interim(status, h)
}

// Wait implements components.Waiter.
func (x *exchange) Wait(until time.Duration, on ...components.Event) int {
	if i := first(on); i >= 0 {
		return i
	}
	if until != components.Forever && until <= x.Now() {
		return -1
	}
	if c := x.alone(on); c != nil {
		if at, ok := x.deadline(until); ok {
			if x.hear(c, at); c.prompt && !isClosed(x.gone) {
				return -1
			}
			if i := first(on); i >= 0 {
				return i
			}
		}
	}
	for _, e := range on {
		if c, ok := e.(*call); ok && c.prompt {
			c.beside(c.listen)
		}
	}
	var ring <-chan time.Time
	if until != components.Forever {
		var stop func() bool
		ring, stop = x.node.alarm(until)
		defer stop()
	}
	await(ring, on)
	return first(on)
}

// alone is the call whose answer can be read here: nothing else is waited for,
// but the caller to go away.
func (x *exchange) alone(on []components.Event) *call {
	if x.out == nil || len(on) == 0 || len(on) > 2 {
		return nil
	}
	c, ok := on[0].(*call)
	if !ok || !c.prompt {
		return nil
	}
	if len(on) == 2 {
		if _, ok := on[1].(canceled); !ok {
			return nil
		}
	}
	return c
}

// coarse is a wait that connections time well enough: their deadlines are
// late by up to a millisecond.
const coarse = 100 * time.Millisecond

// deadline is an instant of the run as a connection's, if that is good enough.
func (x *exchange) deadline(until time.Duration) (time.Time, bool) {
	if until == components.Forever {
		return time.Time{}, true
	}
	return x.node.began.Load().Add(until), until-x.Now() >= coarse
}

// Forward passes the body on piece by piece, as it comes.
func (x *exchange) Forward(c components.Call, head components.Response, limit int64, keep func(components.Body)) policy.Reason {
	from := c.(*call)
	from.taken = true
	if head.Status == http.StatusSwitchingProtocols {
		return x.tunnel(from, head)
	}
	conn := from.arrival()
	defer conn.Release()
	if x.out == nil {
		defer context.AfterFunc(x.life, from.Cancel)()
	} else {
		defer x.out.Unguard()
		if !x.out.Guard(conn) {
			from.Cancel()
		}
	}

	to := x.begin(head, from.response.Length)
	p := passage{from: conn, left: from.response.Length, to: to}
	if keep != nil && x.method != http.MethodHead {
		p.limit = limit
	}
	reason := p.run()
	if reason != policy.OK && (isClosed(x.gone) || from.letDown()) {
		reason = policy.Canceled
	}
	x.sent += to.written
	if reason != policy.OK {
		x.blame(&p, reason)
		conn.Close()
		return reason
	}
	// First: when the caller has it all, it is there for the next.
	if kept, ok := p.whole(); ok && p.limit > 0 {
		keep(components.Body{Size: int64(len(kept)), Bytes: kept})
	}
	if to.close(conn.Trailer()) != nil {
		return policy.Canceled
	}
	return policy.OK
}

// tunnel joins the caller and the upstream after a 101, until either ends it.
func (x *exchange) tunnel(c *call, head components.Response) policy.Reason {
	x.status, x.answered = head.Status, true
	defer c.Cancel()
	if x.out == nil {
		return policy.Canceled
	}
	front, err := x.out.Switch(head.Header, c.response.Upgrade)
	if err != nil {
		return policy.Canceled
	}
	x.sent, err = http1.Tunnel(front, c.over1.Conn().Stream(), x.by.node.MayTunnel().Idle) // a tunnel has no end but a break
	if err == http1.ErrQuiet {
		x.cutOff(http1.QuietTunnel)
	}
	return policy.OK
}

// cutOff notes and counts why an exchange ends early.
func (x *exchange) cutOff(why *http1.Error) {
	x.refused = why.Reason
	x.node.refuse(why)
}

// blame notes who was too slow for a body to pass, or sent a bad one. Callers
// are counted by their server.
func (x *exchange) blame(p *passage, reason policy.Reason) {
	var wrong *http1.Error
	switch {
	case reason == policy.Canceled && errors.Is(p.failed, os.ErrDeadlineExceeded):
		x.refused = http1.TakenTooSlowly.Reason
	case reason == policy.Canceled:
	case errors.As(p.failed, &wrong):
		x.cutOff(&http1.Error{Reason: "answer: " + wrong.Reason})
	case errors.Is(p.failed, os.ErrDeadlineExceeded):
		x.cutOff(&http1.Error{Reason: "answer: body too slow"})
	}
}

// Reply writes an answer of the node's own.
func (x *exchange) Reply(r components.Response) {
	if x.out != nil {
		if refused := x.in.Refused(); refused != nil { // whatever it led to
			r, x.refused = components.Refusal(refused.Status, refused.Reason, x.by.node.Problems), refused.Reason
		}
	}
	for _, c := range x.calls {
		if c.body != nil && c.body.over.Load() {
			x.refused = http1.BodyTooLong.Reason
		}
	}
	text := r.Body.Bytes
	if r.Body.Echo {
		text = x.heard
	} else if text == nil && r.Body.Size > 0 {
		text = components.Filler(r.Body.Size)
	}
	if r.Ill != nil && x.out != nil && bodied(x.method, r.Status) {
		x.ail(r, text)
		return
	}
	length := int64(http1.Unknown)
	if bodied(x.method, r.Status) || len(text) > 0 {
		length = int64(len(text))
	}
	to := x.begin(r, length)
	if _, err := to.Write(text); err == nil {
		to.close(nil) // who does not get it all has gone away
	}
	x.sent += to.written
}

// begin writes the head of an answer and returns where its body goes. length
// is that of a body that is not to be encoded, if it is known.
func (x *exchange) begin(head components.Response, length int64) *sink {
	x.status, x.answered = head.Status, true
	if x.out == nil {
		x.sink = sink{to: io.Discard}
		return &x.sink
	}
	if head.Encode != "" {
		length = http1.Unknown
	}
	x.out.Begin(head.Status, x.by.secured(head.Header), length)
	switch {
	case !bodied(x.method, head.Status):
		x.sink = sink{to: io.Discard, out: x.out}
	case head.Encode != "":
		coding := components.Encode(x.out, head.Encode)
		x.sink = sink{to: coding, out: x.out, coding: coding}
	default:
		x.sink = sink{to: x.out, out: x.out}
	}
	return &x.sink
}

// bodied tells whether an answer has a body at all (RFC 9110, section 6.4.1).
func bodied(method string, status int) bool { return http1.HasBody(method, status) }

// release lets go of every call that was not forwarded.
func (x *exchange) release() {
	for _, c := range x.calls {
		switch {
		case c.taken:
		case c.Fired() && c.reason == policy.OK:
			c.taken = true
			x.by.work.Add(1)
			go func() {
				defer x.by.work.Done()
				c.drain()
			}()
		default:
			c.Cancel()
		}
	}
}

// end is deferred around a handler: it lets go of the calls, and answers a
// caller whom a panic has left without an answer. Where none was begun, or one
// not ended, the connection breaks.
func (x *exchange) end() {
	cause := recover()
	x.hints.Lock()
	x.over = true
	x.hints.Unlock()
	x.release()
	if cause == nil {
		return
	}
	x.node.log.Printf("panic in the handler of %s: %v\n%s", x.node.place, cause, debug.Stack())
	if !x.answered {
		x.Reply(components.Refusal(http.StatusInternalServerError, "internal error", x.by.node.Problems))
	}
}

var buffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// passage is a body on its way through.
type passage struct {
	from upstreamBody
	to   *sink
	left int64 // bytes to come; -1: not known

	limit int64 // most bytes to keep; 0: none
	kept  []byte
	lost  bool

	failed error // why it broke off
}

// upstreamBody is a body that knows its end when it has passed.
type upstreamBody interface {
	io.Reader
	Ahead() bool
	Ended() bool
}

func (p *passage) run() policy.Reason {
	if p.from.Ended() {
		return policy.OK
	}
	if !p.from.Ahead() { // a head does not wait for its body
		if p.failed = p.to.flush(p.left < 0); p.failed != nil {
			return policy.Canceled
		}
	}
	buffer := buffers.Get().(*[32 << 10]byte)
	defer buffers.Put(buffer)
	for {
		n, err := p.from.Read(buffer[:])
		if n > 0 {
			if p.failed = p.pass(buffer[:n]); p.failed != nil {
				return policy.Canceled
			}
		}
		switch {
		case err == io.EOF || err == nil && p.from.Ended():
			return policy.OK
		case err != nil:
			p.failed = err
			return policy.Reset
		}
	}
}

// pass hands a piece on, at once if more is to come later.
func (p *passage) pass(piece []byte) error {
	p.keep(piece)
	if p.left > 0 {
		p.left -= int64(len(piece))
	}
	if _, err := p.to.Write(piece); err != nil {
		return err
	}
	if !p.from.Ended() && len(piece) < 32<<10 {
		return p.to.flush(p.left < 0)
	}
	return nil
}

func (p *passage) keep(piece []byte) {
	switch {
	case p.limit == 0 || p.lost:
	case int64(len(p.kept)+len(piece)) > p.limit:
		p.kept, p.lost = nil, true
	case p.kept == nil && p.left > 0 && p.left <= p.limit:
		p.kept = append(make([]byte, 0, p.left), piece...)
	default:
		p.kept = append(p.kept, piece...)
	}
}

// whole is the body as it came, if it was kept.
func (p *passage) whole() ([]byte, bool) { return p.kept, !p.lost }
