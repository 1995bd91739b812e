package live

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	"trafficlab/live/http1"
)

// front stands before the servers of a node: it shakes hands, and hands each
// connection to the server that speaks what was agreed on. It is safe for
// concurrent use.
type front struct {
	at  net.Listener
	tls *tls.Config // nil: none, and the first bytes tell what is spoken

	usual, h2, bare queue // h2: HTTP/2; bare: came without TLS though there is some
	redirects       bool  // those; else they are closed

	once sync.Once
	done chan struct{}
	err  error // why nobody comes any more, once done
}

// handshakeTime bounds a handshake, or the first bytes of what needs none.
const handshakeTime = 10 * time.Second

func newFront(l net.Listener, config *tls.Config, redirects bool) *front {
	f := &front{at: l, tls: config, redirects: redirects, done: make(chan struct{})}
	for _, q := range []*queue{&f.usual, &f.h2, &f.bare} {
		*q = queue{f, make(chan net.Conn)}
	}
	return f
}

// run greets who comes until the front is closed.
func (f *front) run() {
	for pause := time.Duration(0); ; {
		raw, err := f.at.Accept()
		if err == nil {
			pause = 0
			go f.greet(raw)
			continue
		}
		if temporary, ok := err.(interface{ Temporary() bool }); !ok || !temporary.Temporary() {
			f.end(err)
			return
		}
		pause = min(max(2*pause, 5*time.Millisecond), time.Second) // out of descriptors
		time.Sleep(pause)
	}
}

func (f *front) end(why error) {
	f.once.Do(func() {
		f.err = why
		close(f.done)
	})
}

// greet finds out what a connection speaks.
func (f *front) greet(raw net.Conn) {
	raw = http1.Direct(raw)
	raw.SetDeadline(time.Now().Add(handshakeTime))
	conn, to := f.choose(raw)
	if to == nil {
		raw.Close()
		return
	}
	raw.SetDeadline(time.Time{})
	to.hand(conn)
}

func (f *front) choose(raw net.Conn) (net.Conn, *queue) {
	if f.tls == nil || f.redirects {
		c := &peeked{Conn: raw}
		first, err := c.peek(len(preface))
		switch {
		case err != nil:
			return nil, nil
		case f.tls == nil && string(first) == preface:
			return c, &f.h2
		case f.tls == nil:
			return c, &f.usual
		case first[0] != handshakeRecord:
			return c, &f.bare
		}
		raw = c
	}
	secure := tls.Server(raw, f.tls)
	ctx, cancel := context.WithTimeout(context.Background(), handshakeTime)
	defer cancel()
	if secure.HandshakeContext(ctx) != nil {
		return nil, nil
	}
	if secure.ConnectionState().NegotiatedProtocol == "h2" {
		return secure, &f.h2
	}
	return secure, &f.usual
}

// handshakeRecord is the first byte of TLS (RFC 8446 section 5.1), and of no
// method.
const handshakeRecord = 22

// preface is how HTTP/2 without TLS begins (RFC 9113 section 3.4): a method that
// HTTP/1.1 has not.
const preface = "PRI"

// peeked is a connection of which some has been read ahead.
type peeked struct {
	net.Conn
	ahead []byte
}

// peek returns the first n bytes, or a little more.
func (c *peeked) peek(n int) ([]byte, error) {
	for len(c.ahead) < n {
		var more [16]byte
		got, err := c.Conn.Read(more[:n-len(c.ahead)])
		c.ahead = append(c.ahead, more[:got]...)
		if err != nil {
			return nil, err
		}
	}
	return c.ahead, nil
}

func (c *peeked) Read(p []byte) (int, error) {
	if len(c.ahead) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.ahead)
	c.ahead = c.ahead[n:]
	return n, nil
}

// CloseWrite closes one half, if the connection has halves.
func (c *peeked) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// SetLinger says what becomes of bytes that the client has not taken in time.
func (c *peeked) SetLinger(seconds int) error {
	if raw, ok := c.Conn.(interface{ SetLinger(int) error }); ok {
		return raw.SetLinger(seconds)
	}
	return errors.ErrUnsupported
}

// queue gives one server its connections, as a listener.
type queue struct {
	front *front
	conns chan net.Conn
}

func (q *queue) hand(c net.Conn) {
	select {
	case q.conns <- c:
	case <-q.front.done:
		c.Close()
	}
}

// Accept implements net.Listener.
func (q *queue) Accept() (net.Conn, error) {
	select {
	case c := <-q.conns:
		return c, nil
	case <-q.front.done:
		return nil, q.front.err
	}
}

// Close ends the front, for all servers.
func (q *queue) Close() error {
	q.front.end(net.ErrClosed)
	if err := q.front.at.Close(); !errors.Is(err, net.ErrClosed) { // another server was first
		return err
	}
	return nil
}

// Addr implements net.Listener.
func (q *queue) Addr() net.Addr { return q.front.at.Addr() }
