package http1

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"trafficlab/components"
)

// asking runs a test with a pool before an origin that plays a script on each
// connection, on a fake clock.
func asking(t *testing.T, p *Pool, script func(n int, conn net.Conn, in *bufio.Reader), test func(t *testing.T, p *Pool, dials *atomic.Int64)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := newLobby()
		var dials atomic.Int64
		p.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			dials.Add(1)
			return l.Dial(ctx, network, address)
		}
		go func() {
			for n := 1; ; n++ {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer conn.Close()
					script(n, conn, bufio.NewReader(conn))
				}()
			}
		}()
		defer time.Sleep(time.Minute)
		defer l.Close()
		defer p.Close()
		test(t, p, &dials)
	})
}

// text is the body of a request.
type text struct {
	io.Reader
	again *strings.Reader // nil: it cannot be read twice
}

func (b text) Trailer() components.Header { return components.Header{{Name: "X-Sum", Value: "1"}} }
func (b text) Rewind() (Source, bool) {
	if b.again == nil {
		return nil, false
	}
	b.again.Seek(0, io.SeekStart)
	return b, true
}

func replayable(s string) text { r := strings.NewReader(s); return text{r, r} }

func trip(p *Pool, method, target string) *Trip {
	return &Trip{Pool: p, To: Address{Host: "origin:80"}, Ask: Ask{Method: method, Target: target, Host: "a"}}
}

// end reads the answer's body and gives the connection back.
func end(t *testing.T, trip *Trip) string {
	t.Helper()
	body, err := io.ReadAll(trip.Conn())
	require.NoError(t, err)
	trip.Conn().Release()
	return string(body)
}

// polite answers every request with its target.
func polite(_ int, conn net.Conn, in *bufio.Reader) {
	for {
		q, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		body, _ := io.ReadAll(q.Body)
		answer := q.RequestURI + string(body) + q.Trailer.Get("X-Sum")
		io.WriteString(conn, marks.Replace("HTTP/1.1 200 OK↵Content-Length: ")+itoa(len(answer))+"\r\n\r\n"+answer)
	}
}

func itoa(n int) string { return string(appendLength(nil, n)) }

func appendLength(b []byte, n int) []byte {
	if n >= 10 {
		b = appendLength(b, n/10)
	}
	return append(b, byte('0'+n%10))
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	asking(t, &Pool{Idle: 2, IdleTimeout: time.Minute}, polite, func(t *testing.T, p *Pool, dials *atomic.Int64) {
		for _, target := range []string{"/1", "/2", "/3"} {
			one := trip(p, "GET", target)
			_, err := one.Run()
			require.NoError(t, err)
			require.Equal(t, target, end(t, one))
		}
		two := trip(p, "POST", "/")
		two.Ask.Length, two.Body = Unknown, replayable("body")
		_, err := two.Run()
		require.NoError(t, err)
		require.Equal(t, "/body", end(t, two)[:5])
		synctest.Wait()
		require.EqualValues(t, 1, dials.Load())

		three := trip(p, "GET", "/prompt")
		require.True(t, three.Prompt())
		_, err = three.Hear()
		require.NoError(t, err)
		require.Equal(t, "/prompt", end(t, three))
		require.EqualValues(t, 1, dials.Load())

		time.Sleep(2 * time.Minute)
		require.False(t, trip(p, "GET", "/").Prompt(), "idle for too long")
		h := p.host(Address{Host: "origin:80"})
		require.Zero(t, h.open)
	})
}

func TestBodiesInThePool(t *testing.T) {
	asking(t, &Pool{Idle: 2}, polite, func(t *testing.T, p *Pool, _ *atomic.Int64) {
		for _, length := range []int64{4, Unknown} {
			one := trip(p, "PUT", "/x")
			one.Ask.Length, one.Body = length, replayable("body")
			_, err := one.Run()
			require.NoError(t, err)
			require.Equal(t, map[int64]string{4: "/xbody", Unknown: "/xbody1"}[length], end(t, one))
		}
	})
}

