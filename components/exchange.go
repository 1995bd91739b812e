// Package components holds what stands in the request path: the handlers of
// the reverse proxy, CDN, gateway, load balancer and backend, written once and
// run in two worlds.
//
// A handler is plain Go against the Exchange interface. It never touches a
// socket, a clock or a global source of randomness, and it never waits: it goes
// on until it would have to, and says for what. Package live plays its steps
// over real HTTP, a goroutine an exchange; package sim over a virtual clock,
// without a stack for each that waits. What a handler decides it asks of
// package policy, under a lock that it never holds from one step to the next.
//
// The life of an exchange:
//
//	request ─► Open ─► Step ─► Start ─┐
//	            ┌──────────── Pause ◄─┘
//	            └────► Step ─► Forward   an upstream's answer, handed on
//	                       └─► Reply     an answer of our own
package components

import (
	"math"
	"net/netip"
	"time"

	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// Forever is an instant that never comes.
const Forever = time.Duration(math.MaxInt64)

// Handler is what a component does with a request. In the live world it is
// called from many goroutines at once.
type Handler interface {
	// Open begins an exchange, which its steps then play. They end it by
	// Forward or Reply, exactly once, unless the caller went away. The request
	// is the host's, who leaves it as it is until the last step is over. So
	// are the steps then: to spare storage, it may pass some that are over,
	// of this or another component, as used; or nil.
	Open(x Exchange, req *Request, used Steps) Steps
}

// Starter is a handler that also works on its own account: health checks. The
// host calls Begin once, when the node starts, on an exchange that has no
// caller; it ends (Canceled fires) with the node.
type Starter interface {
	Begin(x Exchange)
}

// Request is the head of a request, the same in both worlds. Its body stays
// with the host; Size tells about it.
type Request struct {
	Number  uint64 // of the arrival within the run; work is drawn from it
	Attempt uint64 // 0 for a first attempt all the way down, else a mix of the tries and of who made them
	Method  string
	Path    string // as sent, without the query
	Size    int64  // length of the body in bytes; 0 for none, -1 if not known
	TLS     bool   // came over TLS

	// Lasting says that the host never writes to headers that it hands over,
	// neither this one nor those of answers, and hands the same ones over
	// again: what is made of them is worth remembering.
	Lasting bool

	Host   string
	Query  string // as sent, without the question mark
	Header Header
	Peer   netip.Addr // who holds the other end of the connection

	// Identity is whom a client's certificate names that was verified: its
	// first URI, else its first DNS name, else its common name. Empty for none.
	Identity string
}

// Response is an answer: its head, and for one made by a handler its body.
type Response struct {
	Status int
	Header Header
	Body   Body
	// Encode names a content coding ("gzip", "br", "zstd") to apply to the body on its
	// way out, or is empty. The host then drops Content-Length; setting
	// Content-Encoding is the handler's part.
	Encode string

	// Ill is what a fault of the place makes of the body on its way out; nil:
	// nothing. It is for hosts to play, but for corruption, which Body has
	// suffered already.
	Ill *scenarios.Answer

	ours bool // a refusal in our own words
}

// Head is an upstream's answer without its body.
type Head struct {
	Status int
	Header Header
	Size   int64 // of the body, if that is known by then
}

// Response is the answer under that head.
func (h Head) Response() Response {
	return Response{Status: h.Status, Header: h.Header, Body: Body{Size: h.Size}}
}

// Body is the body of a message. With Bytes nil and Size above 0 it stands for
// Filler(Size): the live world makes the bytes, the simulator only counts.
// Size -1 means that the length is not known before the end.
type Body struct {
	Size  int64
	Bytes []byte
	Echo  bool // the bytes are those of the request's own
}

// Hop is one attempt at an upstream.
type Hop struct {
	To      topologies.Place
	Way     *Way    // room for the host to note how it gets there; nil: none
	Request Request // the head as edited for this hop
	Body    bool    // send the body that came with the exchange's request

	// MostBody bounds a body whose length is not known before: a longer one
	// breaks the attempt off, which is policy.Denied. 0 is no bound.
	MostBody int64

	// Connect bounds the wait for a connection (pool and dial together);
	// 0 is no bound. Running out of it is policy.Timeout.
	Connect time.Duration
}

// Way is what a host has noted of how to get to a place, for the next hop there.
type Way struct{ Known any }

// Exchange is one request passing through one node, from the handler's side.
// It belongs to whoever plays the steps; only Signals may be shared between
// exchanges.
//
// When the last step is over, the host cancels and closes every call that was
// not forwarded.
type Exchange interface {
	// Now is the time since the run began.
	Now() time.Duration

	// Date is the calendar's time, which headers and tokens speak of. What
	// decides by it in the simulator decides alike in every run.
	Date() time.Time

	// Hop is room for a hop, to be written as a whole and given to Start at
	// once: the host's own, so that hops need none of their own.
	Hop() *Hop

	// Start begins an attempt and does not wait for it. The hop's header may be
	// shared with other attempts: nobody edits it in place. The hop itself is
	// the caller's again.
	Start(h *Hop) Call

	// Canceled fires when the caller goes away (or the node ends, for work
	// in the background).
	Canceled() Event

	// Forward hands on the body of a call's answer under the given head, and
	// returns when the last byte has passed or can no longer. What it
	// returns is OK, Reset (the upstream broke off) or Canceled (the caller
	// went away). If keep is not nil, it is called before Forward returns
	// with the whole body as it came from upstream, provided that the body
	// ended well and was not longer than limit.
	Forward(c Call, head Response, limit int64, keep func(Body)) policy.Reason

	// Reply answers with a body of the handler's own. What of it belongs
	// with a HEAD or a 304 is the host's to know.
	Reply(r Response)

	// NewSignal makes an event that handlers fire themselves.
	NewSignal() Signal

	// Recycle takes back a signal, which may have fired, that nobody refers to
	// any more.
	Recycle(s Signal)

	// Background opens an exchange that has no caller and ends with the node,
	// and plays its steps beside this one.
	Background(open func(Exchange) Steps)
}

// Event is something to wait for. Once fired it stays so.
type Event interface {
	Fired() bool
}

// Signal is an event that any exchange of the same node may fire.
type Signal interface {
	Event
	Fire() // at most the first call counts
}

// Call is an attempt under way. As an event it fires when the answer's head
// has come or the attempt has failed.
type Call interface {
	Event

	// Head is the answer's head once fired, with policy.OK, or the reason
	// why there is none: Refused, Reset, Timeout (of the connection), Denied
	// (the body is too long) or Canceled (by us). A status of 500 is still an answer here.
	Head() (Head, policy.Reason)

	// Cancel gives the attempt up.
	Cancel()
}

// Debtor is a Call whose host knows how the body of the request fares.
type Debtor interface {
	// Owed tells since when the upstream alone has been waited for: since it
	// has had all of the body, or a piece that it is slow to take. It is not ok
	// while the next piece is the caller's to send.
	Owed() (since time.Duration, ok bool)
}
