package live

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"

	"trafficlab/components"
	"trafficlab/live/http1"
	"trafficlab/topologies"
)

// trip is one request to an upstream and its answer: http1.Trip, or h2Trip.
type trip interface {
	Run() (*http1.Response, error)
	Got() bool
	Begun() bool
	Cancel(cause error)
	Cause() error
}

// arrival is the body of an answer as it arrives, and what becomes of what
// brings it: http1.Conn, or h2Stream.
type arrival interface {
	upstreamBody
	Trailer() components.Header
	Stop()
	Release()
	Close() error
}

// h2Trip is one request to an upstream over HTTP/2.
type h2Trip struct {
	host    *h2Host
	ask     *http1.Ask
	body    http1.Source // nil: none
	interim func(status int, h components.Header)

	sent  atomic.Bool // the head, as far as is known
	hints atomic.Int32

	mu     sync.Mutex
	cause  error // why it was given up
	giveUp context.CancelCauseFunc
	got    bool
	begun  bool
	stream *h2Stream
}

// mostRefused is how often a request is tried anew that its upstream has not
// begun to look at, and mostHints how many answers may come before the answer.
const (
	mostRefused = 8
	mostHints   = 16
)

var (
	errManyHints = errors.New("too many interim answers")
	errStatus    = &http1.Error{Status: http.StatusBadGateway, Reason: "bad status"}
)

// Run sends the request and returns the head of its answer. It is tried anew if
// the upstream has certainly not looked at it (RFC 9113 section 8.7), and once
// if a connection that had been of use broke, and a second request does no more
// than the first.
func (t *h2Trip) Run() (*http1.Response, error) {
	broken := false
	for tries := 0; ; tries++ {
		ctx, err := t.begin()
		if err != nil {
			return nil, err
		}
		c, err := t.host.get(ctx)
		if err != nil {
			return nil, err
		}
		a, err := t.once(ctx, c)
		if err == nil {
			c.used.Store(true)
			return a, nil
		}
		switch untouched := t.untouched(err); {
		case t.Cause() != nil || t.hints.Load() > 0 || tries == mostRefused:
			return nil, err
		case !untouched && (broken || c.Err() == nil || !c.used.Load() || !http1.Idempotent(t.ask.Method)):
			return nil, err
		case !t.rewind():
			return nil, err
		default:
			broken = broken || !untouched
		}
	}
}

// begin makes the context of one try.
func (t *h2Trip) begin() (context.Context, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cause != nil {
		return nil, t.cause
	}
	if t.giveUp != nil {
		t.giveUp(nil)
	}
	var ctx context.Context
	ctx, t.giveUp = context.WithCancelCause(context.Background())
	return ctx, nil
}

// leftAbove is what net/http says of requests above the last that a GOAWAY names
// as looked at. It has no other mark.
const leftAbove = "http2: Transport received Server's graceful shutdown GOAWAY"

// untouched tells whether the upstream has certainly not looked at a request
// that failed so.
func (t *h2Trip) untouched(err error) bool {
	var reset http2.StreamError
	return !t.sent.Load() || err.Error() == leftAbove ||
		errors.As(err, &reset) && reset.Code == http2.ErrCodeRefusedStream
}

// isMalformed tells whether an answer broke the rules of HTTP/2. For some of them
// net/http has no other mark than words.
func isMalformed(err error) bool {
	var reset http2.StreamError
	return errors.As(err, &reset) && reset.Code == http2.ErrCodeProtocol || strings.HasPrefix(err.Error(), "malformed response")
}

func (t *h2Trip) rewind() bool {
	if t.body == nil {
		return true
	}
	again, ok := t.body.Rewind()
	if ok {
		t.body = again
	}
	return ok
}

