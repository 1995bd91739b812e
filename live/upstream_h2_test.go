package live

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"trafficlab/components"
	"trafficlab/components/policy"
	"trafficlab/topologies"
)

// What HTTP/1.1 and HTTP/2 have in common is tested for both, wherever a test is
// made in a lab. Here is what only HTTP/2 has.

// framedLab is a node "proxy" before an upstream that a test plays frame by
// frame, each connection on a goroutine of its own.
type framedLab struct {
	*testing.T
	client *http.Client
	node   *Node
	made   atomic.Int64 // connections
}

func inFramedLab(t *testing.T, h components.Handler, connections int, play func(nth int64, f *frames)) *framedLab {
	t.Helper()
	l := &framedLab{T: t}
	listen := func() net.Listener {
		at, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		return at
	}
	behind, at := listen(), listen()
	var playing sync.WaitGroup
	playing.Go(func() {
		for {
			conn, err := behind.Accept()
			if err != nil {
				return
			}
			nth := l.made.Add(1)
			playing.Go(func() {
				defer conn.Close()
				if f := receive(t, conn); f != nil {
					play(nth, f)
				}
			})
		}
	})
	var said bytes.Buffer
	shape := &topologies.Topology{Name: "lab", Entry: "proxy", Nodes: []*topologies.Node{
		{Name: "proxy", Kind: topologies.ReverseProxy, To: []string{"origin"}, Upstream: &topologies.Upstream{HTTP2: true}, Connections: connections},
		{Name: "origin", Kind: topologies.Backend},
	}}
	node, err := hostHandler(h, shape, "proxy", Options{
		Addresses: func(topologies.Place) string { return behind.Addr().String() }, Log: log.New(&said, "", 0),
	})
	require.NoError(t, err)
	l.node = node
	go node.Serve(at)
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, at.Addr().String())
	}}
	l.client = &http.Client{Transport: transport, Timeout: patience}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		assert.NoError(t, node.Close())
		behind.Close()
		playing.Wait()
		assert.Empty(t, said.String())
	})
	return l
}

// receive greets who connects, as a server does; nil if nobody speaks HTTP/2.
func receive(t *testing.T, conn net.Conn) *frames {
	conn.SetDeadline(time.Now().Add(patience))
	f := &frames{T: t, Framer: http2.NewFramer(conn, conn), conn: conn}
	f.encoder = hpack.NewEncoder(&f.encoded)
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(conn, preface); err != nil || string(preface) != http2.ClientPreface {
		return nil
	}
	return f
}

// asked is the head of the next request, or nil at the end.
func (f *frames) asked() *http2.MetaHeadersFrame {
	frame, err := f.until(func(frame http2.Frame) bool { _, ok := frame.(*http2.MetaHeadersFrame); return ok })
	if err != nil {
		return nil
	}
	return frame.(*http2.MetaHeadersFrame)
}

// body reads a stream to its end.
func (f *frames) body(head *http2.MetaHeadersFrame) (text string) {
	for stream, ended := head.StreamID, head.StreamEnded(); !ended; {
		frame, err := f.until(func(frame http2.Frame) bool { return frame.Header().StreamID == stream })
		if err != nil {
			return text
		}
		switch frame := frame.(type) {
		case *http2.DataFrame:
			text += string(frame.Data())
			ended = frame.StreamEnded()
		case *http2.MetaHeadersFrame:
			ended = frame.StreamEnded()
		case *http2.RSTStreamFrame:
			return text + " reset"
		}
	}
	return text
}

// answer answers a stream with a text.
func (f *frames) answer(stream uint32, text string, fields ...string) {
	f.get(stream, false, append([]string{":status", "200"}, fields...)...)
	f.WriteData(stream, true, []byte(text))
}

// rest reads what still comes, so that the peer can write it.
func (f *frames) rest() { f.until(func(http2.Frame) bool { return false }) }

