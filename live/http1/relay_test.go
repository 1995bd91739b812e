package http1

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components"
)

// relay is a server that hands every request on to an origin that records what
// it sees: the smallest proxy there is.
type relay struct {
	*testing.T
	origin  *recorder
	server  *Server
	pool    *Pool
	address string
	refused []string
	mu      sync.Mutex
}

func newRelay(t *testing.T) *relay { return newRelayTo(t, newRecorder(t)) }

func newRelayTo(t *testing.T, origin *recorder) *relay {
	r := &relay{T: t, origin: origin}
	r.pool = &Pool{Dial: new(net.Dialer).DialContext, Idle: 4, IdleTimeout: time.Minute}
	r.server = &Server{
		Handler: r, Limits: Limits{Body: 1 << 20}, HeadTimeout: 5 * time.Second, IdleTimeout: 5 * time.Second,
		Pace: Pace{Idle: 5 * time.Second}, Watch: 10 * time.Millisecond,
		Refused: func(e *Error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.refused = append(r.refused, e.Reason)
		},
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r.address = l.Addr().String()
	go r.server.Serve(l)
	t.Cleanup(func() {
		r.server.Close()
		r.pool.Close()
	})
	return r
}

// keeper keeps what has been read of a request's body on its way to the origin.
type keeper struct {
	*Incoming
	mu   sync.Mutex
	kept []byte
}

type source struct {
	*keeper
	at int
}

func (s *source) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at < len(s.kept) {
		n := copy(p, s.kept[s.at:])
		s.at += n
		return n, nil
	}
	n, err := s.Incoming.Read(p)
	s.kept = append(s.kept, p[:n]...)
	s.at += n
	return n, err
}

func (s *source) Rewind() (Source, bool) { return &source{keeper: s.keeper}, true }

// Answer hands one request on.
func (r *relay) Answer(a *Answer, q *Request) {
	trip := &Trip{Pool: r.pool, To: Address{Host: r.origin.address}, Ask: Ask{
		Method: q.Method, Target: q.Path, Host: q.Host, Header: onward(q.Header), Length: q.Length, Expect: q.Continue, Trailers: q.Trailers,
	}}
	if q.Asked {
		trip.Ask.Target += "?" + q.Query
	}
	if q.Upgrade != "" {
		trip.Ask.Upgrade = q.Upgrade
	}
	if q.Length != 0 {
		trip.Body = &source{keeper: &keeper{Incoming: a.Body()}}
	}
	trip.Interim = func(status int, h components.Header) {
		if status == 100 {
			a.Continue()
			return
		}
		a.Interim(status, h)
	}
	answer, err := trip.Run()
	if refused := a.Body().Refused(); refused != nil {
		a.Begin(refused.Status, nil, int64(len(refused.Reason)))
		a.Write([]byte(refused.Reason))
		a.End(nil)
		return
	}
	if err != nil {
		a.Begin(502, nil, int64(len(err.Error())))
		a.Write([]byte(err.Error()))
		a.End(nil)
		return
	}
	c := trip.Conn()
	if answer.Status == 101 {
		front, err := a.Switch(onward(answer.Header), answer.Upgrade)
		if err == nil {
			Tunnel(front, c.Stream(), time.Second)
		}
		return
	}
	defer c.Release()
	a.Begin(answer.Status, onward(answer.Header), answer.Length)
	buffer := make([]byte, 1000)
	for {
		n, err := c.Read(buffer)
		if _, wrong := a.Write(buffer[:n]); wrong != nil {
			return
		}
		if err == io.EOF {
			a.End(c.Trailer())
			return
		}
		if err != nil {
			return
		}
		a.Flush()
	}
}

// onward is a header without what is between neighbours.
func onward(h components.Header) components.Header {
	return slices.DeleteFunc(slices.Clone(h), func(f components.Field) bool {
		return slices.Contains([]string{"connection", "keep-alive", "te", "trailer", "upgrade", "expect"}, strings.ToLower(f.Name))
	})
}

// send sends the bytes and returns the statuses of the answers, with the
// reason of the last if it is a refusal. It says that no more comes once there
// are as many as expected.
func (r *relay) send(text string, expected int) (statuses, reason string) {
	conn, err := net.Dial("tcp", r.address)
	require.NoError(r, err)
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	go io.WriteString(conn, text)
	in := bufio.NewReader(conn)
	var all []string
	for {
		if len(all) == expected {
			conn.(*net.TCPConn).CloseWrite()
		}
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			require.True(r, err == io.EOF || err == io.ErrUnexpectedEOF, "%v", err)
			return strings.Join(all, " "), reason
		}
		body, err := io.ReadAll(answer.Body)
		require.NoError(r, err)
		all = append(all, fmt.Sprint(answer.StatusCode))
		if reason = ""; answer.StatusCode != 200 {
			reason = strings.TrimSpace(string(body))
			require.True(r, answer.Close, "who is refused is shut out")
		}
		if answer.Close {
			_, err := in.ReadByte()
			require.ErrorIs(r, err, io.EOF, "nothing follows the last answer")
			return strings.Join(all, " "), reason
		}
	}
}

// recorder is an origin that keeps all the bytes that it sees. What it makes
// of them is net/http's to say.
type recorder struct {
	address  string
	requests atomic.Int64 // whole ones
	answer   string       // to each

	mu   sync.Mutex
	seen bytes.Buffer
}

func newRecorder(t testing.TB) *recorder {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r := &recorder{address: l.Addr().String(), answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go r.serve(conn)
		}
	}()
	t.Cleanup(func() { l.Close() })
	return r
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen.Write(p)
}

func (r *recorder) all() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen.String()
}

func (r *recorder) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(io.TeeReader(conn, r))
	for {
		q, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, q.Body); err != nil {
			return
		}
		r.requests.Add(1)
		if _, err := io.WriteString(conn, r.answer); err != nil {
			return
		}
	}
}
