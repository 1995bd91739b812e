package live

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// TestAWebSocketThroughAProcessThatIsKilled: a SIGKILL of the inner of two
// proxies ends the connection at both ends, and another goes through once the
// proxy is back.
func TestAWebSocketThroughAProcessThatIsKilled(t *testing.T) {
	served := new(echoes)
	origin := httptest.NewServer(served)
	defer origin.Close()
	top, err := topologies.Parse("chain.yaml", []byte(strings.Replace(twoProxies, "http://ORIGIN", origin.URL, 1)))
	require.NoError(t, err)
	c := &scenarios.Case{Scenario: "sockets", Seed: 1, Variant: scenarios.Variant{Name: "only", Topology: top, Faults: []scenarios.Fault{
		{At: time.Second, For: 300 * time.Millisecond, On: []topologies.Place{"gateway"}, Crash: true}}}}
	s := started(t, c)
	s.Begin()
	address, _ := s.Entry()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	dial := func() (*websocket.Conn, error) {
		conn, _, err := websocket.Dial(ctx, strings.Replace(address, "http", "ws", 1), nil)
		return conn, err
	}
	conn, err := dial()
	require.NoError(t, err)
	defer conn.CloseNow()
	for i := 0; err == nil; i++ {
		sent, text := fmt.Sprint("message ", i), []byte(nil)
		if err = conn.Write(ctx, websocket.MessageText, []byte(sent)); err != nil {
			break
		}
		if _, text, err = conn.Read(ctx); err == nil {
			require.Equal(t, sent, string(text))
		}
	}
	require.NoError(t, ctx.Err(), "the client was told")
	until(t, "so was the origin", func() bool {
		served.mu.Lock()
		defer served.mu.Unlock()
		return len(served.closed) == 1
	})
	until(t, "the proxy is back", func() bool {
		again, err := dial()
		if err != nil {
			return false
		}
		defer again.CloseNow()
		require.NoError(t, again.Write(ctx, websocket.MessageText, []byte("again")))
		_, text, err := again.Read(ctx)
		require.NoError(t, err)
		require.Equal(t, "again", string(text))
		return true
	})
}
