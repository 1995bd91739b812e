package live

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"trafficlab/components"
	"trafficlab/components/policy"
)

// exchange plays components.Exchange over real HTTP: one request that a node
// answers, or work of its own in the background.
type exchange struct {
	node   *Node
	ctx    context.Context     // ends when the caller goes away
	out    http.ResponseWriter // nil in the background
	method string
	body   *requestBody
	calls  []*call

	status   int // of the answer, once begun
	sent     int64
	answered bool
	broken   bool // the answer stopped before its end
}

func (x *exchange) Now() time.Duration { return x.node.now() }

func (x *exchange) Date() time.Time { return x.node.clock.Now() }

func (x *exchange) Canceled() components.Event { return canceled(x.ctx.Done()) }

func (x *exchange) NewSignal() components.Signal { return newLatch() }

func (x *exchange) Background(open func(components.Exchange) components.Steps) {
	x.node.background(open)
}

func (x *exchange) Start(h components.Hop) components.Call {
	c := x.node.start(h, x.body)
	x.calls = append(x.calls, c)
	return c
}

// Wait implements components.Waiter.
func (x *exchange) Wait(until time.Duration, on ...components.Event) int {
	if i := first(on); i >= 0 {
		return i
	}
	var ring <-chan time.Time
	if until != components.Forever {
		if until <= x.Now() {
			return -1
		}
		var stop func() bool
		ring, stop = x.node.alarm(until)
		defer stop()
	}
	await(ring, on)
	return first(on)
}

// Forward passes the body on piece by piece, as it comes.
func (x *exchange) Forward(c components.Call, head components.Response, limit int64, keep func(components.Body)) policy.Reason {
	from := c.(*call)
	from.taken = true
	defer from.response.Body.Close()
	defer context.AfterFunc(x.ctx, from.Cancel)()

	length := from.response.Header["Content-Length"]
	to := x.begin(head, length)
	p := passage{from: from.response.Body, left: from.response.ContentLength, to: to}
	if keep != nil && x.method != http.MethodHead {
		p.limit = limit
	}
	reason := p.run()
	if x.ctx.Err() != nil && reason != policy.OK {
		reason = policy.Canceled
	}
	if err := to.close(); err != nil && reason == policy.OK {
		reason = policy.Canceled
	}
	x.sent += to.written
	x.broken = reason != policy.OK
	if kept, ok := p.whole(); ok && reason == policy.OK && p.limit > 0 {
		keep(components.Body{Size: int64(len(kept)), Bytes: kept})
	}
	return reason
}

// Reply writes an answer of the node's own.
func (x *exchange) Reply(r components.Response) {
	text := r.Body.Bytes
	if text == nil && r.Body.Size > 0 {
		text = components.Filler(r.Body.Size)
	}
	var length []string
	if bodied(x.method, r.Status) || len(text) > 0 {
		length = []string{strconv.Itoa(len(text))}
	}
	to := x.begin(r, length)
	_, err := to.Write(text)
	x.broken = errors.Join(err, to.close()) != nil
	x.sent += to.written
}

// begin writes the head of an answer and returns where its body goes. length
// is the Content-Length of a body that is not to be encoded, if it is known.
func (x *exchange) begin(head components.Response, length []string) *sink {
	x.status, x.answered = head.Status, true
	if x.out == nil {
		return &sink{to: io.Discard}
	}
	h := x.out.Header()
	fill(h, head.Header)
	if length != nil && head.Encode == "" {
		h["Content-Length"] = length
	}
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil // else the server guesses one
	}
	x.out.WriteHeader(head.Status)
	if !bodied(x.method, head.Status) {
		return &sink{to: io.Discard}
	}
	return newSink(x.out, head.Encode)
}

// bodied tells whether an answer has a body at all (RFC 9110, section 6.4.1).
func bodied(method string, status int) bool {
	return method != http.MethodHead && status >= 200 &&
		status != http.StatusNoContent && status != http.StatusNotModified
}

// release lets go of every call that was not forwarded.
func (x *exchange) release() {
	for _, c := range x.calls {
		switch {
		case c.taken:
		case c.Fired() && c.reason == policy.OK:
			c.taken = true
			x.node.work.Add(1)
			go func() {
				defer x.node.work.Done()
				c.drain()
			}()
		default:
			c.Cancel()
		}
	}
}

// end is deferred around a handler: it lets go of the calls, and breaks the
// connection of a caller that was not answered to the end.
func (x *exchange) end() {
	cause := recover()
	x.release()
	if cause != nil && cause != http.ErrAbortHandler {
		x.node.log.Printf("panic in the handler of %s: %v\n%s", x.node.place, cause, debug.Stack())
		if !x.answered {
			x.answered, x.status = true, http.StatusInternalServerError
			http.Error(x.out, "internal error", x.status)
			return
		}
		x.broken = true
	}
	if x.broken || !x.answered {
		panic(http.ErrAbortHandler)
	}
}

var buffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// passage is a body on its way through.
type passage struct {
	from io.Reader
	to   *sink
	left int64 // bytes to come; -1: not known

	limit int64 // most bytes to keep; 0: none
	kept  []byte
	lost  bool
}

func (p *passage) run() policy.Reason {
	buffer := buffers.Get().(*[32 << 10]byte)
	defer buffers.Put(buffer)
	for {
		n, err := p.from.Read(buffer[:])
		if n > 0 && p.pass(buffer[:n]) != nil {
			return policy.Canceled
		}
		switch {
		case err == io.EOF:
			return policy.OK
		case err != nil:
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
	if p.left != 0 && len(piece) < 32<<10 {
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
