package live

import (
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"trafficlab/components"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
)

// linkConn is a connection over a link, as the end has it that dialled. What it
// writes is as good as sent, and goes out to raw when it would be there; what
// raw brings is read when it would have come.
type linkConn struct {
	link *link
	raw  net.Conn
	made time.Duration

	there, back lane
	gone        chan struct{} // raw is closed
	end         sync.Once

	// Guarded by the link's lock.
	turn      scenarios.Way // whose message is under way; 0: nobody's yet
	out, in   scenarios.Passage
	carrying  bool // somebody takes out what is there
	forgotten bool // what is sent is in vain, and the news of it under way
}

// mostUnderWay is how much may be under way before who sends must wait, as
// sockets have it.
const mostUnderWay = 256 << 10

// lane is what is under way in one direction, in order.
type lane struct {
	mu       sync.Mutex
	pieces   []crate
	bytes    int
	deadline time.Time
	changed  chan struct{} // closed when something has
}

// crate is some bytes that arrive at an instant, or why none follow.
type crate struct {
	at   time.Duration
	data []byte
	last error
}

func (l *link) join(raw net.Conn) net.Conn {
	c := &linkConn{link: l, raw: raw, made: l.of.now(), gone: make(chan struct{})}
	c.there.changed, c.back.changed = make(chan struct{}), make(chan struct{})
	l.mu.Lock()
	l.conns[c] = true
	l.mu.Unlock()
	l.of.work.Go(c.fetch)
	return c
}

// change tells everybody who waits. The lane's lock is held.
func (a *lane) change() {
	close(a.changed)
	a.changed = make(chan struct{})
}

// push puts something behind what is under way.
func (a *lane) push(c crate) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.pieces); n > 0 {
		c.at = max(c.at, a.pieces[n-1].at)
		if a.pieces[n-1].last != nil {
			return
		}
	}
	a.pieces = append(a.pieces, c)
	a.bytes += len(c.data)
	a.change()
}

// first is what arrives next, if anything is under way; changed is closed when
// that may be something else.
func (a *lane) first() (c crate, ok bool, changed <-chan struct{}, deadline time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.pieces) > 0 {
		c, ok = a.pieces[0], true
	}
	return c, ok, a.changed, a.deadline
}

// took forgets so many bytes of what came first.
func (a *lane) took(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.pieces) == 0 || a.pieces[0].last != nil {
		return
	}
	a.bytes -= n
	if a.pieces[0].data = a.pieces[0].data[n:]; len(a.pieces[0].data) == 0 {
		a.pieces = a.pieces[1:]
	}
	a.change()
}

// stop ends a lane at once.
func (a *lane) stop(why error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pieces, a.bytes = []crate{{at: -beforehand, last: why}}, 0
	a.change()
}

func (a *lane) bound(t time.Time) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.deadline = t
	a.change()
	return nil
}

// full tells whether a lane takes no more for now.
func (a *lane) full() (is bool, changed <-chan struct{}, deadline time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.bytes > mostUnderWay, a.changed, a.deadline
}

// await waits for a change, for an instant of the run, or for a deadline.
func (c *linkConn) await(changed <-chan struct{}, at time.Duration, deadline time.Time) error {
	var due, late <-chan time.Time
	if at != components.Forever {
		ring, stop := c.link.of.alarm(at)
		defer stop()
		due = ring
	}
	if !deadline.IsZero() {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-changed:
	case <-due:
	case <-late:
		return os.ErrDeadlineExceeded
	case <-c.gone:
		return net.ErrClosed
	}
	return nil
}

// Read implements net.Conn.
func (c *linkConn) Read(p []byte) (int, error) {
	for {
		due := components.Forever
		next, ok, changed, deadline := c.back.first()
		switch now := c.link.of.now(); {
		case ok && next.at > now:
			due = next.at
		case ok && next.last != nil:
			return 0, next.last
		case ok:
			n := copy(p, next.data)
			c.back.took(n)
			return n, nil
		}
		if !deadline.IsZero() && !time.Now().Before(deadline) {
			return 0, os.ErrDeadlineExceeded
		}
		if err := c.await(changed, due, deadline); err != nil {
			return 0, err
		}
	}
}

// fetch takes in what raw brings.
func (c *linkConn) fetch() {
	buffer := make([]byte, 32<<10)
	for {
		n, err := c.raw.Read(buffer)
		now := c.link.of.now()
		c.link.mu.Lock()
		if n > 0 {
			c.speaks(scenarios.Back, &c.in, now, n)
		}
		p := c.in
		if err != nil {
			now = c.link.line.Part(now, c.made, scenarios.Back, p)
		}
		c.link.mu.Unlock()
		if n > 0 && p.Why == policy.OK {
			c.back.push(crate{at: p.Arrives, data: slices.Clone(buffer[:n])})
		}
		if err != nil {
			c.back.push(crate{at: now, last: err})
			return
		}
		for full, changed, _ := c.back.full(); full; full, changed, _ = c.back.full() {
			if c.await(changed, components.Forever, time.Time{}) != nil {
				return
			}
		}
	}
}

