package http1

import (
	"context"
	"errors"
	"log"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"trafficlab/components"
)

// Handler answers requests. It is called from many goroutines at once, for one
// connection from one at a time, in the order of its requests.
type Handler interface {
	// Answer answers one request by a. When it returns, the answer is over:
	// one that was begun and not ended is broken off. Neither may be used
	// afterwards; the strings and the header of q may.
	Answer(a *Answer, q *Request)
}

// Server answers HTTP/1.1 on connections that live on from request to request.
// Fields may not change once it serves. Durations of 0 are no bound.
type Server struct {
	Handler Handler
	Limits  Limits

	HeadTimeout time.Duration // for a head, from its first byte (or, of the first request, from the beginning)
	IdleTimeout time.Duration // between two requests; may come a quarter early
	Pace        Pace          // of requests' bodies
	Taking      Pace          // of answers, as the client takes them

	// Watch is how long a request may take before the server begins to watch
	// whether its client goes away: most are over sooner, and watching costs
	// more than they do.
	Watch time.Duration

	Crowd    *Crowd // of connections; those beyond are refused, or wait; nil: any number
	Requests int    // on one connection; 0: any number

	// Refused counts what was refused, and connections that were cut off. It
	// may be nil.
	Refused func(*Error)
	// Unheard is told of requests that were refused before any handler could
	// hear of them, beside Refused. It may be nil.
	Unheard func(from net.Addr, why *Error, took time.Duration)
	// Word is what clients are told of a refusal; nil: a line of text.
	Word func(*Error) (h components.Header, text []byte)

	Log *log.Logger // of panics in handlers; nil: nowhere

	draining  atomic.Bool // nobody new comes, and answers say that connections close
	parted    atomic.Bool // idle connections are closed
	accepting sync.WaitGroup
	mu        sync.Mutex
	closed    bool
	listeners map[net.Listener]bool
	conns     map[*conn]bool
	work      sync.WaitGroup // connections
}

// ErrClosed is how Serve ends after Shutdown or Close.
var ErrClosed = errors.New("server closed")

// Serve answers what comes to the listener until the server is closed.
// Connections of crypto/tls shake hands first.
func (s *Server) Serve(l net.Listener) error {
	if !s.listen(l) {
		l.Close()
		return ErrClosed
	}
	defer s.unlisten(l)
	for pause := time.Duration(0); ; {
		s.Crowd.Await()
		raw, err := l.Accept()
		if err == nil {
			pause = 0
			s.accept(raw)
			continue
		}
		if s.over() {
			return ErrClosed
		}
		if temporary, ok := err.(interface{ Temporary() bool }); !ok || !temporary.Temporary() {
			return err
		}
		if s.Refused != nil {
			s.Refused(errFiles)
		}
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		time.Sleep(pause)
	}
}

func (s *Server) listen(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.draining.Load() {
		return false
	}
	if s.listeners == nil {
		s.listeners = map[net.Listener]bool{}
	}
	s.listeners[l] = true
	s.accepting.Add(1)
	return true
}

func (s *Server) unlisten(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, l)
	s.accepting.Done()
}

func (s *Server) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed || s.draining.Load()
}

func (s *Server) accept(raw net.Conn) {
	c := newConn(s, raw)
	c.surplus = !s.Crowd.Enter(raw.RemoteAddr())
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.parted.Load() {
		raw.Close()
		c.depart()
		return
	}
	if s.conns == nil {
		s.conns = map[*conn]bool{}
	}
	s.conns[c] = true
	s.work.Go(c.serve)
}

func (s *Server) leave(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	c.depart()
}

func (s *Server) refused(e *Error) {
	if s.Refused != nil {
		s.Refused(e)
	}
}

// Shutdown stops listening, closes idle connections and lets requests end, each
// with the word that its connection closes, until the context does.
func (s *Server) Shutdown(ctx context.Context) error { return s.Drain(ctx, 0) }

// Drain is Shutdown for a server whose clients go on asking: idle connections
// are closed only after a time, so that they may bring one more request, whose
// answer says that it was the last. A connection that is closed while a request
// is on its way loses it, and the client cannot tell (RFC 9112 section 9.6).
func (s *Server) Drain(ctx context.Context, parting time.Duration) error {
	s.mu.Lock()
	s.draining.Store(true)
	var late []*lateComers
	for l := range s.listeners {
		late = append(late, lateAt(l))
	}
	err := s.stopListening()
	s.mu.Unlock()
	s.accepting.Wait()
	for _, l := range late {
		l.takeAll(s.accept)
	}
	if parting == 0 {
		s.part()
	}
	ended := make(chan struct{})
	go func() {
		s.work.Wait()
		close(ended)
	}()
	idle := time.NewTimer(parting)
	defer idle.Stop()
	for {
		select {
		case <-ended:
			return err
		case <-idle.C:
			s.part()
		case <-ctx.Done():
			s.part()
			return ctx.Err()
		}
	}
}

// part closes idle connections, and those that are idle from now on.
func (s *Server) part() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parted.Store(true)
	for c := range s.conns {
		c.closeIdle()
	}
}

// Connections is how many there are, idle ones too.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Close ends everything at once and returns when no goroutine of the server is
// left.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	err := s.stopListening()
	for c := range s.conns {
		c.wire.Close()
		c.left()
	}
	s.mu.Unlock()
	s.work.Wait()
	return err
}

func (s *Server) stopListening() (err error) {
	s.Crowd.Disperse()
	for l := range s.listeners {
		if e := l.Close(); !errors.Is(e, net.ErrClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// linger closes a connection so that the last that was written arrives, though
// the peer may still be sending: a socket closed with unread bytes is reset, and
// the answer lost with it (RFC 9112 section 9.6). Who has it stops sending.
func linger(raw net.Conn) {
	defer raw.Close()
	half, ok := raw.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	var piece [16 << 10]byte
	end := time.Now().Add(longestLinger)
	for read := 0; read < MostLingering; {
		pause := time.Now().Add(Lingering)
		if pause.After(end) {
			pause = end
		}
		raw.SetReadDeadline(pause)
		n, err := raw.Read(piece[:])
		if err != nil {
			return
		}
		read += n
	}
}

// How much of what nobody wants is read behind an answer, and for how long, that
// its client may see it. NGINX reads on for 30 s, however much comes; Apache
// likewise.
const (
	MostLingering = 64 << 20
	longestLinger = 10 * time.Second
	Lingering     = 2 * time.Second // without a byte; over HTTP/2, in all
)
