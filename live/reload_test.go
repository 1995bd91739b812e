package live

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// shelf hosts a topology whose first node is reloaded by its admin port, in a
// bubble.
type shelf struct {
	*testing.T
	network Memory
	first   *Node
	client  *http.Client
	key     string // that it shows; "": none
}

func onShelf(t *testing.T, text string, test func(s *shelf)) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{T: t}
		top, err := topologies.Parse("f", []byte(text))
		require.NoError(t, err)
		c := &scenarios.Case{Variant: scenarios.Variant{Topology: top}}
		for _, place := range top.Places() {
			n, err := NewNode(c, place, Options{Dial: s.network.Dial, Clock: Standard{}, Addresses: func(p topologies.Place) string {
				if p == "api[9]" {
					return ""
				}
				return string(p)
			}})
			require.NoError(t, err)
			defer n.Close()
			if s.first == nil {
				s.first = n
			}
			n.Begin(time.Now())
			if strings.HasPrefix(string(place), "down") {
				continue
			}
			listener, err := s.network.Listen(string(place))
			require.NoError(t, err)
			go n.Serve(listener)
		}
		transport := &http.Transport{DialContext: s.network.Dial, DisableCompression: true}
		defer transport.CloseIdleConnections()
		s.client = &http.Client{Transport: transport}
		test(s)
	})
}

func (s *shelf) get(path string) (status int, cache string) {
	r, err := http.NewRequest("GET", "http://"+string(s.first.place)+path, nil)
	require.NoError(s, err)
	if s.key != "" {
		r.Header.Set("X-Api-Key", s.key)
	}
	answer, err := s.client.Do(r)
	require.NoError(s, err)
	io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	return answer.StatusCode, answer.Header.Get("X-Cache")
}

