package live

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// bounded is a node "p" of a topology file before an origin of raw bytes, over
// real sockets.
type bounded struct {
	*testing.T
	node    *Node
	address string

	mu     sync.Mutex
	access bytes.Buffer
}

func (b *bounded) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.access.Write(p)
}

// inBounds hosts a reverse proxy that is told the given fields.
func inBounds(t *testing.T, fields string, origin func(net.Conn)) *bounded {
	t.Helper()
	top, err := topologies.Parse("f", []byte("name: f\nentry: p\nnodes:\n  p: {kind: reverse-proxy, to: api, "+fields+"}\n  api: {kind: backend}\n"))
	require.NoError(t, err)
	return hostBounded(t, top, origin, Options{})
}

func hostBounded(t *testing.T, top *topologies.Topology, origin func(net.Conn), o Options) *bounded {
	t.Helper()
	b := &bounded{T: t}
	listen := func() net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		return l
	}
	door, behind := listen(), listen()
	go func() {
		for {
			conn, err := behind.Accept()
			if err != nil {
				return
			}
			go origin(conn)
		}
	}()
	o.Addresses = func(topologies.Place) string { return behind.Addr().String() }
	o.Log, o.Access = log.New(io.Discard, "", 0), b
	c := &scenarios.Case{Variant: scenarios.Variant{Topology: top}}
	var err error
	b.node, err = NewNode(c, "p", o)
	require.NoError(t, err)
	b.node.Begin(time.Now())
	b.address = door.Addr().String()
	go b.node.Serve(door)
	t.Cleanup(func() {
		assert.NoError(t, b.node.Close())
		behind.Close()
	})
	return b
}

// dial says something and returns the connection.
func (b *bounded) dial(text string) (net.Conn, *bufio.Reader) {
	b.Helper()
	conn, err := net.Dial("tcp", b.address)
	require.NoError(b, err)
	b.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	_, err = io.WriteString(conn, text)
	require.NoError(b, err)
	return conn, bufio.NewReader(conn)
}

// ask says something and returns what is answered.
func (b *bounded) ask(text string) (*http.Response, string) {
	b.Helper()
	_, in := b.dial(text)
	answer, err := http.ReadResponse(in, nil)
	require.NoError(b, err)
	body, _ := io.ReadAll(answer.Body)
	return answer, string(body)
}

// counted waits until a reason has been counted and logged.
func (b *bounded) counted(reason string) {
	b.Helper()
	require.Eventually(b, func() bool { return b.node.Use().Refused[reason] > 0 }, 10*time.Second, time.Millisecond, reason)
	w := httptest.NewRecorder()
	(&admin{node: b.node}).handler().ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/metrics", nil))
	require.Contains(b, w.Body.String(), fmt.Sprintf("trafficlab_refused_total{reason=%q}", reason))
}

func (b *bounded) logged(status int, reason string) {
	b.Helper()
	want := []string{fmt.Sprintf(`"status":%d,`, status), fmt.Sprintf(`"refused":%q`, reason)}
	require.Eventually(b, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		for line := range strings.Lines(b.access.String()) {
			if json.Valid([]byte(line)) && strings.Contains(line, want[0]) && strings.Contains(line, want[1]) {
				return true
			}
		}
		return false
	}, 10*time.Second, time.Millisecond, "%v", want)
}

// saying is an origin that answers every head with the same bytes.
func saying(text string) func(net.Conn) {
	return func(conn net.Conn) {
		in := bufio.NewReader(conn)
		for {
			q, err := http.ReadRequest(in)
			if err != nil {
				conn.Close()
				return
			}
			io.Copy(io.Discard, q.Body)
			io.WriteString(conn, text)
		}
	}
}

const fineAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"

