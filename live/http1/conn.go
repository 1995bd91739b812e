package http1

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"trafficlab/components"
)

// conn is a connection of a client, and the request under way on it.
type conn struct {
	server *Server
	wire   wire
	buffer *bufio.Reader
	in     *Reader
	out    writer

	request Request
	body    *Incoming // of its own, since who reads it may outlive the request
	none    Incoming  // of requests without one
	answer  Answer

	surplus bool        // one more than there may be
	served  int         // requests
	slowed  time.Time   // when a head did not come at once
	idle    atomic.Bool // between requests; whoever clears it may act

	watch watch
}

func newConn(s *Server, raw net.Conn) *conn {
	c := &conn{server: s}
	c.wire.join(raw, s.Pace, s.Taking)
	c.buffer = bufio.NewReaderSize(&c.wire, 4<<10)
	c.in = NewReader(c.buffer, s.Limits)
	c.in.slow = c.slow
	c.out.wire = &c.wire
	c.none.conn, c.answer.conn = c, c
	c.watch.gone = make(chan struct{})
	return c
}

func (c *conn) serve() {
	defer c.server.leave(c)
	defer c.wire.Close()
	defer c.watch.end()
	defer c.mourn()
	if c.surplus {
		if _, secure := c.wire.Conn.(*tls.Conn); !secure {
			c.refuse(errFull)
		}
		return
	}
	if !c.shakeHands() {
		return
	}
	for c.next() {
	}
}

// mourn logs a handler's panic; the connection is lost.
func (c *conn) mourn() {
	if cause := recover(); cause != nil && c.server.Log != nil {
		c.server.Log.Printf("panic while answering %s %s: %v\n%s", c.request.Method, c.request.Path, cause, debug.Stack())
	}
}

func (c *conn) shakeHands() bool {
	secure, ok := c.wire.Conn.(*tls.Conn)
	if !ok {
		return true
	}
	ctx := context.Background()
	if c.server.HeadTimeout > 0 {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, c.server.HeadTimeout)
		defer cancel()
	}
	err := secure.HandshakeContext(ctx)
	if err != nil {
		c.server.refused(HandshakeError(err))
	}
	return err == nil
}

// closeIdle closes the connection if no request is under way.
func (c *conn) closeIdle() {
	if c.idle.CompareAndSwap(true, false) {
		c.wire.Close()
	}
}

// slow bounds the rest of a head that does not come at once.
func (c *conn) slow() {
	c.slowed = time.Now()
	c.wire.readWithin(c.server.HeadTimeout)
}

// next waits for a request and answers it. It is false when the connection is
// of no more use.
func (c *conn) next() bool {
	if !c.awaken() {
		return false
	}
	c.request, c.slowed = Request{}, time.Time{}
	err := c.in.request(&c.request)
	if err != nil {
		c.fail(err)
		return false
	}
	c.served++
	c.wire.begin()
	if c.body = &c.none; c.request.Length != 0 {
		c.body = &Incoming{conn: c}
	}
	c.body.begin(c.in, &c.request)
	c.answer.begin(&c.request)
	c.watch.begin(c)
	c.server.Handler.Answer(&c.answer, &c.request)
	c.body.abandon()
	c.watch.pause(c)
	return c.answer.finish()
}

// awaken waits for the first byte of a request.
func (c *conn) awaken() bool {
	c.idle.Store(true)
	if c.server.parted.Load() {
		return false
	}
	var err error
	if !c.in.Begun() {
		patience := c.server.IdleTimeout
		if c.served == 0 {
			patience = c.server.HeadTimeout
		}
		c.wire.readWithin(patience)
		_, err = c.buffer.Peek(1)
	}
	if !c.idle.CompareAndSwap(true, false) {
		return false
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.server.refused(c.silence())
	}
	return err == nil
}

// silence is why a connection ends on which nobody asks.
func (c *conn) silence() *Error {
	if c.served == 0 {
		return errSilent
	}
	return errIdle
}

// last tells whether no other request may follow on the connection.
func (c *conn) last() bool {
	return c.server.draining.Load() || c.server.Requests > 0 && c.served >= c.server.Requests
}

// depart makes room for another.
func (c *conn) depart() {
	if !c.surplus {
		c.server.Crowd.Leave(c.wire.RemoteAddr())
	}
}

// fail ends a connection on which no head could be read.
func (c *conn) fail(err error) {
	var wrong *Error
	switch {
	case errors.As(err, &wrong):
		c.refuse(wrong)
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.refuse(errHeadTimeout)
	}
}

// refuse answers in a handler's place, and closes.
func (c *conn) refuse(e *Error) {
	c.server.refused(e)
	if c.server.Unheard != nil {
		var took time.Duration
		if !c.slowed.IsZero() {
			took = time.Since(c.slowed)
		}
		c.server.Unheard(c.wire.RemoteAddr(), e, took)
	}
	h, text := c.server.word(e)
	c.out.status(e.Status)
	c.out.add("Date", date())
	c.out.list(h)
	c.out.add("Connection", "close")
	c.out.frame(int64(len(text)))
	if c.out.body(text) == nil && c.out.end(nil) == nil {
		linger(c.wire.Conn)
	}
}

var plainText = components.Header{{Name: "Content-Type", Value: "text/plain; charset=utf-8"}}

func (s *Server) word(e *Error) (h components.Header, text []byte) {
	if s.Word != nil {
		return s.Word(e)
	}
	return plainText, []byte(e.Reason + "\n")
}

// left tells everybody that the client has gone away.
func (c *conn) left() { c.watch.fire() }
