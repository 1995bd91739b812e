package http1

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"trafficlab/components"
)

// lobby is a network of pipes to one listener, for tests on a fake clock.
type lobby struct {
	arrivals chan net.Conn
	once     sync.Once
	closed   chan struct{}
}

func newLobby() *lobby { return &lobby{arrivals: make(chan net.Conn), closed: make(chan struct{})} }

func (l *lobby) Accept() (net.Conn, error) {
	select {
	case c := <-l.arrivals:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *lobby) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *lobby) Addr() net.Addr { return &net.TCPAddr{} }

func (l *lobby) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case l.arrivals <- far:
		return near, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// answering is a handler for one test.
type answering func(a *Answer, q *Request)

func (f answering) Answer(a *Answer, q *Request) { f(a, q) }

func reply(a *Answer, status int, text string) {
	a.Begin(status, nil, int64(len(text)))
	io.WriteString(a, text)
	a.End(nil)
}

// guest is a client that writes and reads bytes.
type guest struct {
	*testing.T
	net.Conn
	in *bufio.Reader
}

// serving runs a test before a server on a fake clock.
func serving(t *testing.T, s *Server, test func(t *testing.T, enter func() *guest)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := newLobby()
		go s.Serve(l)
		defer time.Sleep(time.Minute) // lets clients find out
		defer s.Close()
		test(t, func() *guest {
			conn, err := l.Dial(t.Context(), "", "")
			require.NoError(t, err)
			return &guest{t, conn, bufio.NewReader(conn)}
		})
	})
}

func (g *guest) say(text string) { go io.WriteString(g.Conn, marks.Replace(text)) }

// hear reads one answer, whose body it returns.
func (g *guest) hear(method string) (*http.Response, string) {
	g.Helper()
	answer, err := http.ReadResponse(g.in, &http.Request{Method: method})
	require.NoError(g, err)
	body, err := io.ReadAll(answer.Body)
	require.NoError(g, err)
	return answer, string(body)
}

func (g *guest) requireClosed() {
	g.Helper()
	_, err := g.in.ReadByte()
	require.ErrorIs(g, err, io.EOF)
}

const ask = "GET / HTTP/1.1↵Host: a↵↵"