// ask is for any goroutine: it fails the test, and does not end it.
func (l *framedLab) ask(method, path, body string) (status int, text string) {
	r, err := http.NewRequestWithContext(l.Context(), method, "http://shop.test"+path, strings.NewReader(body))
	assert.NoError(l, err)
	answer, err := l.client.Do(r)
	if !assert.NoError(l, err) {
		return 0, ""
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	assert.NoError(l, err)
	return answer.StatusCode, string(got)
}

// Nothing of HTTP/1.1 is left in what is sent (RFC 9113 sections 8.2 and 8.3),
// and the target is as it was.
func TestRequestsOnTheWireOfHTTP2(t *testing.T) {
	heads := make(chan string, 10)
	h := handle(func(x *exchange, req components.Request) {
		req.Header = append(req.Header, components.Header{ // as no handler of ours does
			{Name: "Connection", Value: "x-a"}, {Name: "Keep-Alive", Value: "timeout=1"}, {Name: "Transfer-Encoding", Value: "chunked"},
			{Name: "Proxy-Connection", Value: "close"}, {Name: "Upgrade", Value: "h2c"}, {Name: "HTTP2-Settings", Value: "AA"},
			{Name: "content-length", Value: "7"}, {Name: "host", Value: "other.test"}, {Name: "te", Value: "gzip"},
			{Name: "bad name", Value: "x"}, {Name: "X-Lines", Value: "a\r\nb: c"},
		}...)
		pass(x, req)
	})
	l := inFramedLab(t, h, 0, func(_ int64, f *frames) {
		f.WriteSettings()
		for head := f.asked(); head != nil; head = f.asked() {
			var text []string
			for _, field := range head.Fields {
				if field.Name != "trafficlab-request" {
					text = append(text, field.Name+"="+field.Value)
				}
			}
			heads <- strings.Join(text, " ")
			f.body(head)
			f.answer(head.StreamID, "")
		}
	})
	conn, err := net.Dial("tcp", l.address())
	require.NoError(t, err)
	defer conn.Close()
	for _, c := range []struct{ method, target, more, want string }{
		{"GET", "//a//b?", "TE: trailers\r\n", ":authority=shop.test:8 :method=GET :path=//a//b? :scheme=http te=trailers"},
		{"OPTIONS", "*", "", ":authority=shop.test:8 :method=OPTIONS :path=* :scheme=http"},
		{"PUT", "/%61|?b;c", "X-A: 1\r\nx-a: 2\r\nContent-Length: 2\r\n", ":authority=shop.test:8 :method=PUT :path=/%61|?b;c :scheme=http x-a=1 x-a=2 content-length=2"},
		{"POST", "/", "Content-Length: 0\r\n", ":authority=shop.test:8 :method=POST :path=/ :scheme=http content-length=0"},
	} {
		body := ""
		if c.method == "PUT" {
			body = "ab"
		}
		_, err = io.WriteString(conn, c.method+" "+c.target+" HTTP/1.1\r\nHost: shop.test:8\r\n"+c.more+"\r\n"+body)
		require.NoError(t, err)
		require.Equal(t, c.want, next(t, heads))
	}
}

func (l *framedLab) address() string {
	conn, err := l.client.Transport.(*http.Transport).DialContext(l.Context(), "tcp", "")
	require.NoError(l, err)
	defer conn.Close()
	return conn.RemoteAddr().String()
}

// The upstream's word on streams at once is kept; who finds no room waits in
// line (RFC 9113 section 5.1.2).
func TestStreamsAreBounded(t *testing.T) {
	const bound, asks = 3, 40
	var now, most atomic.Int64
	l := inFramedLab(t, handle(pass), 1, func(_ int64, f *frames) {
		f.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: bound})
		heads := make(chan uint32, 1+asks)
		go func() {
			defer close(heads)
			for head := f.asked(); head != nil; head = f.asked() {
				most.Store(max(most.Load(), now.Add(1)))
				heads <- head.StreamID
			}
		}()
		answer := func(stream uint32) {
			time.Sleep(time.Millisecond)
			now.Add(-1)
			f.answer(stream, "text")
		}
		answer(<-heads)
		var held []uint32 // nobody is answered before all that may be are there
		for len(held) < bound {
			stream, more := <-heads
			if !more {
				return
			}
			held = append(held, stream)
		}
		for _, stream := range held {
			answer(stream)
		}
		for stream := range heads {
			answer(stream)
		}
	})
	l.ask("GET", "/", "") // by then the upstream has said it
	var all sync.WaitGroup
	for range asks {
		all.Go(func() {
			status, text := l.ask("GET", "/", "")
			assert.Equal(t, 200, status)
			assert.Equal(t, "text", text)
		})
	}
	all.Wait()
	assert.EqualValues(t, 1, l.made.Load())
	assert.EqualValues(t, bound, most.Load())
}

