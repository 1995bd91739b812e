package live

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"trafficlab/components"
	"trafficlab/components/policy"
	"trafficlab/topologies"
)

// handle is a handler for one test. It waits in the middle of its code, on the
// goroutine of its exchange.
type handle func(x *exchange, req components.Request)

// Open implements components.Handler.
func (h handle) Open(x components.Exchange, req *components.Request, _ components.Steps) components.Steps {
	return atOnce(func() { h(x.(*exchange), *req) })
}

// atOnce is an exchange of one step.
type atOnce func()

// Step implements components.Steps.
func (do atOnce) Step(int) (components.Pause, bool) {
	do()
	return components.Pause{}, true
}

// beside is Background for work that waits.
func (x *exchange) beside(work func(*exchange)) {
	x.Background(func(b components.Exchange) components.Steps { return atOnce(func() { work(b.(*exchange)) }) })
}

// lab is a node "proxy" under test before a server "origin", in a bubble.
type lab struct {
	*testing.T
	network Memory
	node    *Node
	log     bytes.Buffer
	dials   atomic.Int64 // of the node
	client  *http.Client
}

// version is that of HTTP between the node and the origin.
type version string

const (
	http11 version = "HTTP/1.1"
	http2c version = "HTTP/2"
)

type labOptions struct {
	origin      http.HandlerFunc // nil: nobody listens
	dial        func(context.Context) error
	wrap        func(net.Conn) net.Conn // of what is dialled; nil: as it is
	plainOrigin bool                    // speaks HTTP/1.1 whatever the node does
	connections int
	only        version       // between the node and the origin; "": one after the other, alike
	ahead       time.Duration // of the run's begin
	access      io.Writer
}

// inLab runs a test against a node with the given handler, on a fake clock.
// The bubble fails the test if anything is left at its end.
func inLab(t *testing.T, h components.Handler, o labOptions, test func(l *lab)) {
	t.Helper()
	if o.origin == nil && o.only == "" {
		o.only = http11
	}
	for _, v := range []version{http11, http2c} {
		if o.only == "" || o.only == v {
			t.Run(string(v)+" upstream", func(t *testing.T) { inLabOf(t, v, h, o, test) })
		}
	}
}

func inLabOf(t *testing.T, v version, h components.Handler, o labOptions, test func(l *lab)) {
	synctest.Test(t, func(t *testing.T) {
		l := &lab{T: t}
		proxy := &topologies.Node{Name: "proxy", Kind: topologies.ReverseProxy, To: []string{"origin"}, Connections: o.connections}
		origin := &topologies.Node{Name: "origin", Kind: topologies.Backend}
		shape := &topologies.Topology{Name: "lab", Entry: "proxy", Nodes: []*topologies.Node{proxy, origin}}
		speaks := new(http.Protocols)
		speaks.SetHTTP1(true)
		if v == http2c {
			proxy.Upstream = &topologies.Upstream{HTTP2: true}
			speaks.SetUnencryptedHTTP2(!o.plainOrigin)
		}
		var err error
		l.node, err = hostHandler(h, shape, "proxy", Options{
			Addresses: func(p topologies.Place) string { return string(p) },
			Clock:     Standard{}, Log: log.New(&l.log, "", 0), Access: o.access,
			Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				l.dials.Add(1)
				if o.dial != nil {
					if err := o.dial(ctx); err != nil {
						return nil, err
					}
				}
				conn, err := l.network.Dial(ctx, network, address)
				if err == nil && o.wrap != nil {
					conn = o.wrap(conn)
				}
				return conn, err
			},
		})
		require.NoError(t, err)
		l.node.Begin(time.Now().Add(o.ahead))
		listener, err := l.network.Listen("proxy")
		require.NoError(t, err)
		go l.node.Serve(listener)
		defer func() { assert.NoError(t, l.node.Close()) }()
		if o.origin != nil {
			server := &http.Server{Handler: o.origin, Protocols: speaks, ErrorLog: log.New(io.Discard, "", 0)}
			listener, err := l.network.Listen("origin")
			require.NoError(t, err)
			go server.Serve(listener)
			defer server.Close()
		}
		transport := &http.Transport{DialContext: l.network.Dial, DisableCompression: true}
		defer transport.CloseIdleConnections()
		l.client = &http.Client{Transport: transport}
		test(l)
	})
}

// ask sends a request and returns the answer with its body.
func (l *lab) ask(method, path, body string) (*http.Response, string) {
	l.Helper()
	answer, text, err := l.try(method, path, body)
	require.NoError(l, err)
	return answer, text
}

