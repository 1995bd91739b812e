package sim

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/components"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

const ms = time.Millisecond

// talk is an exchange whose handler waits in the middle of its code, on a
// coroutine of its own.
type talk struct {
	components.Exchange
	next  func() (components.Pause, bool)
	yield func(components.Pause) bool
	woken int
}

// talking plays a handler that waits.
func talking(x components.Exchange, handle func(*talk)) *talk {
	t := &talk{Exchange: x}
	t.next, _ = iter.Pull(func(yield func(components.Pause) bool) {
		t.yield = yield
		handle(t)
	})
	return t
}

// Step implements components.Steps.
func (t *talk) Step(woken int) (components.Pause, bool) {
	t.woken = woken
	p, more := t.next()
	return p, !more
}

func (t *talk) Wait(until time.Duration, on ...components.Event) int {
	t.yield(components.Pause{Until: until, On: on})
	return t.woken
}

// beside is Background for a handler that waits.
func (t *talk) beside(handle func(*talk)) {
	t.Background(func(x components.Exchange) components.Steps { return talking(x, handle) })
}

// script is a component written for a test.
type script struct {
	handle func(x *talk, r components.Request)
	begin  func(x *talk)
	served int64
}

func (s *script) Open(x components.Exchange, r *components.Request, _ components.Steps) components.Steps {
	s.served++
	return talking(x, func(x *talk) { s.handle(x, *r) })
}

func (s *script) Begin(x components.Exchange) {
	if s.begin != nil {
		(&talk{Exchange: x}).beside(s.begin)
	}
}

func (s *script) Use() measure.NodeUse { return measure.NodeUse{Requests: s.served} }

// answering serves each request in a constant time.
func answering(d time.Duration) *script {
	return &script{handle: func(x *talk, _ components.Request) {
		x.Wait(x.Now()+d, x.Canceled())
		x.Reply(components.Response{Status: 200, Body: components.Body{Size: 10}})
	}}
}

var words = map[policy.Reason]string{
	policy.Refused: "connection_refused", policy.Reset: "connection_terminated", policy.Timeout: "connection_timeout",
}

// passing forwards to a place, and says why if it cannot.
func passing(to topologies.Place, hop components.Hop) *script {
	return &script{handle: func(x *talk, r components.Request) {
		hop := hop
		hop.To, hop.Request = to, r
		c := x.Start(&hop)
		if x.Wait(components.Forever, c, x.Canceled()) == 1 {
			return
		}
		head, why := c.Head()
		if why != policy.OK {
			x.Reply(components.Response{Status: 502, Header: components.Header{{Name: "Proxy-Status", Value: "test; error=" + words[why]}}})
			return
		}
		x.Forward(c, head.Response(), 0, nil)
	}}
}

// chain is a topology of single nodes, the first of which is the entry.
func chain(names ...string) *topologies.Topology {
	t := &topologies.Topology{Name: "chain", Entry: names[0]}
	for i, name := range names {
		n := &topologies.Node{Name: name, Kind: topologies.Backend, Replicas: 1}
		if i+1 < len(names) {
			n.Kind, n.To = topologies.ReverseProxy, []string{names[i+1]}
		}
		t.Nodes = append(t.Nodes, n)
	}
	return t
}

// steady is a case with a request every gap, for so many of them. The first
// comes within the first gap.
func steady(t *topologies.Topology, gap time.Duration, n int, faults ...scenarios.Fault) *scenarios.Case {
	leg := scenarios.Leg{From: 1 / gap.Seconds(), To: 1 / gap.Seconds(), For: time.Duration(n) * gap}
	stream := scenarios.Stream{Rate: []scenarios.Leg{leg}, Mix: []scenarios.Ask{{Share: 1, Method: "GET", Path: scenarios.Template{Before: "/"}}}}
	return &scenarios.Case{Scenario: "test", Seed: 1, Variant: scenarios.Variant{
		Name: "only", Topology: t, Load: scenarios.Load{Streams: []scenarios.Stream{stream}},
		Faults: faults, Timeout: time.Second,
	}}
}

// simulate plays a case with scripted components.
func simulate(t *testing.T, c *scenarios.Case, costs Costs, make map[topologies.Place]func() *script) *measure.Run {
	t.Helper()
	r, err := run(context.Background(), c, costs, func(p topologies.Place) component { return make[p]() })
	require.NoError(t, err)
	return r
}

// scripts makes the same component at every start.
func scripts(m map[topologies.Place]*script) map[topologies.Place]func() *script {
	of := map[topologies.Place]func() *script{}
	for p, s := range m {
		of[p] = func() *script { s.served = 0; return s }
	}
	return of
}

func reasons(r *measure.Run) []policy.Reason {
	var list []policy.Reason
	for _, s := range r.Samples {
		list = append(list, s.Reason)
	}
	return list
}

func latencies(r *measure.Run) []time.Duration {
	var list []time.Duration
	for _, s := range r.Samples {
		list = append(list, s.Latency)
	}
	return list
}
