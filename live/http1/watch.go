package http1

import (
	"sync"
	"time"
)

// watch finds out that a client goes away while its request is being answered:
// by reading on, once its body is at its end. What comes is the next request
// and stays in the buffer.
type watch struct {
	gone chan struct{} // closed when the client has gone

	mu       sync.Mutex
	fired    bool
	busy     bool          // a request is under way
	open     bool          // its body has not ended
	since    time.Duration // loaded
	armed    bool
	timer    *time.Timer
	reading  chan struct{} // closed when the reader ends; nil: there is none
	guarding Guarded
}

// Guarded is what has to end when a client goes away: the reading of an answer.
type Guarded interface{ Stop() }

// loaded is an instant to count from: to look at one clock costs less than to
// look at two, as time.Now does.
var loaded = time.Now()

func (w *watch) begin(c *conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy, w.open = true, c.request.Length != 0
	if after := c.server.Watch; after > 0 {
		w.since = time.Since(loaded)
		if !w.armed {
			w.arm(c, after)
		}
	} else if !w.open {
		w.read(c)
	}
}

// arm lets the timer look in some time from now. It runs on from request to
// request: most find it armed.
func (w *watch) arm(c *conn, after time.Duration) {
	w.armed = true
	if w.timer == nil {
		w.timer = time.AfterFunc(after, func() { w.look(c) })
		return
	}
	w.timer.Reset(after)
}

func (w *watch) look(c *conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = false
	if !w.busy || w.reading != nil {
		return
	}
	left := c.server.Watch - (time.Since(loaded) - w.since)
	switch {
	case left > 0:
		w.arm(c, left)
	case w.open:
		w.arm(c, c.server.Watch)
	default:
		w.read(c)
	}
}

// free is called when the body has ended: the connection may be read.
func (w *watch) free(c *conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = false
	if w.busy && c.server.Watch == 0 {
		w.read(c)
	}
}

// bodied tells whether some of the body is still to be read.
func (w *watch) bodied() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.open
}

func (w *watch) read(c *conn) {
	if w.fired {
		return
	}
	c.wire.readForever()
	ended := make(chan struct{})
	w.reading = ended
	go func() {
		defer close(ended)
		for c.buffer.Buffered() < c.buffer.Size() {
			if _, err := c.buffer.Peek(c.buffer.Buffered() + 1); err != nil {
				if w.still() {
					w.fire()
				}
				return
			}
		}
	}()
}

func (w *watch) still() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.busy
}

// pause ends the watch of one request.
func (w *watch) pause(c *conn) {
	w.mu.Lock()
	w.busy = false
	reading := w.reading
	w.reading = nil
	w.mu.Unlock()
	if reading != nil {
		c.wire.SetReadDeadline(long)
		<-reading
		c.wire.readable = long
		c.wire.readForever()
	}
}

func (w *watch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy = false
	if w.timer != nil {
		w.timer.Stop()
	}
}

// fire tells that the client has gone.
func (w *watch) fire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fired {
		return
	}
	w.fired = true
	close(w.gone)
	if w.guarding != nil {
		w.guarding.Stop()
	}
}

// guard makes the reading of an upstream's connection end when the client goes.
// It is false if the client has gone.
func (w *watch) guard(other Guarded) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.fired {
		w.guarding = other
	}
	return !w.fired
}

func (w *watch) unguard() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.guarding = nil
}