func (l *lab) try(method, path, body string) (*http.Response, string, error) {
	r, err := http.NewRequestWithContext(l.Context(), method, "http://proxy"+path, strings.NewReader(body))
	require.NoError(l, err)
	answer, err := l.client.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer, string(text), err
}

// pass forwards a request as it is.
func pass(x *exchange, req components.Request) { passTo(x, req, "origin") }

func passTo(x *exchange, req components.Request, to topologies.Place) {
	c := x.Start(&components.Hop{To: to, Request: req, Body: req.Size != 0})
	if x.Wait(components.Forever, c, x.Canceled()) == 1 {
		return
	}
	head, reason := c.Head()
	if reason != policy.OK {
		x.Reply(components.Response{Status: 502, Body: components.Body{Bytes: []byte(reason.String())}})
		return
	}
	x.Forward(c, head.Response(), 0, nil)
}

func TestForward(t *testing.T) {
	origin := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header()["X-Twice"] = []string{"a", "b"}
		w.Header().Set("X-Saw", strings.Join([]string{r.Method, r.RequestURI, r.Host, r.Header.Get("X-In"),
			r.Header.Get("User-Agent"), r.Header.Get(RequestHeader), string(body)}, " | "))
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, "made")
	}
	var seen components.Request
	h := handle(func(x *exchange, req components.Request) {
		seen = req
		pass(x, req)
	})
	inLab(t, h, labOptions{origin: origin}, func(l *lab) {
		r, err := http.NewRequest("POST", "http://proxy/a%2Fb//c?q=%20&r", strings.NewReader("text"))
		require.NoError(t, err)
		r.Host, r.Header = "shop.test", http.Header{"X-In": {"yes"}, "User-Agent": {"tester"}, RequestHeader: {"17 a0"}}
		answer, err := l.client.Do(r)
		require.NoError(t, err)
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		assert.Equal(t, "made", string(text))
		assert.Equal(t, 201, answer.StatusCode)
		assert.EqualValues(t, 4, answer.ContentLength)
		assert.Equal(t, []string{"a", "b"}, answer.Header["X-Twice"])
		assert.Equal(t, "POST | /a%2Fb//c?q=%20&r | shop.test | yes | tester | 17 a0 | text", answer.Header.Get("X-Saw"))
		assert.NotContains(t, answer.Header, RequestHeader)
		assert.NotContains(t, answer.Header, "Server")

		assert.EqualValues(t, 17, seen.Number)
		assert.EqualValues(t, 0xa0, seen.Attempt)
		assert.Equal(t, "127.0.0.1", seen.Peer.String())
		assert.EqualValues(t, 4, seen.Size)
		assert.False(t, seen.Header.Has(RequestHeader))

		l.ask("GET", "/", "")
		assert.Equal(t, uint64(1<<63|1), seen.Number, "a request without a number gets one")
	})
}

func TestForwardStreams(t *testing.T) {
	for _, length := range []string{"", "6"} {
		origin := func(w http.ResponseWriter, _ *http.Request) {
			if length != "" {
				w.Header().Set("Content-Length", length)
			}
			io.WriteString(w, "one")
			w.(http.Flusher).Flush()
			time.Sleep(time.Second)
			io.WriteString(w, "two")
		}
		inLab(t, handle(pass), labOptions{origin: origin}, func(l *lab) {
			began := time.Now()
			answer, err := l.client.Get("http://proxy/")
			require.NoError(t, err)
			defer answer.Body.Close()
			piece := make([]byte, 10)
			n, err := answer.Body.Read(piece)
			require.NoError(t, err)
			assert.Equal(t, "one", string(piece[:n]))
			assert.Zero(t, time.Since(began), "the first piece does not wait for the second")
			rest, err := io.ReadAll(answer.Body)
			require.NoError(t, err)
			assert.Equal(t, "two", string(rest))
			assert.Equal(t, time.Second, time.Since(began))
		})
	}
}

// hang answers nothing, and tells how long its caller had patience.
func hang(patience *time.Duration) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		began := time.Now()
		<-r.Context().Done()
		*patience = time.Since(began)
	}
}