func TestTimeouts(t *testing.T) {
	var refused []string
	s := &Server{
		HeadTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		Pace:    Pace{Idle: 20 * time.Second, Rate: 100, Grace: 5 * time.Second},
		Refused: func(e *Error) { refused = append(refused, e.Reason) },
		Handler: answering(func(a *Answer, q *Request) {
			_, err := io.Copy(io.Discard, a.Body())
			if wrong := a.Body().Refused(); wrong != nil {
				reply(a, wrong.Status, wrong.Reason)
				return
			}
			if err == nil {
				reply(a, 200, "")
			}
		}),
	}
	drip := func(g *guest, text string, every time.Duration) {
		for i := range len(text) {
			if _, err := g.Write([]byte{text[i]}); err != nil {
				return
			}
			time.Sleep(every)
		}
	}
	tests := []struct {
		name   string
		do     func(g *guest)
		status int // 0: closed without a word
		after  time.Duration
		why    string
	}{
		{"no word", func(*guest) {}, 0, 10 * time.Second, ""},
		{"a head that stops", func(g *guest) { g.say("GET / HT") }, 408, 10 * time.Second, "head too slow"},
		{"a head by the second", func(g *guest) { go drip(g, "GET / HTTP/1.1\r\nHost: long.example", time.Second) }, 408, 10 * time.Second, "head too slow"},
		{"a body that stops", func(g *guest) { g.say("POST / HTTP/1.1↵Host: a↵Content-Length: 9↵↵hi") }, 408, 5 * time.Second, "body too slow"},
		{"a body by the second", func(g *guest) {
			go func() {
				io.WriteString(g, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 90\r\n\r\n")
				drip(g, strings.Repeat("x", 90), time.Second)
			}()
		}, 408, 5 * time.Second, "body too slow"},
		{"chunks by the second", func(g *guest) {
			go func() {
				io.WriteString(g, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
				drip(g, strings.Repeat("1\r\nx\r\n", 90), time.Second)
			}()
		}, 408, 5 * time.Second, "body too slow"},
		{"a body that is fast enough", func(g *guest) {
			go func() {
				io.WriteString(g, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6000\r\n\r\n")
				for range 60 {
					io.WriteString(g, strings.Repeat("x", 100))
					time.Sleep(time.Second)
				}
			}()
		}, 200, 59 * time.Second, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			refused = nil
			again := &Server{Handler: s.Handler, HeadTimeout: s.HeadTimeout, IdleTimeout: s.IdleTimeout, Pace: s.Pace, Taking: s.Pace, Refused: s.Refused}
			serving(t, again, func(t *testing.T, enter func() *guest) {
				began := time.Now()
				g := enter()
				defer g.Close()
				test.do(g)
				if test.status == 0 {
					g.requireClosed()
				} else {
					answer, _ := g.hear("POST")
					assert.Equal(t, test.status, answer.StatusCode)
				}
				took := time.Since(began)
				assert.InDelta(t, test.after.Seconds(), took.Seconds(), 0.1)
				if test.why != "" {
					g.requireClosed()
					synctest.Wait()
					assert.Equal(t, []string{test.why}, refused)
				}
			})
		})
	}
}

func TestIdleConnectionsAreClosed(t *testing.T) {
	s := &Server{IdleTimeout: time.Minute, Handler: answering(func(a *Answer, _ *Request) { reply(a, 200, "") })}
	serving(t, s, func(t *testing.T, enter func() *guest) {
		g := enter()
		g.say(ask)
		g.hear("GET")
		began := time.Now()
		g.requireClosed()
		require.InDelta(t, 60, time.Since(began).Seconds(), 15)
	})
}

func TestSlowReadersAreCutOff(t *testing.T) {
	var failed error
	var after time.Duration
	var why []string
	s := &Server{
		Taking:  Pace{Idle: 10 * time.Second, Rate: 1000, Grace: 5 * time.Second},
		Refused: func(e *Error) { why = append(why, e.Reason) },
		Handler: answering(func(a *Answer, _ *Request) {
			began := time.Now()
			a.Begin(200, nil, 1<<30)
			for failed == nil {
				_, failed = a.Write(make([]byte, 32<<10))
			}
			after = time.Since(began)
		}),
	}
	serving(t, s, func(t *testing.T, enter func() *guest) {
		g := enter()
		go func() {
			io.WriteString(g, marks.Replace(ask))
			for { // 100 bytes a second
				if _, err := g.Read(make([]byte, 100)); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}()
		time.Sleep(time.Minute)
		g.Close()
		synctest.Wait()
		require.Error(t, failed)
		require.InDelta(t, 5, after.Seconds(), 2)
		require.Equal(t, []string{"answer taken too slowly"}, why)
	})
}

func TestConnectionLimit(t *testing.T) {
	s := &Server{Crowd: &Crowd{Most: 2}, Handler: answering(func(a *Answer, _ *Request) { reply(a, 200, "") })}
	serving(t, s, func(t *testing.T, enter func() *guest) {
		first, second := enter(), enter()
		defer second.Close()
		synctest.Wait()
		third := enter()
		answer, text := third.hear("GET")
		require.Equal(t, 503, answer.StatusCode)
		require.Equal(t, "too many connections\n", text)
		first.Close()
		synctest.Wait()
		fourth := enter()
		defer fourth.Close()
		fourth.say(ask)
		answer, _ = fourth.hear("GET")
		require.Equal(t, 200, answer.StatusCode)
	})
}

func TestShutdown(t *testing.T) {
	s := &Server{Handler: answering(func(a *Answer, _ *Request) {
		time.Sleep(time.Second)
		reply(a, 200, "done")
	})}
	serving(t, s, func(t *testing.T, enter func() *guest) {
		silent, idle, busy := enter(), enter(), enter()
		idle.say(ask)
		idle.hear("GET")
		busy.say(ask)
		time.Sleep(100 * time.Millisecond)
		began := time.Now()
		ended := make(chan error)
		go func() { ended <- s.Shutdown(t.Context()) }()
		silent.requireClosed()
		idle.requireClosed()
		require.Zero(t, time.Since(began))
		answer, text := busy.hear("GET")
		require.Equal(t, "done", text)
		require.True(t, answer.Close)
		busy.requireClosed()
		require.NoError(t, <-ended)
		require.Equal(t, 900*time.Millisecond, time.Since(began))
	})
}

func TestFraming(t *testing.T) {
	s := &Server{Handler: answering(func(a *Answer, q *Request) {
		switch q.Path {
		case "/known":
			a.Begin(200, components.Header{{Name: "X", Value: "y"}, {Name: "Content-Length", Value: "9"}, {Name: "Connection", Value: "x"}}, 4)
			io.WriteString(a, "text")
			a.End(nil)
		case "/unknown":
			a.Begin(200, nil, Unknown)
			io.WriteString(a, "te")
			a.Flush()
			io.WriteString(a, "xt")
			a.End(components.Header{{Name: "X-Sum", Value: "1"}, {Name: "Host", Value: "evil"}})
		case "/split":
			a.Begin(200, components.Header{{Name: "X", Value: "a\r\nSet-Cookie: b"}, {Name: "Y\r\nZ", Value: "c"}}, 0)
			a.End(nil)
		case "/less":
			a.Begin(200, nil, 9)
			io.WriteString(a, "text")
			a.End(nil)
		case "/more":
			a.Begin(200, nil, 2)
			_, err := io.WriteString(a, "text")
			assert.ErrorIs(t, err, errTooMuch)
		case "/nothing":
		default:
			a.Begin(map[string]int{"/204": 204, "/304": 304, "/205": 205}[q.Path], nil, 4)
			io.WriteString(a, "text")
			a.End(nil)
		}
	})}
	const date = "Date: Sat, 01 Jan 2000 00:00:00 GMT↵"
	tests := []struct{ name, in, out string }{
		{"known", "GET /known HTTP/1.1↵Host: a↵↵", "HTTP/1.1 200 OK↵" + date + "X: y↵Content-Length: 4↵↵text"},
		{"known in HTTP/1.0", "GET /known HTTP/1.0↵↵", "HTTP/1.1 200 OK↵" + date + "X: y↵Connection: close↵Content-Length: 4↵↵text"},
		{"HTTP/1.0 would go on", "GET /known HTTP/1.0↵Connection: Keep-Alive↵↵", "HTTP/1.1 200 OK↵" + date + "X: y↵Connection: keep-alive↵Content-Length: 4↵↵text"},
		{"last", "GET /known HTTP/1.1↵Host: a↵Connection: x, Close↵↵", "HTTP/1.1 200 OK↵" + date + "X: y↵Connection: close↵Content-Length: 4↵↵text"},
		{"HEAD", "HEAD /known HTTP/1.1↵Host: a↵↵", "HTTP/1.1 200 OK↵" + date + "X: y↵Content-Length: 4↵↵"},
		{"unknown", "GET /unknown HTTP/1.1↵Host: a↵↵", "HTTP/1.1 200 OK↵" + date + "Transfer-Encoding: chunked↵↵2↵te↵2↵xt↵0↵↵"},
		{"with a trailer", "GET /unknown HTTP/1.1↵Host: a↵TE: trailers↵↵", "HTTP/1.1 200 OK↵" + date + "Transfer-Encoding: chunked↵↵2↵te↵2↵xt↵0↵X-Sum: 1↵↵"},
		{"unknown in HTTP/1.0", "GET /unknown HTTP/1.0↵Connection: keep-alive↵↵", "HTTP/1.1 200 OK↵" + date + "Connection: close↵↵text"},
		{"unknown to HEAD", "HEAD /unknown HTTP/1.1↵Host: a↵↵", "HTTP/1.1 200 OK↵" + date + "↵"},
		{"204", "GET /204 HTTP/1.1↵Host: a↵↵", "HTTP/1.1 204 No Content↵" + date + "↵"},
		{"304", "GET /304 HTTP/1.1↵Host: a↵↵", "HTTP/1.1 304 Not Modified↵" + date + "Content-Length: 4↵↵"},
		{"no field is two", "GET /split HTTP/1.1↵Host: a↵↵", "HTTP/1.1 200 OK↵" + date + "Content-Length: 0↵↵"},
		{"less than promised", "GET /less HTTP/1.1↵Host: a↵↵", ""},
		{"more than promised", "GET /more HTTP/1.1↵Host: a↵↵", ""},
		{"no answer", "GET /nothing HTTP/1.1↵Host: a↵↵", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			serving(t, &Server{Handler: s.Handler}, func(t *testing.T, enter func() *guest) {
				g := enter()
				g.say(test.in)
				var got bytes.Buffer
				go io.Copy(&got, g.Conn)
				time.Sleep(time.Millisecond)
				g.Close()
				synctest.Wait()
				require.Equal(t, marks.Replace(test.out), got.String())
			})
		})
	}
}

func TestContinue(t *testing.T) {
	const head = "POST / HTTP/1.1↵Host: a↵Expect: 100-continue↵Content-Length: 4↵↵"
	var wanted bool
	handler := answering(func(a *Answer, _ *Request) {
		if wanted {
			body, _ := io.ReadAll(a.Body())
			reply(a, 200, string(body))
			return
		}
		reply(a, 403, "")
	})
	for _, wanted = range []bool{true, false} {
		serving(t, &Server{Handler: handler}, func(t *testing.T, enter func() *guest) {
			g := enter()
			defer g.Close()
			g.say(head)
			line, err := g.in.ReadString('\n')
			require.NoError(t, err)
			if !wanted {
				require.Equal(t, "HTTP/1.1 403 Forbidden\r\n", line)
				rest, _ := io.ReadAll(g.in)
				require.Contains(t, string(rest), "Connection: close\r\n", "nobody knows whether the body comes")
				return
			}
			require.Equal(t, "HTTP/1.1 100 Continue\r\n", line)
			g.in.ReadString('\n')
			g.say("text" + ask)
			_, text := g.hear("POST")
			require.Equal(t, "text", text)
		})
	}
}

func TestInterimAnswers(t *testing.T) {
	handler := answering(func(a *Answer, _ *Request) {
		a.Interim(103, components.Header{{Name: "Link", Value: "</a.css>"}})
		reply(a, 200, "")
		a.Interim(103, nil) // too late: left out
	})
	for version, want := range map[string]string{"1.1": "HTTP/1.1 103 Early Hints↵Link: </a.css>↵↵HTTP/1.1 200 OK↵", "1.0": "HTTP/1.1 200 OK↵"} {
		serving(t, &Server{Handler: handler}, func(t *testing.T, enter func() *guest) {
			g := enter()
			defer g.Close()
			g.say("GET / HTTP/" + version + "↵Host: a↵↵")
			got := make([]byte, len(marks.Replace(want)))
			_, err := io.ReadFull(g.in, got)
			require.NoError(t, err)
			require.Equal(t, marks.Replace(want), string(got))
		})
	}
}

func TestClientGoesAway(t *testing.T) {
	for _, watch := range []time.Duration{0, 10 * time.Millisecond} {
		for _, in := range []string{ask, "POST / HTTP/1.1↵Host: a↵Content-Length: 4↵↵text", ask + ask} {
			var patience time.Duration
			s := &Server{Watch: watch, Handler: answering(func(a *Answer, _ *Request) {
				io.Copy(io.Discard, a.Body())
				began := time.Now()
				<-a.Gone()
				patience = time.Since(began)
			})}
			serving(t, s, func(t *testing.T, enter func() *guest) {
				g := enter()
				g.say(in)
				time.Sleep(100 * time.Millisecond)
				g.Close()
				synctest.Wait()
				require.Equal(t, 100*time.Millisecond, patience)
			})
		}
	}
}

// A request that comes while the one before is being answered is not lost to
// whoever watches the client meanwhile.
func TestPipeliningUnderWatch(t *testing.T) {
	for _, watch := range []time.Duration{0, 10 * time.Millisecond} {
		s := &Server{Watch: watch, Handler: answering(func(a *Answer, q *Request) {
			time.Sleep(50 * time.Millisecond)
			reply(a, 200, q.Path)
		})}
		serving(t, s, func(t *testing.T, enter func() *guest) {
			g := enter()
			defer g.Close()
			for _, text := range []string{"GET /1 HTTP/1.1↵Host: a↵↵GET /2 HT", "TP/1.1↵Host: a↵↵", "GET /3 HTTP/1.1↵Host: a↵↵"} {
				g.say(text)
				time.Sleep(20 * time.Millisecond)
			}
			for _, want := range []string{"/1", "/2", "/3"} {
				_, text := g.hear("GET")
				require.Equal(t, want, text)
			}
		})
	}
}

func TestGuardEndsAnotherReading(t *testing.T) {
	var failed error
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		upstream := newClientConn((&Pool{}).host(Address{}), near)
		s := &Server{Handler: answering(func(a *Answer, _ *Request) {
			assert.True(t, a.Guard(upstream))
			_, failed = upstream.hear()
			a.Unguard()
			assert.False(t, a.Guard(upstream))
		})}
		l := newLobby()
		go s.Serve(l)
		defer s.Close()
		conn, err := l.Dial(t.Context(), "", "")
		require.NoError(t, err)
		io.WriteString(conn, marks.Replace(ask))
		time.Sleep(time.Second)
		conn.Close()
		synctest.Wait()
		require.Error(t, failed)
	})
}

