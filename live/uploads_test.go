package live

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"trafficlab/components"
)

// wary is a proxy that a single failure makes give its upstream up.
const wary = `
name: chain
entry: edge
nodes:
  edge: {kind: reverse-proxy, %s to: origin, breaker: {consecutive: 1}, retry: {tries: 1}}
  origin: {kind: external, to: "http://ORIGIN"}
`

var counted = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	n, _ := io.Copy(io.Discard, r.Body)
	if r.URL.Path == "/never" {
		<-r.Context().Done()
	}
	fmt.Fprint(w, n)
})

// TestUploadsOutlastThePatienceForAnswers: it begins when the body is sent.
func TestUploadsOutlastThePatienceForAnswers(t *testing.T) {
	inChain(t, fmt.Sprintf(wary, ""), counted, func(c *chain) {
		upload := func(path string) (*http.Response, time.Duration) {
			began := time.Now()
			answer := c.slowUpload(path, 16)
			return answer, time.Since(began)
		}
		answer, _ := upload("/")
		require.Equal(c, 200, answer.StatusCode)
		answer, took := upload("/never")
		require.Equal(c, 504, answer.StatusCode)
		require.InDelta(c, 21, took.Seconds(), .1, "the time for the answer is not the body's")
	})
}

// slowUpload sends a body for so many seconds.
func (c *chain) slowUpload(path string, seconds int) *http.Response {
	c.Helper()
	body, pieces := io.Pipe()
	go func() {
		for range seconds {
			time.Sleep(time.Second)
			pieces.Write(make([]byte, 1<<10))
		}
		pieces.Close()
	}()
	answer, err := c.client().Post("http://edge"+path, "text/plain", body)
	require.NoError(c, err)
	answer.Body.Close()
	return answer
}

// TestSlowUploadsMakeNoUpstreamSlow: what is known of an upstream by the time
// that it takes begins when it has the body, and is nothing if it never has.
func TestSlowUploadsMakeNoUpstreamSlow(t *testing.T) {
	for _, h2 := range []string{"", "upstream: {http: 2}, "} {
		for _, pick := range []string{"least-response-time", "p2c-ewma"} {
			for _, path := range []string{"/", "/early"} {
				t.Run(h2+pick+path, func(t *testing.T) {
					asked := map[string]int{}
					origin := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						asked[strings.Join(r.Header["Via"], ", ")]++
						if r.URL.Path != "/early" {
							io.Copy(io.Discard, r.Body)
						}
						time.Sleep(100 * time.Millisecond)
					})
					inChain(t, `
name: chain
entry: edge
nodes:
  edge: {kind: reverse-proxy, `+h2+`pick: `+pick+`, to: [a, b]}
  a: {kind: reverse-proxy, to: origin}
  b: {kind: reverse-proxy, to: origin}
  origin: {kind: external, to: "http://ORIGIN"}
`, origin, func(c *chain) {
						c.slowUpload(path, 9)
						for range 40 {
							answer, err := c.client().Get("http://edge/")
							require.NoError(c, err)
							answer.Body.Close()
							time.Sleep(10 * time.Millisecond)
						}
					})
					require.Greater(t, asked["1.1 edge, 1.1 a"], 8, "%v", asked)
					require.Greater(t, asked["1.1 edge, 1.1 b"], 8)
				})
			}
		}
	}
}

// TestSlowUploadsTakeNoRoomAway from what may be upstream at once.
func TestSlowUploadsTakeNoRoomAway(t *testing.T) {
	inChain(t, fmt.Sprintf(wary, "concurrency: {limit: {aimd: {initial: 2, min: 1, timeout: 1s}}},"), counted, func(c *chain) {
		require.Equal(c, 200, c.slowUpload("/", 9).StatusCode)
		never, giveUp := context.WithTimeout(c.Context(), 500*time.Millisecond)
		defer giveUp()
		r, err := http.NewRequestWithContext(never, "GET", "http://edge/never", nil)
		require.NoError(c, err)
		go c.client().Do(r)
		time.Sleep(100 * time.Millisecond)
		answer, err := c.client().Get("http://edge/")
		require.NoError(c, err)
		answer.Body.Close()
		require.Equal(c, 200, answer.StatusCode, "there is room for two")
	})
}