func TestClientGoesAway(t *testing.T) {
	var patience, heard time.Duration
	h := handle(func(x *exchange, req components.Request) {
		pass(x, req)
		heard = x.Now()
	})
	inLab(t, h, labOptions{origin: hang(&patience)}, func(l *lab) {
		ctx, cancel := context.WithTimeout(l.Context(), 100*time.Millisecond)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, "GET", "http://proxy/", nil)
		require.NoError(t, err)
		_, err = l.client.Do(r)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		synctest.Wait()
		assert.Equal(t, 100*time.Millisecond, heard)
		assert.Equal(t, 100*time.Millisecond, patience, "the upstream hears of it at once")
	})
}

func TestClientGoesAwayAmidTheBody(t *testing.T) {
	var reason policy.Reason
	h := handle(func(x *exchange, req components.Request) {
		c := x.Start(&components.Hop{To: "origin", Request: req})
		x.Wait(components.Forever, c)
		head, _ := c.Head()
		reason = x.Forward(c, head.Response(), 0, nil)
	})
	origin := func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "one")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	inLab(t, h, labOptions{origin: origin}, func(l *lab) {
		answer, err := l.client.Get("http://proxy/")
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		synctest.Wait()
		assert.Equal(t, policy.Canceled, reason)
	})
}

// attempt makes one attempt and tells how it ended and when.
func attempt(hop components.Hop, patience time.Duration, reason *policy.Reason, at *time.Duration) handle {
	return func(x *exchange, req components.Request) {
		began := x.Now()
		hop.Request, hop.To = req, "origin"
		c := x.Start(&hop)
		if x.Wait(x.Now()+patience, c) < 0 {
			c.Cancel()
			x.Wait(components.Forever, c)
		}
		_, *reason = c.Head()
		*at = x.Now() - began
		x.Reply(components.Response{Status: 200})
	}
}

func TestHowAttemptsFail(t *testing.T) {
	stuck := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	var patience time.Duration
	drop := func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }
	tests := []struct {
		name string
		hop  components.Hop
		lab  labOptions
		want policy.Reason
		at   time.Duration
	}{
		{"answered", components.Hop{}, labOptions{origin: func(http.ResponseWriter, *http.Request) {}}, policy.OK, 0},
		{"nobody listens", components.Hop{}, labOptions{}, policy.Refused, 0},
		{"broken off", components.Hop{}, labOptions{origin: drop}, policy.Reset, 0},
		{"no connection in time", components.Hop{Connect: 70 * time.Millisecond}, labOptions{dial: stuck}, policy.Timeout, 70 * time.Millisecond},
		{"no answer in time", components.Hop{}, labOptions{origin: hang(&patience)}, policy.Canceled, time.Second},
		{"an answer's time is not a connection's", components.Hop{Connect: 70 * time.Millisecond}, labOptions{origin: hang(&patience)}, policy.Canceled, time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var reason policy.Reason
			var at time.Duration
			inLab(t, attempt(test.hop, time.Second, &reason, &at), test.lab, func(l *lab) {
				l.ask("GET", "/", "")
				assert.Equal(t, test.want, reason)
				assert.Equal(t, test.at, at)
			})
		})
	}
	assert.Equal(t, time.Second, patience, "the upstream hears of the cancel")
}

func TestRefusalAfterABrokenConnectionIsAReset(t *testing.T) {
	var reason policy.Reason
	var at time.Duration
	var l *lab
	asked := 0
	origin := func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked > 1 {
			l.network.mu.Lock()
			delete(l.network.listeners, "origin") // gone, with what it had in hand
			l.network.mu.Unlock()
			panic(http.ErrAbortHandler)
		}
	}
	inLab(t, attempt(components.Hop{}, time.Second, &reason, &at), labOptions{origin: origin, only: http11}, func(it *lab) {
		l = it
		l.ask("GET", "/", "")
		require.Equal(t, policy.OK, reason)
		l.ask("GET", "/", "")
		assert.Equal(t, policy.Reset, reason)
		l.ask("GET", "/", "")
		assert.Equal(t, policy.Refused, reason)
	})
}

func TestConnectionsAreBounded(t *testing.T) {
	var most, now atomic.Int64
	origin := func(http.ResponseWriter, *http.Request) {
		most.Store(max(most.Load(), now.Add(1)))
		time.Sleep(100 * time.Millisecond)
		now.Add(-1)
	}
	var timeouts atomic.Int64
	h := handle(func(x *exchange, req components.Request) {
		c := x.Start(&components.Hop{To: "origin", Request: req, Connect: 350 * time.Millisecond})
		x.Wait(components.Forever, c)
		if _, reason := c.Head(); reason == policy.Timeout {
			timeouts.Add(1)
		}
		x.Reply(components.Response{Status: 200})
	})
	inLab(t, h, labOptions{origin: origin, connections: 2, only: http11}, func(l *lab) {
		for range 10 {
			go l.client.Get("http://proxy/")
		}
		time.Sleep(time.Minute)
		assert.EqualValues(t, 2, most.Load())
		assert.EqualValues(t, 2, timeouts.Load(), "eight of ten get a connection within 350 ms")
		assert.EqualValues(t, 2, l.dials.Load())
	})
}