func TestTheLineIsFirstComeFirstServed(t *testing.T) {
	slow := func(n int, conn net.Conn, in *bufio.Reader) {
		for {
			if _, err := http.ReadRequest(in); err != nil {
				return
			}
			time.Sleep(time.Second)
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	}
	asking(t, &Pool{Most: 2, Idle: 2}, slow, func(t *testing.T, p *Pool, dials *atomic.Int64) {
		ends := make([]time.Duration, 6)
		began := time.Now()
		for i := range ends {
			time.Sleep(time.Millisecond)
			go func() {
				one := trip(p, "GET", "/")
				_, err := one.Run()
				require.NoError(t, err)
				end(t, one)
				ends[i] = time.Since(began).Truncate(time.Second)
			}()
		}
		impatient := trip(p, "GET", "/")
		gone := make(chan error, 1)
		go func() { _, err := impatient.Run(); gone <- err }()
		time.Sleep(10 * time.Millisecond)
		impatient.Cancel(errors.New("enough"))
		require.EqualError(t, <-gone, "enough")
		require.False(t, impatient.Begun())
		time.Sleep(10 * time.Second)
		synctest.Wait()
		s := time.Second
		require.Equal(t, []time.Duration{s, s, 2 * s, 2 * s, 3 * s, 3 * s}, ends)
		require.EqualValues(t, 2, dials.Load())
	})
}

// What an upstream does to the second request on a connection, and whether
// the third connection's answer may stand in.
func TestABrokenConnectionIsReplaced(t *testing.T) {
	closeAfter := func(answered int, before string) func(int, net.Conn, *bufio.Reader) {
		return func(n int, conn net.Conn, in *bufio.Reader) {
			for i := 0; ; i++ {
				q, err := http.ReadRequest(in)
				if err != nil {
					return
				}
				io.Copy(io.Discard, q.Body)
				if n == 1 && i >= answered {
					io.WriteString(conn, before)
					return
				}
				io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}
		}
	}
	tests := []struct {
		name   string
		method string
		body   *text
		first  int    // answers on the first connection
		before string // the break
		again  bool
	}{
		{"a read", "GET", nil, 1, "", true},
		{"a deletion", "DELETE", nil, 1, "", true},
		{"a body that can be sent again", "PUT", &text{strings.NewReader("x"), nil}, 1, "", false},
		{"an order", "POST", nil, 1, "", false},
		{"of a fresh connection", "GET", nil, 0, "", false},
		{"after a part of the answer", "GET", nil, 1, "HTTP/1.1 2", false},
		{"after an interim answer", "GET", nil, 1, "HTTP/1.1 103 Early Hints\r\n\r\n", false},
		{"after nonsense", "GET", nil, 1, "nonsense\r\n", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			asking(t, &Pool{Idle: 2}, closeAfter(test.first, test.before), func(t *testing.T, p *Pool, dials *atomic.Int64) {
				for range test.first {
					one := trip(p, "GET", "/")
					_, err := one.Run()
					require.NoError(t, err)
					end(t, one)
				}
				two := trip(p, test.method, "/")
				if test.body != nil {
					two.Ask.Length, two.Body = 1, *test.body
				}
				_, err := two.Run()
				require.Equal(t, test.again, err == nil)
				require.True(t, two.Begun())
				if test.again {
					end(t, two)
					require.EqualValues(t, 2, dials.Load())
				} else {
					require.EqualValues(t, 1, dials.Load())
				}
			})
		})
	}
	t.Run("a body that is kept", func(t *testing.T) {
		asking(t, &Pool{Idle: 2}, closeAfter(1, ""), func(t *testing.T, p *Pool, dials *atomic.Int64) {
			one := trip(p, "GET", "/")
			_, err := one.Run()
			require.NoError(t, err)
			end(t, one)
			two := trip(p, "PUT", "/")
			two.Ask.Length, two.Body = 4, replayable("body")
			_, err = two.Run()
			require.NoError(t, err)
			end(t, two)
			require.EqualValues(t, 2, dials.Load())
		})
	})
}