// once sends the request over c and waits for the head of its answer, which may
// come before the body has been sent.
func (t *h2Trip) once(ctx context.Context, c *h2Conn) (*http1.Response, error) {
	q, err := t.request(ctx)
	if err != nil {
		c.ClientConn.Release()
		return nil, err
	}
	t.mu.Lock()
	t.got, t.begun = true, true
	t.mu.Unlock()
	t.sent.Store(false)
	answer, err := c.RoundTrip(q)
	if err != nil {
		return nil, err
	}
	a := &http1.Response{Status: answer.StatusCode, Header: listOf(answer.Header), Length: answer.ContentLength}
	bodied := http1.HasBody(t.ask.Method, a.Status)
	if !bodied && answer.Header["Content-Length"] == nil {
		a.Length = http1.Unknown
	}
	s := &h2Stream{trip: t, answer: answer, bounds: t.host.pool.answers, left: answer.ContentLength, ended: !bodied || answer.Body == nil}
	t.mu.Lock()
	t.stream = s
	t.mu.Unlock()
	if a.Status < 200 || a.Status > 599 {
		answer.Body.Close()
		return nil, errStatus
	}
	return a, nil
}

// request is the request as net/http takes it.
func (t *h2Trip) request(ctx context.Context) (*http.Request, error) {
	host, wrong := t.ask.Check(t.host.to.Host)
	if wrong != nil {
		return nil, wrong
	}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders:   func() { t.sent.Store(true) },
		Got1xxResponse: t.hint,
	})
	q := &http.Request{
		Method: t.ask.Method, Host: host, URL: aim(t.host.to.TLS, host, t.ask.Target), Header: t.header(),
		Proto: "HTTP/2.0", ProtoMajor: 2,
	}
	if t.body != nil {
		body := newH2Source(t.body, &t.host.pool.work)
		q.Body, q.ContentLength = body, t.ask.Length
		if t.ask.Length < 0 {
			q.Trailer = body.trailer
			for name := range strings.SplitSeq(t.ask.Trailer, ",") {
				if name = components.Canonical(strings.TrimSpace(name)); http1.Trails(name, "") {
					q.Trailer[name] = nil // servers of net/http want to be told
				}
			}
		}
	}
	return q.WithContext(ctx), nil
}

// aim is a URL from which net/http makes :path as the target was sent: a path
// that looks like an authority has to stand behind one.
func aim(secure bool, host, target string) *url.URL {
	u := &url.URL{Scheme: "http", Host: host}
	if secure {
		u.Scheme = "https"
	}
	u.Opaque, u.RawQuery, u.ForceQuery = strings.Cut(target, "?")
	if strings.HasPrefix(u.Opaque, "//") {
		u.Opaque = "//" + host + u.Opaque
	}
	return u
}

// header is the request's, but for what belongs to connections of HTTP/1.1 (RFC
// 9113 section 8.2.2).
func (t *h2Trip) header() http.Header {
	h := make(http.Header, len(t.ask.Header)+len(t.ask.More)+2)
	for _, list := range [...]components.Header{t.ask.Header, t.ask.More} {
		for _, f := range list {
			if name := components.Canonical(f.Name); http1.Passes(f.Name, f.Value) && !connectionField(name) {
				h[name] = append(h[name], f.Value)
			}
		}
	}
	if t.ask.Trailers {
		h["Te"] = []string{"trailers"}
	}
	if t.ask.Expect {
		h["Expect"] = []string{"100-continue"}
	}
	if _, said := h["User-Agent"]; !said {
		h["User-Agent"] = nil // else net/http has a word of its own
	}
	return h
}

// connectionField tells whether a field, canonically spelt, says something of a
// connection of HTTP/1.1. Connection, Keep-Alive, Host and the framing are told
// by http1.Passes.
func connectionField(name string) bool {
	switch name {
	case "Proxy-Connection", "Upgrade", "Te", "Trailer", "Http2-Settings":
		return true
	}
	return false
}

