package topologies

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// bounded reads a proxy that is told the given fields.
func bounded(t *testing.T, fields string) *Node {
	t.Helper()
	top, err := Parse("f", []byte("name: f\nentry: p\nnodes:\n  p: {kind: gateway, to: api, "+fields+"}\n  api: {kind: backend}\n"))
	require.NoError(t, err, fields)
	text, err := json.Marshal(top) // as nodes' processes get it
	require.NoError(t, err)
	back := new(Topology)
	require.NoError(t, json.Unmarshal(text, back))
	require.Equal(t, top, back)
	return top.Node("p")
}

func TestUsualBounds(t *testing.T) {
	heads := Heads{16 << 10, 64 << 10, 128}
	c := &Callers{
		Heads: heads, HeadWithin: 10 * time.Second, Idle: 90 * time.Second,
		Send:        Pace{30 * time.Second, 512, 20 * time.Second},
		Take:        Pace{30 * time.Second, 512, 20 * time.Second},
		Connections: 10_000, Handshake: 10 * time.Second, Handshakes: 64,
	}
	a := &Answers{
		Heads: heads,
		Send:  Pace{5 * time.Minute, 0, 20 * time.Second},
		Take:  Pace{30 * time.Second, 0, 20 * time.Second},
	}
	for _, fields := range []string{"via: requests", "callers: {}, answers: {}, tunnels: {}, connections: {}"} {
		n := bounded(t, fields)
		require.Equal(t, c, n.MayCall(), fields)
		require.Equal(t, a, n.MayAnswer(), fields)
		require.Equal(t, &Tunnels{[]string{"websocket"}, 10 * time.Minute}, n.MayTunnel(), fields)
		require.Equal(t, 128, n.Connections, fields)
	}
	require.Nil(t, bounded(t, "connections: 9").Idle, "as many as there are, for the usual time")
}

func TestBounds(t *testing.T) {
	n := bounded(t, `callers: {line: 1KiB, head: 2KiB, fields: 9, head-within: 1s, idle: off, send: {pause: 2s, rate: 1KiB, grace: 3s},
    take: off, connections: 50, per-address: 5, beyond: wait, requests: 7, handshake: 4s, handshakes: off}`)
	require.Equal(t, &Callers{
		Heads: Heads{1 << 10, 2 << 10, 9}, HeadWithin: time.Second, Send: Pace{2 * time.Second, 1 << 10, 3 * time.Second},
		Connections: 50, PerAddress: 5, Wait: true, Requests: 7, Handshake: 4 * time.Second,
	}, n.Callers)
	require.Equal(t, Heads{1 << 10, 1 << 10, 128}, bounded(t, "callers: {head: 1KiB}").Callers.Heads, "a line is not longer than a head")
	n = bounded(t, "answers: {body: 1MiB, send: {rate: 1KiB}, take: {pause: off}}")
	require.EqualValues(t, 1<<20, n.Answers.Body)
	require.Equal(t, Pace{5 * time.Minute, 1 << 10, 20 * time.Second}, n.Answers.Send)
	require.Equal(t, Pace{0, 0, 20 * time.Second}, n.Answers.Take)
	for text, want := range map[string]Idle{
		"{most: 7}": {7, time.Minute}, "{most: 7, idle: 0}": {0, time.Minute}, "{idle: 3, idle-for: off}": {3, 0},
	} {
		require.Equal(t, &want, bounded(t, "connections: "+text).Idle, text)
	}
	for text, want := range map[string]Tunnels{
		"off": {}, "WebSocket": {[]string{"websocket"}, 10 * time.Minute}, "[websocket, mqtt, MQTT]": {[]string{"websocket", "mqtt"}, 10 * time.Minute},
		"{idle: 5s}": {[]string{"websocket"}, 5 * time.Second}, "{of: irc/6.9, idle: off}": {Of: []string{"irc/6.9"}},
	} {
		require.Equal(t, &want, bounded(t, "tunnels: "+text).Tunnels, text)
	}
}
