package live

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"trafficlab/components"
	"trafficlab/live/http1"
	"trafficlab/topologies"
)

// HTTP/2 is net/http's. Its own bounds: ten thousand answers to control frames
// that the client does not read, header lists of twice what is allowed however
// many frames they come in, four times the streams in line that may run. Frames
// that bring nothing are a dike's to bound.
func newH2Server(n *Node, bounds topologies.HTTP2) *http.Server {
	speaks := new(http.Protocols)
	speaks.SetUnencryptedHTTP2(true) // TLS is the front's
	c := n.node.MayCall()
	return &http.Server{
		Handler:        http.HandlerFunc(n.answerH2),
		Protocols:      speaks,
		MaxHeaderBytes: int(bounds.Header),
		IdleTimeout:    c.Idle,
		ErrorLog:       log.New(io.Discard, "", 0), // what clients do wrong is counted
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          bounds.Streams,
			MaxReadFrameSize:              16 << 10,
			MaxReceiveBufferPerConnection: 1 << 20,
			MaxReceiveBufferPerStream:     256 << 10,
			MaxDecoderHeaderTableSize:     4 << 10,
			SendPingTimeout:               c.Idle,
			WriteByteTimeout:              c.Take.Pause,
			CountError:                    func(what string) { n.refused.count("h2 " + what) },
		},
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				n.open2.Add(1)
			case http.StateClosed, http.StateHijacked:
				n.open2.Add(-1)
			}
		},
		BaseContext: func(net.Listener) context.Context { return n.ctx },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, peerKey{}, &h2Peer{conn: c, tls: c.(*dike).secure()})
		},
	}
}

// h2Peer is the other end of a connection of HTTP/2.
type h2Peer struct {
	conn          net.Conn
	tls           *tls.ConnectionState // nil: none
	streams, lost atomic.Int64
}

type peerKey struct{}

// A client may give up streams, as browsers do when their user goes elsewhere.
// One that gives up most of many, at once, only makes work (rapid reset,
// CVE-2023-44487): its connection is closed. Numbers and rule are Envoy's
// (premature_reset_total_stream_count, premature_reset_min_stream_lifetime).
const (
	manyStreams = 500
	atOnceLost  = time.Second
)

// gaveUp counts a stream that its client has reset.
func (p *h2Peer) gaveUp(after time.Duration) {
	if p.tls == nil || after >= atOnceLost { // without TLS comes a node, which may hedge
		return
	}
	lost := p.lost.Add(1)
	if streams := p.streams.Load(); streams >= manyStreams && 2*lost > streams {
		p.conn.Close()
	}
}

// answerH2 answers one request of HTTP/2.
func (n *Node) answerH2(w http.ResponseWriter, r *http.Request) {
	peer := r.Context().Value(peerKey{}).(*h2Peer)
	peer.streams.Add(1)
	came := time.Now()
	defer func() {
		if r.Context().Err() != nil {
			peer.gaveUp(time.Since(came))
		}
	}()
	a := &h2Answer{w: w, r: r, peer: peer, control: http.NewResponseController(w), refuse: n.refuse}
	a.send, a.take = paceOf(n.node.MayCall().Send), paceOf(n.node.MayCall().Take)
	a.most = n.node.MayCall().Requests
	a.body.answer = a
	defer a.close()
	if q, wrong := requestOfH2(r); wrong != nil {
		n.deny(a, wrong)
	} else {
		n.answer(a, &a.body, q)
	}
	a.linger()
	if !a.ended {
		panic(http.ErrAbortHandler) // resets the stream
	}
}

// errH2Length is what net/http does not look at where there is no body, or a
// second length (RFC 9113 section 8.1.1).
var errH2Length = &http1.Error{Status: http.StatusBadRequest, Reason: "bad Content-Length"}

