package live

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"trafficlab/components"
	"trafficlab/components/policy"
	"trafficlab/live/http1"
	"trafficlab/topologies"
)

// call is one attempt at an upstream. Over an idle connection it is sent at
// once, and its answer read by whoever waits for it; else it has a goroutine of
// its own.
type call struct {
	latch
	of     *exchange
	over1  http1.Trip  // if over HTTP/1.1, else
	over2  *h2Trip     // if not nil
	body   *bodyReader // nil: none
	prompt bool        // sent, and nobody reads the answer yet

	// Set before the event fires.
	response *http1.Response
	head     components.Head
	reason   policy.Reason

	taken bool // the exchange forwards it, or has let go of it
}

var (
	errGivenUp   = errors.New("given up")
	errNoConnect = errors.New("no connection in time")
)

// start begins an attempt for an exchange.
func (x *exchange) start(h *components.Hop) *call {
	c := &x.first
	if len(x.calls) > 0 {
		c = new(call)
	}
	c.of = x
	if err := c.pack(x, h); err != nil {
		c.reason = policy.Reset
		c.Fire()
		return c
	}
	if c.over2 == nil && c.body == nil && c.over1.Prompt() {
		c.prompt = true
		return c
	}
	connect := h.Connect
	c.beside(func() { c.run(connect) })
	return c
}

// pack makes the request of a hop ready to be sent.
func (c *call) pack(x *exchange, h *components.Hop) error {
	up, err := x.by.upstream(h.To)
	if err != nil {
		return err
	}
	q := &h.Request
	c.over1.Pool, c.over1.To = x.by.pool, up.address
	c.over1.Ask = http1.Ask{
		Method: q.Method, Target: up.target(q.Path, q.Query, x.asked), Host: q.Host,
		Header: q.Header,
	}
	if !up.foreign {
		c.over1.Ask.More = components.Header{{Name: RequestHeader, Value: FormatRequest(q.Number, q.Attempt)}}
	}
	if x.out != nil {
		c.over1.Interim = x.interim
		c.over1.Ask.Upgrade, c.over1.Ask.Trailers = x.upgrade, x.trailers
		if h.Body && x.body != nil {
			c.body = x.body.reader(h.MostBody, x.node)
			c.over1.Body, c.over1.Ask.Length = c.body, x.body.size
			c.over1.Ask.Trailer = x.trailer
			c.over1.Ask.Expect = x.expects && x.body.unread()
		}
	}
	if up.h2 != nil && x.upgrade == "" { // tunnels are of HTTP/1.1
		c.over2 = &h2Trip{host: up.h2, ask: &c.over1.Ask, body: c.over1.Body, interim: c.over1.Interim}
	}
	return nil
}

// trip is the request on its way.
func (c *call) trip() trip {
	if c.over2 != nil {
		return c.over2
	}
	return &c.over1
}

// arrival is the body of the answer that has come.
func (c *call) arrival() arrival {
	if c.over2 != nil {
		return c.over2.stream
	}
	return c.over1.Conn()
}

// beside works in a goroutine of the call's own, until the event.
func (c *call) beside(work func()) {
	c.prompt = false
	c.of.by.work.Add(1)
	go func() {
		defer c.of.by.work.Done()
		defer c.Fire()
		work()
	}()
}

func (c *call) run(connect time.Duration) {
	if connect > 0 {
		patience := time.AfterFunc(connect, func() {
			if trip := c.trip(); !trip.Got() {
				trip.Cancel(errNoConnect)
			}
		})
		defer patience.Stop()
	}
	c.take(c.trip().Run())
}

// listen reads the answer of a prompt call, and asks anew where that must be.
func (c *call) listen() {
	a, err := c.over1.Hear()
	if err != nil && c.over1.Again(err) {
		a, err = c.over1.Rerun()
	}
	c.take(a, err)
}

// take notes what the call came to.
func (c *call) take(a *http1.Response, err error) {
	if err != nil {
		c.reason = c.reasonOf(err)
		c.blame(err)
		c.trip().Cancel(errGivenUp) // its connection, if it has one, is of no use
		return
	}
	c.response = a
	c.head = components.Head{Status: a.Status, Header: a.Header, Size: a.Length}
}

// blame counts what the upstream did wrong, a body too long, or a connection
// that could not be made for want of a descriptor.
func (c *call) blame(err error) {
	var wrong *http1.Error
	switch {
	case c.body != nil && c.body.over.Load():
		c.of.node.refuse(http1.BodyTooLong)
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		c.of.node.refuse(http1.OutOfFiles)
	case c.trip().Cause() != nil:
	case errors.As(err, &wrong) && c.of.in != nil && c.of.in.Refused() == wrong: // the caller's, who has been counted
	case errors.As(err, &wrong):
		c.of.node.refused.count("answer: " + wrong.Reason)
	case c.over2 != nil && isMalformed(err):
		c.of.node.refused.count("answer: protocol error")
	case c.over2 == nil && c.over1.Conn() != nil && c.over1.Conn().Slow():
		c.of.node.refused.count("request taken too slowly")
	}
}

// reasonOf says why there is no answer. A call whose head had left was begun,
// even if the last thing that happened to it was a refusal: the request of a
// broken connection is tried once more.
func (c *call) reasonOf(err error) policy.Reason {
	var op *net.OpError
	dial := errors.As(err, &op) && op.Op == "dial"
	switch cause := c.trip().Cause(); {
	case cause == errNoConnect:
		return policy.Timeout
	case cause != nil:
		return policy.Canceled
	case c.body != nil && (c.body.over.Load() || c.body.body.from.Refused() != nil):
		return policy.Denied
	case isClosed(c.of.gone), c.letDown(): // amid its body, perhaps
		return policy.Canceled
	case c.trip().Begun():
		return policy.Reset
	case dial && op.Timeout():
		return policy.Timeout
	case dial, errors.Is(err, syscall.ECONNREFUSED), errors.As(err, new(*tls.CertificateVerificationError)): // nothing was sent
		return policy.Refused
	}
	return policy.Reset
}

