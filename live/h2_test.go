package live

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"trafficlab/components"
	"trafficlab/topologies"
)

// h2Lab is a node "proxy" with TLS before a server "origin", over real sockets.
// It has a certificate for localhost, and one for each name that is wanted.
type h2Lab struct {
	*testing.T
	*pki
	node    *Node
	address string
	log     bytes.Buffer
}

func inH2Lab(t *testing.T, want *topologies.TLS, h components.Handler, origin http.HandlerFunc) *h2Lab {
	t.Helper()
	l := &h2Lab{T: t, pki: newPKI(t)}
	listen := func() net.Listener {
		at, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		return at
	}
	behind, at := listen(), listen()
	l.address = at.Addr().String()
	server := &http.Server{Handler: origin, ErrorLog: log.New(io.Discard, "", 0)}
	go server.Serve(behind)
	papers := papers{Pairs: []topologies.Certificate{l.serves("proxy", "localhost")}}
	for i, name := range want.Names {
		papers.Pairs = append(papers.Pairs, l.serves(fmt.Sprintf("proxy-%d", i), name))
	}
	if want.Clients != nil {
		papers.Clients = l.file
	}
	door, err := newTLSDoor(papers, want, time.Now)
	require.NoError(t, err)
	shape := &topologies.Topology{Name: "lab", Entry: "proxy", Nodes: []*topologies.Node{
		{Name: "proxy", Kind: topologies.ReverseProxy, To: []string{"origin"}, TLS: want},
		{Name: "origin", Kind: topologies.Backend},
	}}
	l.node, err = hostHandler(h, shape, "proxy", Options{
		Addresses: func(topologies.Place) string { return behind.Addr().String() },
		Log:       log.New(&l.log, "", 0), door: door,
	})
	require.NoError(t, err)
	go l.node.Serve(at)
	t.Cleanup(func() {
		assert.NoError(t, l.node.Close())
		server.Close()
		assert.Empty(t, l.log.String())
	})
	return l
}

func (l *h2Lab) port() string { return l.address[strings.LastIndexByte(l.address, ':')+1:] }

func (l *h2Lab) trust() *tls.Config { return &tls.Config{RootCAs: l.roots, ServerName: "localhost"} }

// client speaks HTTP/2, or HTTP/1.1 if it is not offered.
func (l *h2Lab) client() *http.Client {
	t := &http.Transport{TLSClientConfig: l.trust(), ForceAttemptHTTP2: true, DisableCompression: true}
	l.Cleanup(t.CloseIdleConnections)
	return &http.Client{Transport: t, Timeout: patience}
}

// frames is a connection of HTTP/2, frame by frame.
type frames struct {
	*testing.T
	*http2.Framer
	conn     net.Conn
	settings map[http2.SettingID]uint32
	encoded  bytes.Buffer
	encoder  *hpack.Encoder
}

func (l *h2Lab) frames(t *testing.T) *frames {
	t.Helper()
	config := l.trust()
	config.NextProtos = []string{"h2"}
	conn, err := tls.Dial("tcp", l.address, config)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	f := &frames{T: t, Framer: http2.NewFramer(conn, conn), conn: conn, settings: map[http2.SettingID]uint32{}}
	f.encoder = hpack.NewEncoder(&f.encoded)
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_, err = io.WriteString(conn, http2.ClientPreface)
	require.NoError(t, err)
	require.NoError(t, f.WriteSettings())
	for len(f.settings) == 0 {
		frame, err := f.ReadFrame()
		require.NoError(t, err)
		if s, ok := frame.(*http2.SettingsFrame); ok && !s.IsAck() {
			s.ForeachSetting(func(s http2.Setting) error { f.settings[s.ID] = s.Val; return nil })
		}
	}
	require.NoError(t, f.WriteSettingsAck())
	return f
}

// get begins a request; pairs are its fields, pseudo-fields included.
func (f *frames) get(stream uint32, end bool, pairs ...string) error {
	f.encoded.Reset()
	for i := 0; i < len(pairs); i += 2 {
		f.encoder.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	return f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: f.encoded.Bytes(), EndHeaders: true, EndStream: end})
}

