package components

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"trafficlab/components/policy"
	"trafficlab/topologies"
)

// ProbePath is where a component says how busy it is, if a proxy's way to pick
// asks for it. The answer comes at once, however long the line for work, and
// has no body.
const ProbePath = "/probez"

// What the answer to a probe says.
const (
	inFlightField = "Load-In-Flight" // requests, queued and running: 3
	latencyField  = "Load-Latency"   // what one more is likely to take: 1500000ns; absent if that is not known
)

// loadHeader says it in header fields, loadOf reads them.
func loadHeader(l policy.Load) Header {
	h := append(make(Header, 0, 2), Field{inFlightField, strconv.Itoa(l.InFlight)})
	if l.Latency > 0 {
		var room [24]byte
		text := append(strconv.AppendInt(room[:0], int64(l.Latency), 10), "ns"...)
		h = append(h, Field{latencyField, string(text)})
	}
	return h
}

func loadOf(h Header) (l policy.Load, ok bool) {
	inFlight, err := strconv.Atoi(h.Get(inFlightField))
	if err != nil || inFlight < 0 {
		return policy.Load{}, false
	}
	latency, _ := strconv.ParseInt(strings.TrimSuffix(h.Get(latencyField), "ns"), 10, 64)
	return policy.Load{InFlight: inFlight, Latency: time.Duration(max(latency, 0))}, true
}

// gauge is a component's account of how busy it is.
type gauge struct {
	mu   sync.Mutex
	load *policy.LoadGauge
}

// newGauge is nil for a node that nobody probes.
func newGauge(t *topologies.Topology, node *topologies.Node) *gauge {
	probes := func(n *topologies.Node) bool {
		return policy.Pickers[n.Pick.Name].Probes && slices.Contains(n.Upstreams(), node.Name)
	}
	if !slices.ContainsFunc(t.Nodes, probes) {
		return nil
	}
	return &gauge{load: policy.NewLoadGauge()}
}

// begin takes a visit in.
func (g *gauge) begin(v *visit) {
	g.mu.Lock()
	defer g.mu.Unlock()
	v.tag = int32(g.load.Begin())
}

// end takes note of a visit's end. What was turned away or has failed tells
// nothing of how long work takes; what somebody no longer waited for does.
func (g *gauge) end(v *visit) {
	now, latency := v.x.Now(), time.Duration(0)
	switch v.reason {
	case policy.OK, policy.Canceled, policy.Timeout:
		latency = now - v.began
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.load.End(now, int(v.tag), latency)
}

// answer is what a probe is told.
func (g *gauge) answer(now time.Duration) Response {
	g.mu.Lock()
	defer g.mu.Unlock()
	return Response{Status: 200, Header: loadHeader(g.load.Load(now))}
}