// Where there may be more connections, one more is made when all are full.
func TestMoreConnectionsWhenAllAreFull(t *testing.T) {
	arrived, release := make(chan struct{}, 10), make(chan struct{})
	letGo := sync.OnceFunc(func() { close(release) })
	defer letGo()
	l := inFramedLab(t, handle(pass), 2, func(_ int64, f *frames) {
		f.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 1})
		for head := f.asked(); head != nil; head = f.asked() {
			if string(head.PseudoValue("path")) == "/wait" {
				arrived <- struct{}{}
				<-release
			}
			f.answer(head.StreamID, "text")
		}
	})
	l.ask("GET", "/", "")
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() { l.ask("GET", "/wait", "") })
	}
	next(t, arrived)
	next(t, arrived)
	assert.Empty(t, arrived)
	letGo()
	all.Wait()
	assert.EqualValues(t, 2, l.made.Load())
}

// Requests that an upstream has certainly not looked at are sent again, whatever
// their method (RFC 9113 section 8.7); others only as HTTP/1.1 would.
func TestWhatIsSentAgainOverHTTP2(t *testing.T) {
	refuse := func(f *frames, stream uint32) { f.WriteRSTStream(stream, http2.ErrCodeRefusedStream) }
	fail := func(f *frames, stream uint32) { f.WriteRSTStream(stream, http2.ErrCodeInternal) }
	leave := func(f *frames, stream uint32) {
		f.WriteGoAway(stream-2, http2.ErrCodeNo, nil)
		f.rest()
	}
	break_ := func(f *frames, _ uint32) { f.conn.Close() }
	for _, c := range []struct {
		what        string
		method      string
		body        string
		do          func(*frames, uint32)
		times       int
		asked       int
		connections int64
		status      int
	}{
		{"refused", "POST", "text", refuse, 1, 2, 1, 200},
		{"refused again and again", "POST", "text", refuse, 100, 1 + mostRefused, 1, 502},
		{"a long body, refused", "POST", strings.Repeat("x", keptBody+1), refuse, 1, 1, 1, 502},
		{"left", "POST", "text", leave, 1, 2, 2, 200},
		{"left, without a body", "GET", "", leave, 1, 2, 2, 200},
		{"a connection broke", "GET", "", break_, 1, 2, 2, 200},
		{"a connection broke, with a body", "PUT", "text", break_, 1, 2, 2, 200},
		{"a connection broke twice", "GET", "", break_, 2, 2, 2, 502},
		{"a connection broke, and a method is not idempotent", "POST", "text", break_, 1, 1, 1, 502},
		{"a stream failed", "GET", "", fail, 1, 1, 1, 502},
	} {
		t.Run(c.what, func(t *testing.T) {
			var asked, done atomic.Int64
			l := inFramedLab(t, handle(pass), 0, func(_ int64, f *frames) {
				f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20})
				f.WriteWindowUpdate(0, 1<<20)
				for head := f.asked(); head != nil; head = f.asked() {
					text := f.body(head)
					if head.PseudoValue("path") == "/first" {
						f.answer(head.StreamID, "")
						continue
					}
					asked.Add(1)
					if done.Add(1) <= int64(c.times) {
						c.do(f, head.StreamID)
						continue
					}
					f.answer(head.StreamID, text)
				}
			})
			l.ask("GET", "/first", "")
			status, text := l.ask(c.method, "/", c.body)
			assert.Equal(t, c.status, status)
			if status == 200 {
				assert.Equal(t, c.body, text)
			}
			assert.EqualValues(t, c.asked, asked.Load())
			assert.Equal(t, c.connections, l.made.Load())
		})
	}
}