var plainGet = []string{":method", "GET", ":scheme", "https", ":authority", "shop.test", ":path", "/"}

// until reads frames to the first that is wanted, or to the end.
func (f *frames) until(wanted func(http2.Frame) bool) (http2.Frame, error) {
	for {
		frame, err := f.ReadFrame()
		if err != nil || wanted(frame) {
			return frame, err
		}
	}
}

func isGoAway(f http2.Frame) bool { _, ok := f.(*http2.GoAwayFrame); return ok }

// status is what the stream is answered, or 0 if it is reset.
func (f *frames) status(stream uint32) int {
	f.Helper()
	frame, err := f.until(func(frame http2.Frame) bool {
		_, reset := frame.(*http2.RSTStreamFrame)
		_, head := frame.(*http2.MetaHeadersFrame)
		return frame.Header().StreamID == stream && (head || reset)
	})
	require.NoError(f, err)
	if head, ok := frame.(*http2.MetaHeadersFrame); ok {
		status, err := strconv.Atoi(head.PseudoValue("status"))
		require.NoError(f, err)
		return status
	}
	return 0
}

func usualTLS() *topologies.TLS {
	return &topologies.TLS{HTTP2: &topologies.HTTP2{Streams: 10, Header: 4 << 10}}
}

func sawIt(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("X-Saw", strings.Join([]string{r.Proto, r.Method, r.RequestURI, r.Host, r.Header.Get("X-In"), strconv.Itoa(len(body))}, " "))
	w.Header().Set("X-Trailer", r.Trailer.Get("X-Sum"))
	w.Header().Set("Trailer", "X-Done")
	io.WriteString(w, "seen")
	w.(http.Flusher).Flush()
	w.Header().Set("X-Done", "yes")
}

func TestH2Forwards(t *testing.T) {
	var seen components.Request
	l := inH2Lab(t, usualTLS(), handle(func(x *exchange, req components.Request) {
		seen = req
		pass(x, req)
	}), sawIt)
	client := l.client()
	for range 3 {
		r, err := http.NewRequest("POST", "https://"+l.address+"/a%2Fb//c?q=%20&r", io.MultiReader(strings.NewReader(strings.Repeat("text", 50_000))))
		require.NoError(t, err)
		r.Host, r.Header, r.Trailer = "shop.test", http.Header{"X-In": {"yes"}, "Te": {"trailers"}}, http.Header{"X-Sum": {"7"}}
		answer, err := client.Do(r)
		require.NoError(t, err)
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		assert.Equal(t, "HTTP/2.0", answer.Proto)
		assert.Equal(t, "seen", string(text))
		assert.Equal(t, "HTTP/1.1 POST /a%2Fb//c?q=%20&r shop.test yes 200000", answer.Header.Get("X-Saw"))
		assert.Equal(t, "7", answer.Header.Get("X-Trailer"))
		assert.Equal(t, "yes", answer.Trailer.Get("X-Done"))
		assert.EqualValues(t, -1, seen.Size)
		assert.True(t, seen.TLS)
		assert.Equal(t, "127.0.0.1", seen.Peer.String())
	}
	answer, err := client.Head("https://" + l.address + "/")
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	assert.Equal(t, 200, answer.StatusCode)
}

// Who does not offer HTTP/2, or where it is off, is answered over HTTP/1.1.
func TestALPN(t *testing.T) {
	for _, c := range []struct {
		offers []string
		off    bool
		want   string
		wrong  string
	}{
		{[]string{"h2", "http/1.1"}, false, "h2", ""},
		{[]string{"http/1.1"}, false, "http/1.1", ""},
		{[]string{"http/1.0"}, false, "http/1.0", ""}, // curl --http1.0
		{nil, false, "", ""},
		{[]string{"h2", "http/1.1"}, true, "http/1.1", ""},
		{[]string{"h2"}, true, "", "no application protocol"},
		{[]string{"h3"}, false, "", "no application protocol"},
	} {
		want := usualTLS()
		if c.off {
			want.HTTP2 = nil
		}
		l := inH2Lab(t, want, handle(pass), sawIt)
		config := l.trust()
		config.NextProtos = c.offers
		conn, err := tls.Dial("tcp", l.address, config)
		if c.wrong != "" {
			require.ErrorContains(t, err, c.wrong)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, c.want, conn.ConnectionState().NegotiatedProtocol)
		if c.want != "h2" {
			_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n")
			require.NoError(t, err)
			text, err := io.ReadAll(conn)
			require.NoError(t, err)
			require.Contains(t, string(text), "HTTP/1.1 200 OK")
		}
		conn.Close()
	}
}