// Over real sockets: what happened to a connection while it was idle is seen
// before it is used, so that even an order is not lost.
func TestIdleConnectionsAreLookedAt(t *testing.T) {
	for _, test := range []struct{ name, unasked string }{{"closed", ""}, {"with an answer that nobody asked for", "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"}} {
		t.Run(test.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer l.Close()
			leave, left := make(chan struct{}), make(chan struct{})
			go func() {
				for first := true; ; first = false {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					http.ReadRequest(bufio.NewReader(conn))
					io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
					if first {
						<-leave
						io.WriteString(conn, test.unasked)
						conn.Close()
						close(left)
					}
				}
			}()
			p := &Pool{Dial: new(net.Dialer).DialContext, Idle: 2}
			defer p.Close()
			order := func() {
				one := &Trip{Pool: p, To: Address{Host: l.Addr().String()}, Ask: Ask{Method: "POST", Target: "/"}}
				a, err := one.Run()
				require.NoError(t, err)
				require.Equal(t, 200, a.Status)
				end(t, one)
			}
			order()
			close(leave)
			<-left
			require.Eventually(t, func() bool {
				h := p.host(Address{Host: l.Addr().String()})
				h.mu.Lock()
				defer h.mu.Unlock()
				return !h.idle[0].alive()
			}, 10*time.Second, time.Millisecond)
			order()
		})
	}
}

func TestEarlyAnswer(t *testing.T) {
	early := func(_ int, conn net.Conn, in *bufio.Reader) {
		http.ReadRequest(in)
		io.WriteString(conn, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig")
		time.Sleep(time.Second)
	}
	asking(t, &Pool{Idle: 2}, early, func(t *testing.T, p *Pool, dials *atomic.Int64) {
		one := trip(p, "POST", "/")
		one.Ask.Length, one.Body = 1<<20, replayable(strings.Repeat("x", 1<<20))
		a, err := one.Run()
		require.NoError(t, err)
		require.Equal(t, 413, a.Status)
		require.Equal(t, "big", end(t, one))
		require.Zero(t, p.host(one.To).open, "a connection with half a request on it is not used again")
	})
}

func TestExpectation(t *testing.T) {
	tests := []struct {
		name    string
		first   string
		status  int
		body    string
		after   time.Duration
		interim []int
	}{
		{"asked for", "HTTP/1.1 100 Continue\r\n\r\n", 200, "/body", 0, []int{100}},
		{"early hints, then asked for", "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n", 200, "/body", 0, []int{103, 100}},
		{"refused", "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", 403, "", 0, nil},
		{"no word", "", 200, "/body", patience, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			origin := func(n int, conn net.Conn, in *bufio.Reader) {
				head, err := in.Peek(1)
				for err == nil && !strings.HasSuffix(string(head), "\r\n\r\n") {
					head, err = in.Peek(len(head) + 1)
				}
				assert.Contains(t, string(head), "\r\nExpect: 100-continue\r\n")
				io.WriteString(conn, test.first)
				polite(n, conn, in)
			}
			asking(t, &Pool{Idle: 2}, origin, func(t *testing.T, p *Pool, _ *atomic.Int64) {
				began := time.Now()
				one := trip(p, "POST", "/")
				one.Ask.Length, one.Ask.Expect, one.Body = 4, true, replayable("body")
				var interim []int
				one.Interim = func(status int, _ components.Header) { interim = append(interim, status) }
				a, err := one.Run()
				require.NoError(t, err)
				require.Equal(t, test.status, a.Status)
				require.Equal(t, test.body, end(t, one))
				require.Equal(t, test.after, time.Since(began))
				require.Equal(t, test.interim, interim)
			})
		})
	}
}

