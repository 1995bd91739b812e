package live

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"trafficlab/components"
	"trafficlab/components/policy"
)

// dial connects to the proxy, to write and read bytes.
func (l *lab) dial() (net.Conn, *bufio.Reader) {
	l.Helper()
	conn, err := l.network.Dial(l.Context(), "", "proxy")
	require.NoError(l, err)
	return conn, bufio.NewReader(conn)
}

func (l *lab) requireLine(in *bufio.Reader, want string) {
	l.Helper()
	line, err := in.ReadString('\n')
	require.NoError(l, err)
	require.Equal(l, want, strings.TrimRight(line, "\r\n"))
}

// What two recipients could read differently does not get past the door, and
// is counted.
func TestAmbiguousRequestsAreRefused(t *testing.T) {
	origin := func(http.ResponseWriter, *http.Request) { t.Error("the origin was asked") }
	inLab(t, handle(pass), labOptions{origin: origin}, func(l *lab) {
		conn, in := l.dial()
		defer conn.Close()
		go io.WriteString(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
		answer, err := http.ReadResponse(in, nil)
		require.NoError(t, err)
		require.Equal(t, 400, answer.StatusCode)
		require.True(t, answer.Close)
		const why = "Content-Length beside Transfer-Encoding"
		w := httptest.NewRecorder()
		(&admin{node: l.node}).handler().ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/metrics", nil))
		require.Contains(t, w.Body.String(), `trafficlab_refused_total{reason="`+why+`"} 1`)
	})
}

// A body that turns out to be badly framed is answered with 400 as well, and
// does not reach the origin as a whole one.
func TestBadChunksAreRefused(t *testing.T) {
	var read error
	origin := func(_ http.ResponseWriter, r *http.Request) { _, read = io.ReadAll(r.Body) }
	inLab(t, handle(pass), labOptions{origin: origin}, func(l *lab) {
		read = nil
		conn, in := l.dial()
		defer conn.Close()
		go io.WriteString(conn, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n+5\r\n")
		answer, err := http.ReadResponse(in, nil)
		require.NoError(t, err)
		require.Equal(t, 400, answer.StatusCode)
		synctest.Wait()
		require.Error(t, read)
		require.NotErrorIs(t, read, io.EOF)
	})
}

func TestTargetsStayAsTheyWereSent(t *testing.T) {
	var saw string
	origin := func(_ http.ResponseWriter, r *http.Request) { saw = r.RequestURI }
	inLab(t, handle(pass), labOptions{origin: origin}, func(l *lab) {
		for _, target := range []string{"/", "//a//b", "/a?", "/a?b;c=%zz|", "/%61/../b"} {
			conn, in := l.dial()
			go io.WriteString(conn, "GET "+target+" HTTP/1.1\r\nHost: a\r\n\r\n")
			answer, err := http.ReadResponse(in, nil)
			require.NoError(t, err)
			require.Equal(t, 200, answer.StatusCode)
			require.Equal(t, target, saw)
			conn.Close()
		}
	})
}

func TestTrailersBothWays(t *testing.T) {
	var came http.Header
	origin := func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, r.Body)
		came = r.Trailer
		w.(http.Flusher).Flush()
		w.Header().Set(http.TrailerPrefix+"X-Sum", "there")
	}
	// A proxy hands Trailer on to nobody; net/http wants to be told.
	h := handle(func(x *exchange, req components.Request) { pass(x, req) })
	for _, wanted := range []bool{true, false} {
		inLab(t, h, labOptions{origin: origin}, func(l *lab) {
			r, err := http.NewRequest("POST", "http://proxy/", io.MultiReader(strings.NewReader("text")))
			require.NoError(t, err)
			r.Trailer = http.Header{"X-Sum": {"here"}}
			if wanted {
				r.Header.Set("TE", "trailers")
			}
			answer, err := l.client.Do(r)
			require.NoError(t, err)
			text, err := io.ReadAll(answer.Body)
			require.NoError(t, err)
			require.Equal(t, "text", string(text))
			require.Equal(t, "here", came.Get("X-Sum"))
			require.Equal(t, wanted, answer.Trailer.Get("X-Sum") == "there", "who does not ask gets none")
		})
	}
}

