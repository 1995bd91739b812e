package http1

import (
	"bufio"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"trafficlab/components"
)

// Ask is the head of a request to an upstream, and how its body is framed.
type Ask struct {
	Method string
	Target string // as it is to be sent
	Host   string // "": the address
	Header components.Header
	More   components.Header // fields behind those
	Length int64             // of the body in bytes; 0 for none, Unknown for chunks

	Expect   bool   // wait for 100 Continue before the body
	Upgrade  string // the protocol to change to; "": none
	Trailers bool   // a trailer is welcome
	Trailer  string // names of the fields behind the body, as far as they are told
}

// Conn is a connection to an upstream, used by one exchange at a time. It is
// read by one goroutine and written by one; Close may come from any.
type Conn struct {
	host   *host
	wire   wire
	buffer *bufio.Reader
	in     *Reader
	out    writer
	probe  func() bool // whether it is alive, as far as can be seen

	reused bool
	since  time.Time // idle
	closed atomic.Bool
	slow   atomic.Bool // closed because it did not take a body

	method   string
	heard    bool // some of an answer
	response Response
	body     Body

	mu       sync.Mutex
	sent     progressOf
	released bool // as soon as all is sent
}

// progressOf is how far a request has been sent.
type progressOf uint8

const (
	partly progressOf = iota
	lastly            // its last piece is being written
	wholly
)

func newClientConn(h *host, raw net.Conn) *Conn {
	c := &Conn{host: h, probe: prober(raw)}
	c.wire.join(raw, h.pool.Pace, Pace{})
	c.buffer = bufio.NewReaderSize(&c.wire, 4<<10)
	c.in = NewReader(c.buffer, h.pool.Limits)
	c.out.wire = &c.wire
	return c
}

// alive tells whether an idle connection can be used: the upstream has neither
// closed it nor said what nobody asked for.
func (c *Conn) alive() bool { return c.buffer.Buffered() == 0 && c.probe() }

// Ahead tells whether something of the answer has come that is not read yet.
func (c *Conn) Ahead() bool { return c.buffer.Buffered() > 0 }

// Close ends the connection, and with it whoever reads or writes.
func (c *Conn) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	err := c.wire.Close()
	c.host.drop()
	return err
}

// Release gives the connection back, or closes it if its exchange has not come
// to its end on both sides.
func (c *Conn) Release() {
	c.mu.Lock()
	sent := c.sent
	c.released = sent == lastly // the answer has overtaken the end of the writing
	c.mu.Unlock()
	switch {
	case c.closed.Load() || sent == lastly:
		return
	case c.wire.stopped.Load() || sent == partly || !c.body.Ended() || !c.response.Keep || c.in.Begun():
		c.Close()
		return
	}
	c.wire.paced = false
	c.wire.readForever()
	c.wire.writeForever()
	c.host.put(c)
}

// send writes the head. It is not on its way before the body, or a flush.
func (c *Conn) send(a *Ask) error {
	c.wire.begin()
	c.method, c.heard, c.body = a.Method, false, Body{}
	c.sending(partly)
	host, wrong := a.Check(c.host.address.Host)
	if wrong != nil {
		return wrong
	}
	out := &c.out
	out.start(a.Method, " ", a.Target, " HTTP/1.1")
	out.add("Host", host)
	out.list(a.Header)
	out.list(a.More)
	switch {
	case a.Upgrade != "":
		out.add("Connection", "Upgrade")
		out.field("Upgrade", a.Upgrade)
	case a.Trailers:
		out.add("Connection", "TE")
		out.add("TE", "trailers")
	}
	if a.Expect {
		out.add("Expect", "100-continue")
	}
	if a.Trailer != "" && a.Length < 0 {
		out.field("Trailer", a.Trailer)
	}
	length := a.Length
	if length == 0 && !meansBody(a.Method) {
		length = tillEnd
	}
	out.frame(length)
	return nil
}