func TestCancelClosesTheConnection(t *testing.T) {
	var patience time.Duration
	silent := func(_ int, conn net.Conn, in *bufio.Reader) {
		http.ReadRequest(in)
		began := time.Now()
		in.ReadByte()
		patience = time.Since(began)
	}
	asking(t, &Pool{Idle: 2}, silent, func(t *testing.T, p *Pool, _ *atomic.Int64) {
		one := trip(p, "GET", "/")
		cause := errors.New("enough")
		time.AfterFunc(time.Second, func() { one.Cancel(cause) })
		_, err := one.Run()
		require.Error(t, err)
		require.Equal(t, cause, one.Cause())
		synctest.Wait()
		require.Equal(t, time.Second, patience)
		require.Zero(t, p.host(one.To).open)
		_, err = one.Run()
		require.ErrorIs(t, err, cause)
	})
}

func TestWhatIsNoAnswer(t *testing.T) {
	tests := []struct{ name, says, err string }{
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "refused: several Content-Length"},
		{"a protocol nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", errSwitched.Error()},
		{"nothing but hints", strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 20), errManyInterim.Error()},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			origin := func(_ int, conn net.Conn, in *bufio.Reader) {
				http.ReadRequest(in)
				io.WriteString(conn, test.says)
			}
			asking(t, &Pool{Idle: 2}, origin, func(t *testing.T, p *Pool, dials *atomic.Int64) {
				one := trip(p, "GET", "/")
				_, err := one.Run()
				require.EqualError(t, err, test.err)
				require.EqualValues(t, 1, dials.Load())
			})
		})
	}
}

func TestBytesBehindAnAnswerEndTheConnection(t *testing.T) {
	for _, says := range []string{"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokay"} {
		origin := func(_ int, conn net.Conn, in *bufio.Reader) {
			http.ReadRequest(in)
			io.WriteString(conn, says)
		}
		asking(t, &Pool{Idle: 2}, origin, func(t *testing.T, p *Pool, _ *atomic.Int64) {
			one := trip(p, "GET", "/")
			_, err := one.Run()
			require.NoError(t, err)
			require.LessOrEqual(t, len(end(t, one)), 2)
			require.Zero(t, p.host(one.To).open)
		})
	}
}

// A tunnel, through the relay and over real sockets: what either side sends
// right behind its head is not lost.
func TestTunnel(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		in := bufio.NewReader(conn)
		q, err := http.ReadRequest(in)
		if err != nil || q.Header.Get("Upgrade") != "echo" || q.Header.Get("Connection") != "Upgrade" {
			return
		}
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\nX: y\r\n\r\nhello ")
		io.Copy(conn, in)
	}()
	r := newRelayTo(t, &recorder{address: l.Addr().String()})
	conn, err := net.Dial("tcp", r.address)
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nright ")
	require.NoError(t, err)
	in := bufio.NewReader(conn)
	answer, err := http.ReadResponse(in, nil)
	require.NoError(t, err)
	require.Equal(t, 101, answer.StatusCode)
	require.Equal(t, "echo", answer.Header.Get("Upgrade"))
	require.Equal(t, "y", answer.Header.Get("X"))
	io.WriteString(conn, "behind")
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	text, err := io.ReadAll(in)
	require.NoError(t, err)
	require.Equal(t, "hello right behind", string(text))
}

func TestQuietTunnelsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, front := net.Pipe()
		back, origin := net.Pipe()
		stream := func(c net.Conn) *Stream { return &Stream{Conn: c, ahead: bufio.NewReader(c)} }
		began := time.Now()
		ended := make(chan error, 1)
		go func() { _, err := Tunnel(stream(front), stream(back), time.Minute); ended <- err }()
		for range 3 {
			time.Sleep(50 * time.Second)
			go io.WriteString(origin, "x")
			_, err := client.Read(make([]byte, 9))
			require.NoError(t, err)
		}
		require.ErrorIs(t, <-ended, ErrQuiet)
		require.Equal(t, 210*time.Second, time.Since(began))
	})
}