// letDown tells whether the caller has not sent the body as it should have.
func (c *call) letDown() bool {
	return c.body != nil && (c.body.over.Load() || c.body.body.broke.Load())
}

// Owed implements components.Debtor.
func (c *call) Owed() (since time.Duration, ok bool) {
	if c.body == nil {
		return 0, true
	}
	at := c.body.since.Load()
	return time.Duration(at), at != awaited
}

// Head is the answer's head, or why there is none.
func (c *call) Head() (components.Head, policy.Reason) { return c.head, c.reason }

// Cancel gives the attempt up; its connection is closed.
func (c *call) Cancel() { c.trip().Cancel(errGivenUp) }

// hear reads the answer of a prompt call on the goroutine that waits for it,
// until the given instant of the clock. What it comes to is for the events to
// tell.
func (x *exchange) hear(c *call, until time.Time) {
	conn := c.over1.Conn()
	if !until.IsZero() {
		conn.SetReadDeadline(until)
	}
	if !x.out.Guard(conn) {
		return
	}
	a, err := c.over1.Hear()
	x.out.Unguard()
	switch {
	case isClosed(x.gone):
		c.Cancel()
		return
	case !until.IsZero() && errors.Is(err, os.ErrDeadlineExceeded):
		conn.SetReadDeadline(time.Time{})
		return
	case err != nil && c.over1.Again(err):
		c.beside(func() { c.take(c.over1.Rerun()) })
		return
	case err == nil && !until.IsZero():
		conn.SetReadDeadline(time.Time{})
	}
	c.take(a, err)
	c.prompt = false
	c.Fire()
}

// upstream is where a place listens.
type upstream struct {
	address http1.Address
	h2      *h2Host // nil: HTTP/1.1 is spoken there
	foreign bool    // external: what nodes tell each other is not for it
	base    string  // path of an external upstream, put before the request's
}

// target names a path and a query as they were sent. asked tells that there was
// a question mark, even if nothing stood behind it.
func (u upstream) target(path, query string, asked bool) string {
	if u.base != "" && path != "*" {
		path = u.base + path
	}
	if query != "" || asked {
		return path + "?" + query
	}
	return path
}

// idleFor is sooner than servers close a connection.
const idleFor = 60 * time.Second

// newPool is a node's pool of upstream connections.
func newPool(n *topologies.Node, o Options) *http1.Pool {
	idle := topologies.Idle{Most: n.Connections, For: idleFor}
	if n.Idle != nil {
		idle = *n.Idle
	} else if idle.Most == 0 {
		idle.Most = 64
	}
	a := n.MayAnswer()
	limits := limitsOf(a.Heads)
	limits.Body = a.Body
	return &http1.Pool{
		Dial: o.Dial,
		DialTLS: func(ctx context.Context, network, address string) (net.Conn, error) {
			return dialTLS(ctx, o, network, address)
		},
		Limits:      limits,
		Pace:        paceOf(a.Send),
		Taking:      paceOf(a.Take),
		Most:        n.Connections,
		Idle:        idle.Most,
		IdleTimeout: idle.For,
	}
}

func dialTLS(ctx context.Context, o Options, network, address string) (net.Conn, error) {
	raw, err := o.Dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return secured(ctx, raw, o.upstreamTLS(address))
}

func secured(ctx context.Context, raw net.Conn, config *tls.Config) (*tls.Conn, error) {
	secure := tls.Client(http1.Direct(raw), config)
	if err := secure.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, err
	}
	return secure, nil
}

var errNoH2 = errors.New("the upstream does not speak HTTP/2")

// dialH2 dials an upstream that speaks HTTP/2: agreed on by ALPN, or without TLS
// known before (RFC 9113 sections 3.2 and 3.3).
func dialH2(ctx context.Context, o Options, to http1.Address) (net.Conn, error) {
	raw, err := o.Dial(ctx, "tcp", to.Host)
	if err != nil || !to.TLS {
		return raw, err
	}
	config := o.upstreamTLS(to.Host).Clone()
	config.NextProtos = []string{h2Protocol}
	secure, err := secured(ctx, raw, config)
	if err == nil && secure.ConnectionState().NegotiatedProtocol != h2Protocol {
		secure.Close()
		err = errNoH2
	}
	return secure, err
}

// h2Protocol is the name of HTTP/2 in ALPN.
const h2Protocol = "h2"

// upstreamTLS is as given, or for upstreams that are not ours as the system's
// own authorities have it.
func (o Options) upstreamTLS(address string) *tls.Config {
	if o.UpstreamTLS != nil {
		if config := o.UpstreamTLS(address); config != nil {
			return config
		}
	}
	host, _, _ := net.SplitHostPort(address) // an upstream's address has a port
	return &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
}

// drain reads what is left of a small answer, so that its connection can be
// used again; a longer one costs less to break off.
func (c *call) drain() {
	const small = 64 << 10
	if c.over2 != nil {
		c.over2.stream.Release() // no connection is lost by it
		return
	}
	conn := c.over1.Conn()
	if size := c.response.Length; size < 0 || size > small || c.response.Status == 101 {
		conn.Close()
		return
	}
	patience := time.AfterFunc(time.Second, c.Cancel)
	defer patience.Stop()
	io.Copy(io.Discard, conn) // how it ends does not matter to anybody
	conn.Release()
}