// Write implements net.Conn.
func (c *linkConn) Write(b []byte) (int, error) {
	if first, ok, _, _ := c.there.first(); ok && first.last != nil {
		return 0, first.last
	}
	for full, changed, deadline := c.there.full(); full; full, changed, deadline = c.there.full() {
		if err := c.await(changed, components.Forever, deadline); err != nil {
			return 0, err
		}
	}
	now := c.link.of.now()
	c.link.mu.Lock()
	c.speaks(scenarios.There, &c.out, now, len(b))
	p, carrying, told := c.out, c.carrying, c.forgotten
	c.forgotten = p.Why != policy.OK
	c.carrying = carrying || p.Arrives > now
	c.link.mu.Unlock()
	switch {
	case p.Why != policy.OK && p.Arrives <= now:
		c.snap()
		return 0, errReset("write")
	case p.Why != policy.OK && !told:
		c.link.of.work.Go(func() {
			if c.link.of.until(p.Arrives, c.gone) {
				c.snap()
			}
		})
		return len(b), nil
	case p.Why != policy.OK:
		return len(b), nil
	case !carrying && p.Arrives <= now:
		c.raw.SetWriteDeadline(c.there.when())
		return c.raw.Write(b)
	}
	c.there.push(crate{at: p.Arrives, data: slices.Clone(b)})
	if !carrying {
		c.link.of.work.Go(c.carry)
	}
	return len(b), nil
}

func (a *lane) when() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.deadline
}

// speaks counts n bytes that go one way: what goes the same way with nothing in
// between is one message. The link's lock is held.
func (c *linkConn) speaks(way scenarios.Way, p *scenarios.Passage, now time.Duration, n int) {
	if c.turn != way {
		c.turn = way
		*p = c.link.line.Send(now, c.made, way, int64(n))
		return
	}
	c.link.line.More(now, c.made, way, int64(n), p)
}

// carry takes out what has been written, each piece in its time.
func (c *linkConn) carry() {
	c.raw.SetWriteDeadline(time.Time{})
	for {
		next, ok, changed, _ := c.there.first()
		if !ok {
			if c.await(changed, components.Forever, time.Time{}) != nil {
				return
			}
			continue
		}
		if !c.link.of.until(next.at, c.gone) {
			return
		}
		switch next.last {
		case nil:
			if _, err := c.raw.Write(next.data); err != nil {
				return // who reads hears of it
			}
			c.there.took(len(next.data))
		case io.EOF:
			if half, ok := c.raw.(interface{ CloseWrite() error }); ok {
				half.CloseWrite()
			}
			return
		default:
			c.shut()
			return
		}
	}
}

// Close implements net.Conn. What has been written goes out first.
func (c *linkConn) Close() error {
	c.finish(net.ErrClosed)
	c.back.stop(net.ErrClosed)
	return nil
}

// CloseWrite closes the way there behind what has been written.
func (c *linkConn) CloseWrite() error {
	c.finish(io.EOF)
	return nil
}

// finish sends the news that nothing more will be written.
func (c *linkConn) finish(how error) {
	now := c.link.of.now()
	c.link.mu.Lock()
	at, carrying := c.link.line.Part(now, c.made, scenarios.There, c.out), c.carrying
	if at <= now && !carrying && how == net.ErrClosed {
		c.link.mu.Unlock()
		c.shut()
		return
	}
	c.carrying = true
	c.link.mu.Unlock()
	c.there.push(crate{at: at, last: how})
	if !carrying {
		c.link.of.work.Go(c.carry)
	}
}

// snap breaks the connection: both ends know at once.
func (c *linkConn) snap() {
	c.back.stop(errReset("read"))
	c.there.stop(errReset("write"))
	if tcp, ok := c.raw.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	c.shut()
}

// shut closes what is below, now.
func (c *linkConn) shut() {
	c.end.Do(func() {
		c.link.mu.Lock()
		delete(c.link.conns, c)
		c.link.mu.Unlock()
		c.raw.Close()
		close(c.gone)
	})
}

// errReset is what a socket says whose connection was reset.
func errReset(doing string) error {
	return &net.OpError{Op: doing, Net: "tcp", Err: os.NewSyscallError(doing, syscall.ECONNRESET)}
}

func (c *linkConn) LocalAddr() net.Addr  { return c.raw.LocalAddr() }
func (c *linkConn) RemoteAddr() net.Addr { return c.raw.RemoteAddr() }

func (c *linkConn) SetReadDeadline(t time.Time) error  { return c.back.bound(t) }
func (c *linkConn) SetWriteDeadline(t time.Time) error { return c.there.bound(t) }

func (c *linkConn) SetDeadline(t time.Time) error {
	c.back.bound(t)
	return c.there.bound(t)
}