// requestOfH2 is the head of a request. net/http lets pass what would mean
// something else over HTTP/1.1, such as a method with a space (RFC 9113 section
// 10.3).
func requestOfH2(r *http.Request) (*http1.Request, *http1.Error) {
	for _, said := range r.Header["Content-Length"] {
		if said != strconv.FormatInt(r.ContentLength, 10) {
			return nil, errH2Length
		}
	}
	h := make(components.Header, 0, len(r.Header)+4)
	for name, values := range r.Header {
		if name == "Host" || name == "Content-Length" {
			continue
		}
		for _, value := range values {
			h = append(h, components.Field{Name: name, Value: value})
		}
	}
	if len(r.Trailer) > 0 { // net/http has taken the field apart
		h = append(h, components.Field{Name: "Trailer", Value: strings.Join(slices.Sorted(maps.Keys(r.Trailer)), ", ")})
	}
	q, wrong := http1.Head(r.Method, r.RequestURI, r.Host, r.Header["Host"], h, r.ContentLength)
	if wrong == nil {
		q.Trailers = r.Header.Get("Te") == "trailers"
	}
	return q, wrong
}

// h2Answer is a stream as a caller.
type h2Answer struct {
	w       http.ResponseWriter
	r       *http.Request
	peer    *h2Peer
	control *http.ResponseController
	body    h2Body
	bodied  bool
	whole   bool // the client sees by the length that it has all of the answer
	ended   bool

	send, take http1.Pace
	taken      http1.Progress
	slow       bool // it has been counted that the client is
	refuse     func(*http1.Error)
	most       int // requests of a connection; 0: any number

	mu       sync.Mutex
	begun    bool // the head, or it is too late for one
	over     bool // the handler has returned: w is of no more use
	guarding http1.Guarded
	unguard  func() bool
}

func (a *h2Answer) Begin(status int, h components.Header, length int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.begun, a.bodied = true, http1.HasBody(a.r.Method, status)
	a.whole = a.bodied && length >= 0
	to := a.w.Header()
	fill(to, h)
	if length >= 0 && (a.bodied || a.r.Method == http.MethodHead || status == http.StatusNotModified) {
		to["Content-Length"] = []string{strconv.FormatInt(length, 10)}
	}
	if most := a.most; most > 0 && a.peer.streams.Load() >= int64(most) {
		to["Connection"] = []string{"close"} // for net/http to send GOAWAY
	}
	if _, ok := to["Content-Type"]; !ok {
		to["Content-Type"] = nil // else the server guesses one
	}
	a.w.WriteHeader(status)
}

// fill adds a list to a header.
func fill(to http.Header, list components.Header) {
	for _, f := range list {
		name := components.Canonical(f.Name)
		to[name] = append(to[name], f.Value)
	}
}

// within ends what waits for the client after some time, if it has not ended by
// then.
func (a *h2Answer) within(patience time.Duration, give func(time.Time) error) *time.Timer {
	return time.AfterFunc(patience, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if !a.over {
			give(time.Unix(1, 0))
		}
	})
}

// patiently does what may wait for the client, as long as it keeps up.
func (a *h2Answer) patiently(p http1.Pace, so *http1.Progress, give func(time.Time) error, do func() (int, error)) (int, error) {
	patience := p.Patience(*so)
	if patience < 0 {
		return 0, os.ErrDeadlineExceeded
	}
	if patience > 0 {
		defer a.within(patience, give).Stop()
	}
	began := time.Now()
	n, err := do()
	so.Moved(int64(n), time.Since(began))
	return n, err
}

// linger waits for the rest of a body that is answered before its end: a stream
// that ends before is reset (RFC 9113 section 8.1), and there are clients, curl
// 7.88 among them, who lose by that what they have not read of the answer. Who
// has it, and knows so by its length, stops sending.
func (a *h2Answer) linger() {
	if !a.ended || !a.whole || a.r.Body == http.NoBody || a.r.ContentLength == 0 || a.control.Flush() != nil {
		return
	}
	defer a.within(http1.Lingering, a.control.SetReadDeadline).Stop()
	a.body.mu.Lock() // who reads it for an upstream has been given up
	defer a.body.mu.Unlock()
	io.CopyN(io.Discard, a.r.Body, http1.MostLingering)
}

// close ends a reading of the body that goes on though the handler is about to
// return.
func (a *h2Answer) close() {
	if !a.body.mu.TryLock() {
		a.control.SetReadDeadline(time.Unix(1, 0))
		a.body.mu.Lock()
	}
	a.body.over = true
	a.body.mu.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.begun, a.over = true, true
}

