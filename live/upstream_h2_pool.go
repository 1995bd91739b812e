package live

import (
	"context"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"

	"trafficlab/live/http1"
	"trafficlab/topologies"
)

// h2Pool keeps connections of HTTP/2 to upstreams, as net/http speaks it. Each
// carries as many requests at once as its upstream takes; another is made when
// all are full, one at a time: who comes meanwhile shares it. It is safe for
// concurrent use.
type h2Pool struct {
	dial func(ctx context.Context, to http1.Address) (net.Conn, error)
	most int // connections to an address; who finds all full waits in line; 0: any number

	answers *topologies.Answers
	idleFor time.Duration // without a request; sooner than the servers'. 0: any time

	ctx   context.Context // ends with the pool
	close context.CancelFunc
	work  sync.WaitGroup // dials, and bodies being read
	mu    sync.Mutex
	hosts map[http1.Address]*h2Host
}

// How connections to upstreams are kept. A peer that says nothing for so long is
// asked whether it is there; servers of gRPC count askers who are more eager as
// a nuisance.
const (
	h2Quiet   = 30 * time.Second
	h2Lost    = 10 * time.Second // without an answer to that
	h2Dialing = 30 * time.Second
)

func newH2Pool(n *topologies.Node, o Options) *h2Pool {
	p := &h2Pool{
		dial: func(ctx context.Context, to http1.Address) (net.Conn, error) { return dialH2(ctx, o, to) },
		most: n.Connections, answers: n.MayAnswer(), idleFor: idleFor, hosts: map[http1.Address]*h2Host{},
	}
	if n.Idle != nil {
		p.idleFor = n.Idle.For
	}
	p.ctx, p.close = context.WithCancel(context.Background())
	return p
}

func (p *h2Pool) host(to http1.Address) *h2Host {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.hosts[to]
	if h == nil {
		h = &h2Host{pool: p, to: to}
		h.speaks = p.transport(h)
		p.hosts[to] = h
	}
	return h
}

// transport makes connections to one address. TLS is below it, so that it sees
// what it takes for plain ones.
func (p *h2Pool) transport(h *h2Host) *http.Transport {
	alone := new(http.Protocols)
	alone.SetUnencryptedHTTP2(true)
	return &http.Transport{
		DialContext:            h.dial,
		Protocols:              alone,
		DisableCompression:     true,
		IdleConnTimeout:        p.idleFor,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: int64(p.answers.Head),
		HTTP2: &http.HTTP2Config{
			MaxReadFrameSize:              16 << 10,
			MaxReceiveBufferPerConnection: 1 << 20,
			MaxReceiveBufferPerStream:     256 << 10,
			SendPingTimeout:               h2Quiet,
			PingTimeout:                   h2Lost,
			WriteByteTimeout:              p.answers.Take.Pause,
		},
	}
}

// Close ends all connections, and returns when nothing is dialled or read any
// more.
func (p *h2Pool) Close() {
	p.close()
	p.mu.Lock()
	for _, h := range p.hosts {
		h.close()
	}
	p.mu.Unlock()
	p.work.Wait()
}

// h2Host is the connections to one address.
type h2Host struct {
	pool   *h2Pool
	to     http1.Address
	speaks *http.Transport

	mu      sync.Mutex
	closed  bool
	conns   []*h2Conn // is replaced, not changed
	dialing bool
	waiting []*h2Ticket
}

// h2Conn is a connection to an upstream.
type h2Conn struct {
	*http.ClientConn
	wire *h2Wire
	used atomic.Bool // it has brought an answer
}

// h2Ticket is a place in the line for a connection that is not full.
type h2Ticket struct{ called chan error } // nil: look again

// get finds room for one more request on a connection, or waits for it.
func (h *h2Host) get(ctx context.Context) (*h2Conn, error) {
	if c := h.reserve(); c != nil {
		return c, nil
	}
	t := &h2Ticket{make(chan error, 1)}
	for again := false; ; again = true {
		if err := h.enter(t, again); err != nil {
			return nil, err
		}
		if c := h.reserve(); c != nil { // since the first look
			h.leave(t)
			return c, nil
		}
		select {
		case err := <-t.called:
			if err != nil {
				return nil, err
			}
		case <-ctx.Done():
			h.leave(t)
			return nil, context.Cause(ctx)
		}
		if c := h.reserve(); c != nil {
			return c, nil
		}
	}
}

