package components

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// What is beyond a bound of sizes is refused in both worlds alike, and counted
// by its name for whoever reads the figures.
func TestBoundsOfSizes(t *testing.T) {
	node := topologies.Node{MaxURL: 10, MaxBody: 100, Answers: &topologies.Answers{Body: 999}}
	proxyLab(t, node, func(l *lab) {
		require.Equal(t, 414, l.get("/longer-than-ten").Status)
		require.Equal(t, 413, l.send(newEvent(), Request{Method: "POST", Path: "/", Size: 101}).Status)
		for range 2 {
			out := l.get("/") // 1000 bytes
			require.Equal(t, 502, out.Status)
			require.Contains(t, out.Header.Get("Proxy-Status"), "connection_terminated")
		}
		require.Equal(t, 200, l.do("HEAD", "/").Status, "which has no body")
		use := l.component.Use()
		require.Equal(t, map[string]int64{"URL too long": 1, "body too long": 1, "answer: body too long": 2}, use.Refused)
		require.Equal(t, map[string]int64{"denied": 2, "reset": 2, "ok": 1}, use.Reasons)
	})
	proxyLab(t, topologies.Node{Answers: &topologies.Answers{Body: 1000}}, func(l *lab) {
		require.Equal(t, 200, l.get("/").Status)
		require.Nil(t, l.component.Use().Refused)
	})
}

// A fault at the gateway is told in the gateway's words; one at a backend is
// the backend's answer.
func TestFaultsAsProblems(t *testing.T) {
	top := proxyTopology(topologies.Node{Problems: true})
	for place, want := range map[topologies.Place]string{"edge": "application/problem+json", "api[0]": "text/plain; charset=utf-8"} {
		faults := []scenarios.Fault{{For: time.Hour, On: []topologies.Place{place}, Rule: scenarios.Rule{Share: 1, Status: 500}}}
		inLab(t, top, faults, func(l *lab) {
			for _, api := range top.Pool([]string{"api"}) {
				l.upstreams[api] = always(answer{Response: brokenInside})
			}
			out := l.get("/")
			require.Equal(t, 500, out.Status)
			require.Equal(t, want, out.Header.Get("Content-Type"), place)
		})
	}
}
