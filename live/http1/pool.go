package http1

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"
)

// Address is where an upstream listens.
type Address struct {
	Host string // with its port
	TLS  bool
}

// Pool keeps connections to upstreams. Fields may not change once it is used;
// it is safe for concurrent use.
type Pool struct {
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
	DialTLS func(ctx context.Context, network, address string) (net.Conn, error) // hands shaken

	Limits Limits // of answers
	Pace   Pace   // of answers' bodies
	Taking Pace   // of requests' bodies, as the upstream takes them

	Most        int           // connections to an address; who finds none waits in line; 0: any number
	Idle        int           // kept without use at an address; 0: none
	IdleTimeout time.Duration // after which one without use is closed; 0: never

	mu     sync.Mutex
	closed bool
	hosts  map[Address]*host
	work   sync.WaitGroup // bodies being sent
}

// ErrPoolClosed is why a closed pool has no connection.
var ErrPoolClosed = errors.New("the pool is closed")

// host is the connections to one address.
type host struct {
	pool    *Pool
	address Address

	mu      sync.Mutex
	closed  bool
	open    int     // connections, those being made included
	idle    []*Conn // the longest idle first
	waiting []*ticket
	timer   *time.Timer // of the longest idle; runs if there is one
	ticking bool
}

// ticket is a place in the line for a connection.
type ticket struct{ given chan *Conn } // nil: leave to make one

func (p *Pool) host(to Address) *host {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.hosts[to]
	if h == nil {
		if p.hosts == nil {
			p.hosts = map[Address]*host{}
		}
		h = &host{pool: p, address: to, closed: p.closed}
		p.hosts[to] = h
	}
	return h
}

// Take returns a connection that is idle and, as far as can be seen, alive; or
// nil. It does not wait.
func (p *Pool) Take(to Address) *Conn { return p.host(to).take() }

// Get returns an idle connection or makes one, in its turn if there are as many
// as may be. One that is fresh is not taken from the idle.
func (p *Pool) Get(ctx context.Context, to Address, fresh bool) (*Conn, error) {
	h := p.host(to)
	if !fresh {
		if c := h.take(); c != nil {
			return c, nil
		}
	}
	t, err := h.enter()
	if err != nil {
		return nil, err
	}
	if t != nil {
		select {
		case c := <-t.given:
			if c != nil {
				return c, nil
			}
		case <-ctx.Done():
			h.giveUp(t)
			return nil, context.Cause(ctx)
		}
	}
	return h.dial(ctx)
}

// Waiting is how many wait in line for a connection.
func (p *Pool) Waiting() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range p.hosts {
		h.mu.Lock()
		n += len(h.waiting)
		h.mu.Unlock()
	}
	return n
}

// CloseIdle closes the connections that nobody uses.
func (p *Pool) CloseIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range p.hosts {
		h.closeIdle(0)
	}
}

// Close closes idle connections and lets no more be made; those in use are
// closed when given back. It returns when nothing sends a body any more.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	for _, h := range p.hosts {
		h.close()
	}
	p.mu.Unlock()
	p.work.Wait()
}

func (h *host) close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.closeIdle(0)
}

func (h *host) take() *Conn {
	for {
		c := h.pop()
		if c == nil || c.alive() {
			return c
		}
		c.Close()
	}
}

// pop takes the connection that was idle for the shortest time.
func (h *host) pop() *Conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	last := len(h.idle) - 1
	if last < 0 {
		return nil
	}
	c := h.idle[last]
	h.idle[last] = nil
	h.idle = h.idle[:last]
	c.reused = true
	return c
}

// enter gives leave to make a connection, or a place in the line.
func (h *host) enter() (*ticket, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, ErrPoolClosed
	}
	if h.pool.Most == 0 || h.open < h.pool.Most {
		h.open++
		return nil, nil
	}
	t := &ticket{make(chan *Conn, 1)}
	h.waiting = append(h.waiting, t)
	return t, nil
}

// giveUp leaves the line. What has been given meanwhile goes to the next.
func (h *host) giveUp(t *ticket) {
	h.mu.Lock()
	i := slices.Index(h.waiting, t)
	if i >= 0 {
		h.waiting = slices.Delete(h.waiting, i, i+1)
	}
	h.mu.Unlock()
	if i >= 0 {
		return
	}
	if c := <-t.given; c != nil {
		h.put(c)
	} else {
		h.drop()
	}
}

func (h *host) dial(ctx context.Context) (*Conn, error) {
	dial := h.pool.Dial
	if h.address.TLS {
		dial = h.pool.DialTLS
	}
	raw, err := dial(ctx, "tcp", h.address.Host)
	if err != nil {
		h.drop()
		return nil, err
	}
	return newClientConn(h, raw), nil
}

// drop counts a connection that is no more, and lets the next in line make one.
func (h *host) drop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := h.next(); t != nil {
		t.given <- nil
		return
	}
	h.open--
}

// next is the first in line, who leaves it.
func (h *host) next() *ticket {
	if len(h.waiting) == 0 {
		return nil
	}
	t := h.waiting[0]
	h.waiting[0] = nil
	h.waiting = h.waiting[1:]
	return t
}

// put takes back a connection that can be used again.
func (h *host) put(c *Conn) {
	h.mu.Lock()
	if t := h.next(); t != nil {
		h.mu.Unlock()
		c.reused = true
		t.given <- c
		return
	}
	full := h.closed || len(h.idle) >= h.pool.Idle
	if !full {
		h.idle = append(h.idle, c)
		if h.pool.IdleTimeout > 0 {
			c.since = time.Now()
			h.tick(h.pool.IdleTimeout)
		}
	}
	h.mu.Unlock()
	if full {
		c.Close()
	}
}

// tick has the idle looked through some time from now.
func (h *host) tick(after time.Duration) {
	switch {
	case h.ticking:
		return
	case h.timer == nil:
		h.timer = time.AfterFunc(after, func() { h.closeIdle(h.pool.IdleTimeout) })
	default:
		h.timer.Reset(after)
	}
	h.ticking = true
}

// closeIdle closes what has been idle for so long.
func (h *host) closeIdle(after time.Duration) {
	h.mu.Lock()
	h.ticking = false
	old := len(h.idle)
	if after > 0 {
		now := time.Now()
		for old = 0; old < len(h.idle) && now.Sub(h.idle[old].since) >= after; old++ {
		}
		if old < len(h.idle) {
			h.tick(after - now.Sub(h.idle[old].since))
		}
	} else if h.timer != nil {
		h.timer.Stop()
	}
	gone := slices.Clone(h.idle[:old])
	h.idle = slices.Delete(h.idle, 0, old)
	h.mu.Unlock()
	for _, c := range gone {
		c.Close()
	}
}
