package http1

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"trafficlab/components"
)

// Answer is what a handler writes, in this order: interim answers, the head,
// the body, its end. Interim answers may come from other goroutines.
type Answer struct {
	conn    *conn
	request *Request

	mu        sync.Mutex // of the wire until the head is begun
	continued bool
	begun     bool

	keep    bool
	bodied  bool
	ended   bool
	taken   bool // by Switch
	failed  error
	trailer components.Header
}

func (a *Answer) begin(q *Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.request = q
	a.continued, a.begun, a.ended, a.taken, a.failed, a.trailer = !q.Continue, false, false, false, nil, nil
}

// Body is the request's body.
func (a *Answer) Body() *Incoming { return a.conn.body }

// Peer is the address of the client.
func (a *Answer) Peer() net.Addr { return a.conn.wire.RemoteAddr() }

// TLS is the state of a connection over TLS, or nil.
func (a *Answer) TLS() *tls.ConnectionState {
	if secure, ok := a.conn.wire.Conn.(*tls.Conn); ok {
		state := secure.ConnectionState()
		return &state
	}
	return nil
}

// Secure tells whether the connection is over TLS.
func (a *Answer) Secure() bool {
	_, ok := a.conn.wire.Conn.(*tls.Conn)
	return ok
}

// Gone is closed when the client goes away. It is the connection's: no request
// follows then.
func (a *Answer) Gone() <-chan struct{} { return a.conn.watch.gone }

// Guard makes the reading of an upstream's connection end, for good, when the
// client goes away, until Unguard. It is false if the client has gone already.
func (a *Answer) Guard(other Guarded) bool {
	return a.conn.watch.guard(other)
}

// Unguard takes Guard back.
func (a *Answer) Unguard() { a.conn.watch.unguard() }

// Continue asks a client for the body that waits to be asked (100 Continue).
// Once is enough; others are left out.
func (a *Answer) Continue() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.continued || a.begun {
		return
	}
	a.continued = true
	a.conn.out.start("HTTP/1.1 100 Continue\r\n")
	a.conn.out.flush() // if that is lost, so is what follows
}

// ready tells whether the client sends the body without being asked.
func (a *Answer) ready() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.continued
}

// Interim passes on an interim answer other than 100 and 101. Clients of
// HTTP/1.0 do not know of such (RFC 9110 section 15.2).
func (a *Answer) Interim(status int, h components.Header) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.begun || a.request.Minor == 0 {
		return
	}
	a.conn.out.status(status)
	a.conn.out.list(h)
	a.conn.out.frame(tillEnd)
	a.conn.out.flush()
}

// Begin writes the head. length is that of the body in bytes, or Unknown. To
// HEAD and with a 304 it is what is said of the body that does not come; with
// other statuses that have none it does not matter.
func (a *Answer) Begin(status int, h components.Header, length int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.begun = true
	a.bodied = HasBody(a.request.Method, status)
	chunks := a.bodied && length < 0
	closes := chunks && a.request.Minor == 0
	a.keep = a.request.Keep && !closes && a.continued && !a.conn.last() && a.conn.body.Refused() == nil &&
		(a.request.Length <= mostRest || !a.conn.watch.bodied()) // else the rest is not worth reading
	out := &a.conn.out
	out.status(status)
	if !h.Has("Date") {
		out.add("Date", date())
	}
	out.list(h)
	switch {
	case !a.keep:
		out.add("Connection", "close")
	case a.request.Minor == 0:
		out.add("Connection", "keep-alive")
	}
	switch {
	case a.bodied && !closes:
		out.frame(max(length, Unknown))
	case !a.bodied && length >= 0 && (status == 304 || status >= 200 && status != 204):
		out.length(length)
		fallthrough
	default:
		out.frame(tillEnd)
	}
}

// Write writes a piece of the body. Where none belongs it is dropped.
func (a *Answer) Write(p []byte) (int, error) {
	if a.failed != nil {
		return 0, a.failed
	}
	if !a.bodied {
		return len(p), nil
	}
	if a.failed = a.conn.out.body(p); a.failed != nil {
		return 0, a.failed
	}
	return len(p), nil
}

// Flush sends what has been written on its way.
func (a *Answer) Flush() error {
	if a.failed == nil {
		a.failed = a.conn.out.flush()
	}
	return a.failed
}

// End ends the body. What is still gathered is sent when the handler returns:
// once a short answer is there, all that it led to has been done. The trailer
// goes to clients who take one, if the body is of unknown length.
func (a *Answer) End(trailer components.Header) error {
	if !a.request.Trailers {
		trailer = nil
	}
	if a.failed == nil {
		if a.bodied {
			a.failed = a.conn.out.close(trailer)
		}
		a.ended = a.failed == nil
	}
	return a.failed
}

// Switch answers 101 and gives the connection over, with what the client has
// already sent. It is the caller's until its handler returns.
func (a *Answer) Switch(h components.Header, protocol string) (*Stream, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.begun, a.taken = true, true
	c := a.conn
	c.watch.pause(c)
	out := &c.out
	out.status(http.StatusSwitchingProtocols)
	out.add("Connection", "Upgrade")
	out.add("Upgrade", protocol)
	for _, f := range h {
		if !fold(f.Name, "upgrade"[:min(len(f.Name), 7)]) || len(f.Name) != 7 {
			out.field(f.Name, f.Value)
		}
	}
	out.frame(tillEnd)
	if err := out.flush(); err != nil {
		return nil, err
	}
	c.wire.readForever()
	c.wire.writeForever()
	return &Stream{Conn: c.wire.Conn, ahead: c.buffer}, nil
}

// finish ends the exchange, and tells whether another may follow.
func (a *Answer) finish() bool {
	if a.taken {
		return false
	}
	if a.ended {
		a.Flush()
	}
	switch {
	case !a.ended || a.failed != nil:
		if errors.Is(a.failed, os.ErrDeadlineExceeded) {
			a.conn.server.refused(TakenTooSlowly)
		}
		a.breakOff()
		return false
	case a.conn.body.body.Ended():
		if !a.keep {
			linger(a.conn.wire.Conn)
		}
		return a.keep
	case a.keep && a.conn.body.rest():
		a.conn.wire.paced = false
		return true
	}
	linger(a.conn.wire.Conn)
	return false
}

// breakOff closes so that nobody takes what came for the whole answer.
func (a *Answer) breakOff() {
	if a.begun {
		if raw, ok := a.conn.wire.Conn.(interface{ SetLinger(int) error }); ok {
			raw.SetLinger(0)
		}
	}
	a.conn.wire.Close()
}

// status begins a head.
func (w *writer) status(status int) {
	if w.text == nil {
		w.text = make([]byte, 0, room)
	}
	w.text = append(w.text, "HTTP/1.1 "...)
	w.text = strconv.AppendInt(w.text, int64(status), 10)
	w.text = append(w.text, ' ')
	w.text = append(w.text, http.StatusText(status)...)
	w.text = append(w.text, '\r', '\n')
}

// today is the date of the current second.
var today atomic.Pointer[dated]

type dated struct {
	second int64
	text   string
}

func date() string {
	now := time.Now()
	if d := today.Load(); d != nil && d.second == now.Unix() {
		return d.text
	}
	d := &dated{now.Unix(), now.UTC().Format(http.TimeFormat)}
	today.Store(d)
	return d.text
}