// reserve takes room for one request. mu is not held: a connection may tell of
// a change of its own meanwhile.
func (h *h2Host) reserve() *h2Conn {
	h.mu.Lock()
	conns := h.conns
	h.mu.Unlock()
	for _, c := range conns {
		if c.Reserve() == nil {
			return c
		}
	}
	return nil
}

// enter takes a place in the line, at its head if it is taken again, and has a
// connection made if there may be one more.
func (h *h2Host) enter(t *h2Ticket, again bool) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return http1.ErrPoolClosed
	}
	if again {
		h.waiting = slices.Insert(h.waiting, 0, t)
	} else {
		h.waiting = append(h.waiting, t)
	}
	if h.dialing {
		return nil
	}
	h.conns = slices.DeleteFunc(slices.Clone(h.conns), (*h2Conn).gone)
	if h.pool.most == 0 || len(h.conns) < h.pool.most {
		h.dialing = true
		h.pool.work.Go(h.connect)
	}
	return nil
}

// gone tells whether a connection takes no more requests, for good.
func (c *h2Conn) gone() bool { return c.Err() != nil || c.wire.leaves.Load() }

// leave gives a place in the line up. Who has been called calls the next.
func (h *h2Host) leave(t *h2Ticket) {
	h.mu.Lock()
	i := slices.Index(h.waiting, t)
	if i >= 0 {
		h.waiting = slices.Delete(h.waiting, i, i+1)
	}
	h.mu.Unlock()
	if i < 0 && <-t.called == nil {
		h.call(1, nil)
	}
}

// call lets the first in line look again, or tells them why it is of no use.
func (h *h2Host) call(n int, why error) {
	h.mu.Lock()
	n = min(n, len(h.waiting))
	called := h.waiting[:n:n]
	h.waiting = h.waiting[n:]
	h.mu.Unlock()
	for _, t := range called {
		t.called <- why
	}
}

const everybody = 1 << 30

// connect makes a connection, for all in line.
func (h *h2Host) connect() {
	ctx, cancel := context.WithTimeout(h.pool.ctx, h2Dialing)
	defer cancel()
	c := new(h2Conn)
	ctx = context.WithValue(ctx, wireKey{}, &c.wire)
	conn, err := h.speaks.NewClientConn(ctx, "http", "upstream:80")
	h.mu.Lock()
	h.dialing = false
	if err == nil && h.closed {
		err = http1.ErrPoolClosed
		defer conn.Close()
	}
	if err == nil {
		c.ClientConn = conn
		h.conns = append(slices.Clone(h.conns), c)
	}
	h.mu.Unlock()
	if err == nil {
		conn.SetStateHook(h.changed)
	}
	h.call(everybody, err)
}

// changed hears that a connection has room again, or none for ever.
func (h *h2Host) changed(c *http.ClientConn) {
	h.mu.Lock()
	nobody := len(h.waiting) == 0
	h.mu.Unlock()
	switch {
	case nobody:
	case c.Err() != nil:
		h.call(everybody, nil)
	default:
		h.call(c.Available(), nil)
	}
}

func (h *h2Host) close() {
	h.mu.Lock()
	h.closed = true
	conns := h.conns
	h.mu.Unlock()
	for _, c := range conns {
		c.Close()
	}
	h.call(everybody, http1.ErrPoolClosed)
}

type wireKey struct{}

func (h *h2Host) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	raw, err := h.pool.dial(ctx, h.to)
	if err != nil {
		return nil, err
	}
	w := &h2Wire{dike: dike{Conn: raw, since: time.Now()}}
	w.seen = func(kind http2.FrameType) { w.leaves.CompareAndSwap(false, kind == http2.FrameGoAway) }
	*ctx.Value(wireKey{}).(**h2Wire) = w
	return w, nil
}

// h2Wire is a connection that is read along: net/http does not say whether one
// that takes no more requests is full for now, or about to go (GOAWAY).
type h2Wire struct {
	dike
	leaves atomic.Bool
}