func TestBodyForAnotherAttempt(t *testing.T) {
	long := strings.Repeat("x", keptBody+1)
	tests := []struct {
		name   string
		body   string
		listen bool // from the first attempt on
		want   policy.Reason
	}{
		{"a refusal leaves it unread", long, false, policy.OK},
		{"a short one is kept", "short", true, policy.OK},
		{"a long one is spent", long, true, policy.Reset},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var reason policy.Reason
			var bodies []string
			origin := func(_ http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				bodies = append(bodies, string(body))
			}
			down := !test.listen
			dial := func(context.Context) error {
				if down {
					return refusal("origin", errors.New("refused"))
				}
				return nil
			}
			h := handle(func(x *exchange, req components.Request) {
				for range 2 {
					c := x.Start(&components.Hop{To: "origin", Request: req, Body: true})
					x.Wait(components.Forever, c)
					_, reason = c.Head()
					down = false
				}
				x.Reply(components.Response{Status: 200})
			})
			inLab(t, h, labOptions{origin: origin, dial: dial}, func(l *lab) {
				bodies, down = nil, !test.listen
				l.ask("PUT", "/", test.body)
				synctest.Wait()
				assert.Equal(t, test.want, reason)
				require.NotEmpty(t, bodies)
				for _, body := range bodies[:1] {
					assert.Equal(t, test.body, body)
				}
				if test.want == policy.OK {
					assert.Equal(t, test.body, bodies[len(bodies)-1])
				}
			})
		})
	}
}

func TestKeep(t *testing.T) {
	tests := []struct {
		name, body, promised string
		limit                int64
		method               string
		kept                 bool
		reason               policy.Reason
	}{
		{"within the limit", "12345678", "8", 8, "GET", true, policy.OK},
		{"of unknown length", "12345678", "", 8, "GET", true, policy.OK},
		{"too long", "12345678", "8", 7, "GET", false, policy.OK},
		{"broken off", "1234", "8", 8, "GET", false, policy.Reset},
		{"none of HEAD", "", "8", 8, "HEAD", false, policy.OK},
		{"empty", "", "0", 8, "GET", true, policy.OK},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			origin := func(w http.ResponseWriter, _ *http.Request) {
				if test.promised != "" {
					w.Header().Set("Content-Length", test.promised)
				}
				io.WriteString(w, test.body)
				if test.promised == "" {
					w.(http.Flusher).Flush() // else the server counts
				}
				if test.promised != "8" || len(test.body) == 8 || test.method == "HEAD" {
					return
				}
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			}
			var kept *components.Body
			var reason policy.Reason
			h := handle(func(x *exchange, req components.Request) {
				c := x.Start(&components.Hop{To: "origin", Request: req})
				x.Wait(components.Forever, c)
				head, _ := c.Head()
				reason = x.Forward(c, head.Response(), test.limit, func(b components.Body) { kept = &b })
			})
			inLab(t, h, labOptions{origin: origin}, func(l *lab) {
				answer, _, err := l.try(test.method, "/", "")
				synctest.Wait()
				assert.Equal(t, test.reason, reason)
				assert.Equal(t, test.reason != policy.OK, err != nil, "a broken body is broken for the client too")
				require.Equal(t, test.kept, kept != nil)
				if test.kept {
					assert.Equal(t, test.body, string(kept.Bytes))
					assert.EqualValues(t, len(test.body), kept.Size)
				}
				if err == nil {
					assert.Equal(t, test.promised, answer.Header.Get("Content-Length"))
				}
			})
		})
	}
}