func TestEarlyHintsPassOn(t *testing.T) {
	origin := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		time.Sleep(time.Second)
		io.WriteString(w, "text")
	}
	inLab(t, handle(pass), labOptions{origin: origin}, func(l *lab) {
		began := time.Now()
		var hint string
		var after time.Duration
		r, err := http.NewRequestWithContext(httptrace.WithClientTrace(l.Context(), &httptrace.ClientTrace{
			Got1xxResponse: func(status int, h textproto.MIMEHeader) error {
				hint, after = h.Get("Link"), time.Since(began)
				assert.Equal(t, 103, status)
				return nil
			},
		}), "GET", "http://proxy/", nil)
		require.NoError(t, err)
		answer, err := l.client.Do(r)
		require.NoError(t, err)
		answer.Body.Close()
		require.Equal(t, 200, answer.StatusCode)
		require.Equal(t, "</a.css>; rel=preload", hint)
		require.Zero(t, after)

		conn, in := l.dial()
		defer conn.Close()
		go io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n")
		l.requireLine(in, "HTTP/1.1 200 OK")
	})
}

// A client that waits to be asked for its body is asked when the origin asks,
// and not at all if the origin refuses.
func TestContinueEndToEnd(t *testing.T) {
	origin := func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 1 { // the server of HTTP/2 keeps it to itself
			assert.Equal(t, "100-continue", r.Header.Get("Expect"))
		}
		time.Sleep(time.Second / 2)
		if r.URL.Path == "/no" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		io.Copy(w, r.Body)
	}
	inLab(t, handle(pass), labOptions{origin: origin}, func(l *lab) {
		const head = " HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
		began := time.Now()
		conn, in := l.dial()
		defer conn.Close()
		go io.WriteString(conn, "POST /yes"+head)
		l.requireLine(in, "HTTP/1.1 100 Continue")
		l.requireLine(in, "")
		require.Equal(t, time.Second/2, time.Since(began))
		go io.WriteString(conn, "text")
		answer, err := http.ReadResponse(in, nil)
		require.NoError(t, err)
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.Equal(t, "text", string(text))

		go io.WriteString(conn, "POST /no"+head)
		answer, err = http.ReadResponse(in, nil)
		require.NoError(t, err)
		require.Equal(t, 403, answer.StatusCode)
		require.True(t, answer.Close, "nobody knows whether the body comes")
	})
}

// echo is an origin that changes the protocol and sends back what it gets.
func echo(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") == "" {
		io.WriteString(w, "plain")
		return
	}
	conn, both, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+r.Header.Get("Upgrade")+
		"\r\nSec-WebSocket-Accept: "+r.Header.Get("Sec-WebSocket-Key")+"\r\n\r\nhello ")
	io.Copy(conn, both)
}

func TestUpgrade(t *testing.T) {
	inLab(t, handle(pass), labOptions{origin: echo}, func(l *lab) {
		conn, in := l.dial()
		go io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\nright behind")
		answer, err := http.ReadResponse(in, nil)
		require.NoError(t, err)
		require.Equal(t, 101, answer.StatusCode)
		require.Equal(t, "websocket", answer.Header.Get("Upgrade"))
		require.Equal(t, "Upgrade", answer.Header.Get("Connection"))
		require.Equal(t, "k", answer.Header.Get("Sec-WebSocket-Accept"))
		text := make([]byte, len("hello right behind"))
		_, err = io.ReadFull(in, text)
		require.NoError(t, err)
		require.Equal(t, "hello right behind", string(text))

		quiet := l.node.node.MayTunnel().Idle
		time.Sleep(quiet - time.Minute)
		go io.WriteString(conn, "x")
		_, err = in.ReadByte()
		require.NoError(t, err)
		began := time.Now()
		_, err = in.ReadByte()
		require.ErrorIs(t, err, io.EOF)
		require.Equal(t, quiet, time.Since(began), "nothing moved")
	})
}

