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

	TLS         *tls.Config                      // what to serve; nil: plain HTTP
	UpstreamTLS func(address string) *tls.Config // for upstreams that terminate TLS

	// Tallies are what the replicas of a node count together. nil: in the
	// Redis that the topology names, under the name of the run.
	Tallies components.Tallies
	Run     string

	Log    *log.Logger // nil: nowhere
	Access io.Writer   // one line for each request, as its node has it; nil: none
}

// Node is one place of a topology, hosted over real HTTP. It is safe for
// concurrent use.
type Node struct {
	place     topologies.Place
	node      *topologies.Node
	handler   components.Handler
	clock     Clock
	log       *log.Logger
	access    *accessLog
	meters    *meters
	tracing   *tracing // nil: contexts pass as they are
	doors     *doors
	tls       *tls.Config
	pool      *http1.Pool
	refused   *prometheus.CounterVec // requests that did not come to be, by reason
	upstreams map[topologies.Place]upstream
	shared    *redisTallies // nil: none, or somebody else's

	began      atomic.Pointer[time.Time]
	starting   sync.Once
	unnumbered atomic.Uint64
	played     sync.Pool // components.Steps that are over

	ctx    context.Context // ends with the node
	cancel context.CancelFunc
	work   sync.WaitGroup
	mu     sync.Mutex
	closed bool
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
	if o.Tallies != nil {
		return newNode(components.NewSite(c, o.Tallies).New(place), c.Variant.Topology, place, o)
	}
	shared := newRedisTallies(o.Run, o.Log)
	n, err := newNode(components.NewSite(c, shared).New(place), c.Variant.Topology, place, o)
	if err != nil {
		return nil, errors.Join(err, shared.Close())
	}
	n.shared = shared
	return n, nil
}

func newNode(h components.Handler, t *topologies.Topology, place topologies.Place, o Options) (*Node, error) {
	o = o.withDefaults()
	node := t.Node(place.Node())
	ups, err := upstreamsOf(t, node, o.Addresses)
	if err != nil {
		return nil, fmt.Errorf("host %s: %w", place, err)
	}
	n := &Node{
		place: place, node: node, handler: h,
		clock: o.Clock, log: o.Log, access: newAccessLog(o.Access, node.AccessLog), tls: o.TLS,
		pool:      newPool(node.Connections, o),
		upstreams: ups,
		refused:   prometheus.NewCounterVec(refusedOpts, []string{"reason"}),
	}
	if n.tracing, err = newTracing(node, place); err != nil {
		return nil, fmt.Errorf("host %s: %w", place, err)
	}
	n.watch()
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.doors = newDoors(n, o)
	began := n.clock.Now().Add(beforehand)
	n.began.Store(&began)
	return n, nil
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
				found[place] = upstream{address: http1.Address{Host: addresses(place), TLS: up.TLS != nil}}
				continue
			}
			to, err := url.Parse(up.URL)
			if err != nil {
				return nil, fmt.Errorf("read the address of %s: %w", place, err)
			}
			found[place] = upstream{addressOf(to), strings.TrimSuffix(to.EscapedPath(), "/")}
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

func (n *Node) upstream(place topologies.Place) (upstream, error) {
	up, ok := n.upstreams[place]
	if !ok {
		return upstream{}, fmt.Errorf("%s is no upstream of %s", place, n.place)
	}
	return up, nil
}

// Serve answers what comes to the listener until the node is closed.
func (n *Node) Serve(l net.Listener) error {
	if err := n.doors.serve(l, n.tls); err != http1.ErrClosed {
		return fmt.Errorf("serve %s: %w", n.place, err)
	}
	return nil
}

// Begin tells the node when its run begins or began. The work it does on its
// own account, health checks, starts at the first instant told.
func (n *Node) Begin(at time.Time) {
	n.began.Store(&at)
	starter, ok := n.handler.(components.Starter)
	if !ok {
		return
	}
	n.starting.Do(func() {
		n.background(func(x components.Exchange) components.Steps { return &beginning{starter, x, false} })
	})
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
	if counter, ok := n.handler.(interface{ Use() measure.NodeUse }); ok {
		return counter.Use()
	}
	return measure.NodeUse{Place: string(n.place), Kind: string(n.node.Kind)}
}

// Purge makes the node's cache forget answers, and returns how many; false if
// it has no cache.
func (n *Node) Purge(what scenarios.Purge) (purged int, ok bool) {
	c, ok := n.handler.(*components.Component)
	if !ok {
		return 0, false
	}
	return c.Purge(what)
}

// Answer implements http1.Handler.
func (n *Node) Answer(a *http1.Answer, q *http1.Request) { n.answer(a, a.Body(), q) }

func (n *Node) answer(a caller, in incoming, q *http1.Request) {
	if !n.enter() {
		return
	}
	defer n.work.Done()
	req := n.received(a, q)
	x := n.exchange(a, in, q)
	x.trace = n.tracing.begin(x, &req)
	defer n.over(x, req, n.now())
	defer x.end()
	if n.node.Kind == topologies.Backend {
		io.Copy(io.Discard, in) // a server reads the request before it works on it
	}
	used, _ := n.played.Get().(components.Steps)
	steps := n.handler.Open(x, &req, used)
	components.Play(x, steps)
	n.played.Put(steps)
}

// background plays work that ends with the node, if it has not ended.
func (n *Node) background(open func(components.Exchange) components.Steps) {
	if !n.enter() {
		return
	}
	go func() {
		defer n.work.Done()
		x := &exchange{node: n, gone: n.ctx.Done()}
		defer x.release()
		components.Play(x, open(x))
	}()
}

// enter counts one more piece of work that Close has to wait for.
func (n *Node) enter() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return false
	}
	n.work.Add(1)
	return true
}

func (n *Node) now() time.Duration { return n.clock.Now().Sub(*n.began.Load()) }

func (n *Node) alarm(until time.Duration) (<-chan time.Time, func() bool) {
	return n.clock.Alarm(n.began.Load().Add(until))
}

// Shutdown stops listening, lets requests end until the context does, and
// closes the node.
func (n *Node) Shutdown(ctx context.Context) error {
	n.doors.shutdown(ctx) // its error says no more than that time ran out
	return n.Close()
}

// Close ends everything at once and returns when no goroutine of the node is
// left.
func (n *Node) Close() error {
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	n.cancel()
	err := n.doors.close()
	n.work.Wait()
	n.pool.Close()
	n.tracing.close()
	if n.shared != nil {
		err = errors.Join(err, n.shared.Close())
	}
	return err
}