func TestEncode(t *testing.T) {
	text := string(components.Filler(100_000))
	origin := func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }
	for coding, decode := range map[string]func(io.Reader) (io.Reader, error){
		"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"br":   func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil },
		"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r, zstd.WithDecoderConcurrency(1)) },
	} {
		h := handle(func(x *exchange, req components.Request) {
			head := components.Response{Status: 200, Encode: coding, Body: components.Body{Size: 100_000},
				Header: components.Header{{Name: "Content-Encoding", Value: coding}}}
			if req.Path == "/own" {
				x.Reply(head)
				return
			}
			c := x.Start(&components.Hop{To: "origin", Request: req})
			x.Wait(components.Forever, c)
			x.Forward(c, head, 0, nil)
		})
		inLab(t, h, labOptions{origin: origin}, func(l *lab) {
			for _, path := range []string{"/own", "/theirs"} {
				answer, body := l.ask("GET", path, "")
				assert.Less(t, len(body), len(text)/2)
				assert.EqualValues(t, -1, answer.ContentLength)
				plain, err := decode(strings.NewReader(body))
				require.NoError(t, err)
				got, err := io.ReadAll(plain)
				require.NoError(t, err)
				assert.Equal(t, text, string(got), coding)
			}
		})
	}
}

func TestReply(t *testing.T) {
	h := handle(func(x *exchange, req components.Request) {
		status := map[string]int{"/none": 204, "/same": 304}[req.Path]
		if status != 0 {
			x.Reply(components.Response{Status: status})
			return
		}
		x.Reply(components.Response{Status: 200, Body: components.Body{Size: 5000},
			Header: components.Header{{Name: "x-small", Value: "1"}}})
	})
	inLab(t, h, labOptions{}, func(l *lab) {
		answer, body := l.ask("GET", "/", "")
		assert.Equal(t, string(components.Filler(5000)), body)
		assert.EqualValues(t, 5000, answer.ContentLength)
		assert.Equal(t, "1", answer.Header.Get("X-Small"))
		assert.NotContains(t, answer.Header, "Content-Type", "nobody guesses")
		assert.Contains(t, answer.Header, "Date")
		answer, body = l.ask("HEAD", "/", "")
		assert.EqualValues(t, 5000, answer.ContentLength)
		assert.Empty(t, body)
		for _, path := range []string{"/none", "/same"} {
			answer, body = l.ask("GET", path, "")
			assert.Empty(t, body)
			assert.NotContains(t, answer.Header, "Content-Length")
		}
	})
}

func TestPanicInAHandler(t *testing.T) {
	h := handle(func(x *exchange, _ components.Request) { panic("a bug") })
	inLab(t, h, labOptions{}, func(l *lab) {
		answer, _ := l.ask("GET", "/", "")
		assert.Equal(t, 500, answer.StatusCode)
		assert.Contains(t, l.log.String(), "panic in the handler of proxy: a bug")
	})
}

func TestUnansweredIsBrokenOff(t *testing.T) {
	inLab(t, handle(func(*exchange, components.Request) {}), labOptions{}, func(l *lab) {
		_, _, err := l.try("GET", "/", "")
		assert.ErrorIs(t, err, io.EOF)
	})
}

func TestCallsThatAreNotForwarded(t *testing.T) {
	var patience time.Duration
	origin := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hang" {
			hang(&patience)(w, r)
		}
		io.WriteString(w, "no")
	}
	h := handle(func(x *exchange, req components.Request) {
		c := x.Start(&components.Hop{To: "origin", Request: req})
		x.Wait(x.Now()+time.Second, c)
		x.Reply(components.Response{Status: 200})
	})
	inLab(t, h, labOptions{origin: origin}, func(l *lab) {
		for range 3 {
			l.ask("GET", "/", "")
			synctest.Wait()
		}
		assert.EqualValues(t, 1, l.dials.Load(), "a short answer nobody wants does not cost the connection")
		l.ask("GET", "/hang", "")
		synctest.Wait()
		assert.Equal(t, time.Second, patience, "one under way is given up when the handler returns")
	})
}

func TestBackgroundOutlivesItsExchange(t *testing.T) {
	var done, ended time.Duration
	var reason policy.Reason
	var kept components.Body
	h := handle(func(x *exchange, req components.Request) {
		x.beside(func(b *exchange) {
			b.Wait(b.Now()+time.Second, b.Canceled())
			c := b.Start(&components.Hop{To: "origin", Request: req})
			b.Wait(components.Forever, c)
			head, _ := c.Head()
			reason = b.Forward(c, head.Response(), 100, func(body components.Body) { kept = body })
			done = b.Now()
			b.Wait(components.Forever, b.Canceled())
			ended = b.Now()
		})
		x.Reply(components.Response{Status: 200})
	})
	origin := func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "fresh") }
	inLab(t, h, labOptions{origin: origin}, func(l *lab) {
		l.ask("GET", "/", "")
		time.Sleep(3 * time.Second)
		synctest.Wait()
		assert.Equal(t, time.Second, done)
		assert.Equal(t, policy.OK, reason)
		assert.Equal(t, "fresh", string(kept.Bytes))
		require.NoError(t, l.node.Close())
		assert.Equal(t, 3*time.Second, ended, "it ends with the node")
	})
}