func TestH2SaysItsBounds(t *testing.T) {
	l := inH2Lab(t, usualTLS(), handle(pass), sawIt)
	f := l.frames(t)
	assert.EqualValues(t, 10, f.settings[http2.SettingMaxConcurrentStreams])
	assert.InDelta(t, 4<<10, f.settings[http2.SettingMaxHeaderListSize], 400)
	assert.EqualValues(t, 16<<10, f.settings[http2.SettingMaxFrameSize])
}

// What HTTP/2 can carry and HTTP/1.1 cannot never reaches an upstream.
func TestH2Smuggling(t *testing.T) {
	reached := make(chan string, 100)
	l := inH2Lab(t, usualTLS(), handle(pass), func(_ http.ResponseWriter, r *http.Request) { reached <- r.RequestURI })
	with := func(name, value string) []string {
		all := append([]string{}, plainGet...)
		for i := 0; i < len(all); i += 2 {
			if all[i] == name {
				all[i+1] = value
				return all
			}
		}
		return append(all, name, value)
	}
	for _, c := range []struct {
		what   string
		fields []string
	}{
		{"a space in the method", with(":method", "GET /x HTTP/1.1")},
		{"a line in the method", with(":method", "GET / HTTP/1.1\r\nX: y")},
		{"a space in the path", with(":path", "/ HTTP/1.1")},
		{"a line in the path", with(":path", "/\r\nX: y")},
		{"a fragment in the path", with(":path", "/a#b")},
		{"no slash", with(":path", "a")},
		{"an absolute path", with(":path", "http://other.test/")},
		{"a space in the authority", with(":authority", "shop.test x")},
		{"a user in the authority", with(":authority", "me@shop.test")},
		{"no authority", with(":authority", "")},
		{"another Host", with("host", "other.test")},
		{"Transfer-Encoding", with("transfer-encoding", "chunked")},
		{"Connection", with("connection", "close")},
		{"Upgrade", with("upgrade", "websocket")},
		{"a length that is wrong", with("content-length", "5")},
		{"two lengths", append(with("content-length", "0"), "content-length", "1")},
		{"a line in a value", with("x-a", "b\r\nc: d")},
		{"a name with a space", with("x a", "b")},
		{"a name in capitals", with("X-A", "b")},
		{"a pseudo-field behind a field", append(with("x-a", "b"), ":path", "/")},
		{"an unknown pseudo-field", append([]string{":proto", "x"}, plainGet...)},
		{"TE that is not trailers", with("te", "gzip")},
		{"CONNECT", []string{":method", "CONNECT", ":authority", "other.test:443"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			f := l.frames(t)
			require.NoError(t, f.get(1, true, c.fields...))
			frame, err := f.until(func(frame http2.Frame) bool {
				_, reset := frame.(*http2.RSTStreamFrame)
				_, head := frame.(*http2.MetaHeadersFrame)
				return reset || head || isGoAway(frame)
			})
			if head, ok := frame.(*http2.MetaHeadersFrame); ok && err == nil {
				assert.Contains(t, []string{"400", "501"}, head.PseudoValue("status"))
			}
			select {
			case target := <-reached:
				t.Error("it reached the upstream as", target)
			default:
			}
		})
	}
	f := l.frames(t)
	require.NoError(t, f.get(1, true, with("host", "shop.test")...))
	require.Equal(t, 200, f.status(1), "the same Host is no harm")
	assert.Equal(t, "/", next(t, reached))
}

