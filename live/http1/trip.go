package http1

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"trafficlab/components"
)

// Source is the body of a request to an upstream.
type Source interface {
	io.Reader
	// Rewind is the body read from its beginning, if it still can be; who reads
	// the old one may not have heard yet.
	Rewind() (Source, bool)
	// Trailer is the fields behind it, once it has been read.
	Trailer() components.Header
}

// Trip is one request to an upstream and its answer. Start it by Run, which
// waits for a connection and for the answer, or by Prompt and Hear, which cost
// less where a connection is idle and nothing has to be waited for meanwhile.
type Trip struct {
	Pool *Pool
	To   Address
	Ask  Ask
	Body Source // nil: none

	// Interim is called with answers before the answer: 100 and those that
	// are to be passed on. It may be nil.
	Interim func(status int, h components.Header)

	mu     sync.Mutex
	cause  error // why it was given up
	giveUp context.CancelCauseFunc
	conn   *Conn
	got    bool // a connection was there
	begun  bool // some of the request may have been sent
}

// patience is how long an upstream may take to ask for a body before it gets it
// unasked (RFC 9110 section 10.1.1).
const patience = time.Second

// mostInterim is how many answers may come before the answer.
const mostInterim = 16

var (
	errManyInterim = errors.New("too many interim answers")
	errSwitched    = errors.New("the upstream changed the protocol unasked")
)

// Prompt sends the request over an idle connection, and tells whether there was
// one. It does not wait; the request must have no body. If it is true, Hear is
// next.
func (t *Trip) Prompt() bool {
	c := t.Pool.Take(t.To)
	if c == nil {
		return false
	}
	if !t.use(c) {
		return false
	}
	err := c.send(&t.Ask)
	if err == nil {
		err = c.sendAll()
	}
	if err != nil {
		c.Close() // nothing has been answered: Run may try again
		return false
	}
	return true
}

// use makes c the connection of the trip, unless it has been given up.
func (t *Trip) use(c *Conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cause != nil {
		c.Close()
		return false
	}
	t.conn, t.got, t.begun = c, true, true
	return true
}

// Got tells whether there was a connection.
func (t *Trip) Got() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.got
}

// Begun tells whether some of the request may have reached the upstream.
func (t *Trip) Begun() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.begun
}

// Conn is the connection that the answer comes by.
func (t *Trip) Conn() *Conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.conn
}

// Cancel gives the trip up for a cause; its connection is closed.
func (t *Trip) Cancel(cause error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cause != nil {
		return
	}
	t.cause = cause
	if t.giveUp != nil {
		t.giveUp(cause)
	}
	if t.conn != nil {
		t.conn.Close()
	}
}

// Cause is why the trip was given up, or nil.
func (t *Trip) Cause() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cause
}

// Hear reads the head of the answer after Prompt. After an error of a deadline
// it can be called again; after any other Again says what to do.
func (t *Trip) Hear() (*Response, error) { return t.hear(t.Conn()) }

// hear reads up to the head of the final answer.
func (t *Trip) hear(c *Conn) (*Response, error) {
	for range mostInterim {
		a, err := c.hear()
		if err != nil || a.Status >= 200 {
			return a, err
		}
		if a.Status == 101 {
			if t.Ask.Upgrade == "" || a.Upgrade == "" {
				return nil, errSwitched
			}
			c.sending(partly) // never to be used again
			return a, nil
		}
		if t.Interim != nil {
			t.Interim(a.Status, a.Header)
		}
	}
	return nil, errManyInterim
}

// Again tells whether a request that failed so can be sent once more, and makes
// its body ready for that: the connection had been used before, nothing of an
// answer has come, and a second request does no more than the first (RFC 9110
// section 9.2.2).
func (t *Trip) Again(err error) bool {
	c := t.Conn()
	if c == nil || !c.reused || t.Cause() != nil || c.in.Begun() || c.heard {
		return false
	}
	var wrong *Error
	if errors.As(err, &wrong) || errors.Is(err, errSwitched) || errors.Is(err, errManyInterim) {
		return false
	}
	if !Idempotent(t.Ask.Method) || t.Body == nil {
		return Idempotent(t.Ask.Method)
	}
	again, ok := t.Body.Rewind()
	if ok {
		t.Body = again
	}
	return ok
}

// Idempotent tells whether a request may be repeated (RFC 9110 section 9.2.2).
func Idempotent(method string) bool {
	switch method {
	case "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE":
		return true
	}
	return false
}

// Run gets a connection, sends the request and returns the head of its answer.
// A connection of the pool that breaks before anything has been answered is
// replaced by a fresh one, if the request allows it.
func (t *Trip) Run() (*Response, error) { return t.run(false) }

// Rerun is Run on a fresh connection.
func (t *Trip) Rerun() (*Response, error) { return t.run(true) }

func (t *Trip) run(fresh bool) (*Response, error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	t.mu.Lock()
	t.giveUp = cancel
	cause := t.cause
	t.mu.Unlock()
	if cause != nil {
		return nil, cause
	}
	for {
		c, err := t.Pool.Get(ctx, t.To, fresh)
		if err != nil {
			return nil, err
		}
		if !t.use(c) {
			return nil, t.Cause()
		}
		a, err := t.once(c)
		if err == nil {
			return a, nil
		}
		c.Close()
		if fresh || !t.Again(err) {
			return nil, err
		}
		fresh = true
	}
}

// once sends the request over c and reads the head of the answer, which may
// come before the body has been sent.
func (t *Trip) once(c *Conn) (*Response, error) {
	err := c.send(&t.Ask)
	switch {
	case err != nil:
		return nil, err
	case t.Body == nil:
		if err := c.sendAll(); err != nil {
			return nil, err
		}
		return t.hear(c)
	case t.Ask.Expect:
		if a, err := t.expect(c); a != nil || err != nil {
			return a, err
		}
	}
	body := t.Body
	t.Pool.work.Go(func() {
		read, written := c.sendBody(body, body.Trailer)
		if read != nil {
			c.Close() // so that nobody takes the part for the whole
		}
		// Else whether it could be written is for the answer to tell: it may
		// have come before.
		if errors.Is(written, os.ErrDeadlineExceeded) {
			c.slow.Store(true)
			c.Close()
		}
	})
	return t.hear(c)
}

// expect sends the head alone and waits until the upstream asks for the body.
// It returns an answer that comes instead.
func (t *Trip) expect(c *Conn) (*Response, error) {
	if err := c.out.flush(); err != nil {
		return nil, err
	}
	c.SetReadDeadline(time.Now().Add(patience))
	defer c.SetReadDeadline(time.Time{})
	for range mostInterim {
		a, err := c.hear()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, nil
		}
		if err != nil || a.Status >= 200 {
			return a, err
		}
		if t.Interim != nil {
			t.Interim(a.Status, a.Header)
		}
		if a.Status == 100 {
			return nil, nil
		}
	}
	return nil, errManyInterim
}
