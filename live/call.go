package live

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"trafficlab/components"
	"trafficlab/components/policy"
)

// call is one attempt at an upstream: a round trip in a goroutine of its own.
type call struct {
	latch
	cancel context.CancelCauseFunc
	sent   atomic.Bool // the head of the request has left
	got    atomic.Bool // a connection was there
	body   *bodyReader // nil: none

	// Set before the event fires.
	response *http.Response
	head     components.Response
	reason   policy.Reason

	taken bool // the exchange forwards it, or has let go of it
}

var (
	errGivenUp   = errors.New("given up")
	errNoConnect = errors.New("no connection in time")
)

func (n *Node) start(h components.Hop, body *requestBody) *call {
	ctx, cancel := context.WithCancelCause(context.Background())
	c := &call{latch: latch{done: make(chan struct{})}, cancel: cancel}
	n.work.Add(1)
	go func() {
		defer n.work.Done()
		defer c.Fire()
		c.run(ctx, n, h, body)
	}()
	return c
}

func (c *call) run(ctx context.Context, n *Node, h components.Hop, body *requestBody) {
	if h.Connect > 0 {
		patience := time.AfterFunc(h.Connect, func() {
			if !c.got.Load() {
				c.cancel(errNoConnect)
			}
		})
		defer patience.Stop()
	}
	r, err := c.outgoing(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:      func(httptrace.GotConnInfo) { c.got.Store(true) },
		WroteHeaders: func() { c.sent.Store(true) },
	}), n, h, body)
	if err == nil {
		c.response, err = n.transport.RoundTrip(r)
	}
	if err != nil {
		c.reason = c.reasonOf(ctx, err)
		return
	}
	c.head = components.Response{
		Status: c.response.StatusCode,
		Header: listed(c.response.Header),
		Body:   components.Body{Size: c.response.ContentLength},
	}
}

// reasonOf says why there is no answer. A call whose head had left was begun,
// even if the last thing that happened to it was a refusal: the transport
// tries a broken connection's request once more by itself.
func (c *call) reasonOf(ctx context.Context, err error) policy.Reason {
	var op *net.OpError
	dial := errors.As(err, &op) && op.Op == "dial"
	switch cause := context.Cause(ctx); {
	case cause == errNoConnect:
		return policy.Timeout
	case cause != nil:
		return policy.Canceled
	case c.body != nil && c.body.over.Load():
		return policy.Denied
	case c.sent.Load():
		return policy.Reset
	case dial && op.Timeout():
		return policy.Timeout
	case dial, errors.Is(err, syscall.ECONNREFUSED):
		return policy.Refused
	}
	return policy.Reset
}

// Head is the answer's head, or why there is none.
func (c *call) Head() (components.Response, policy.Reason) { return c.head, c.reason }

// Cancel gives the attempt up; its connection is closed.
func (c *call) Cancel() { c.cancel(errGivenUp) }

// outgoing is the request of a hop as the transport wants it.
func (c *call) outgoing(ctx context.Context, n *Node, h components.Hop, body *requestBody) (*http.Request, error) {
	up, err := n.upstream(h.To)
	if err != nil {
		return nil, err
	}
	q := h.Request
	header := make(http.Header, len(q.Header)+2)
	fill(header, q.Header)
	header[RequestHeader] = []string{FormatRequest(q.Number, q.Attempt)}
	if _, ok := header["User-Agent"]; !ok {
		header["User-Agent"] = nil // else the transport adds its own
	}
	r := &http.Request{
		Method: q.Method, Host: q.Host, Header: header, Body: http.NoBody,
		URL:   up.url(q.Path, q.Query),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if h.Body && body != nil {
		c.body = body.reader(h.MostBody)
		r.Body, r.ContentLength = c.body, body.size
	}
	return r.WithContext(ctx), nil
}

// upstream is where a place listens.
type upstream struct {
	scheme, host string
	base         string // path of an external upstream, put before the request's
}

// url names a path as it was sent, without encoding it anew.
func (u upstream) url(path, query string) *url.URL {
	to := &url.URL{Scheme: u.scheme, Host: u.host, Opaque: u.base + path, RawQuery: query}
	if strings.HasPrefix(to.Opaque, "//") { // which url would take for a host
		to.Opaque, to.Path = "", to.Opaque
	}
	return to
}

// newTransport is a node's pool of upstream connections.
func newTransport(most int, o Options) *http.Transport {
	idle := most
	if idle == 0 {
		idle = 64
	}
	t := &http.Transport{
		DialContext:         o.Dial,
		MaxConnsPerHost:     most,
		MaxIdleConnsPerHost: idle,
		IdleConnTimeout:     60 * time.Second, // sooner than the servers'
		DisableCompression:  true,
		Protocols:           onlyHTTP1(),
	}
	t.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		return dialTLS(ctx, o, network, address)
	}
	return t
}

func dialTLS(ctx context.Context, o Options, network, address string) (net.Conn, error) {
	raw, err := o.Dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	secure := tls.Client(raw, o.upstreamTLS(address))
	if err := secure.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, err
	}
	return secure, nil
}

// upstreamTLS is as given, or for upstreams that are not ours as the system's
// own authorities have it.
func (o Options) upstreamTLS(address string) *tls.Config {
	if o.UpstreamTLS != nil {
		if config := o.UpstreamTLS(address); config != nil {
			return config
		}
	}
	host, _, _ := net.SplitHostPort(address) // a transport's address has a port
	return &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
}

func onlyHTTP1() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	return p
}

// drain reads what is left of a small answer, so that its connection can be
// used again; a longer one costs less to break off.
func (c *call) drain() {
	const small = 64 << 10
	defer c.response.Body.Close()
	if size := c.response.ContentLength; size < 0 || size > small {
		return
	}
	patience := time.AfterFunc(time.Second, c.Cancel)
	defer patience.Stop()
	io.Copy(io.Discard, c.response.Body) // how it ends does not matter to anybody
}
