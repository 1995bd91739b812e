package live

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
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

	crowd    *http1.Crowd
	patience time.Duration // with a handshake, or the first bytes of what needs none; 0: any
	desks    chan struct{} // a place for each handshake that is worked on; nil: any number
	refuse   func(*http1.Error)

	once sync.Once
	done chan struct{}
	err  error // why nobody comes any more, once done
}

func newFront(l net.Listener, config *tls.Config, redirects bool, n *Node) *front {
	c := n.node.MayCall()
	f := &front{at: l, redirects: redirects, done: make(chan struct{}),
		crowd: crowdOf(c), patience: c.Handshake, refuse: n.refuse}
	if config != nil {
		f.tls = f.orderly(config)
	}
	if c.Handshakes > 0 {
		f.desks = make(chan struct{}, c.Handshakes)
	}
	for _, q := range []*queue{&f.usual, &f.h2, &f.bare} {
		*q = queue{f, make(chan net.Conn)}
	}
	return f
}

// run greets who comes until the front is closed.
func (f *front) run() {
	for pause := time.Duration(0); ; {
		f.crowd.Await()
		raw, err := f.at.Accept()
		switch {
		case err != nil:
		case !f.crowd.Enter(raw.RemoteAddr()):
			f.refuse(http1.Full)
			raw.Close()
			continue
		default:
			pause = 0
			go f.greet(&entrant{Conn: http1.Direct(raw), front: f})
			continue
		}
		if temporary, ok := err.(interface{ Temporary() bool }); !ok || !temporary.Temporary() {
			f.end(err)
			return
		}
		f.refuse(http1.OutOfFiles)
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		time.Sleep(pause)
	}
}

func (f *front) end(why error) {
	f.once.Do(func() {
		f.err = why
		close(f.done)
		f.crowd.Disperse()
	})
}

// greet finds out what a connection speaks.
func (f *front) greet(raw *entrant) {
	ctx := context.Background()
	if f.patience > 0 {
		raw.SetDeadline(time.Now().Add(f.patience))
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, f.patience)
		defer cancel()
	}
	conn, to, err := f.choose(ctx, raw)
	raw.leaveDesk()
	if err != nil {
		if f.tls != nil && !errors.Is(err, io.EOF) { // who goes away has refused us
			f.refuse(http1.HandshakeError(err))
		}
		raw.Close()
		return
	}
	if to == &f.h2 {
		to.hand(newDike(conn, f.refuse)) // net/http lifts the deadline behind the preface
		return
	}
	raw.SetDeadline(time.Time{})
	to.hand(conn)
}

func (f *front) choose(ctx context.Context, raw *entrant) (net.Conn, *queue, error) {
	if f.tls == nil || f.redirects {
		first, err := raw.peek(len(preface))
		switch {
		case err != nil:
			return nil, nil, err
		case f.tls == nil && string(first) == preface:
			return raw, &f.h2, nil
		case f.tls == nil:
			return raw, &f.usual, nil
		case first[0] != handshakeRecord:
			return raw, &f.bare, nil
		}
	}
	secure := tls.Server(raw, f.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, nil, err
	}
	if secure.ConnectionState().NegotiatedProtocol == "h2" {
		return secure, &f.h2, nil
	}
	return secure, &f.usual, nil
}

// orderly is a configuration by which a handshake waits in line once its client
// has said hello: what follows is our work. Who has said nothing yet holds up
// nobody.
func (f *front) orderly(config *tls.Config) *tls.Config {
	config = config.Clone()
	before := config.GetConfigForClient
	config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if e, ok := hello.Conn.(*entrant); ok {
			if err := e.takeDesk(hello.Context()); err != nil {
				return nil, err
			}
		}
		if before == nil {
			return nil, nil
		}
		return before(hello)
	}
	return config
}

// handshakeRecord is the first byte of TLS (RFC 8446 section 5.1), and of no
// method.
const handshakeRecord = 22

// preface is how HTTP/2 without TLS begins (RFC 9113 section 3.4): a method that
// HTTP/1.1 has not.
const preface = "PRI"

// entrant is a connection that counts in the crowd until it is closed. Some may
// have been read ahead of it.
type entrant struct {
	net.Conn
	front  *front
	ahead  []byte
	atDesk bool
	left   sync.Once
}

// peek returns the first n bytes, or a little more.
func (e *entrant) peek(n int) ([]byte, error) {
	for len(e.ahead) < n {
		var more [16]byte
		got, err := e.Conn.Read(more[:n-len(e.ahead)])
		e.ahead = append(e.ahead, more[:got]...)
		if err != nil {
			return nil, err
		}
	}
	return e.ahead, nil
}

func (e *entrant) Read(p []byte) (int, error) {
	e.leaveDesk() // we have done our part, and wait for the client's
	if len(e.ahead) == 0 {
		return e.Conn.Read(p)
	}
	n := copy(p, e.ahead)
	e.ahead = e.ahead[n:]
	return n, nil
}

// takeDesk waits for a place to have the handshake worked on.
func (e *entrant) takeDesk(ctx context.Context) error {
	if e.front.desks == nil || e.atDesk {
		return nil
	}
	select {
	case e.front.desks <- struct{}{}:
		e.atDesk = true
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e *entrant) leaveDesk() {
	if e.atDesk {
		e.atDesk = false
		<-e.front.desks
	}
}

// CloseWrite closes one half, if the connection has halves.
func (e *entrant) CloseWrite() error {
	if half, ok := e.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// SetLinger says what becomes of bytes that the client has not taken in time.
func (e *entrant) SetLinger(seconds int) error {
	if raw, ok := e.Conn.(interface{ SetLinger(int) error }); ok {
		return raw.SetLinger(seconds)
	}
	return errors.ErrUnsupported
}

// Close makes room for another.
func (e *entrant) Close() error {
	e.left.Do(func() { e.front.crowd.Leave(e.RemoteAddr()) })
	return e.Conn.Close()
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