func TestH2BoundsHeaderLists(t *testing.T) {
	many := append([]string{}, plainGet...)
	for i := range 50 {
		many = append(many, "x-"+strconv.Itoa(i), strings.Repeat("a", 100))
	}
	l := inH2Lab(t, usualTLS(), handle(pass), sawIt)
	f := l.frames(t)
	require.NoError(t, f.get(1, true, many...))
	assert.Equal(t, 431, f.status(1))

	// A list in more frames than are needed (CVE-2023-45288).
	f = l.frames(t)
	f.get(1, true) // nothing
	f = l.frames(t)
	f.encoded.Reset()
	f.encoder.WriteField(hpack.HeaderField{Name: "x-long", Value: strings.Repeat("a", 8<<10)})
	require.NoError(t, f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: f.encoded.Bytes()}))
	sent := 0
	for err := error(nil); err == nil && sent < 10_000; sent++ {
		err = f.WriteContinuation(1, false, f.encoded.Bytes())
	}
	_, err := f.until(isGoAway)
	assert.True(t, err == nil || sent < 10_000, "it goes on for ever")
}

func TestH2BoundsStreams(t *testing.T) {
	arrived := make(chan struct{}, 1000)
	release := make(chan struct{})
	l := inH2Lab(t, usualTLS(), handle(func(x *exchange, req components.Request) {
		arrived <- struct{}{}
		select {
		case <-release:
		case <-x.gone:
		}
		x.Reply(components.Response{Status: 204})
	}), sawIt)
	f := l.frames(t)
	for i := range 11 {
		require.NoError(t, f.get(uint32(2*i+1), true, plainGet...))
	}
	frame, err := f.until(func(frame http2.Frame) bool { _, ok := frame.(*http2.RSTStreamFrame); return ok })
	require.NoError(t, err)
	assert.EqualValues(t, 21, frame.Header().StreamID, "one more than may be")
	for range 10 {
		next(t, arrived)
	}
	assert.Empty(t, arrived)
	close(release)
	assert.Equal(t, 204, f.status(19))
}

// Who begins streams only to give them up is cut off (CVE-2023-44487).
func TestH2RapidReset(t *testing.T) {
	var started, ended int64
	counts := make(chan int64, 100_000)
	l := inH2Lab(t, usualTLS(), handle(func(x *exchange, _ components.Request) {
		counts <- 1
		<-x.gone
		counts <- -1
	}), sawIt)
	f := l.frames(t)
	var err error
	for i := 0; err == nil && i < 50_000; i++ {
		if err = f.get(uint32(2*i+1), true, plainGet...); err == nil {
			err = f.WriteRSTStream(uint32(2*i+1), http2.ErrCodeCancel)
		}
	}
	_, err = f.until(func(http2.Frame) bool { return false })
	require.Error(t, err, "the connection is closed")
	require.NoError(t, l.node.Close())
	close(counts)
	var most int64
	for n := range counts {
		if started += max(n, 0); n < 0 {
			ended++
		}
		most = max(most, started-ended)
	}
	assert.Equal(t, started, ended, "all work that was begun has ended")
	assert.LessOrEqual(t, most, int64(10+1), "no more at once than streams")
	assert.Less(t, started, int64(5_000))
}