// A connection that is left goes on with what it has in hand, and takes nothing
// more (RFC 9113 section 6.8).
func TestGoAwayAmidAnswers(t *testing.T) {
	left := make(chan struct{})
	leave := sync.OnceFunc(func() { close(left) })
	defer leave()
	l := inFramedLab(t, handle(pass), 1, func(nth int64, f *frames) {
		f.WriteSettings()
		head := f.asked()
		if head == nil {
			return
		}
		f.get(head.StreamID, false, ":status", "200")
		if nth == 1 {
			f.WriteGoAway(head.StreamID, http2.ErrCodeNo, nil)
			<-left
		}
		f.WriteData(head.StreamID, true, fmt.Appendf(nil, "connection %d", nth))
		f.rest()
	})
	answer, err := l.client.Get("http://shop.test/")
	require.NoError(t, err)
	defer answer.Body.Close()
	_, text := l.ask("GET", "/", "")
	assert.Equal(t, "connection 2", text, "though there may be one connection only")
	leave()
	first, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	assert.Equal(t, "connection 1", string(first))
}

// A client that goes away resets its stream, and nobody else's.
func TestOneStreamIsReset(t *testing.T) {
	reset, streams := make(chan uint32, 9), make(chan uint32, 9)
	var end *frames
	l := inFramedLab(t, handle(pass), 1, func(_ int64, f *frames) {
		end = f
		f.WriteSettings()
		f.until(func(frame http2.Frame) bool {
			switch frame := frame.(type) {
			case *http2.MetaHeadersFrame:
				streams <- frame.StreamID
			case *http2.RSTStreamFrame:
				assert.Equal(t, http2.ErrCodeCancel, frame.ErrCode)
				reset <- frame.StreamID
			}
			return false
		})
	})
	ctx, cancel := context.WithCancel(t.Context())
	gone, stays := make(chan error, 1), make(chan string, 1)
	go func() {
		r, _ := http.NewRequestWithContext(ctx, "GET", "http://shop.test/", nil)
		_, err := l.client.Do(r)
		gone <- err
	}()
	first := next(t, streams)
	go func() {
		_, text := l.ask("GET", "/", "")
		stays <- text
	}()
	second := next(t, streams)
	cancel()
	require.ErrorIs(t, next(t, gone), context.Canceled)
	require.Equal(t, first, next(t, reset))
	end.answer(second, "text")
	require.Equal(t, "text", next(t, stays))
}

// What an upstream says wrongly does not pass as an answer.
func TestBadAnswersOverHTTP2(t *testing.T) {
	for what, fields := range map[string][]string{
		"no status":             {},
		"a status of two":       {":status", "20"},
		"a status of 700":       {":status", "700"},
		"a status in words":     {":status", "good"},
		"a line in a value":     {":status", "200", "x-a", "b\r\nc: d"},
		"a name in capitals":    {":status", "200", "X-A", "b"},
		"a switch of protocols": {":status", "101", "upgrade", "websocket"},
	} {
		t.Run(what, func(t *testing.T) {
			l := inFramedLab(t, handle(pass), 0, func(_ int64, f *frames) {
				f.WriteSettings()
				for head := f.asked(); head != nil; head = f.asked() {
					f.get(head.StreamID, true, fields...)
				}
			})
			status, _ := l.ask("POST", "/", "")
			require.Equal(t, 502, status)
		})
	}
	l := inFramedLab(t, handle(pass), 0, func(_ int64, f *frames) {
		f.WriteSettings()
		for head := f.asked(); head != nil; head = f.asked() {
			f.get(head.StreamID, false, ":status", "200", "transfer-encoding", "chunked", "connection", "close", "keep-alive", "x", "x-a", "b", "content-length", "4")
			f.WriteData(head.StreamID, true, []byte("text"))
		}
	})
	answer, err := l.client.Get("http://shop.test/")
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	assert.Equal(t, "text", string(text))
	assert.Empty(t, answer.TransferEncoding)
	assert.Equal(t, "b", answer.Header.Get("X-A"))
	assert.Empty(t, answer.Header["Keep-Alive"])
}

