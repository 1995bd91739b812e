package live

import (
	"slices"
	"strings"
	"sync"
	"time"

	"trafficlab/components"
	"trafficlab/live/http1"
	"trafficlab/topologies"
)

// unwatched is how long a request may take before its client is watched. In a
// bubble, where instants are exact, it is from the beginning.
const unwatched = 10 * time.Millisecond

func newServer(n *Node, o Options) *http1.Server {
	c := n.node.MayCall()
	s := &http1.Server{
		Handler:     n,
		Limits:      limitsOf(c.Heads),
		HeadTimeout: c.HeadWithin,
		IdleTimeout: c.Idle,
		Pace:        paceOf(c.Send),
		Taking:      paceOf(c.Take),
		Requests:    c.Requests,
		Watch:       unwatched,
		Log:         o.Log,
		Refused:     n.refuse,
		Unheard:     n.unheard,
		Word: func(e *http1.Error) (components.Header, []byte) {
			r := n.refusal(e)
			return r.Header, r.Body.Bytes
		},
	}
	if _, exact := o.Clock.(Standard); exact {
		s.Watch = 0
	}
	return s
}

func limitsOf(h topologies.Heads) http1.Limits {
	return http1.Limits{Line: h.Line, Head: h.Head, Fields: h.Fields}
}

func paceOf(p topologies.Pace) http1.Pace {
	return http1.Pace{Idle: p.Pause, Rate: p.Rate, Grace: p.Grace}
}

func crowdOf(c *topologies.Callers) *http1.Crowd {
	return &http1.Crowd{Most: c.Connections, Each: c.PerAddress, Waits: c.Wait}
}

// exchanges are some that are over, and that nobody refers to.
var exchanges = sync.Pool{New: func() any { return new(exchange) }}

// recycle makes room for another exchange where nobody else has heard of this
// one: it went to no upstream, and is in no trace.
func (x *exchange) recycle() {
	if len(x.calls) == 0 && x.trace == nil {
		exchanges.Put(x)
	}
}

// exchange is a request that is to be answered.
func (s *setup) exchange(a caller, in incoming, q *http1.Request) *exchange {
	x := exchanges.Get().(*exchange)
	*x = exchange{
		node: s.of, by: s, req: s.of.received(a, q), gone: a.Gone(), out: a, in: in, method: q.Method,
		asked: q.Asked && q.Query == "", expects: q.Continue, trailers: q.Trailers,
	}
	if q.Length != 0 {
		x.body = newRequestBody(in, q.Length)
	}
	if q.Length < 0 {
		x.trailer = q.Header.Values("Trailer")
	}
	if q.Upgrade != "" && q.Method == "GET" && slices.Contains(s.node.MayTunnel().Of, strings.ToLower(q.Upgrade)) {
		x.upgrade = q.Upgrade
	}
	return x
}
