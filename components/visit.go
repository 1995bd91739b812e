package components

import (
	"sync"
	"time"

	"trafficlab/components/policy"
)

// visit is one exchange on its way through a node, and what is to be counted
// of it.
type visit struct {
	at    *Component
	x     Exchange
	req   Request
	check bool // a health check

	// Found out on the way by a proxy.
	route    *route
	consumer string
	asks     [2]policy.Ask // room for what limits are asked
	ask      cacheAsk
	word     word          // of the cache
	waits    *fetch        // another's, to wait for
	leads    *fetch        // its own, that others may wait for
	renews   *fetch        // to be begun beside it
	class    int           // at the gate
	entry    policy.Entry  // likewise
	key      uint64        // of affinity
	deadline time.Duration // of all attempts
	hop      Hop           // as it goes out next
	attempt  attempt       // the one that counts
	rival    attempt       // the hedge beside it
	begun    int           // attempts
	avoid    []int         // where they went
	tried    [4]int        // room for avoid
	events   [3]Event      // what is waited for: here, a list costs no allocation

	// At a backend.
	stage stage
	turn  Signal // its place in the line (or at a gate's); of shared work, that there is news
	ended bool   // of shared work

	// Of the answer.
	reason policy.Reason
	status int
	bytes  int64
}

var visits = sync.Pool{New: func() any { return new(visit) }}

func (v *visit) open(at *Component, x Exchange, req Request) {
	v.at, v.x, v.req, v.reason = at, x, req, policy.Canceled
	v.check = req.Method == "GET" && req.Path == CheckPath
}

// close makes the visit fit for another.
func (v *visit) close() {
	*v = visit{}
	visits.Put(v)
}

// reply answers with a body of our own.
func (v *visit) reply(r Response) {
	if !v.gone() {
		v.answered(r, ReasonOf(r.Status, r.Header))
	}
	v.x.Reply(r)
}

// forward hands on an upstream's body.
func (v *visit) forward(c Call, head Response, limit int64, keep func(Body)) {
	reason := v.x.Forward(c, head, limit, keep)
	if reason == policy.OK {
		reason = ReasonOf(head.Status, head.Header)
	}
	v.answered(head, reason)
}

func (v *visit) answered(r Response, reason policy.Reason) {
	v.status, v.reason = r.Status, reason
	v.bytes = max(r.Body.Size, int64(len(r.Body.Bytes)))
}

// gone tells whether the caller went away.
func (v *visit) gone() bool { return v.x.Canceled().Fired() }