// An upstream that neither answers nor pongs is given up, and the next request
// goes by another connection.
func TestSilentUpstreamsAreLeft(t *testing.T) {
	var silent atomic.Bool
	origin := func(http.ResponseWriter, *http.Request) {}
	var first *mute
	o := labOptions{origin: origin, only: http2c, wrap: func(c net.Conn) net.Conn {
		m := &mute{Conn: c, silent: new(atomic.Bool)}
		if first == nil {
			first, m.silent = m, &silent
		}
		return m
	}}
	inLab(t, handle(pass), o, func(l *lab) {
		answer, _ := l.ask("GET", "/", "")
		require.Equal(t, 200, answer.StatusCode)
		silent.Store(true)
		began := time.Now()
		answer, _ = l.ask("GET", "/", "")
		require.Equal(t, 200, answer.StatusCode, "it is sent again")
		require.Equal(t, h2Quiet+h2Lost, time.Since(began))
		require.EqualValues(t, 2, l.dials.Load())
	})
}

// mute is a connection on which nothing more is heard.
type mute struct {
	net.Conn
	silent *atomic.Bool
}

func (m *mute) Read(p []byte) (int, error) {
	for {
		n, err := m.Conn.Read(p)
		if err != nil || !m.silent.Load() {
			return n, err
		}
	}
}

func TestNoUpstreamOfHTTP2(t *testing.T) {
	var reason policy.Reason
	var at time.Duration
	h := attempt(components.Hop{Connect: time.Second}, time.Minute, &reason, &at)
	for _, c := range []struct {
		what string
		dial func(context.Context) error
		want policy.Reason
		took time.Duration
	}{
		{"nobody listens", nil, policy.Refused, 0},
		{"a dial that goes on", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, policy.Timeout, time.Second},
		{"a handshake that fails", func(context.Context) error { return errNoH2 }, policy.Reset, 0},
	} {
		t.Run(c.what, func(t *testing.T) {
			inLab(t, h, labOptions{dial: c.dial, only: http2c}, func(l *lab) {
				l.ask("GET", "/", "")
				require.Equal(t, c.want, reason)
				require.Equal(t, c.took, at)
			})
		})
	}
}

// An upstream that speaks HTTP/1.1 alone is no upstream of HTTP/2.
func TestUpstreamsThatDoNotSpeakHTTP2(t *testing.T) {
	inLab(t, handle(pass), labOptions{origin: func(http.ResponseWriter, *http.Request) {}, only: http2c, plainOrigin: true}, func(l *lab) {
		answer, _ := l.ask("GET", "/", "")
		require.Equal(t, 502, answer.StatusCode)
	})
}

// Servers that are replaced under load, as deployments do, lose no request.
func TestReplacedUpstreamsLoseNoRequest(t *testing.T) {
	at, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	board := &switchboard{at: at}
	origin := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err == nil {
			w.Write(text)
		}
	})
	board.serve(origin)
	go board.run()
	defer board.end()
	shape := &topologies.Topology{Name: "lab", Entry: "proxy", Nodes: []*topologies.Node{
		{Name: "proxy", Kind: topologies.ReverseProxy, To: []string{"origin"}, Upstream: &topologies.Upstream{HTTP2: true}, Connections: 4},
		{Name: "origin", Kind: topologies.Backend},
	}}
	node, err := hostHandler(handle(pass), shape, "proxy", Options{Addresses: func(topologies.Place) string { return at.Addr().String() }})
	require.NoError(t, err)
	defer node.Close()
	door, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go node.Serve(door)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}, Timeout: patience}
	defer client.CloseIdleConnections()
	stop := make(chan struct{})
	var answered atomic.Int64
	var all sync.WaitGroup
	defer all.Wait()
	defer close(stop)
	for worker := range 8 {
		all.Go(func() {
			for i := 0; !isClosed(stop); i++ {
				token := fmt.Sprintf("token %d of %d", i, worker)
				answer, err := client.Post("http://"+door.Addr().String(), "text/plain", strings.NewReader(token))
				if !assert.NoError(t, err) {
					return
				}
				text, err := io.ReadAll(answer.Body)
				answer.Body.Close()
				if !assert.NoError(t, err) || !assert.Equal(t, 200, answer.StatusCode) || !assert.Equal(t, token, string(text)) {
					return
				}
				answered.Add(1)
			}
		})
	}
	for range 5 {
		before := answered.Load()
		until(t, "some are answered", func() bool { return answered.Load() > before+100 || t.Failed() })
		board.serve(origin)
	}
}

