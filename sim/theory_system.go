package sim

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"trafficlab/components"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// system is what formulas are about: backends that are all alike, one of which
// serves each request.
type system struct {
	node     *topologies.Node // of the backends
	backends int
	room     int              // before each
	balancer *topologies.Node // nil: clients ask the backend themselves
	patience time.Duration    // of clients, and of the balancer
}

// proxied tells whether a balancer stands before the backends.
func (s *system) proxied() bool { return s.balancer != nil }

// systemOf is what a variant comes to, if it is so simple.
func systemOf(v *scenarios.Variant) (s system, ok bool) {
	if v.Topology == nil {
		return s, false
	}
	entry := v.Topology.Node(v.Topology.Entry)
	s = system{node: entry, backends: entry.Replicas, room: entry.Queue, patience: v.Timeout}
	if entry.Kind.Proxies() {
		if len(entry.To) != 1 || entry.Replicas != 1 || !balances(entry) {
			return s, false
		}
		s.before(entry, v.Topology.Node(entry.To[0]))
	} else if s.backends > 1 {
		return s, false
	}
	return s, len(v.Faults) == 0 && works(s.node) && s.room >= 0 && !answeredOtherwise(v.Load)
}

// before puts a balancer before the backends. More requests at one than it has
// connections wait in the balancer.
func (s *system) before(balancer, node *topologies.Node) {
	s.balancer, s.node, s.backends, s.room = balancer, node, node.Replicas, node.Queue
	if balancer.Connections > 0 {
		s.room = min(s.room, balancer.Connections-node.Workers)
	}
	for _, bound := range []time.Duration{balancer.Timeout.Response, balancer.Timeout.Total} {
		if bound > 0 {
			s.patience = min(s.patience, bound)
		}
	}
}

// balances tells whether a proxy does nothing that formulas know nothing of.
// What is not named here is taken to matter.
func balances(n *topologies.Node) bool {
	return !n.Timeout.Propagate && reflect.DeepEqual(*n, topologies.Node{
		Name: n.Name, Kind: n.Kind, Replicas: n.Replicas, Numbered: n.Numbered, To: n.To, TLS: n.TLS, Pick: n.Pick,
		Health: n.Health, Retry: n.Retry, Timeout: n.Timeout, Connections: n.Connections, Trust: n.Trust,
		Forwarded: n.Forwarded, Via: n.Via, Problems: n.Problems,
	})
}

// works tells the same of a backend: it serves requests in turn, and all well.
func works(n *topologies.Node) bool {
	inTurn := n.Order.Name == "" || n.Order.Name == "fifo"
	heavy := n.ServiceTime.Law == "pareto" // a mean that no run is long enough for
	return inTurn && !heavy && reflect.DeepEqual(*n, topologies.Node{
		Name: n.Name, Kind: topologies.Backend, Replicas: n.Replicas, Numbered: n.Numbered,
		Workers: n.Workers, Queue: n.Queue, Order: n.Order, Sharing: n.Sharing, ServiceTime: n.ServiceTime,
		Response: n.Response, CacheControl: n.CacheControl, CacheTag: n.CacheTag, Content: n.Content,
	})
}

// answeredOtherwise tells whether some requests never get to a worker, or have
// to be paid for by habits of their clients.
func answeredOtherwise(l scenarios.Load) bool {
	for _, s := range l.Streams {
		for _, a := range s.Mix {
			hops := func(f scenarios.HeaderField) bool { return strings.EqualFold(f.Name, "Max-Forwards") }
			if a.Habits != nil || a.Path.Before == components.CheckPath || slices.ContainsFunc(a.Header, hops) {
				return true
			}
		}
	}
	return false
}