func (s *shelf) reload(text string) (status int, says string) {
	r := httptest.NewRequest("POST", "http://localhost/reload?file=f", strings.NewReader(text))
	r.Header.Set("Content-Type", "application/yaml")
	w := httptest.NewRecorder()
	(&admin{node: s.first}).handler().ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func (s *shelf) reloaded(text string) {
	status, says := s.reload(text)
	require.Equal(s, 200, status, says)
}

const edge = `
name: f
entry: edge
nodes:
  edge: {kind: cdn, to: api, %s}
  api: {kind: backend, replicas: 2, service-time: {constant: 1s}, cache-control: {/*: "max-age=60"}}
`

// What a cache has stored stays where the cache and what leads to it is as
// before, whatever else is new.
func TestReloadKeepsACache(t *testing.T) {
	for _, tt := range []struct{ before, after, cache string }{
		{"cache: {capacity: 1MiB}", "cache: {capacity: 1MiB}", "hit"},
		{"cache: {capacity: 1MiB}", "cache: {capacity: 1MiB}, pick: random, max-url: 1KiB, timeout: {response: 9s}, retry: {tries: 2}", "hit"},
		{"cache: {capacity: 1MiB}", "cache: {capacity: 2MiB}", "miss"},
		{"cache: {capacity: 1MiB}", "cache: {capacity: 1MiB}, compress: [gzip]", "miss"},
		{"cache: {capacity: 1MiB}, routes: [{path: /*}]", "cache: {capacity: 1MiB}, routes: [{path: /*, response: {set: {X-A: b}}}]", "hit"},
		{"cache: {capacity: 1MiB}, routes: [{path: /*}]", "cache: {capacity: 1MiB}, routes: [{path: /*, rewrite: /other}]", "miss"},
		{"cache: {capacity: 1MiB}, routes: [{path: /*}]", "cache: {capacity: 1MiB}, routes: [{path: /*, request: {set: {X-A: b}}}]", "miss"},
		{"cache: {capacity: 1MiB}, routes: [{path: /*}]", "cache: {capacity: 1MiB}, routes: [{path: /*}, {path: /else, redirect: /a}]", "hit"},
	} {
		t.Run(tt.after, func(t *testing.T) {
			onShelf(t, fmt.Sprintf(edge, tt.before), func(s *shelf) {
				s.get("/a")
				_, cache := s.get("/a")
				require.Equal(t, "hit", cache)
				s.reloaded(fmt.Sprintf(edge, tt.after))
				_, cache = s.get("/a")
				require.Equal(t, tt.cache, cache)
			})
		})
	}
}

// A limit goes on counting where it is as before: a reload is no way round it.
func TestReloadKeepsLimits(t *testing.T) {
	for _, tt := range []struct {
		before, after string
		status        int
	}{
		{"limit: {by: all, rate: 0.01/s, burst: 2}", "limit: {by: all, rate: 0.01/s, burst: 2}, max-url: 1KiB", 429},
		{"limit: {by: all, rate: 0.01/s, burst: 2}", "limit: {by: all, rate: 0.01/s, burst: 3}", 200},
		{"keys: {alice: k}, plans: {free: {limit: {by: all, rate: 0.01/s, burst: 2}}}", "keys: {alice: k}, plans: {free: {limit: {by: all, rate: 0.01/s, burst: 2}}}, max-url: 1KiB", 429},
		{"limit: {by: all, rate: 0.01/s, burst: 2}", "max-url: 1KiB", 200},
	} {
		t.Run(tt.after, func(t *testing.T) {
			onShelf(t, fmt.Sprintf(edge, tt.before), func(s *shelf) {
				s.key = "k"
				for _, want := range []int{200, 200, 429} {
					status, _ := s.get("/a")
					require.Equal(t, want, status)
				}
				s.reloaded(fmt.Sprintf(edge, tt.after))
				status, _ := s.get("/a")
				require.Equal(t, tt.status, status)
			})
		})
	}
}

// Who was found down is not asked again because of a reload, nor is who is
// found down after it, or up.
func TestReloadKeepsWhoIsDown(t *testing.T) {
	const text = `
name: f
entry: lb
nodes:
  lb: {kind: load-balancer, to: [api, down], retry: {tries: 1}, health: {every: 1s, timeout: 500ms, down-after: 2, up-after: 2}%s}
  api: {kind: backend, replicas: 2}
  down: {kind: backend}
`
	for name, after := range map[string]string{"as before": "", "another way to pick": ", pick: random"} {
		t.Run(name, func(t *testing.T) {
			onShelf(t, fmt.Sprintf(text, ""), func(s *shelf) {
				all := func() {
					for range 20 {
						status, _ := s.get("/")
						require.Equal(t, 200, status)
					}
				}
				time.Sleep(4 * time.Second)
				all()
				for range 3 {
					s.reloaded(fmt.Sprintf(text, after))
					all()
					time.Sleep(3 * time.Second)
					all()
				}
				asked := s.first.Use().Asked
				require.Zero(t, asked["down"])
				require.EqualValues(t, 140, asked["api[0]"]+asked["api[1]"], "no count is lost")
				listener, err := s.network.Listen("down")
				require.NoError(t, err)
				server := &http.Server{Handler: http.NotFoundHandler()}
				go server.Serve(listener)
				defer server.Close()
				time.Sleep(4 * time.Second)
				s.reloaded(fmt.Sprintf(text, ", max-url: 1KiB"))
				for range 20 {
					s.get("/")
				}
				require.Zero(t, s.first.Use().Asked["down"], "it answers checks with 404")
			})
		})
	}
}

// What is under way ends as it began, what comes is as the node is set now, and
// both are counted.
func TestReloadWhileRequestsAreUnderWay(t *testing.T) {
	onShelf(t, fmt.Sprintf(edge, "routes: [{path: /*}]"), func(s *shelf) {
		for i := range 5 {
			before, path := make(chan int), fmt.Sprintf("/%d", i)
			go func() {
				status, _ := s.get(path)
				before <- status
			}()
			time.Sleep(time.Second / 2)
			s.reloaded(fmt.Sprintf(edge, "routes: [{path: /b}]"))
			status, _ := s.get(path)
			require.Equal(t, 404, status)
			require.Equal(t, 200, <-before)
			s.reloaded(fmt.Sprintf(edge, "routes: [{path: /*}]"))
			synctest.Wait()
			u := s.first.Use()
			require.EqualValues(t, 2*(i+1), u.Requests)
			require.EqualValues(t, i+1, u.Reasons["ok"])
			require.EqualValues(t, i+1, u.Asked["api[0]"]+u.Asked["api[1]"])
			require.Len(t, s.first.setups, 1, "what nobody works under is gone")
		}
	})
}

// What cannot be changes nothing, and says why.
func TestReloadRefused(t *testing.T) {
	const cached = "cache: {capacity: 1MiB}"
	for _, tt := range []struct{ text, says string }{
		{fmt.Sprintf(edge, "cach: 1"), `f:5:30: nodes.edge.cach: unknown field (did you mean "cache"?)`},
		{fmt.Sprintf(edge, "tls: {self-signed: true}"), "set edge anew: its tls cannot change without a new start"},
		{fmt.Sprintf(edge, "access-log: combined"), "set edge anew: its access-log cannot take another form"},
		{strings.Replace(fmt.Sprintf(edge, cached), "cdn", "gateway", 1), "it runs as a cdn and cannot become a gateway"},
		{strings.Replace(fmt.Sprintf(edge, cached), "replicas: 2", "replicas: 10", 1), "api[9] was not started with the others"},
		{strings.ReplaceAll(fmt.Sprintf(edge, cached), "edge", "ledge"), "set edge anew: there is no such place any more"},
		{strings.Replace(fmt.Sprintf(edge, cached), "cdn,", "cdn, replicas: 1,", 1), "there is no such place any more"},
	} {
		t.Run(tt.says, func(t *testing.T) {
			onShelf(t, fmt.Sprintf(edge, cached), func(s *shelf) {
				s.get("/a")
				status, says := s.reload(tt.text)
				require.Equal(t, 422, status)
				require.Contains(t, says, tt.says)
				_, cache := s.get("/a")
				require.Equal(t, "hit", cache)
				require.Len(t, s.first.setups, 1)
			})
		})
	}
}

// A page in a browser cannot set a node anew: what it may send unasked is no
// YAML by name.
func TestReloadTakesYAMLOnly(t *testing.T) {
	onShelf(t, fmt.Sprintf(edge, "max-url: 1KiB"), func(s *shelf) {
		r := httptest.NewRequest("POST", "http://localhost/reload", strings.NewReader(fmt.Sprintf(edge, "max-url: 2KiB")))
		r.Header.Set("Content-Type", "text/plain")
		w := httptest.NewRecorder()
		(&admin{node: s.first}).handler().ServeHTTP(w, r)
		require.Equal(t, http.StatusUnsupportedMediaType, w.Code)
	})
}

// No request is lost to reloads, one after the other, of all kinds, and none is
// counted twice or not at all.
func TestReloadUnderLoad(t *testing.T) {
	const text = `
name: f
entry: edge
nodes:
  edge: {kind: gateway, to: lb, %s}
  lb: {kind: load-balancer, to: api, health: {every: 20ms}}
  api: {kind: backend, replicas: 3, service-time: {constant: 1ms}, cache-control: {/*: "max-age=1"}}
`
	sets := []string{"pick: p2c", "routes: [{path: /*}]", "cache: {capacity: 1MiB}", "connections: 3", "limit: {rate: 1000/s, burst: 1000}",
		"concurrency: {limit: 100, queue: 100}", "compress: [gzip]", "health: {every: 10ms}", "hedge: {after: 5ms}"}
	onShelf(t, fmt.Sprintf(text, sets[0]), func(s *shelf) {
		var clients sync.WaitGroup
		for c := range 8 {
			clients.Go(func() {
				for i := range 100 {
					status, _ := s.get(fmt.Sprintf("/%d/%d", c, i))
					require.Equal(t, 200, status)
				}
			})
		}
		done := make(chan struct{})
		go func() { clients.Wait(); close(done) }()
		for i := 1; ; i++ {
			select {
			case <-done:
				require.Greater(t, i, 20)
				synctest.Wait()
				u := s.first.Use()
				require.EqualValues(t, 800, u.Requests)
				require.EqualValues(t, 800, u.Reasons["ok"])
				require.GreaterOrEqual(t, u.Asked["lb"], int64(800))
				require.Len(t, s.first.setups, 1)
				return
			case <-time.After(3 * time.Millisecond):
				s.reloaded(fmt.Sprintf(text, sets[i%len(sets)]))
			}
		}
	})
}
