package live

import (
	"net"
	"sync"
	"time"

	"trafficlab/bench/measure"
	"trafficlab/components"
	"trafficlab/live/http1"
)

// refusals counts, by reason, what a node refused before its component heard
// of it, and whom it cut off. It is safe for concurrent use.
type refusals struct {
	mu       sync.Mutex
	by       map[string]int64
	unheard  map[string]int64 // requests, by what befell them
	requests int64            // unheard
}

func (r *refusals) count(reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.by == nil {
		r.by = map[string]int64{}
	}
	r.by[reason]++
}

// turn counts a request that no component will hear of.
func (r *refusals) turn(befell string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.unheard == nil {
		r.unheard = map[string]int64{}
	}
	r.unheard[befell]++
	r.requests++
}

// into adds what was counted to what the component has.
func (r *refusals) into(u measure.NodeUse) measure.NodeUse {
	r.mu.Lock()
	defer r.mu.Unlock()
	return u.Plus(measure.NodeUse{Requests: r.requests, Reasons: r.unheard, Refused: r.by})
}

// refuse counts what was refused, or cut off.
func (n *Node) refuse(why *http1.Error) { n.refused.count(why.Reason) }

// unheard notes a request that was refused before there was an exchange.
func (n *Node) unheard(from net.Addr, why *http1.Error, took time.Duration) {
	s, r := n.present(), n.refusal(why)
	reason := components.ReasonOf(r.Status, r.Header).String()
	n.refused.turn(reason)
	x := &exchange{node: n, by: s, status: why.Status, sent: int64(len(r.Body.Bytes)), refused: why.Reason, told: told{reason: reason}}
	s.access.write(x, &components.Request{Peer: peer(from)}, n.now()-took)
}

// deny refuses a request before there is an exchange.
func (n *Node) deny(a caller, why *http1.Error) {
	n.refuse(why)
	n.unheard(a.Peer(), why, 0)
	said := n.refusal(why)
	a.Begin(said.Status, said.Header, int64(len(said.Body.Bytes)))
	a.Write(said.Body.Bytes) // who does not get it has gone away
	a.End(nil)
}

// turnAway answers a request that no component is to hear of.
func (x *exchange) turnAway(why *http1.Error) {
	said := x.node.refusal(why)
	x.told.reason = components.ReasonOf(said.Status, said.Header).String()
	x.node.refused.turn(x.told.reason)
	x.cutOff(why)
	x.Reply(said)
}

// refusal is the answer to what was refused.
func (n *Node) refusal(why *http1.Error) components.Response {
	return components.Refusal(why.Status, why.Reason, n.present().node.Problems)
}

// present is the setup for what comes.
func (n *Node) present() *setup {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.setup()
}
