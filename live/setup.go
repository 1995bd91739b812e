package live

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"sync"

	"trafficlab/bench/measure"
	"trafficlab/components"
	"trafficlab/live/http1"
	"trafficlab/topologies"
)

// setup is a node as it is set, from one reload to the next. What has begun
// under it ends under it.
type setup struct {
	of        *Node
	node      *topologies.Node
	handler   components.Handler
	upstreams map[topologies.Place]upstream
	access    *accessLog
	pool      *http1.Pool           // this and the next, perhaps also of others
	h2        *h2Pool               // the same for HTTP/2; nil: nobody is asked so
	trusts    func(netip.Addr) bool // who vouches for the requests of others
	tracing   *tracing              // nil: contexts pass as they are
	shared    *redisTallies         // nil: none, or somebody else's

	ctx      context.Context // of work on its own account: ends with the setup
	cancel   context.CancelFunc
	starting sync.Once
	work     sync.WaitGroup
}

// compose makes the component of the node's place in t, and the setup that it
// works under, after another or none.
func (n *Node) compose(t *topologies.Topology, before *setup) (*setup, error) {
	c, tallies := *n.of, n.options.Tallies
	c.Variant.Topology = t
	var shared *redisTallies
	if tallies == nil {
		shared = newRedisTallies(n.options.Run, n.log)
		tallies = shared
	}
	site := components.NewSite(&c, tallies)
	var made *components.Component
	if before != nil {
		made = site.Renew(before.handler.(*components.Component))
	} else {
		made = site.New(n.place)
	}
	s, err := n.setUp(made, t, before)
	if err != nil {
		return nil, errors.Join(err, shared.Close())
	}
	s.shared = shared
	return s, nil
}

// setUp makes the setup that a handler works under. What is set as before it
// has in common with the one before.
func (n *Node) setUp(h components.Handler, t *topologies.Topology, before *setup) (s *setup, err error) {
	node := t.Node(n.place.Node())
	s = &setup{of: n, node: node, handler: h, access: newAccessLog(n.options.Access, node.AccessLog), trusts: components.Trusted(node)}
	if s.upstreams, err = upstreamsOf(t, node, n.options.Addresses); err != nil {
		return nil, fmt.Errorf("host %s: %w", n.place, err)
	}
	if before != nil && reflect.DeepEqual(node.Trace, before.node.Trace) {
		s.tracing = before.tracing
	} else if s.tracing, err = newTracing(node, n.place); err != nil {
		return nil, fmt.Errorf("host %s: %w", n.place, err)
	}
	if before != nil && sharesPool(node, before.node) {
		s.pool, s.h2 = before.pool, before.h2
	} else {
		s.pool = newPool(node, n.options)
		if node.Upstream != nil && node.Upstream.HTTP2 {
			s.h2 = newH2Pool(node, n.options)
		}
	}
	if s.h2 != nil {
		for place, up := range s.upstreams {
			up.h2 = s.h2.host(up.address)
			s.upstreams[place] = up
		}
	}
	if c, ok := h.(*components.Component); ok {
		c.Watch(n.tell)
	}
	s.ctx, s.cancel = context.WithCancel(n.ctx)
	return s, nil
}

// sharesPool tells whether a node may use the connections of what it was.
func sharesPool(n, was *topologies.Node) bool {
	return n.Connections == was.Connections && reflect.DeepEqual(n.Upstream, was.Upstream) &&
		reflect.DeepEqual(n.Idle, was.Idle) && reflect.DeepEqual(n.Answers, was.Answers)
}

func (s *setup) upstream(place topologies.Place) (upstream, error) {
	up, ok := s.upstreams[place]
	if !ok {
		return upstream{}, fmt.Errorf("%s is no upstream of %s", place, s.of.place)
	}
	return up, nil
}

// start begins the work on the setup's own account.
func (s *setup) start() {
	starter, ok := s.handler.(components.Starter)
	if !ok {
		return
	}
	s.starting.Do(func() {
		s.background(s.ctx, func(x components.Exchange) components.Steps { return &beginning{starter, x, false} })
	})
}

// background plays work that ends with a life, if the node has not ended.
func (s *setup) background(life context.Context, open func(components.Exchange) components.Steps) {
	if !s.enter() {
		return
	}
	go func() {
		defer s.work.Done()
		x := &exchange{node: s.of, by: s, life: life, gone: life.Done()}
		defer x.release()
		components.Play(x, open(x))
	}()
}

// enter counts one more piece of work, which another asks for.
func (s *setup) enter() bool {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	if s.of.closed {
		return false
	}
	s.work.Add(1)
	return true
}

func (s *setup) use() measure.NodeUse {
	if counter, ok := s.handler.(interface{ Use() measure.NodeUse }); ok {
		return counter.Use()
	}
	return measure.NodeUse{}
}

// retire ends a setup that another has followed, once all that has begun under
// it is over. The node's lock is held.
func (s *setup) retire() {
	s.cancel()
	s.of.work.Go(func() {
		s.work.Wait()
		s.leave()
	})
}

// leave takes a setup out of its node, and closes what no other has in common
// with it.
func (s *setup) leave() {
	n := s.of
	n.mu.Lock()
	n.past = sum(n.past, s.use())
	n.setups = slices.DeleteFunc(n.setups, func(one *setup) bool { return one == s })
	for _, other := range n.setups {
		if other.pool == s.pool {
			s.pool, s.h2 = nil, nil
		}
		if other.tracing == s.tracing {
			s.tracing = nil
		}
	}
	n.mu.Unlock()
	if err := s.close(); err != nil {
		n.log.Printf("end what %s was set to before: %v", n.place, err)
	}
}

// close ends what a setup holds on to.
func (s *setup) close() error {
	s.cancel()
	if s.pool != nil {
		s.pool.Close()
	}
	if s.h2 != nil {
		s.h2.Close()
	}
	s.tracing.close()
	return s.shared.Close()
}