// listOf is a header as a list, without what belongs to connections.
func listOf(h http.Header) components.Header {
	list := make(components.Header, 0, len(h)+4)
	for name, values := range h {
		for _, value := range values {
			if http1.Passes(name, value) && !connectionField(name) {
				list = append(list, components.Field{Name: name, Value: value})
			}
		}
	}
	return list
}

// hint passes on an answer that comes before the answer.
func (t *h2Trip) hint(status int, h textproto.MIMEHeader) error {
	if t.hints.Add(1) > mostHints {
		return errManyHints
	}
	if t.interim != nil {
		t.interim(status, listOf(http.Header(h)))
	}
	return nil
}

// Got tells whether there was room on a connection.
func (t *h2Trip) Got() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.got
}

// Begun tells whether some of the request may have reached the upstream.
func (t *h2Trip) Begun() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.begun
}

// Cancel gives the trip up for a cause; its stream is reset.
func (t *h2Trip) Cancel(cause error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cause == nil {
		t.cause = cause
	}
	if t.giveUp != nil {
		t.giveUp(cause)
	}
}

// Cause is why the trip was given up, or nil.
func (t *h2Trip) Cause() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cause
}

// h2Stream is the body of an answer over HTTP/2.
type h2Stream struct {
	trip   *h2Trip
	answer *http.Response
	left   int64 // bytes to come; -1: not known
	ended  bool

	bounds *topologies.Answers
	came   http1.Progress
	length int64 // so far
}

// Read reads the body. The last piece of one whose length is known waits for the
// end of the stream, which servers send with it: then both go out at once.
func (s *h2Stream) Read(p []byte) (n int, err error) {
	if s.ended {
		return 0, io.EOF
	}
	n, err = s.read(p)
	if s.left > 0 {
		s.left -= int64(n)
		if s.left == 0 && err == nil {
			var beyond [1]byte
			_, err = s.answer.Body.Read(beyond[:]) // which is refused if there is any
		}
	}
	return n, s.end(err)
}

// read reads on within the bounds of answers.
func (s *h2Stream) read(p []byte) (n int, err error) {
	patience := paceOf(s.bounds.Send).Patience(s.came)
	if patience < 0 {
		return 0, os.ErrDeadlineExceeded
	}
	var slow atomic.Bool
	if patience > 0 {
		timer := time.AfterFunc(patience, func() {
			slow.Store(true)
			s.trip.Cancel(errGivenUp)
		})
		defer timer.Stop()
	}
	began := time.Now()
	n, err = s.answer.Body.Read(p)
	s.came.Moved(int64(n), time.Since(began))
	switch s.length += int64(n); {
	case slow.Load() && err != nil && err != io.EOF:
		return n, os.ErrDeadlineExceeded
	case s.bounds.Body > 0 && s.length > s.bounds.Body:
		return 0, http1.BodyTooLong
	}
	return n, err
}

func (s *h2Stream) end(err error) error {
	s.ended = s.ended || err == io.EOF
	return err
}

// Ended tells whether the body has been read to its end.
func (s *h2Stream) Ended() bool { return s.ended }

// Ahead is not known: net/http reads ahead for itself.
func (s *h2Stream) Ahead() bool { return false }

// Trailer is the fields behind the body, once it has ended.
func (s *h2Stream) Trailer() (t components.Header) {
	for _, f := range listOf(s.answer.Trailer) {
		if http1.Trails(f.Name, f.Value) {
			t = append(t, f)
		}
	}
	return t
}

// Release ends the stream. If the answer or the request has not come to its end,
// it is reset.
func (s *h2Stream) Release() {
	if !s.ended {
		s.trip.Cancel(errGivenUp)
	}
	s.answer.Body.Close()
	s.trip.Cancel(errGivenUp)
}

// Stop resets the stream.
func (s *h2Stream) Stop() { s.trip.Cancel(errGivenUp) }

// Close resets the stream.
func (s *h2Stream) Close() error {
	s.Stop()
	return nil
}
