package components

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"trafficlab/topologies"
)

// cookieOf is the pair that an answer sets, without its attributes.
func cookieOf(out *outcome) string {
	pair, _, _ := strings.Cut(out.Header.Get("Set-Cookie"), ";")
	return pair
}

func TestStickySessions(t *testing.T) {
	proxyLab(t, topologies.Node{Pick: balancer(3).Pick, Sticky: "lab"}, func(l *lab) {
		p := l.component.server.(*proxy)
		first := l.get("/")
		home, pair := l.lastHop().To, cookieOf(first)
		require.Regexp(t, "^lab=[0-9a-f]{16}$", pair)
		require.Contains(t, first.Header.Get("Set-Cookie"), "; Path=/; HttpOnly")
		for range 10 {
			require.Empty(t, cookieOf(l.get("/", "Cookie", "theme=dark; "+pair)), "it is known already")
			require.Equal(t, home, l.lastHop().To)
		}
		strangers := map[topologies.Place]bool{}
		for range 3 {
			require.NotEmpty(t, cookieOf(l.get("/", "Cookie", "lab=0123456789abcdef")), "a forged one is nobody's")
			strangers[l.lastHop().To] = true
		}
		require.Len(t, strangers, 3, "those are balanced")

		p.setUp(l.now(), home, false)
		moved := l.get("/", "Cookie", pair)
		refuge := l.lastHop().To
		require.NotEqual(t, home, refuge)
		require.NotEqual(t, pair, cookieOf(moved))
		p.setUp(l.now(), home, true)
		for range 5 {
			l.get("/", "Cookie", cookieOf(moved))
			require.Equal(t, refuge, l.lastHop().To, "and there it stays")
		}
	})
}