// switchboard gives connections to the server that is on.
type switchboard struct {
	at  net.Listener
	mu  sync.Mutex
	now *http.Server
	to  *handed
}

type handed struct {
	net.Listener
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (h *handed) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

func (h *handed) Close() error {
	h.once.Do(func() { close(h.done) })
	return nil
}

func (b *switchboard) serve(h http.Handler) {
	speaks := new(http.Protocols)
	speaks.SetUnencryptedHTTP2(true)
	next := &http.Server{Handler: h, Protocols: speaks}
	to := &handed{Listener: b.at, conns: make(chan net.Conn), done: make(chan struct{})}
	go next.Serve(to)
	b.mu.Lock()
	before := b.now
	b.now, b.to = next, to
	b.mu.Unlock()
	if before != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		before.Shutdown(ctx) // who comes as it begins may not be told to leave, and stays
	}
}

func (b *switchboard) run() {
	for {
		conn, err := b.at.Accept()
		if err != nil {
			return
		}
		for handedOver := false; !handedOver; {
			b.mu.Lock()
			to := b.to
			b.mu.Unlock()
			select {
			case to.conns <- conn:
				handedOver = true
			case <-to.done:
			}
		}
	}
}

func (b *switchboard) end() {
	b.at.Close()
	b.now.Close()
}

// TestUpstreamsThatFlood with frames are given up: who waits gets a 502, whose
// reason is counted.
func TestUpstreamsThatFlood(t *testing.T) {
	for what, send := range floods {
		t.Run(what, func(t *testing.T) {
			l := inFramedLab(t, handle(pass), 1, func(nth int64, f *frames) {
				f.WriteSettings()
				head := f.asked()
				if head == nil {
					return
				}
				if nth > 1 {
					f.answer(head.StreamID, "text")
					f.rest()
					return
				}
				if what == "empty data" {
					f.get(head.StreamID, false, ":status", "200")
				}
				go f.rest()
				f.flood(send, func() {})
			})
			answer, err := l.client.Get("http://shop.test/")
			require.NoError(t, err)
			_, err = io.ReadAll(answer.Body)
			answer.Body.Close()
			if what == "empty data" {
				require.Error(t, err, "nobody takes what came for the whole")
			} else {
				require.Equal(t, 502, answer.StatusCode)
			}
			require.EqualValues(t, 1, l.node.Use().Refused["answer: flood of frames"])
			status, text := l.ask("GET", "/", "")
			require.Equal(t, 200, status)
			require.Equal(t, "text", text)
		})
	}
}

// TestMalformedAnswersOverHTTP2 go no further (RFC 9113 section 8.1.1).
func TestMalformedAnswersOverHTTP2(t *testing.T) {
	for what, fields := range map[string][]string{
		"no status":            {"x-a", "b"},
		"a status in letters":  {":status", "2x0"},
		"one too small":        {":status", "99"},
		"one too large":        {":status", "1000"},
		"a name in capitals":   {":status", "200", "X-A", "b"},
		"a name with a space":  {":status", "200", "x a", "b"},
		"a line in a value":    {":status", "200", "x-a", "b\r\nc: d"},
		"a pseudo-field late":  {":status", "200", "x-a", "b", ":status", "200"},
		"one of requests":      {":status", "200", ":path", "/"},
		"changes the protocol": {":status", "101"},
	} {
		t.Run(what, func(t *testing.T) {
			l := inFramedLab(t, handle(pass), 1, func(_ int64, f *frames) {
				f.WriteSettings()
				if head := f.asked(); head != nil {
					f.get(head.StreamID, true, fields...)
				}
				f.rest()
			})
			answer, err := l.client.Get("http://shop.test/")
			require.NoError(t, err)
			answer.Body.Close()
			require.Equal(t, 502, answer.StatusCode)
			require.Empty(t, answer.Header["X-A"])
			use := l.node.Use().Refused
			require.EqualValues(t, 1, use["answer: protocol error"]+use["answer: bad status"], "%v", use)
		})
	}
}
