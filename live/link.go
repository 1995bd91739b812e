package live

import (
	"context"
	"net"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// dialer makes connections, as net.Dialer.DialContext does.
type dialer = func(ctx context.Context, network, address string) (net.Conn, error)

// Links are the ways from one place, or from the clients, to those that it
// asks, as far as something ails them at some time: what Dial makes over these
// are connections that the weather holds up, loses and breaks as it does in the
// simulator. All others are as they would be without. It is safe for concurrent
// use.
type Links struct {
	clock Clock
	plain dialer
	began atomic.Pointer[time.Time]
	ways  map[string]*link // by address
	ctx   context.Context
	close context.CancelFunc
	work  sync.WaitGroup
}

// LinksFrom are the links from a place of the case, or topologies.Outside; nil
// if nothing ails any of them. Close ends what they do.
func LinksFrom(c *scenarios.Case, from topologies.Place, addresses func(topologies.Place) string, clock Clock, plain dialer) *Links {
	weather := c.Weather()
	k := &Links{clock: clock, plain: plain, ways: map[string]*link{}}
	for _, name := range weather.Links() {
		a, to, _ := name.Ends()
		if a != from {
			continue
		}
		address := addresses(to)
		if n := c.Variant.Topology.Node(to.Node()); n.Kind == topologies.External {
			if at, err := url.Parse(n.URL); err == nil { // else nobody can ask it
				address = addressOf(at).Host
			}
		}
		k.ways[address] = &link{of: k, line: weather.Line(name), resets: weather.Resets(name), conns: map[*linkConn]bool{}}
	}
	if len(k.ways) == 0 {
		return nil
	}
	k.ctx, k.close = context.WithCancel(context.Background())
	return k
}

// Begin tells when the run begins or began. Before that nothing is ill.
func (k *Links) Begin(at time.Time) {
	if k == nil || k.began.Swap(&at) != nil {
		return
	}
	for _, l := range k.ways {
		k.work.Go(func() { l.breakAt(at) })
	}
}

// Close ends all connections over the links.
func (k *Links) Close() {
	if k == nil {
		return
	}
	k.close()
	for _, l := range k.ways {
		l.breakAll()
	}
	k.work.Wait()
}

// now is the time since the run began; long before it, if that is not known.
func (k *Links) now() time.Duration {
	began := k.began.Load()
	if began == nil {
		return -beforehand
	}
	return k.clock.Since(*began)
}

// until waits until an instant of the run; it is false if ended is closed, or
// all links, before.
func (k *Links) until(at time.Duration, ended <-chan struct{}) bool {
	began := k.began.Load()
	if began == nil || at <= k.now() {
		return true
	}
	ring, stop := k.alarm(at)
	defer stop()
	select {
	case <-ring:
		return true
	case <-ended:
	case <-k.ctx.Done():
	}
	return false
}

func (k *Links) alarm(at time.Duration) (<-chan time.Time, func() bool) {
	return k.clock.Alarm(k.began.Load().Add(at))
}

// Dial connects to an address, over its link if that is one of these.
func (k *Links) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if l := k.ways[address]; l != nil {
		return l.dial(ctx, network, address)
	}
	return k.plain(ctx, network, address)
}

// link is the connections to one address.
type link struct {
	of     *Links
	resets []time.Duration

	mu    sync.Mutex
	line  *scenarios.Line
	conns map[*linkConn]bool // open
}

func (l *link) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if l.of.ctx.Err() != nil {
		return nil, dialError(address, net.ErrClosed)
	}
	l.mu.Lock()
	p := l.line.Dial(l.of.now(), false) // what TLS says is seen as it is said
	l.mu.Unlock()
	if !l.of.until(p.Arrives, ctx.Done()) {
		return nil, dialError(address, context.Cause(ctx))
	}
	switch p.Why {
	case policy.Refused:
		return nil, dialError(address, syscall.ECONNREFUSED)
	case policy.Timeout:
		return nil, dialError(address, os.ErrDeadlineExceeded)
	}
	raw, err := l.of.plain(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return l.join(raw), nil
}

// dialError is what net would say.
func dialError(address string, why error) error {
	if why == nil {
		why = net.ErrClosed
	}
	if no, ok := why.(syscall.Errno); ok {
		why = os.NewSyscallError("connect", no)
	}
	return &net.OpError{Op: "dial", Net: "tcp", Addr: linkAddr(address), Err: why}
}

type linkAddr string

func (linkAddr) Network() string  { return "tcp" }
func (a linkAddr) String() string { return string(a) }

// breakAt breaks all connections at the instants of resets.
func (l *link) breakAt(began time.Time) {
	for _, at := range l.resets {
		if !l.of.until(at, nil) {
			return
		}
		l.breakAll()
	}
}

func (l *link) breakAll() {
	l.mu.Lock()
	var all []*linkConn
	for c := range l.conns {
		all = append(all, c)
	}
	l.mu.Unlock()
	for _, c := range all {
		c.snap()
	}
}
