package live

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"trafficlab/components"
	"trafficlab/topologies"
)

// Reload sets the node as t says, for what comes from now on; what is under way
// ends as it began. What is set as before is kept, as components.Site.Renew
// has it, and so are connections, idle ones too, and all that was counted. With
// try it only looks whether that can be done. If it cannot, nothing changes.
func (n *Node) Reload(t *topologies.Topology, try bool) error {
	n.reloading.Lock()
	defer n.reloading.Unlock()
	err := n.reload(t, try)
	switch {
	case try:
	case err != nil:
		n.reloads.WithLabelValues("refused").Inc()
	default:
		n.reloads.WithLabelValues("done").Inc()
		n.log.Printf("set anew by %s", t.Name)
	}
	if err != nil {
		return fmt.Errorf("set %s anew: %w", n.place, err)
	}
	return nil
}

func (n *Node) reload(t *topologies.Topology, try bool) error {
	t, err := asStored(t)
	if err != nil {
		return err
	}
	if err := n.canBe(t.Node(n.place.Node())); err != nil {
		return err
	}
	n.mu.Lock()
	before := n.setup()
	n.mu.Unlock()
	s, err := n.compose(t, before)
	if err != nil {
		return err
	}
	if err := n.options.visitor.take(s.node.Upstream, try); err != nil || try {
		return errors.Join(err, s.drop(before))
	}
	if !n.follow(before, s) {
		return errors.Join(errEnds, s.drop(before))
	}
	return nil
}

var errEnds = errors.New("it is about to end")

// follow lets a setup take the place of another, unless the node is closed.
func (n *Node) follow(before, s *setup) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return false
	}
	if c, ok := s.handler.(*components.Component); ok {
		c.TakeOver(n.now(), before.handler.(*components.Component))
	}
	n.setups = append(n.setups, s)
	before.retire()
	if n.told {
		n.work.Go(s.start)
	}
	return true
}

// drop ends a setup that was only tried.
func (s *setup) drop(before *setup) error {
	if s.pool == before.pool {
		s.pool, s.h2 = nil, nil
	}
	if s.tracing == before.tracing {
		s.tracing = nil
	}
	return s.close()
}

// canBe tells what of a node would have to change that cannot while it runs.
func (n *Node) canBe(set *topologies.Node) error {
	was := n.node
	switch {
	case n.of == nil:
		return errors.New("it hosts a handler of its own")
	case set == nil || n.place.Replica() >= set.Replicas || set.Numbered != was.Numbered:
		return errors.New("there is no such place any more")
	case set.Kind != was.Kind:
		return fmt.Errorf("it runs as a %s and cannot become a %s without a new start", was.Kind, set.Kind)
	case !reflect.DeepEqual(withoutHSTS(set.TLS), withoutHSTS(was.TLS)):
		return errors.New("its tls cannot change without a new start, but for hsts (what its files hold is read anew when they change)")
	case set.H2C != nil && !reflect.DeepEqual(set.H2C, was.H2C):
		return errors.New("it cannot be asked over HTTP/2 without TLS before a new start")
	case !reflect.DeepEqual(set.Callers, was.Callers):
		return errors.New("its bounds of callers cannot change without a new start")
	case accessEnding(set) != accessEnding(was), was.AccessLog == "off" && set.AccessLog != "off":
		return errors.New("its access-log cannot take another form without a new start")
	}
	return nil
}

func withoutHSTS(t *topologies.TLS) *topologies.TLS {
	if t == nil {
		return nil
	}
	same := *t
	same.HSTS = ""
	return &same
}

// asStored is a topology as a manifest gives it back, so that what has not
// changed is found equal.
func asStored(t *topologies.Topology) (*topologies.Topology, error) {
	text, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	stored := new(topologies.Topology)
	return stored, json.Unmarshal(text, stored)
}
