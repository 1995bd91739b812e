// Package live is the world of sockets and processes: it plays the exchanges
// of components over real HTTP on loopback, one process a place, and does to
// the processes what the faults of a case ask for.
//
// NewNode hosts one place inside this process, for tests. Start runs a whole
// system, one process a place, below a guardian that leaves none behind.
package live

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"trafficlab/bench/measure"
	"trafficlab/components"
	"trafficlab/live/http1"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// Options say what a node is to use of its surroundings.
type Options struct {
	// Addresses says where a place listens, as host:port. It is asked once
	// for each upstream, but for external ones, which say so themselves.
	Addresses func(topologies.Place) string

	Clock Clock // nil: Precise
	Dial  func(ctx context.Context, network, address string) (net.Conn, error)

	door        *tlsDoor                         // what to serve; nil: plain HTTP
	UpstreamTLS func(address string) *tls.Config // for upstreams that terminate TLS
	visitor     *visitor                         // whose that is; nil: somebody else's

	// Tallies are what the replicas of a node count together. nil: in the
	// Redis that the topology names, under the name of the run.
	Tallies components.Tallies
	Run     string

	// Own is what the node's process has used, and holds in memory. nil: what
	// the node is like over time is not kept.
	Own func() (cpu time.Duration, memory int64)

	Log    *log.Logger // nil: nowhere
	Access io.Writer   // one line for each request, as its node has it; nil: none
}

// Node is one place of a topology, hosted over real HTTP. It is safe for
// concurrent use.
type Node struct {
	place   topologies.Place
	node    *topologies.Node // as first set: what of it a reload leaves as it is
	of      *scenarios.Case  // nil: of a handler that cannot be set anew
	options Options
	clock   Clock
	log     *log.Logger
	meters  *meters
	doors   *doors
	door    *tlsDoor // nil: plain HTTP
	weather scenarios.Forecast
	refused refusals
	reloads *prometheus.CounterVec // by result

	links      *Links // nil: nothing ails what it asks over
	began      atomic.Pointer[time.Time]
	unnumbered atomic.Uint64
	leaving    atomic.Bool // it drains
	inFlight   atomic.Int64
	open2      atomic.Int64 // connections that speak HTTP/2
	played     sync.Pool    // components.Steps that are over

	ctx    context.Context // ends with the node
	cancel context.CancelFunc
	work   sync.WaitGroup // but for that of setups

	reloading sync.Mutex // one after the other
	mu        sync.Mutex
	closed    bool
	told      bool            // when its run begins
	setups    []*setup        // that are at work; the last is for what comes
	past      measure.NodeUse // of those that were
	course    *course         // nil: none is kept, or not yet
}

// beforehand is how long before the start of its run a node believes to be
// until it is told.
const beforehand = time.Hour

// NewNode makes the component that c has at the place and hosts it. Nothing is
// served before Serve, and the run does not begin before Begin.
func NewNode(c *scenarios.Case, place topologies.Place, o Options) (*Node, error) {
	if c.Variant.Topology.Node(place.Node()) == nil {
		return nil, fmt.Errorf("host %s: topology %s has no such node", place, c.Variant.Topology.Name)
	}
	t, err := asStored(c.Variant.Topology)
	if err != nil {
		return nil, fmt.Errorf("host %s: %w", place, err)
	}
	n := newNode(t, place, o)
	n.of = c
	n.weather = c.Weather().Of(place)
	if n.links = LinksFrom(c, place, o.Addresses, n.clock, n.options.Dial); n.links != nil {
		n.options.Dial = n.links.Dial
	}
	s, err := n.compose(t, nil)
	if err != nil {
		return nil, err
	}
	n.setups = append(n.setups, s)
	return n, nil
}

// hostHandler is NewNode for a handler of any kind.
func hostHandler(h components.Handler, t *topologies.Topology, place topologies.Place, o Options) (*Node, error) {
	n := newNode(t, place, o)
	s, err := n.setUp(h, t, nil)
	if err != nil {
		return nil, err
	}
	n.setups = append(n.setups, s)
	return n, nil
}

func newNode(t *topologies.Topology, place topologies.Place, o Options) *Node {
	o = o.withDefaults()
	n := &Node{
		place: place, node: t.Node(place.Node()), options: o,
		clock: o.Clock, log: o.Log, door: o.door,
		meters:  newMeters(),
		reloads: prometheus.NewCounterVec(reloadsOpts, []string{"result"}),
	}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.doors = newDoors(n, o)
	began := n.clock.Now().Add(beforehand)
	n.began.Store(&began)
	return n
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = Precise{}
	}
	if o.Dial == nil {
		o.Dial = new(net.Dialer).DialContext
	}
	if o.Log == nil {
		o.Log = log.New(io.Discard, "", 0)
	}
	return o
}

// upstreamsOf finds where every place listens that the node may ask.
func upstreamsOf(t *topologies.Topology, node *topologies.Node, addresses func(topologies.Place) string) (map[topologies.Place]upstream, error) {
	found := map[topologies.Place]upstream{}
	for _, name := range node.Upstreams() {
		up := t.Node(name)
		for _, place := range up.Places() {
			if up.Kind != topologies.External {
				address := addresses(place)
				if address == "" {
					return nil, fmt.Errorf("%s was not started with the others", place)
				}
				found[place] = upstream{address: http1.Address{Host: address, TLS: up.TLS != nil}}
				continue
			}
			to, err := url.Parse(up.URL)
			if err != nil {
				return nil, fmt.Errorf("read the address of %s: %w", place, err)
			}
			found[place] = upstream{address: addressOf(to), foreign: true, base: strings.TrimSuffix(to.EscapedPath(), "/")}
		}
	}
	return found, nil
}