func TestUnreadBodies(t *testing.T) {
	for _, test := range []struct {
		name string
		size int
		keep bool
	}{{"a short one is read", 10_000, true}, {"a long one is not", 1 << 20, false}} {
		t.Run(test.name, func(t *testing.T) {
			s := &Server{Handler: answering(func(a *Answer, _ *Request) { reply(a, 200, "early") })}
			serving(t, s, func(t *testing.T, enter func() *guest) {
				g := enter()
				defer g.Close()
				go func() {
					io.WriteString(g, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: "+strconv.Itoa(test.size)+"\r\n\r\n")
					g.Write(make([]byte, test.size))
					io.WriteString(g, marks.Replace(ask))
				}()
				_, text := g.hear("POST")
				require.Equal(t, "early", text)
				if !test.keep {
					g.requireClosed()
					return
				}
				_, text = g.hear("GET")
				require.Equal(t, "early", text)
			})
		})
	}
}

// A handler may return while another goroutine still reads the body.
func TestBodyIsAbandoned(t *testing.T) {
	var failed error
	s := &Server{Handler: answering(func(a *Answer, _ *Request) {
		body := a.Body()
		go func() { _, failed = io.ReadAll(body) }()
		time.Sleep(time.Second)
		reply(a, 413, "enough")
	})}
	serving(t, s, func(t *testing.T, enter func() *guest) {
		g := enter()
		defer g.Close()
		g.say("POST / HTTP/1.1↵Host: a↵Content-Length: 100↵↵begun")
		_, text := g.hear("POST")
		require.Equal(t, "enough", text)
		g.requireClosed()
		synctest.Wait()
		require.ErrorIs(t, failed, errOver)
	})
}

func TestPanicIsLogged(t *testing.T) {
	var lines bytes.Buffer
	s := &Server{Log: log.New(&lines, "", 0), Handler: answering(func(*Answer, *Request) { panic("a bug") })}
	serving(t, s, func(t *testing.T, enter func() *guest) {
		g := enter()
		g.say(ask)
		g.requireClosed()
		synctest.Wait()
		require.Contains(t, lines.String(), "panic while answering GET /: a bug")
	})
}

// Who still holds the body of a request that has been answered does not get
// the next one's.
func TestALateReaderGetsNothing(t *testing.T) {
	var held io.Reader
	s := &Server{Handler: answering(func(a *Answer, q *Request) {
		if held == nil {
			held = a.Body()
			reply(a, 200, "first")
			return
		}
		_, err := held.Read(make([]byte, 9))
		assert.ErrorIs(t, err, errOver)
		text, _ := io.ReadAll(a.Body())
		reply(a, 200, string(text))
	})}
	serving(t, s, func(t *testing.T, enter func() *guest) {
		g := enter()
		defer g.Close()
		g.say("POST / HTTP/1.1↵Host: a↵Content-Length: 3↵↵onePOST / HTTP/1.1↵Host: a↵Content-Length: 3↵↵two")
		_, text := g.hear("POST")
		require.Equal(t, "first", text)
		_, text = g.hear("POST")
		require.Equal(t, "two", text)
	})
}
