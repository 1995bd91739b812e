package live

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"trafficlab/components"
	"trafficlab/topologies"
)

// twoProxies is what WebSocket passes through in these tests: the outer one
// has a cache, which is not to have a part in it.
const twoProxies = `
name: chain
entry: edge
nodes:
  edge: {kind: cdn, compress: [gzip], to: gateway}
  gateway: {kind: gateway, routes: [{path: /*, to: origin}]}
  origin: {kind: external, to: "http://ORIGIN"}
`

// echoes sends back what it gets, message by message. It closes when told to,
// and tells with what code it was closed.
type echoes struct {
	mu     sync.Mutex
	closed []websocket.StatusCode
	pings  int // that came, or were answered
}

func (e *echoes) pinged() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pings++
}

// met is what the origin has seen once all is quiet.
func (e *echoes) met() (closed []websocket.StatusCode, pings int) {
	synctest.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.closed, e.pings
}

// ServeHTTP implements http.Handler.
func (e *echoes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") == "" {
		io.WriteString(w, "plain")
		return
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols: []string{"echo"}, CompressionMode: websocket.CompressionContextTakeover,
		OnPingReceived: func(context.Context, []byte) bool { e.pinged(); return true },
	})
	if err != nil {
		return
	}
	defer conn.CloseNow()
	conn.SetReadLimit(-1)
	for {
		kind, text, err := conn.Read(context.Background()) // that of r ends with the hijacking
		if err != nil {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.closed = append(e.closed, websocket.CloseStatus(err))
			return
		}
		switch string(text) {
		case "close":
			conn.Close(4001, "enough")
			return
		case "crash":
			return
		case "ping":
			if conn.CloseRead(context.Background()); conn.Ping(context.Background()) == nil {
				e.pinged()
			}
			return
		}
		if conn.Write(context.Background(), kind, text) != nil {
			return
		}
	}
}

// webSocket opens one through the chain.
func (c *chain) webSocket(o websocket.DialOptions) *websocket.Conn {
	c.Helper()
	o.HTTPClient = c.client()
	o.Subprotocols = []string{"echo"}
	conn, answer, err := websocket.Dial(c.Context(), "ws://"+c.address("edge")+"/socket", &o)
	require.NoError(c, err)
	require.Equal(c, 101, answer.StatusCode)
	require.Equal(c, "echo", conn.Subprotocol())
	conn.SetReadLimit(-1)
	c.Cleanup(func() { conn.CloseNow() })
	return conn
}

// TestWebSocketMessages of all sizes (RFC 6455 section 5), in fragments as
// they are written, come back whole and in order, packed or not.
func TestWebSocketMessages(t *testing.T) {
	filler := components.Filler(3 << 20)
	for name, mode := range map[string]websocket.CompressionMode{
		"plain": websocket.CompressionDisabled, "permessage-deflate": websocket.CompressionContextTakeover,
	} {
		t.Run(name, func(t *testing.T) {
			inChain(t, twoProxies, new(echoes), func(c *chain) {
				conn := c.webSocket(websocket.DialOptions{CompressionMode: mode})
				for i, size := range []int{0, 1, 125, 126, 65535, 65536, len(filler)} {
					kind := []websocket.MessageType{websocket.MessageText, websocket.MessageBinary}[i%2]
					sent := filler[:size]
					wrote := make(chan error, 1)
					go func() {
						w, err := conn.Writer(c.Context(), kind)
						for at := 0; at < size && err == nil; at += 50_000 {
							_, err = w.Write(sent[at:min(at+50_000, size)])
						}
						wrote <- errors.Join(err, w.Close())
					}()
					got, text, err := conn.Read(c.Context())
					require.NoError(t, err)
					require.NoError(t, <-wrote)
					require.Equal(t, kind, got)
					require.True(t, bytes.Equal(sent, text), "%d bytes", size)
				}
				require.NoError(t, conn.Close(websocket.StatusNormalClosure, ""))
			})
		})
	}
}

// TestWebSocketControl: pings and closing, each way (RFC 6455 sections 5.5 and
// 7).
func TestWebSocketControl(t *testing.T) {
	inChain(t, twoProxies, new(echoes), func(c *chain) {
		origin := c.webSocket(websocket.DialOptions{})
		require.NoError(t, origin.Write(c.Context(), websocket.MessageText, []byte("close")))
		_, _, err := origin.Read(c.Context())
		var closed websocket.CloseError
		require.ErrorAs(t, err, &closed)
		require.Equal(t, websocket.CloseError{Code: 4001, Reason: "enough"}, closed)
	})
	served := new(echoes)
	inChain(t, twoProxies, served, func(c *chain) {
		conn := c.webSocket(websocket.DialOptions{})
		reads := conn.CloseRead(c.Context())
		require.NoError(t, conn.Ping(c.Context()))
		require.NoError(t, conn.Close(4002, "done"))
		closed, pings := served.met()
		require.Equal(t, []websocket.StatusCode{4002}, closed)
		require.Equal(t, 1, pings)
		<-reads.Done()
	})
	served = new(echoes)
	inChain(t, twoProxies, served, func(c *chain) {
		var pinged int
		conn := c.webSocket(websocket.DialOptions{OnPingReceived: func(context.Context, []byte) bool { pinged++; return true }})
		require.NoError(t, conn.Write(c.Context(), websocket.MessageText, []byte("ping")))
		_, _, err := conn.Read(c.Context())
		require.ErrorIs(t, err, io.EOF, "the origin went without a word")
		require.Equal(t, 1, pinged)
		_, pings := served.met()
		require.Equal(t, 1, pings, "and was answered")
	})
}

