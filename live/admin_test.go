package live

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// TestPurgeByTheAdminPort fills a cache over real HTTP and has it forget.
func TestPurgeByTheAdminPort(t *testing.T) {
	top, err := topologies.Parse("f", []byte(`
name: f
entry: edge
nodes:
  edge: {kind: cdn, to: api}
  api: {kind: backend, cache-control: {/*: "max-age=60"}, cache-tag: {/products/*: products}}
`))
	require.NoError(t, err)
	c := &scenarios.Case{Variant: scenarios.Variant{Topology: top}}
	network := new(Memory)
	var nodes []*Node
	for _, place := range top.Places() {
		n, err := NewNode(c, place, Options{Addresses: func(p topologies.Place) string { return string(p) }, Dial: network.Dial})
		require.NoError(t, err)
		listener, err := network.Listen(string(place))
		require.NoError(t, err)
		go n.Serve(listener)
		n.Begin(time.Now())
		defer n.Close()
		nodes = append(nodes, n)
	}
	edge, api := (&admin{node: nodes[0]}).handler(), (&admin{node: nodes[1]}).handler()
	client := &http.Client{Transport: &http.Transport{DialContext: network.Dial, DisableKeepAlives: true}}
	word := func(path string) string {
		answer, err := client.Get("http://edge" + path)
		require.NoError(t, err)
		answer.Body.Close()
		require.Equal(t, 200, answer.StatusCode)
		return answer.Header.Get("X-Cache")
	}
	fill := func() {
		for _, path := range []string{"/products/1", "/products/2", "/cart"} {
			word(path)
			require.Equal(t, "hit", word(path))
		}
	}
	for _, tt := range []struct {
		target string
		status int
		says   string
		cart   string
	}{
		{"/purge?path=/products/*", 200, "purged 2\n", "hit"},
		{"/purge?tag=products", 200, "purged 2\n", "hit"},
		{"/purge?path=/products/1", 200, "purged 1\n", "hit"},
		{"/purge?path=/*", 200, "purged 3\n", "miss"},
		{"/purge?path=products", 400, "purge: \"products\" is no path of a request (/purge?path=/products/* or /purge?tag=products)\n", "hit"},
		{"/purge", 400, "purge: is to name a path or a tag (/purge?path=/products/* or /purge?tag=products)\n", "hit"},
	} {
		fill()
		w := httptest.NewRecorder()
		edge.ServeHTTP(w, httptest.NewRequest("POST", "http://127.0.0.1:7"+tt.target, nil))
		require.Equal(t, tt.status, w.Code)
		require.Equal(t, tt.says, w.Body.String())
		if tt.status == 200 {
			require.Equal(t, "miss", word("/products/1"), tt.target)
		}
		require.Equal(t, tt.cart, word("/cart"), tt.target)
	}
	w := httptest.NewRecorder()
	api.ServeHTTP(w, httptest.NewRequest("POST", "http://localhost/purge?path=/*", nil))
	require.Equal(t, 404, w.Code)
	require.Equal(t, "purge: api has no cache\n", w.Body.String())
}

// TestTheAdminPortIsNotForPages asks as pages of others in a browser do, also
// under a name that they let lead here.
func TestTheAdminPortIsNotForPages(t *testing.T) {
	top, err := topologies.Parse("f", []byte("name: f\nentry: api\nnodes:\n  api: {kind: backend}\n"))
	require.NoError(t, err)
	n, err := NewNode(&scenarios.Case{Variant: scenarios.Variant{Topology: top}}, "api", Options{})
	require.NoError(t, err)
	defer n.Close()
	port := (&admin{node: n, epoch: time.Now()}).handler()
	ask := func(method, target, host, field, value string) int {
		r := httptest.NewRequest(method, target, nil)
		r.Host = host
		if field != "" {
			r.Header.Set(field, value)
		}
		w := httptest.NewRecorder()
		port.ServeHTTP(w, r)
		return w.Code
	}
	for _, tt := range []struct {
		host, field, value string
		want               int
	}{
		{"127.0.0.1:9", "", "", 200},
		{"[::1]:9", "", "", 200},
		{"::1", "", "", 200},
		{"localhost:9", "Sec-Fetch-Site", "none", 200},
		{"LOCALHOST", "Sec-Fetch-Site", "same-origin", 200},
		{"127.0.0.1:9", "Sec-Fetch-Site", "same-site", 403},
		{"127.0.0.1:9", "Sec-Fetch-Site", "cross-site", 403},
		{"127.0.0.1:9", "Origin", "http://evil.test", 403},
		{"127.0.0.1:9", "Origin", "null", 403},
		{"127.0.0.1:9", "Origin", "", 403},
		{"evil.test", "", "", 421},
		{"127.0.0.1.evil.test:9", "", "", 421},
		{"localhost.evil.test", "", "", 421},
		{"", "", "", 421},
	} {
		require.Equal(t, tt.want, ask("GET", "/metrics", tt.host, tt.field, tt.value), tt)
		for _, target := range []string{"/begin?at=1", "/purge?path=/*", "/reload"} {
			if tt.want != 200 {
				require.Equal(t, tt.want, ask("POST", target, tt.host, tt.field, tt.value), target, tt)
			}
		}
	}
	require.Equal(t, 400, ask("POST", "/begin?at=soon", "localhost", "", ""))
	require.Equal(t, 200, ask("POST", "/begin?at=1", "localhost", "", ""))
	at := *n.began.Load()
	require.Equal(t, 409, ask("POST", "/begin?at=99", "localhost", "", ""))
	require.Equal(t, at, *n.began.Load())
}