// Check says whose host is asked, address if nobody is named, or why the request
// would not be read as the one that it is.
func (a *Ask) Check(address string) (host string, wrong *Error) {
	if host = a.Host; host == "" {
		host = address
	}
	switch {
	case !all(a.Method, inToken):
		return "", errMethod
	case !all(a.Target, inTarget):
		return "", errTarget
	case !within(host, inValue):
		return "", errHost
	}
	return host, nil
}

// meansBody tells whether a request without a body says so (RFC 9110 section
// 8.6).
func meansBody(method string) bool { return method == "POST" || method == "PUT" || method == "PATCH" }

// sendAll sends the head of a request without a body.
func (c *Conn) sendAll() error {
	err := c.out.flush()
	if err == nil {
		c.sending(wholly)
	}
	return err
}

func (c *Conn) sending(now progressOf) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent = now
	if now == partly {
		c.released = false
	}
}

// allSent gives back a connection whose answer was over before.
func (c *Conn) allSent(err error) {
	c.mu.Lock()
	released := c.released
	c.sent = wholly
	if err != nil {
		c.sent = partly
	}
	c.mu.Unlock()
	if released {
		c.Release()
	}
}

// piece is a part of a body on its way.
type piece [32 << 10]byte

var pieces = sync.Pool{New: func() any { return new(piece) }}

// sendBody sends what is read, each piece as it comes, and then the trailer.
func (c *Conn) sendBody(from io.Reader, trailer func() components.Header) (read, written error) {
	if ready, ok := from.(interface{ Ready() bool }); !ok || !ready.Ready() {
		if err := c.out.flush(); err != nil {
			return nil, err
		}
	}
	c.wire.taking = c.host.pool.Taking
	buffer := pieces.Get().(*piece)
	defer pieces.Put(buffer)
	for {
		n, err := from.Read(buffer[:])
		if written := c.out.body(buffer[:n]); written != nil {
			return nil, written
		}
		if err == io.EOF || err == nil && c.out.left == 0 {
			break
		}
		if err != nil {
			return err, nil
		}
		if written := c.out.flush(); written != nil {
			return nil, written
		}
	}
	var last components.Header
	if trailer != nil {
		last = trailer()
	}
	c.sending(lastly)
	err := c.out.end(last)
	c.allSent(err)
	return nil, err
}

// hear reads the next head of an answer. Where a deadline has stopped it, it
// can be called again.
func (c *Conn) hear() (*Response, error) {
	c.response = Response{}
	if err := c.in.response(&c.response, c.method); err != nil {
		return nil, err
	}
	c.heard = true
	if c.response.Status >= 200 {
		c.body.set(c.in, c.response.body)
		c.wire.paced = true
	}
	return &c.response, nil
}

// Slow tells whether the connection was closed since the upstream took a
// request's body too slowly.
func (c *Conn) Slow() bool { return c.slow.Load() }

// Read reads the body of the answer.
func (c *Conn) Read(p []byte) (int, error) { return c.body.Read(p) }

// Ended tells whether the answer has been read to its end.
func (c *Conn) Ended() bool { return c.body.Ended() }

// Trailer is the fields behind the body, once it has ended.
func (c *Conn) Trailer() components.Header { return c.body.trailer }

// SetReadDeadline bounds the reading under way, from any goroutine.
func (c *Conn) SetReadDeadline(at time.Time) error { return c.wire.SetReadDeadline(at) }

// Stop ends the reading under way, for good: the caller has gone away.
func (c *Conn) Stop() { c.wire.stop() }

// Stream is the connection after a 101, with what the upstream has sent behind
// it. It does not come back to the pool.
func (c *Conn) Stream() *Stream {
	c.wire.readForever()
	c.wire.SetWriteDeadline(time.Time{})
	return &Stream{Conn: closing{c.wire.Conn, c}, ahead: c.buffer}
}

// closing is a connection whose end the pool hears of.
type closing struct {
	net.Conn
	conn *Conn
}

func (c closing) Close() error { return c.conn.Close() }

// CloseWrite closes one half.
func (c closing) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}