// Who gives up some of many, as browsers do, stays.
func TestH2SomeResets(t *testing.T) {
	l := inH2Lab(t, usualTLS(), handle(func(x *exchange, req components.Request) {
		if req.Path == "/never" {
			<-x.gone
			return
		}
		x.Reply(components.Response{Status: 204})
	}), sawIt)
	client := l.client()
	for i := range 900 {
		answer, err := client.Get("https://" + l.address + "/")
		require.NoError(t, err, i)
		require.NoError(t, answer.Body.Close())
		if i%3 != 0 {
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		r, err := http.NewRequestWithContext(ctx, "GET", "https://"+l.address+"/never", nil)
		require.NoError(t, err)
		_, err = client.Do(r)
		require.Error(t, err)
		cancel()
	}
}

// A client that resets each stream as soon as it is worked on stays below the
// number of streams, and is cut off nevertheless.
func TestH2SteadyResets(t *testing.T) {
	arrived := make(chan struct{}, 2*manyStreams) // who is not looked for anymore ends too
	l := inH2Lab(t, usualTLS(), handle(func(x *exchange, _ components.Request) {
		arrived <- struct{}{}
		<-x.gone
	}), sawIt)
	f := l.frames(t)
	closed := make(chan struct{})
	go func() {
		f.until(func(http2.Frame) bool { return false })
		close(closed)
	}()
	resets := 0
	for ; !isClosed(closed) && resets < 2*manyStreams; resets++ {
		f.get(uint32(2*resets+1), true, plainGet...) // that it fails shows soon
		select {
		case <-arrived:
			f.WriteRSTStream(uint32(2*resets+1), http2.ErrCodeCancel)
		case <-closed:
		}
	}
	require.GreaterOrEqual(t, resets, manyStreams)
	require.Less(t, resets, 2*manyStreams)
}

// floods are frames that bring nothing. A stream is open.
var floods = map[string]func(f *frames) error{
	"ping":          func(f *frames) error { return f.WritePing(false, [8]byte{}) },
	"settings":      func(f *frames) error { return f.WriteSettings() },
	"empty data":    func(f *frames) error { return f.WriteData(1, false, nil) },
	"small windows": func(f *frames) error { return f.WriteWindowUpdate(0, 1) },
	"priority":      func(f *frames) error { return f.WritePriority(1, http2.PriorityParam{StreamDep: 3}) },
	"unknown":       func(f *frames) error { return f.WriteRawFrame(0xbe, 0, 1, nil) },
}

// flood sends frames until that fails, and looks on from time to time.
func (f *frames) flood(send func(f *frames) error, look func()) {
	f.Helper()
	many := &frames{T: f.T, Framer: http2.NewFramer(bufio.NewWriterSize(f.conn, 16<<10), nil), conn: f.conn}
	for sent := 0; send(many) == nil; sent++ {
		if sent%1000 == 0 {
			look()
		}
		require.Less(f, sent, 5_000_000, "it goes on for ever")
	}
}

// Who floods a connection with frames is cut off, whether the answers to them are
// read or not, and takes no room away.
func TestH2Floods(t *testing.T) {
	for what, send := range floods {
		for _, reads := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, read: %t", what, reads), func(t *testing.T) {
				l := inH2Lab(t, usualTLS(), handle(pass), sawIt)
				before := runtime.NumGoroutine()
				f := l.frames(t)
				require.NoError(t, f.get(1, false, ":method", "POST", ":scheme", "https", ":authority", "localhost", ":path", "/"))
				if reads {
					go f.rest()
				}
				most := 0
				f.flood(send, func() { most = max(most, runtime.NumGoroutine()) })
				assert.Less(t, most, before+20)
				f.conn.Close()
				until(t, "its goroutines end", func() bool { return runtime.NumGoroutine() < before+5 })
				if what != "ping" && what != "settings" { // too many answers to those may be net/http's to refuse
					assert.EqualValues(t, 1, l.node.Use().Refused["flood of frames"])
				}
				answer, err := l.client().Get("https://" + l.address + "/")
				require.NoError(t, err, "others do not suffer")
				require.NoError(t, answer.Body.Close())
			})
		}
	}
}

// Connections that live long may ping, and be given windows, for ever.
func TestTheDikeLetsPassWhatIsOfUse(t *testing.T) {
	for _, tt := range []struct {
		what      string
		pings     int64 // a second
		data, out int64 // bytes a second
		flooded   bool
	}{
		{"pings", 500, 0, 0, false},
		{"too many pings", 5000, 0, 0, true},
		{"too many, but for what they stand beside", 5000, 1 << 20, 0, false},
		{"windows of a fast answer", 5000, 0, 2 << 20, false},
	} {
		t.Run(tt.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDike(nil, nil)
				flooded := false
				for range 3600 {
					for range tt.pings {
						d.count(8, http2.FramePing)
					}
					d.count(tt.data, http2.FrameData)
					d.sent.Add(tt.out)
					time.Sleep(time.Second)
					flooded = flooded || d.flooded()
				}
				require.Equal(t, tt.flooded, flooded)
			})
		})
	}
}