// TestClientsWhoseBodiesDoNotComeHarmNoUpstream: were one of them charged to
// it, the breaker would be open for the request behind them.
func TestClientsWhoseBodiesDoNotComeHarmNoUpstream(t *testing.T) {
	for _, over := range []string{"HTTP/1.1", "HTTP/2"} {
		for _, how := range []string{"stalls", "truncates"} {
			t.Run(over+" "+how, func(t *testing.T) {
				secure := ""
				if over == "HTTP/2" {
					secure = "tls: {self-signed: true},"
				}
				inChain(t, fmt.Sprintf(wary, secure), counted, func(c *chain) {
					want := map[string]int{"stalls": 408, "truncates": 400}[how]
					if over == "HTTP/2" {
						conn := c.overH2()
						defer conn.conn.Close()
						post := []string{":method", "POST", ":scheme", "https", ":authority", "localhost", ":path", "/", "content-length", "20"}
						require.NoError(c, conn.get(1, false, post...))
						require.NoError(c, conn.WriteData(1, how == "truncates", []byte("a piece")))
						require.Equal(c, want, conn.status(1))
						require.NoError(c, conn.get(3, true, plainGet...))
						require.Equal(c, 200, conn.status(3))
						return
					}
					conn, err := c.network.Dial(c.Context(), "tcp", "edge")
					require.NoError(c, err)
					defer conn.Close()
					io.WriteString(conn, "POST / HTTP/1.1\r\nHost: edge\r\nContent-Length: 20\r\n\r\na piece")
					if how == "truncates" {
						time.Sleep(time.Second)
						conn.Close()
					} else {
						answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
						require.NoError(c, err)
						require.Equal(c, want, answer.StatusCode)
					}
					time.Sleep(time.Second)
					answer, err := c.client().Get("http://edge/")
					require.NoError(c, err)
					answer.Body.Close()
					require.Equal(c, 200, answer.StatusCode)
				})
			})
		}
	}
}

// TestClientsSeeWhyTheirUploadsAreRefused, though they send on before they look:
// a reset would take the answer with it (RFC 9112 section 9.6, RFC 9113 section
// 8.1).
func TestClientsSeeWhyTheirUploadsAreRefused(t *testing.T) {
	const small = "max-body: 1KiB"
	piece := make([]byte, 16<<10)
	t.Run("HTTP/1.1", func(t *testing.T) {
		for _, length := range []string{"Content-Length: 33554432", "Transfer-Encoding: chunked"} {
			b := inBounds(t, small, saying(fineAnswer))
			conn, in := b.dial("POST / HTTP/1.1\r\nHost: a\r\n" + length + "\r\n\r\n")
			if strings.HasPrefix(length, "Transfer") {
				_, err := io.WriteString(conn, "2000000\r\n")
				require.NoError(t, err)
			}
			for range 32 << 20 / len(piece) {
				_, err := conn.Write(piece)
				require.NoError(t, err)
			}
			answer, err := http.ReadResponse(in, nil)
			require.NoError(t, err)
			require.Equal(t, 413, answer.StatusCode)
			_, err = io.ReadAll(answer.Body)
			require.NoError(t, err)
			require.Equal(t, length[0] == 'C', answer.Close)
		}
	})
	t.Run("HTTP/2", func(t *testing.T) {
		l := inH2Lab(t, usualTLS(), handle(func(x *exchange, _ components.Request) {
			x.Reply(components.Refusal(413, "body too long", false))
		}), sawIt)
		f := l.frames(t)
		require.NoError(t, f.get(1, false, ":method", "POST", ":scheme", "https", ":authority", "localhost", ":path", "/", "content-length", "33554432"))
		require.Equal(t, 413, f.status(1))
		said, err := f.until(func(frame http2.Frame) bool { return frame.Header().StreamID == 1 })
		require.NoError(t, err)
		require.Equal(t, http2.FrameData, said.Header().Type)
		require.Equal(t, "body too long\n", string(said.(*http2.DataFrame).Data()))
		for range 64 { // more than the window: what nobody wants is read
			require.NoError(t, f.WriteData(1, false, piece))
			read := 0
			_, err = f.until(func(frame http2.Frame) bool {
				if more, ok := frame.(*http2.WindowUpdateFrame); ok && more.StreamID == 1 {
					read += int(more.Increment)
				}
				require.NotEqual(t, http2.FrameRSTStream, frame.Header().Type)
				return read >= len(piece)
			})
			require.NoError(t, err)
		}
		require.NoError(t, f.WriteRSTStream(1, http2.ErrCodeCancel))
		require.NoError(t, f.get(3, true, plainGet...))
		require.Equal(t, 413, f.status(3), "the connection stands")
	})
}

// overH2 is a connection to the entry, which speaks TLS.
func (c *chain) overH2() *frames {
	c.Helper()
	raw, err := c.network.Dial(c.Context(), "tcp", "edge")
	require.NoError(c, err)
	var conn net.Conn = tls.Client(raw, &tls.Config{RootCAs: c.roots, ServerName: "localhost", NextProtos: []string{"h2"}})
	f := &frames{T: c.T, Framer: http2.NewFramer(conn, conn), conn: conn}
	f.encoder = hpack.NewEncoder(&f.encoded)
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_, err = io.WriteString(conn, http2.ClientPreface)
	require.NoError(c, err)
	require.NoError(c, f.WriteSettings())
	return f
}