func TestNoOtherTunnels(t *testing.T) {
	for name, head := range map[string]string{
		"a protocol that is not allowed":  "Connection: Upgrade\r\nUpgrade: h2c",
		"a protocol without the word":     "Upgrade: websocket",
		"several protocols at once":       "Connection: Upgrade\r\nUpgrade: h2c, websocket",
		"the word without a protocol":     "Connection: Upgrade",
		"another method":                  "",
		"a request with a body behind it": "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1",
	} {
		t.Run(name, func(t *testing.T) {
			origin := func(w http.ResponseWriter, r *http.Request) {
				assert.Empty(t, r.Header.Get("Connection"))
				io.WriteString(w, "plain")
			}
			h := handle(func(x *exchange, req components.Request) {
				req.Header = req.Header.Del("Upgrade").Del("Connection") // as every proxy does
				pass(x, req)
			})
			inLab(t, h, labOptions{origin: origin}, func(l *lab) {
				conn, in := l.dial()
				defer conn.Close()
				method, head := "GET", head
				if head == "" {
					method, head = "POST", "Connection: Upgrade\r\nUpgrade: websocket"
				}
				go io.WriteString(conn, method+" / HTTP/1.1\r\nHost: a\r\n"+head+"\r\n\r\nx")
				answer, err := http.ReadResponse(in, nil)
				require.NoError(t, err)
				require.Equal(t, 200, answer.StatusCode)
			})
		})
	}
}

// An origin may answer while the body is still coming; the client gets it, and
// need not send the rest.
func TestEarlyAnswers(t *testing.T) {
	origin := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	}
	inLab(t, handle(pass), labOptions{origin: origin}, func(l *lab) {
		conn, in := l.dial()
		defer conn.Close()
		go io.WriteString(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nbegun")
		answer, err := http.ReadResponse(in, nil)
		require.NoError(t, err)
		require.Equal(t, 413, answer.StatusCode)
		_, err = in.ReadByte()
		require.ErrorIs(t, err, io.EOF)
		time.Sleep(time.Second) // net/http lingers
	})
}

// A client that breaks off amid its body takes its request back.
func TestClientGoesAwayAmidItsBody(t *testing.T) {
	var read error
	var reason policy.Reason
	origin := func(_ http.ResponseWriter, r *http.Request) { _, read = io.ReadAll(r.Body) }
	h := handle(func(x *exchange, req components.Request) {
		c := x.Start(&components.Hop{To: "origin", Request: req, Body: true})
		x.Wait(components.Forever, c, x.Canceled())
		x.Wait(components.Forever, c)
		_, reason = c.Head()
	})
	inLab(t, h, labOptions{origin: origin}, func(l *lab) {
		conn, _ := l.dial()
		io.WriteString(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nbegun")
		time.Sleep(time.Second)
		conn.Close()
		synctest.Wait()
		require.Error(t, read)
		require.False(t, errors.Is(read, io.EOF))
		require.Equal(t, policy.Canceled, reason)
	})
}

// Who takes nothing holds up the origin, not our memory; and not for ever.
func TestBackPressure(t *testing.T) {
	var written atomic.Int64
	var cut atomic.Bool
	origin := func(w http.ResponseWriter, _ *http.Request) {
		for !cut.Load() {
			n, err := w.Write(make([]byte, 64<<10))
			written.Add(int64(n))
			cut.Store(err != nil)
		}
	}
	inLab(t, handle(pass), labOptions{origin: origin}, func(l *lab) {
		written.Store(0)
		cut.Store(false)
		conn, _ := l.dial()
		defer conn.Close()
		io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		time.Sleep(5 * time.Second)
		synctest.Wait()
		require.Less(t, written.Load(), int64(1<<20))
		require.False(t, cut.Load())
		time.Sleep(l.node.node.MayCall().Take.Pause)
		synctest.Wait()
		require.True(t, cut.Load())
	})
}

// An event stream's pieces do not wait for more.
func TestEventStream(t *testing.T) {
	origin := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.(http.Flusher).Flush()
		time.Sleep(time.Minute)
		for {
			io.WriteString(w, "data: x\n\n")
			w.(http.Flusher).Flush()
			select {
			case <-time.After(time.Minute):
			case <-r.Context().Done():
				return
			}
		}
	}
	inLab(t, handle(pass), labOptions{origin: origin}, func(l *lab) {
		began := time.Now()
		answer, err := l.client.Get("http://proxy/")
		require.NoError(t, err)
		require.Zero(t, time.Since(began), "the head does not wait for the first piece")
		in := bufio.NewReader(answer.Body)
		for i := range 5 {
			line, err := in.ReadString('\n')
			require.NoError(t, err)
			require.Equal(t, "data: x\n", line)
			in.ReadString('\n')
			require.Equal(t, time.Duration(i+1)*time.Minute, time.Since(began))
		}
		answer.Body.Close()
	})
}