func TestH2ClientGoesAway(t *testing.T) {
	gone := make(chan struct{})
	l := inH2Lab(t, usualTLS(), handle(pass), func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "x")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		close(gone)
	})
	f := l.frames(t)
	require.NoError(t, f.get(1, true, plainGet...))
	require.Equal(t, 200, f.status(1))
	require.NoError(t, f.WriteRSTStream(1, http2.ErrCodeCancel))
	next(t, gone) // so does the call upstream
}

func TestH2BrokenAnswers(t *testing.T) {
	l := inH2Lab(t, usualTLS(), handle(pass), func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	answer, err := l.client().Get("https://" + l.address + "/")
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	assert.ErrorContains(t, err, "INTERNAL_ERROR", "nobody takes half for the whole")
	assert.Equal(t, "half", string(text))
}

func TestH2Interim(t *testing.T) {
	l := inH2Lab(t, usualTLS(), handle(pass), func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		io.WriteString(w, "late")
	})
	f := l.frames(t)
	require.NoError(t, f.get(1, true, plainGet...))
	assert.Equal(t, 103, f.status(1))
	assert.Equal(t, 200, f.status(1))
}

func TestIdentityOverH2(t *testing.T) {
	want := usualTLS()
	want.Clients = &topologies.Clients{Optional: true}
	var seen string
	l := inH2Lab(t, want, handle(func(x *exchange, req components.Request) {
		seen = req.Identity
		x.Reply(components.Response{Status: 204})
	}), sawIt)
	for _, shows := range []string{"", "cart.test"} {
		for _, h2 := range []bool{true, false} {
			client := l.client()
			transport := client.Transport.(*http.Transport)
			transport.ForceAttemptHTTP2 = h2
			if shows != "" {
				transport.TLSClientConfig.Certificates = []tls.Certificate{l.visits("cart", shows)}
			}
			answer, err := client.Get("https://" + l.address + "/")
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())
			require.Equal(t, h2, answer.ProtoMajor == 2)
			require.Equal(t, shows, seen)
		}
	}
}

func TestRedirectAndHSTS(t *testing.T) {
	want := usualTLS()
	want.Redirect, want.HSTS, want.Names = true, "max-age=3600", []string{"*.shop.test"}
	l := inH2Lab(t, want, handle(pass), func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Strict-Transport-Security", "max-age=0") // of its own
	})
	client := l.client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for range 2 {
		answer, err := client.Post("http://"+l.address+"/a?b=c", "text/plain", strings.NewReader("x"))
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		assert.Equal(t, 308, answer.StatusCode)
		assert.Equal(t, "https://"+l.address+"/a?b=c", answer.Header.Get("Location"))
		assert.Empty(t, answer.Header.Get("Strict-Transport-Security"), "not over plain HTTP (RFC 6797 section 7.2)")

		answer, err = client.Get("https://" + l.address + "/")
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		assert.Equal(t, []string{"max-age=3600"}, answer.Header["Strict-Transport-Security"])
	}
	for host, status := range map[string]int{"localhost": 308, "LOCALHOST:1": 308, "a.shop.test": 308, "shop.test": 421, "a.b.shop.test": 421, "evil.test": 421} {
		r, err := http.NewRequest("GET", "http://"+l.address+"/", nil)
		require.NoError(t, err)
		r.Host = host
		answer, err := client.Do(r)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		assert.Equal(t, status, answer.StatusCode, host)
		assert.Equal(t, status == 308, answer.Header.Get("Location") == "https://"+host+"/", host)
	}
	assert.EqualValues(t, 3, l.node.Use().Refused["misdirected"])

	l = inH2Lab(t, usualTLS(), handle(pass), sawIt)
	_, err := l.client().Get("http://" + l.address + "/")
	assert.Error(t, err, "without the option it is refused")
}