func drip(conn net.Conn, text string) {
	for i := range len(text) {
		if _, err := conn.Write([]byte{text[i]}); err != nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Each bound has its status, and is counted and logged by its name.
func TestBoundsOfRequests(t *testing.T) {
	long := strings.Repeat("x", 600)
	for name, test := range map[string]struct {
		fields, ask string
		status      int
		reason      string
	}{
		"a line":         {"callers: {line: 512B}", "GET /" + long + " HTTP/1.1\r\nHost: a\r\n\r\n", 414, "request line too long"},
		"a field":        {"callers: {line: 512B}", "GET / HTTP/1.1\r\nHost: a\r\nX: " + long + "\r\n\r\n", 431, "field too long"},
		"a head":         {"callers: {line: 512B, head: 512B}", "GET / HTTP/1.1\r\nHost: a\r\nX: " + long[:300] + "\r\nY: " + long[:300] + "\r\n\r\n", 431, "head too long"},
		"fields":         {"callers: {fields: 3}", "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nX: 2\r\nX: 3\r\n\r\n", 431, "too many fields"},
		"a slow head":    {"callers: {head-within: 100ms}", "GET / HTTP/1.1\r\nHost:", 408, "head too slow"},
		"a paused body":  {"callers: {send: {pause: 100ms}}", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx", 408, "body too slow"},
		"a long URL":     {"max-url: 100B", "GET /" + long + " HTTP/1.1\r\nHost: a\r\n\r\n", 414, "URL too long"},
		"a long body":    {"max-body: 100B", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n", 413, "body too long"},
		"a chunked body": {"max-body: 3B", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n", 413, "body too long"},
	} {
		for _, problems := range []bool{false, true} {
			t.Run(fmt.Sprint(name, problems), func(t *testing.T) {
				fields := test.fields
				if problems {
					fields += ", refusals: problem"
				}
				b := inBounds(t, fields, saying(fineAnswer))
				answer, text := b.ask(test.ask)
				require.Equal(t, test.status, answer.StatusCode)
				require.Equal(t, problems, answer.Header.Get("Content-Type") == "application/problem+json")
				require.Equal(t, problems, json.Valid([]byte(text)), text)
				require.Contains(t, answer.Header.Get("Proxy-Status"), "http_request_denied")
				b.counted(test.reason)
				b.logged(test.status, test.reason)
				require.Equal(t, map[string]int64{test.reason: 1}, b.node.Use().Refused)
				require.Eventually(t, func() bool { return b.node.Use().Reasons["denied"] == 1 }, 10*time.Second, time.Millisecond)
				require.EqualValues(t, 1, b.node.Use().Requests)
			})
		}
	}
}

// Slow clients are cut off however they drip, and fast enough ones are not.
func TestDrips(t *testing.T) {
	t.Run("a head by the byte", func(t *testing.T) {
		b := inBounds(t, "callers: {head-within: 300ms}", saying(fineAnswer))
		conn, in := b.dial("")
		go drip(conn, "GET / HTTP/1.1\r\nHost: a\r\nX-Long: "+strings.Repeat("x", 100))
		answer, err := http.ReadResponse(in, nil)
		require.NoError(t, err)
		require.Equal(t, 408, answer.StatusCode)
		b.counted("head too slow")
	})
	for name, framing := range map[string]string{"told": "Content-Length: 200\r\n\r\n", "chunked": "Transfer-Encoding: chunked\r\n\r\nc8\r\n"} {
		t.Run("a body by the byte, "+name, func(t *testing.T) {
			b := inBounds(t, "callers: {send: {pause: 10s, rate: 4KiB, grace: 200ms}}", saying(fineAnswer))
			conn, in := b.dial("POST / HTTP/1.1\r\nHost: a\r\n" + framing)
			go drip(conn, strings.Repeat("x", 200))
			answer, err := http.ReadResponse(in, nil)
			require.NoError(t, err)
			require.Equal(t, 408, answer.StatusCode)
			b.counted("body too slow")
			b.logged(408, "body too slow")
		})
	}
	t.Run("nothing at all", func(t *testing.T) {
		b := inBounds(t, "callers: {head-within: 100ms}", saying(fineAnswer))
		_, in := b.dial("")
		_, err := in.ReadByte()
		require.ErrorIs(t, err, io.EOF)
		b.counted("nobody asked")
	})
	t.Run("nothing more", func(t *testing.T) {
		b := inBounds(t, "callers: {idle: 100ms}", saying(fineAnswer))
		_, in := b.dial("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		_, err := io.ReadAll(in)
		require.NoError(t, err)
		b.counted("idle")
	})
	t.Run("a steady body", func(t *testing.T) {
		b := inBounds(t, "callers: {send: {pause: 2s, rate: 20B, grace: 2s}}", saying(fineAnswer))
		conn, in := b.dial("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\n")
		go drip(conn, strings.Repeat("x", 30))
		answer, err := http.ReadResponse(in, nil)
		require.NoError(t, err)
		require.Equal(t, 200, answer.StatusCode)
	})
}

// Who asks for much and reads nothing, or little, loses the connection.
func TestSlowReadersLoseTheirAnswer(t *testing.T) {
	flood := func(conn net.Conn) {
		defer conn.Close()
		http.ReadRequest(bufio.NewReader(conn))
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
		for piece := make([]byte, 1<<20); ; {
			if _, err := conn.Write(piece); err != nil {
				return
			}
		}
	}
	for name, fields := range map[string]string{
		"stops":     "callers: {take: {pause: 200ms}}",
		"is slow":   "callers: {take: {pause: 10s, rate: 1GiB, grace: 100ms}}",
		"over time": "callers: {take: {pause: off, rate: 1GiB, grace: 100ms}}",
	} {
		t.Run(name, func(t *testing.T) {
			b := inBounds(t, fields, flood)
			conn, _ := b.dial("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			if name != "stops" {
				go func() {
					for piece := make([]byte, 64<<10); ; time.Sleep(10 * time.Millisecond) {
						if _, err := conn.Read(piece); err != nil {
							return
						}
					}
				}()
			}
			b.counted("answer taken too slowly")
			b.logged(200, "answer taken too slowly")
		})
	}
}

// Nothing malformed goes on to a client: in its place comes a 502, and its reason
// is counted (RFC 9112 sections 4, 5 and 6).
func TestMalformedAnswers(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for answer, reason := range map[string]string{
		"HTTP/1.1 20 OK\r\n\r\n":                                "bad status line",
		"HTTP/1.1 2000 OK\r\n\r\n":                              "bad status line",
		"HTTP/1.1 2x0 OK\r\n\r\n":                               "bad status line",
		"HTTP/1.1\r\n\r\n":                                      "bad status line",
		"hello\r\n\r\n":                                         "bad status line",
		"HTTP/2.0 200 OK\r\n\r\n":                               "HTTP version",
		"HTTP/1.1 200 OK\n\n":                                   "bare LF",
		ok + "X: a\nY: b\r\n\r\n":                               "bare LF",
		ok + "X: a\rY: b\r\n\r\n":                               "bad field value",
		ok + "X: a\x00b\r\n\r\n":                                "bad field value",
		ok + "X y: a\r\n\r\n":                                   "bad field name",
		ok + ": a\r\n\r\n":                                      "bad field name",
		ok + "X : a\r\n\r\n":                                    "space before colon",
		ok + "X: a\r\n b\r\n\r\n":                               "folded line",
		ok + "Content-Length: x\r\n\r\n":                        "bad Content-Length",
		ok + "Content-Length: -1\r\n\r\n":                       "bad Content-Length",
		ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab": "several Content-Length",
		ok + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n": "Content-Length beside Transfer-Encoding",
		ok + "Transfer-Encoding: gzip\r\n\r\n":                                            "bad Transfer-Encoding",
		ok + "Transfer-Encoding: chunked, chunked\r\n\r\n":                                "bad Transfer-Encoding",
	} {
		t.Run(fmt.Sprintf("%q", answer), func(t *testing.T) {
			b := inBounds(t, "", saying(answer))
			said, text := b.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			require.Equal(t, 502, said.StatusCode, text)
			require.Empty(t, said.Header["X"])
			b.counted("answer: " + reason)
		})
	}
}

// What is wrong with an answer is the gateway's to tell, as 502 or 504; once it
// has begun, it breaks off.
func TestBoundsOfAnswers(t *testing.T) {
	long := strings.Repeat("x", 600)
	for name, test := range map[string]struct {
		fields, answer string
		status         int
		reason         string
	}{
		"a line":       {"answers: {line: 512B}", "HTTP/1.1 200 OK\r\nX: " + long + "\r\n\r\n", 502, "answer: field too long"},
		"a head":       {"answers: {line: 512B, head: 512B}", "HTTP/1.1 200 OK\r\nX: " + long[:300] + "\r\nX: " + long[:300] + "\r\n\r\n", 502, "answer: head too long"},
		"fields":       {"answers: {fields: 1}", "HTTP/1.1 200 OK\r\nX: 1\r\nX: 2\r\n\r\n", 502, "answer: too many fields"},
		"a body":       {"answers: {body: 3B}", fineAnswer, 502, "answer: body too long"},
		"many chunks":  {"answers: {body: 3B}", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n", 200, "answer: body too long"},
		"a paused one": {"answers: {send: {pause: 100ms}}", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", 200, "answer: body too slow"},
	} {
		t.Run(name, func(t *testing.T) {
			b := inBounds(t, test.fields, saying(test.answer))
			answer, _ := b.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			require.Equal(t, test.status, answer.StatusCode)
			b.counted(test.reason)
		})
	}
	t.Run("a head by the byte", func(t *testing.T) {
		b := inBounds(t, "timeout: {response: 300ms}", func(conn net.Conn) { drip(conn, fineAnswer) })
		answer, _ := b.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		require.Equal(t, 504, answer.StatusCode)
	})
	t.Run("a body by the byte", func(t *testing.T) {
		b := inBounds(t, "answers: {send: {rate: 4KiB, grace: 200ms}}", func(conn net.Conn) {
			http.ReadRequest(bufio.NewReader(conn))
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n")
			drip(conn, strings.Repeat("x", 300))
		})
		_, in := b.dial("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		answer, err := http.ReadResponse(in, nil)
		require.NoError(t, err)
		_, err = io.ReadAll(answer.Body)
		require.Error(t, err, "the part does not pass for the whole")
		b.counted("answer: body too slow")
		b.logged(200, "answer: body too slow")
	})
	t.Run("an upstream that takes nothing", func(t *testing.T) {
		b := inBounds(t, "answers: {take: {pause: 200ms}}, timeout: {response: off}", func(conn net.Conn) {
			<-t.Context().Done() // held, but not read
			conn.Close()
		})
		conn, in := b.dial("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n")
		go func() {
			for piece := make([]byte, 1<<20); ; {
				if _, err := conn.Write(piece); err != nil {
					return
				}
			}
		}()
		answer, err := http.ReadResponse(in, nil)
		require.NoError(t, err)
		require.Equal(t, 502, answer.StatusCode)
		b.counted("request taken too slowly")
	})
	t.Run("HEAD tells of a body that does not come", func(t *testing.T) {
		b := inBounds(t, "answers: {body: 3B}", saying("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"))
		_, in := b.dial("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
		answer, err := http.ReadResponse(in, &http.Request{Method: "HEAD"})
		require.NoError(t, err)
		require.Equal(t, 200, answer.StatusCode)
	})
}

func TestBoundsOfConnections(t *testing.T) {
	const ask = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	t.Run("refuse", func(t *testing.T) {
		b := inBounds(t, "callers: {connections: 1}", saying(fineAnswer))
		first, in := b.dial(ask)
		_, err := http.ReadResponse(in, nil)
		require.NoError(t, err)
		answer, _ := b.ask("")
		require.Equal(t, 503, answer.StatusCode)
		require.Contains(t, answer.Header.Get("Proxy-Status"), "connection_limit_reached")
		b.counted("too many connections")
		b.logged(503, "too many connections")
		require.EqualValues(t, 1, b.node.Use().Reasons["shed"])
		first.Close()
		require.Eventually(t, func() bool {
			answer, _ := b.ask(ask)
			return answer.StatusCode == 200
		}, 10*time.Second, time.Millisecond)
	})
	t.Run("wait", func(t *testing.T) {
		b := inBounds(t, "callers: {connections: 1, beyond: wait}", saying(fineAnswer))
		first, in := b.dial(ask)
		_, err := http.ReadResponse(in, nil)
		require.NoError(t, err)
		_, later := b.dial(ask)
		heard := make(chan int, 1)
		go func() {
			answer, err := http.ReadResponse(later, nil)
			if assert.NoError(t, err) {
				heard <- answer.StatusCode
			}
		}()
		select {
		case <-heard:
			t.Fatal("it was let in")
		case <-time.After(100 * time.Millisecond):
		}
		first.Close()
		require.Equal(t, 200, <-heard)
	})
	t.Run("one address", func(t *testing.T) {
		b := inBounds(t, "callers: {per-address: 1}", saying(fineAnswer))
		_, in := b.dial(ask)
		_, err := http.ReadResponse(in, nil)
		require.NoError(t, err)
		answer, _ := b.ask("")
		require.Equal(t, 503, answer.StatusCode)
		other, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}).Dial("tcp", b.address)
		require.NoError(t, err)
		defer other.Close()
		io.WriteString(other, ask)
		answer, err = http.ReadResponse(bufio.NewReader(other), nil)
		require.NoError(t, err)
		require.Equal(t, 200, answer.StatusCode)
	})
	t.Run("requests", func(t *testing.T) {
		b := inBounds(t, "callers: {requests: 2}", saying(fineAnswer))
		_, in := b.dial(ask + ask + ask)
		for _, last := range []bool{false, true} {
			answer, err := http.ReadResponse(in, nil)
			require.NoError(t, err)
			require.Equal(t, last, answer.Close)
			io.Copy(io.Discard, answer.Body)
		}
		_, err := in.ReadByte()
		require.ErrorIs(t, err, io.EOF)
	})
	t.Run("idle upstream ones", func(t *testing.T) {
		for fields, want := range map[string]bool{"connections: {idle: 0}": true, "connections: {idle-for: 50ms}": true, "connections: 1": false} {
			closed := make(chan struct{})
			b := inBounds(t, fields, func(conn net.Conn) {
				saying(fineAnswer)(conn)
				close(closed)
			})
			b.ask(ask)
			select {
			case <-closed:
				require.True(t, want, fields)
			case <-time.After(2 * time.Second):
				require.False(t, want, fields)
			}
		}
	})
}

// tunnelled is the head of a wish to change to a protocol.
func tunnelled(protocol string) string {
	return "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: " + protocol + "\r\n\r\n"
}

func TestBoundsOfTunnels(t *testing.T) {
	origin := func(conn net.Conn) {
		defer conn.Close()
		in := bufio.NewReader(conn)
		q, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if q.Header.Get("Upgrade") == "" {
			io.WriteString(conn, fineAnswer)
			return
		}
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+q.Header.Get("Upgrade")+"\r\n\r\n")
		io.Copy(conn, in)
	}
	for fields, statuses := range map[string][2]int{ // of websocket, of mqtt
		"via: requests":                    {101, 200},
		"tunnels: off":                     {200, 200},
		"tunnels: [websocket, MQTT]":       {101, 101},
		"tunnels: {of: mqtt, idle: 100ms}": {200, 101},
	} {
		b := inBounds(t, fields, origin)
		for i, protocol := range []string{"WebSocket", "mqtt"} {
			_, in := b.dial(tunnelled(protocol))
			answer, err := http.ReadResponse(in, nil)
			require.NoError(t, err)
			require.Equal(t, statuses[i], answer.StatusCode, "%s over %s", protocol, fields)
		}
	}
	b := inBounds(t, "tunnels: {idle: 200ms}", origin)
	conn, in := b.dial(tunnelled("websocket"))
	_, err := http.ReadResponse(in, nil)
	require.NoError(t, err)
	for range 5 {
		time.Sleep(60 * time.Millisecond)
		io.WriteString(conn, "x")
		_, err := in.ReadByte()
		require.NoError(t, err, "something moves")
	}
	_, err = in.ReadByte()
	require.ErrorIs(t, err, io.EOF)
	b.counted("quiet tunnel")
	b.logged(101, "quiet tunnel")
}

// boundedTLS is bounded with TLS, and how to trust it.
func boundedTLS(t *testing.T, fields string, origin func(net.Conn)) (*bounded, *tls.Config) {
	t.Helper()
	p := newPKI(t)
	top, err := topologies.Parse("f", []byte("name: f\nentry: p\nnodes:\n  p: {kind: reverse-proxy, tls: self-signed, to: api, "+fields+"}\n  api: {kind: backend}\n"))
	require.NoError(t, err)
	door, err := newTLSDoor(papers{Pairs: []topologies.Certificate{p.serves("p", "localhost")}}, top.Node("p").TLS, time.Now)
	require.NoError(t, err)
	return hostBounded(t, top, origin, Options{door: door}), &tls.Config{RootCAs: p.roots, ServerName: "localhost"}
}

func TestBoundsOfHandshakes(t *testing.T) {
	t.Run("of HTTP/2, behind that of TLS", func(t *testing.T) {
		b, trust := boundedTLS(t, "callers: {handshake: 100ms}", saying(fineAnswer))
		trust.NextProtos = []string{"h2"}
		raw, _ := b.dial("")
		conn := tls.Client(raw, trust)
		_, err := io.WriteString(conn, "PRI * HTTP/2.0")
		require.NoError(t, err)
		_, err = io.ReadAll(conn)
		require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "it stays")
	})
	t.Run("slow", func(t *testing.T) {
		b, _ := boundedTLS(t, "callers: {handshake: 100ms}", saying(fineAnswer))
		_, in := b.dial("")
		_, err := in.ReadByte()
		require.ErrorIs(t, err, io.EOF)
		b.counted("handshake too slow")
	})
	t.Run("no TLS", func(t *testing.T) {
		b, _ := boundedTLS(t, "callers: {}", saying(fineAnswer))
		_, in := b.dial("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		io.ReadAll(in)
		b.counted("handshake")
	})
	// Those who say nothing, and those who stop in the middle, keep nobody from
	// the one desk.
	t.Run("one desk", func(t *testing.T) {
		b, trust := boundedTLS(t, "callers: {handshakes: 1}", saying(fineAnswer))
		for range 3 {
			b.dial("")
		}
		raw, err := net.Dial("tcp", b.address)
		require.NoError(t, err)
		defer raw.Close()
		go tls.Client(stuck{raw}, trust).Handshake()
		for range 3 {
			conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", b.address, trust)
			require.NoError(t, err)
			io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
			require.NoError(t, err)
			require.Equal(t, 200, answer.StatusCode)
			conn.Close()
		}
	})
	t.Run("connections", func(t *testing.T) {
		b, trust := boundedTLS(t, "callers: {connections: 1}", saying(fineAnswer))
		first, err := tls.Dial("tcp", b.address, trust)
		require.NoError(t, err)
		_, err = tls.Dial("tcp", b.address, trust)
		require.Error(t, err)
		b.counted("too many connections")
		first.Close()
		require.Eventually(t, func() bool {
			conn, err := tls.Dial("tcp", b.address, trust)
			if err == nil {
				conn.Close()
			}
			return err == nil
		}, 10*time.Second, time.Millisecond)
	})
}

// stuck says hello and hears nothing of what comes back.
type stuck struct{ net.Conn }

func (s stuck) Read([]byte) (int, error) { time.Sleep(time.Minute); return 0, io.EOF }

// The same bounds hold over HTTP/2, by stream.
func TestBoundsOverHTTP2(t *testing.T) {
	client := func(trust *tls.Config) *http.Client {
		transport := &http.Transport{TLSClientConfig: trust, ForceAttemptHTTP2: true}
		t.Cleanup(transport.CloseIdleConnections)
		return &http.Client{Transport: transport, Timeout: 20 * time.Second}
	}
	t.Run("a body by the byte", func(t *testing.T) {
		b, trust := boundedTLS(t, "refusals: problem, callers: {send: {pause: 10s, rate: 4KiB, grace: 200ms}}", saying(fineAnswer))
		body, write := io.Pipe()
		go func() {
			defer write.Close()
			for range 200 {
				if _, err := write.Write([]byte("x")); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		}()
		answer, err := client(trust).Post("https://"+b.address, "text/plain", body)
		require.NoError(t, err)
		require.Equal(t, 2, answer.ProtoMajor)
		require.Equal(t, 408, answer.StatusCode)
		require.Equal(t, "application/problem+json", answer.Header.Get("Content-Type"))
		answer.Body.Close()
		b.counted("body too slow")
		b.logged(408, "body too slow")
	})
	t.Run("an answer that nobody reads", func(t *testing.T) {
		b, trust := boundedTLS(t, "callers: {take: {pause: 200ms}}", func(conn net.Conn) {
			defer conn.Close()
			http.ReadRequest(bufio.NewReader(conn))
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
			for piece := make([]byte, 1<<20); ; {
				if _, err := conn.Write(piece); err != nil {
					return
				}
			}
		})
		answer, err := client(trust).Get("https://" + b.address)
		require.NoError(t, err)
		defer answer.Body.Close()
		b.counted("answer taken too slowly")
		b.logged(200, "answer taken too slowly")
	})
	t.Run("requests", func(t *testing.T) {
		b, trust := boundedTLS(t, "callers: {requests: 2}", saying(fineAnswer))
		c, conns := client(trust), map[net.Conn]bool{}
		for range 6 {
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
				GotConn: func(got httptrace.GotConnInfo) { conns[got.Conn] = true },
			})
			ask, err := http.NewRequestWithContext(ctx, "GET", "https://"+b.address, nil)
			require.NoError(t, err)
			answer, err := c.Do(ask)
			require.NoError(t, err)
			io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
		}
		require.Len(t, conns, 3)
	})
}