// TestWebSocketsThatAreQuiet end after a while; a ping now and then keeps them.
func TestWebSocketsThatAreQuiet(t *testing.T) {
	served := new(echoes)
	inChain(t, twoProxies, served, func(c *chain) {
		quiet := new(topologies.Node).MayTunnel().Idle
		conn := c.webSocket(websocket.DialOptions{})
		reads := conn.CloseRead(c.Context())
		for range 12 {
			time.Sleep(quiet / 2)
			require.NoError(t, conn.Ping(c.Context()))
		}
		began := time.Now()
		<-reads.Done()
		require.Equal(t, quiet, time.Since(began))
		closed, pings := served.met()
		require.Equal(t, []websocket.StatusCode{-1}, closed, "no code: it was cut off")
		require.Equal(t, 12, pings)
	})
}

// TestAWebSocketWhoseOriginCrashes ends at once, at both ends.
func TestAWebSocketWhoseOriginCrashes(t *testing.T) {
	inChain(t, twoProxies, new(echoes), func(c *chain) {
		conn := c.webSocket(websocket.DialOptions{})
		began := time.Now()
		require.NoError(t, conn.Write(c.Context(), websocket.MessageText, []byte("crash")))
		_, _, err := conn.Read(c.Context())
		require.ErrorIs(t, err, io.EOF)
		require.Zero(t, time.Since(began))
		again := c.webSocket(websocket.DialOptions{})
		require.NoError(t, again.Write(c.Context(), websocket.MessageText, []byte("still there")))
		_, text, err := again.Read(c.Context())
		require.NoError(t, err)
		require.Equal(t, "still there", string(text))
	})
}

// TestAWebSocketWhoseProxyCloses: both ends learn of it.
func TestAWebSocketWhoseProxyCloses(t *testing.T) {
	for _, name := range []string{"edge", "gateway"} {
		served := new(echoes)
		inChain(t, twoProxies, served, func(c *chain) {
			conn := c.webSocket(websocket.DialOptions{})
			go c.nodes[name].Close()
			_, _, err := conn.Read(c.Context())
			require.Error(t, err)
			closed, _ := served.met()
			require.Equal(t, []websocket.StatusCode{-1}, closed)
		})
	}
}

// TestAMessageRightBehindTheHandshake, in the same segment, is not lost
// (golang/go#80875), nor is anything after it.
func TestAMessageRightBehindTheHandshake(t *testing.T) {
	inChain(t, twoProxies, new(echoes), func(c *chain) {
		conn, err := c.network.Dial(c.Context(), "", c.address("edge"))
		require.NoError(t, err)
		defer conn.Close()
		go func() {
			io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
				"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"+masked("one")+masked("two")[:3])
			synctest.Wait()
			io.WriteString(conn, masked("two")[3:]+masked("three"))
		}()
		in := bufio.NewReader(conn)
		answer, err := http.ReadResponse(in, nil)
		require.NoError(t, err)
		require.Equal(t, 101, answer.StatusCode)
		text := make([]byte, len("\x81\x03one\x81\x03two\x81\x05three"))
		_, err = io.ReadFull(in, text)
		require.NoError(t, err)
		require.Equal(t, "\x81\x03one\x81\x03two\x81\x05three", string(text))
	})
}

// masked is a short text message as a client frames it (RFC 6455 section 5.2).
func masked(text string) string {
	const key = 0x01020304
	frame := binary.BigEndian.AppendUint32([]byte{0x81, 0x80 | byte(len(text))}, key)
	for i := range len(text) {
		frame = append(frame, text[i]^frame[2+i%4])
	}
	return string(frame)
}

// TestWebSocketsThatAreRefused by the origin or by the gateway are answered as
// any other request is, and the connection is good for the next.
func TestWebSocketsThatAreRefused(t *testing.T) {
	refuses := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "websocket", r.Header.Get("Upgrade"))
		http.Error(w, "not you", http.StatusForbidden)
	})
	text := strings.Replace(twoProxies, "/*,", "/socket,", 1)
	inChain(t, text, refuses, func(c *chain) {
		for path, want := range map[string]int{"/socket": 403, "/elsewhere": 404} {
			_, answer, err := websocket.Dial(c.Context(), "ws://"+c.address("edge")+path, &websocket.DialOptions{HTTPClient: c.client()})
			require.Error(t, err)
			require.Equal(t, want, answer.StatusCode, path)
		}
	})
}
