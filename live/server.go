package live

import (
	"strings"
	"sync"
	"time"

	"trafficlab/live/http1"
)

// How long a client may take. Who is slower, in either direction, is cut off.
const (
	headTimeout = 10 * time.Second
	idleTimeout = 90 * time.Second // between requests; longer than pools of ours keep a connection
)

// pace is what a client must keep up with while a body is on its way: a body
// dripped by the byte ties up as much as one that flows.
var pace = http1.Pace{Idle: 30 * time.Second, Rate: 512, Grace: 20 * time.Second}

// unwatched is how long a request may take before its client is watched. In a
// bubble, where instants are exact, it is from the beginning.
const unwatched = 10 * time.Millisecond

// tunnels are the protocols that a connection may change to.
const tunnels = "websocket"

func newServer(n *Node, o Options) *http1.Server {
	s := &http1.Server{
		Handler:     n,
		HeadTimeout: headTimeout,
		IdleTimeout: idleTimeout,
		Pace:        pace,
		Watch:       unwatched,
		Log:         o.Log,
		Refused:     func(e *http1.Error) { n.refused.WithLabelValues(e.Reason).Inc() },
	}
	if _, exact := o.Clock.(Standard); exact {
		s.Watch = 0
	}
	return s
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
	if strings.EqualFold(q.Upgrade, tunnels) && q.Method == "GET" {
		x.upgrade = q.Upgrade
	}
	return x
}