func schemeOf(n *topologies.Node) string {
	if n.TLS != nil {
		return "https"
	}
	return "http"
}

// addressOf is where a URL leads.
func addressOf(to *url.URL) http1.Address {
	secure := to.Scheme == "https"
	switch {
	case to.Port() != "":
		return http1.Address{Host: to.Host, TLS: secure}
	case secure:
		return http1.Address{Host: net.JoinHostPort(to.Hostname(), "443"), TLS: true}
	}
	return http1.Address{Host: net.JoinHostPort(to.Hostname(), "80")}
}

// Serve answers what comes to the listener until the node is closed.
func (n *Node) Serve(l net.Listener) error {
	if err := n.doors.serve(l); err != http1.ErrClosed {
		return fmt.Errorf("serve %s: %w", n.place, err)
	}
	return nil
}

// Begin tells the node when its run begins or began. The work it does on its
// own account, health checks, starts at the first instant told.
func (n *Node) Begin(at time.Time) {
	n.began.Store(&at)
	n.links.Begin(at)
	n.mu.Lock()
	n.told = true
	s := n.setup()
	n.watch()
	n.mu.Unlock()
	s.start()
}

// beginning is what a node does on its own account, from the beginning of its
// run on.
type beginning struct {
	components.Starter
	x      components.Exchange
	waited bool
}

// Step implements components.Steps.
func (b *beginning) Step(woken int) (p components.Pause, over bool) {
	if !b.waited {
		b.waited = true
		return components.Pause{On: []components.Event{b.x.Canceled()}}, false
	}
	if woken < 0 {
		b.Begin(b.x)
	}
	return components.Pause{}, true
}

// Use is what the node has counted so far.
func (n *Node) Use() measure.NodeUse {
	n.mu.Lock()
	defer n.mu.Unlock()
	u := n.setup().use()
	for _, s := range n.setups[:len(n.setups)-1] {
		u = sum(u, s.use())
	}
	if n.past.Requests+n.past.Checks > 0 {
		u = sum(u, n.past)
	}
	u.Place, u.Kind = string(n.place), string(n.node.Kind)
	u.Course = n.course.read()
	return n.refused.into(u)
}

// Purge makes the node's cache forget answers, and returns how many; false if
// it has no cache.
func (n *Node) Purge(what scenarios.Purge) (purged int, ok bool) {
	n.mu.Lock()
	c, ok := n.setup().handler.(*components.Component)
	n.mu.Unlock()
	if !ok {
		return 0, false
	}
	return c.Purge(what)
}

// Answer implements http1.Handler.
func (n *Node) Answer(a *http1.Answer, q *http1.Request) { n.answer(a, a.Body(), q) }

func (n *Node) answer(a caller, in incoming, q *http1.Request) {
	s := n.enter()
	if s == nil {
		return
	}
	defer s.work.Done()
	n.inFlight.Add(1)
	defer n.inFlight.Add(-1)
	x := s.exchange(a, in, q)
	defer x.recycle()
	x.trace = s.tracing.begin(x, &x.req)
	defer n.over(x, n.now())
	defer x.end()
	if s.misdirected(a, &x.req) {
		x.turnAway(errMisdirected)
		return
	}
	if x.req.Path == components.CheckPath && n.leaving.Load() {
		x.Reply(components.Refusal(http.StatusServiceUnavailable, "draining", false))
		return
	}
	if n.node.Kind == topologies.Backend {
		if s.node.Echo {
			x.heard, _ = io.ReadAll(io.LimitReader(in, mostEcho))
		}
		io.Copy(io.Discard, in) // a server reads the request before it works on it
	}
	used, _ := n.played.Get().(components.Steps)
	steps := s.handler.Open(x, &x.req, used)
	components.Play(x, steps)
	n.played.Put(steps)
}

// mostEcho bounds how much of a body comes back, in bytes.
const mostEcho = 16 << 20

// setup is the one for what comes. The node's lock is held.
func (n *Node) setup() *setup { return n.setups[len(n.setups)-1] }

// enter counts one more piece of work for the present setup; nil if the node is
// closed.
func (n *Node) enter() *setup {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil
	}
	s := n.setup()
	s.work.Add(1)
	return s
}

func (n *Node) now() time.Duration { return n.clock.Since(*n.began.Load()) }

func (n *Node) alarm(until time.Duration) (<-chan time.Time, func() bool) {
	return n.clock.Alarm(n.began.Load().Add(until))
}

// Shutdown stops listening, lets requests end until the context does, and
// closes the node.
func (n *Node) Shutdown(ctx context.Context) error {
	n.doors.drain(ctx, 0) // its error says no more than that time ran out
	return n.Close()
}

// Drain is Shutdown while others go on asking: it refuses health checks, tells
// who still comes over a connection that it was for the last time, and loses no
// request. If the context ends before, what is left breaks off, and the error
// says so.
func (n *Node) Drain(ctx context.Context) error {
	n.leaving.Store(true)
	err := n.doors.drain(ctx, components.Parting)
	if err != nil {
		err = fmt.Errorf("drain %s: what was not over in time is broken off: %w", n.place, err)
	}
	return errors.Join(err, n.Close())
}

// Close ends everything at once and returns when no goroutine of the node is
// left.
func (n *Node) Close() error {
	n.reloading.Lock()
	defer n.reloading.Unlock()
	n.mu.Lock()
	n.closed = true
	last := n.setup()
	n.mu.Unlock()
	n.cancel()
	err := n.doors.close()
	last.work.Wait()
	n.work.Wait()
	err = errors.Join(err, last.close())
	n.links.Close()
	return err
}