// selfMoved works on its own account.
type selfMoved struct {
	handle
	began func(x components.Exchange)
}

func (s selfMoved) Begin(x components.Exchange) { s.began(x) }

func TestBeginAtTheInstant(t *testing.T) {
	var at []time.Duration
	h := selfMoved{handle(pass), func(x components.Exchange) { at = append(at, x.Now()) }}
	inLab(t, h, labOptions{ahead: time.Second}, func(l *lab) {
		assert.Equal(t, -time.Second, l.node.now())
		time.Sleep(2 * time.Second)
		synctest.Wait()
		l.node.Begin(time.Now().Add(-2 * time.Second))
		synctest.Wait()
		assert.Equal(t, []time.Duration{0}, at, "and once only")
	})
}

func TestWait(t *testing.T) {
	var got []int
	var at time.Duration
	h := handle(func(x *exchange, _ components.Request) {
		signals := make([]components.Event, 9)
		for i := range signals {
			signals[i] = x.NewSignal()
		}
		fire := func(i int) { signals[i].(components.Signal).Fire() }
		note := func(i int) { got = append(got, i) }

		note(x.Wait(x.Now()))
		note(x.Wait(x.Now()+time.Second, signals...))
		x.beside(func(b *exchange) {
			b.Wait(b.Now() + time.Second)
			fire(7)
			fire(7) // counts once
		})
		note(x.Wait(components.Forever, signals...))
		fire(3)
		note(x.Wait(components.Forever, signals...))
		note(x.Wait(x.Now()-1, signals[3]))
		note(x.Wait(x.Now()-1, signals[0]))
		at = x.Now()
		x.Reply(components.Response{Status: 200})
	})
	inLab(t, h, labOptions{}, func(l *lab) {
		l.ask("GET", "/", "")
		assert.Equal(t, []int{-1, -1, 7, 3, 0, -1}, got)
		assert.Equal(t, 2*time.Second, at)
	})
}

func TestShutdownLetsRequestsEnd(t *testing.T) {
	h := handle(func(x *exchange, _ components.Request) {
		x.Wait(x.Now()+500*time.Millisecond, x.Canceled())
		x.Reply(components.Response{Status: 200, Body: components.Body{Size: 3}})
	})
	inLab(t, h, labOptions{}, func(l *lab) {
		idle, err := l.network.Dial(l.Context(), "", "proxy") // which no request ever comes by
		require.NoError(t, err)
		defer idle.Close()
		answered := make(chan int, 1)
		go func() {
			answer, _ := l.ask("GET", "/", "")
			answered <- answer.StatusCode
		}()
		time.Sleep(100 * time.Millisecond)
		began := time.Now()
		require.NoError(t, l.node.Shutdown(l.Context()))
		assert.Equal(t, 200, <-answered)
		assert.Less(t, time.Since(began), time.Second)
	})
}

func TestAccessLog(t *testing.T) {
	var lines bytes.Buffer
	h := handle(func(x *exchange, _ components.Request) {
		x.Wait(x.Now() + 250*time.Millisecond)
		x.Reply(components.Response{Status: 418, Body: components.Body{Size: 3}})
	})
	inLab(t, h, labOptions{access: &lines}, func(l *lab) {
		time.Sleep(time.Second)
		l.ask("GET", `/a"b\é`, "")
		synctest.Wait()
		assert.JSONEq(t, `{"at":1.000000,"number":9223372036854775809,"attempt":"0","peer":"127.0.0.1","method":"GET",
			"path":"/a%22b%5C%C3%A9","status":418,"bytes":3,"took":0.250000}`, lines.String())
	})
}

func TestRequestHeaderRoundTrip(t *testing.T) {
	for _, want := range [][2]uint64{{0, 0}, {17, 0xdeadbeef}, {1<<64 - 1, 1<<64 - 1}} {
		number, attempt, ok := parseRequest(FormatRequest(want[0], want[1]))
		require.True(t, ok)
		assert.Equal(t, want, [2]uint64{number, attempt})
	}
	for _, wrong := range []string{"", "1", "x 0", "1 z", "1  0", "-1 0"} {
		_, _, ok := parseRequest(wrong)
		assert.False(t, ok, wrong)
	}
}