func (a *h2Answer) Write(p []byte) (n int, err error) {
	if !a.bodied {
		return len(p), nil
	}
	n, err = a.patiently(a.take, &a.taken, a.control.SetWriteDeadline, func() (int, error) { return a.w.Write(p) })
	return n, a.cutOff(err)
}

func (a *h2Answer) Flush() (err error) {
	_, err = a.patiently(a.take, &a.taken, a.control.SetWriteDeadline, func() (int, error) { return 0, a.control.Flush() })
	return a.cutOff(err)
}

// End leaves the rest to net/http, when the handler returns. The client may not
// hold that up for ever either.
func (a *h2Answer) End(trailer components.Header) error {
	for _, f := range trailer {
		a.w.Header().Add(http.TrailerPrefix+components.Canonical(f.Name), f.Value)
	}
	a.ended = true
	if !a.bodied {
		return nil
	}
	if a.take.Idle == 0 {
		return nil
	}
	return a.control.SetWriteDeadline(time.Now().Add(a.take.Idle))
}

// cutOff counts a client that is too slow, once.
func (a *h2Answer) cutOff(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) && !a.slow {
		a.slow = true
		a.refuse(http1.TakenTooSlowly)
	}
	return err
}

// Interim answers have the header alone that they bring.
func (a *h2Answer) Interim(status int, h components.Header) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.begun {
		return
	}
	fill(a.w.Header(), h)
	a.w.WriteHeader(status)
	clear(a.w.Header())
}

// Continue is net/http's to say, when the body is first read.
func (a *h2Answer) Continue() {}

// Switch is not for HTTP/2 (RFC 9113 section 8.6).
func (a *h2Answer) Switch(components.Header, string) (*http1.Stream, error) {
	return nil, errors.ErrUnsupported
}

func (a *h2Answer) Gone() <-chan struct{} { return a.r.Context().Done() }

func (a *h2Answer) Guard(other http1.Guarded) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.guarding = other
	a.unguard = context.AfterFunc(a.r.Context(), func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.guarding == other {
			other.Stop()
		}
	})
	return a.r.Context().Err() == nil
}

func (a *h2Answer) Unguard() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.guarding != nil {
		a.guarding = nil
		a.unguard()
	}
}

func (a *h2Answer) Peer() net.Addr { return a.peer.conn.RemoteAddr() }

func (a *h2Answer) Secure() bool { return a.peer.tls != nil }

func (a *h2Answer) TLS() *tls.ConnectionState { return a.peer.tls }

// h2Body is the body of a stream's request.
type h2Body struct {
	answer *h2Answer
	mu     sync.Mutex // held while reading
	over   bool
	came   http1.Progress

	refused atomic.Pointer[http1.Error]
}

func (b *h2Body) Read(p []byte) (n int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return 0, errAnswered
	}
	a := b.answer
	n, err = a.patiently(a.send, &b.came, a.control.SetReadDeadline, func() (int, error) { return a.r.Body.Read(p) })
	switch {
	case err == nil || err == io.EOF:
	case errors.Is(err, os.ErrDeadlineExceeded):
		b.refuse(http1.BodyTooSlow)
	case strings.HasPrefix(err.Error(), cutShort):
		b.refuse(errH2Length)
	}
	return n, err
}

// cutShort is what net/http says of a stream that ends before its body is whole,
// which is malformed (RFC 9113 section 8.1.1). It has no other mark.
const cutShort = "request declared a Content-Length of "

func (b *h2Body) refuse(e *http1.Error) {
	if b.refused.CompareAndSwap(nil, e) {
		b.answer.refuse(e)
	}
}

var errAnswered = errors.New("the request has been answered")

// Refused is why the body cannot be read to its end, if that is the client's
// doing.
func (b *h2Body) Refused() *http1.Error { return b.refused.Load() }

// Ready tells whether the client sends the body without being asked.
func (b *h2Body) Ready() bool { return true }

// Trailer is the fields behind the body, once it has ended.
func (b *h2Body) Trailer() (t components.Header) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, values := range b.answer.r.Trailer {
		for _, value := range values {
			t = append(t, components.Field{Name: name, Value: value})
		}
	}
	return t
}
