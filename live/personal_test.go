package live

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestACacheGivesNobodyWhatIsForAnother: wherever the cache stands and whatever
// shows who asks, what an origin makes of that is given to that caller alone,
// unless it says that all may have it (RFC 9111 section 3.5).
func TestACacheGivesNobodyWhatIsForAnother(t *testing.T) {
	const topology = `
name: chain
entry: edge
nodes:
%s
  origin: {kind: external, to: "http://ORIGIN"}
`
	const cached, keys = "cache: {capacity: 1MiB, collapse: true}", "keys: {alice: a, bob: b}"
	const odd = ", auth: {key-in: [header X-Pass, query pass]}"
	for place, tt := range map[string]struct{ nodes, field string }{
		"in the gateway":            {"  edge: {kind: gateway, " + keys + ", " + cached + ", to: origin}", "X-Api-Key"},
		"likewise, by another name": {"  edge: {kind: gateway, " + keys + odd + ", " + cached + ", to: origin}", "X-Pass"},
		"behind it":                 {"  edge: {kind: gateway, " + keys + ", to: cdn}\n  cdn: {kind: cdn, " + cached + ", to: origin}", "X-Api-Key"},
		"behind a balancer":         {"  edge: {kind: gateway, " + keys + ", to: lb}\n  lb: {kind: load-balancer, to: cdn}\n  cdn: {kind: cdn, " + cached + ", to: origin}", "X-Api-Key"},
		"before it":                 {"  edge: {kind: cdn, " + cached + ", to: gateway}\n  gateway: {kind: gateway, " + keys + ", to: origin}", "X-Api-Key"},
		"before, by another name":   {"  edge: {kind: cdn, " + cached + ", to: lb}\n  lb: {kind: load-balancer, to: gateway}\n  gateway: {kind: gateway, " + keys + odd + ", to: origin}", "X-Pass"},
		"on both sides":             {"  edge: {kind: cdn, " + cached + ", to: gateway}\n  gateway: {kind: gateway, " + keys + ", to: cdn}\n  cdn: {kind: cdn, " + cached + ", to: origin}", "X-Api-Key"},
	} {
		t.Run(place, func(t *testing.T) {
			asked := map[string]int{}
			origin := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked[r.URL.Path]++
				w.Header().Set("Cache-Control", "max-age=60")
				switch r.URL.Path {
				case "/all":
					w.Header().Set("Cache-Control", "public, max-age=60")
					fmt.Fprint(w, "all")
					return
				case "/each":
					w.Header().Set("Cache-Control", "public, max-age=60")
					w.Header().Set("Vary", "X-Consumer")
				}
				fmt.Fprint(w, r.Header.Get("X-Consumer"))
			})
			inChain(t, fmt.Sprintf(topology, tt.nodes), origin, func(c *chain) {
				get := func(key, path string) string {
					r, err := http.NewRequest("GET", "http://edge"+path, nil)
					require.NoError(c, err)
					r.Header.Set(tt.field, key)
					answer, err := c.client().Do(r)
					require.NoError(c, err)
					defer answer.Body.Close()
					text, err := io.ReadAll(answer.Body)
					require.NoError(c, err)
					return string(text)
				}
				for range 2 {
					for key, name := range map[string]string{"a": "alice", "b": "bob"} {
						assert.Equal(c, name, get(key, "/mine"))
						assert.Equal(c, name, get(key, "/each"))
						assert.Equal(c, "all", get(key, "/all"))
					}
				}
			})
			assert.Equal(t, map[string]int{"/mine": 4, "/each": 2, "/all": 1}, asked)
		})
	}
}
