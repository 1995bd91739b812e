package components

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

func staleCaching(whileRevalidate, ifError time.Duration) topologies.Node {
	node := caching(true)
	node.Cache.Stale = topologies.Stale{WhileRevalidate: whileRevalidate, IfError: ifError}
	return node
}

// TestStaleWhileRevalidate: nobody waits for the renewal, and there is one.
func TestStaleWhileRevalidate(t *testing.T) {
	proxyLab(t, caching(true), func(l *lab) {
		answer := fine("Cache-Control", "max-age=2, stale-while-revalidate=3", "ETag", `"1"`)
		l.everywhere(script(answer, answer.in(100*ms)))
		l.get("/a")
		time.Sleep(2500 * ms)
		for _, out := range l.crowd() {
			require.Equal(t, "updating 200 2.5s", told([]*outcome{out})[0])
			require.Equal(t, "2", out.Header.Get("Age"))
		}
		require.Len(t, l.asked(), 2, "one renewal for all")
		time.Sleep(101 * ms)
		out := l.get("/a")
		require.Equal(t, "hit", xCache(out))
		require.Equal(t, "0", out.Header.Get("Age"), "the renewed answer")
		time.Sleep(4898 * ms) // 1 ms before it is too stale
		require.Equal(t, "updating", xCache(l.get("/a")))
		synctest.Wait()
		time.Sleep(5100 * ms)
		out = l.get("/a")
		require.Equal(t, "expired", xCache(out), "too stale")
		require.Equal(t, map[string]int64{"miss": 1, "updating": 6, "hit": 1, "expired": 1}, l.component.Use().Cache,
			"renewals are no requests")
	})
}

// TestTheRequestThatRenews is made of the one that met the stale answer.
func TestTheRequestThatRenews(t *testing.T) {
	proxyLab(t, staleCaching(time.Minute, 0), func(l *lab) {
		l.everywhere(always(cacheable("ETag", `"1"`)))
		l.get("/a?b=c")
		first := l.lastHop().Request
		time.Sleep(61 * time.Second)
		out := l.do("HEAD", "/a?b=c", "If-None-Match", `"1"`, "Grpc-Timeout", "1m")
		require.Equal(t, 304, out.Status)
		require.Equal(t, "updating", xCache(out))
		synctest.Wait()
		again := l.lastHop().Request
		require.NotEqual(t, first.Attempt, again.Attempt, "its work is its own")
		again.Attempt = first.Attempt
		first.Header = append(first.Header, Field{"If-None-Match", `"1"`}) // the cache's own question
		require.Equal(t, first, again)
		require.Equal(t, "hit", xCache(l.get("/a?b=c")))
	})
}

func TestWhoMayBeGivenStale(t *testing.T) {
	for name, tt := range map[string]struct {
		answer  string // its Cache-Control
		request []string
		later   time.Duration
		word    string
	}{
		"the node's word":                  {"max-age=2", nil, 3 * time.Second, "updating"},
		"the node's word is over":          {"max-age=2", nil, 12 * time.Second, "expired"},
		"the answer says less":             {"max-age=2, stale-while-revalidate=0", nil, 3 * time.Second, "expired"},
		"the answer says more":             {"max-age=2, stale-while-revalidate=20", nil, 12 * time.Second, "updating"},
		"must-revalidate":                  {"max-age=2, must-revalidate", nil, 3 * time.Second, "expired"},
		"must-revalidate beside its word":  {"max-age=2, must-revalidate, stale-while-revalidate=20", nil, 3 * time.Second, "expired"},
		"proxy-revalidate":                 {"max-age=2, proxy-revalidate", nil, 3 * time.Second, "expired"},
		"s-maxage forbids the node":        {"s-maxage=2", nil, 3 * time.Second, "expired"},
		"s-maxage beside its word":         {"s-maxage=2, stale-while-revalidate=20", nil, 3 * time.Second, "updating"},
		"a request that wants it young":    {"max-age=2", []string{"Cache-Control", "max-age=2"}, 3 * time.Second, "expired"},
		"a request that takes it this old": {"max-age=2", []string{"Cache-Control", "max-age=3"}, 3 * time.Second, "updating"},
		"a request that wants it to last":  {"max-age=2", []string{"Cache-Control", "min-fresh=1"}, 3 * time.Second, "expired"},
		"a request past the cache":         {"max-age=2", []string{"Cache-Control", "no-cache"}, 3 * time.Second, "bypass"},
		"only if cached":                   {"max-age=2", []string{"Cache-Control", "only-if-cached"}, 3 * time.Second, "updating"},
	} {
		t.Run(name, func(t *testing.T) {
			proxyLab(t, staleCaching(10*time.Second, 0), func(l *lab) {
				l.everywhere(always(fine("Cache-Control", tt.answer)))
				l.get("/a")
				time.Sleep(tt.later)
				require.Equal(t, tt.word, xCache(l.get("/a", tt.request...)))
			})
		})
	}
}

func TestStaleIfError(t *testing.T) {
	for name, tt := range map[string]struct {
		answer  string
		request []string
		failure answer
		later   time.Duration
		want    string
	}{
		"refused":                        {"max-age=2", nil, fails(policy.Refused, ms), 5 * time.Second, "stale 200"},
		"reset":                          {"max-age=2", nil, fails(policy.Reset, ms), 5 * time.Second, "stale 200"},
		"timeout":                        {"max-age=2", nil, fails(policy.Timeout, ms), 5 * time.Second, "stale 200"},
		"500":                            {"max-age=2", nil, status(500), 5 * time.Second, "stale 200"},
		"503":                            {"max-age=2", nil, status(503), 5 * time.Second, "stale 200"},
		"404 is an answer":               {"max-age=2", nil, status(404), 5 * time.Second, "expired 404"},
		"501 is an answer":               {"max-age=2", nil, status(501), 5 * time.Second, "expired 501"},
		"too stale":                      {"max-age=2", nil, status(500), 13 * time.Second, "expired 500"},
		"the answer says more":           {"max-age=2, stale-if-error=20", nil, status(500), 13 * time.Second, "stale 200"},
		"the answer says less":           {"max-age=2, stale-if-error=1", nil, status(500), 5 * time.Second, "expired 500"},
		"must-revalidate":                {"max-age=2, must-revalidate", nil, status(500), 5 * time.Second, "expired 500"},
		"the request says more":          {"max-age=2", []string{"Cache-Control", "stale-if-error=60"}, status(500), 13 * time.Second, "stale 200"},
		"the request says less":          {"max-age=2", []string{"Cache-Control", "stale-if-error=0"}, status(500), 5 * time.Second, "expired 500"},
		"the request against the answer": {"max-age=2, must-revalidate", []string{"Cache-Control", "stale-if-error=60"}, status(500), 5 * time.Second, "expired 500"},
		"past the cache":                 {"max-age=2", []string{"Cache-Control", "no-cache"}, status(500), 5 * time.Second, "bypass 500"},
		"fresh, but not for the request": {"max-age=9", []string{"Cache-Control", "max-age=1"}, status(500), 5 * time.Second, "stale 200"},
		"fresh, but nothing allows it":   {"max-age=9, must-revalidate", []string{"Cache-Control", "max-age=1"}, status(500), 5 * time.Second, "expired 500"},
		"nothing stored":                 {"no-store", nil, status(500), 5 * time.Second, "miss 500"},
	} {
		t.Run(name, func(t *testing.T) {
			proxyLab(t, staleCaching(0, 10*time.Second), func(l *lab) {
				l.everywhere(script(fine("Cache-Control", tt.answer), tt.failure))
				l.get("/a")
				time.Sleep(tt.later)
				out := l.get("/a", tt.request...)
				require.Equal(t, tt.want, fmt.Sprint(xCache(out), " ", out.Status))
				require.Len(t, l.asked(), 2, "each tries")
				require.Empty(t, l.component.server.(*proxy).store.under.byKey)
			})
		})
	}
}

func TestStaleBeforeFallback(t *testing.T) {
	node := staleCaching(0, 10*time.Second)
	node.Fallback = &topologies.Fallback{Status: 200, Body: "sorry"}
	proxyLab(t, node, func(l *lab) {
		l.everywhere(script(fine("Cache-Control", "max-age=2"), status(500)))
		l.get("/a")
		time.Sleep(5 * time.Second)
		out := l.get("/a")
		require.Equal(t, "stale", xCache(out))
		require.Equal(t, int64(1000), out.Body.Size)
		require.Equal(t, "miss", xCache(l.get("/b")))
	})
}

// TestFollowersOfAFailureTakeTheStale: they do not try one after the other.
func TestFollowersOfAFailureTakeTheStale(t *testing.T) {
	proxyLab(t, staleCaching(0, time.Minute), func(l *lab) {
		l.everywhere(script(fine("Cache-Control", "max-age=1"), status(500).in(100*ms)))
		l.get("/a")
		time.Sleep(5 * time.Second)
		for _, line := range told(l.crowd()) {
			require.Equal(t, "stale 200 5.1s", line)
		}
		require.Len(t, l.asked(), 2)
	})
}

// TestARenewalThatFails leaves what is stored, and the next request makes
// another.
func TestARenewalThatFails(t *testing.T) {
	proxyLab(t, staleCaching(time.Minute, 0), func(l *lab) {
		l.everywhere(script(cacheable(), fails(policy.Refused, 10*ms), status(500), fine("Cache-Control", "private")))
		l.get("/a")
		time.Sleep(61 * time.Second)
		for i := range 3 {
			require.Equal(t, "updating", xCache(l.get("/a")), i)
			time.Sleep(20 * ms)
			synctest.Wait()
			require.Empty(t, l.component.server.(*proxy).store.under.byKey)
		}
		require.Len(t, l.asked(), 4)
		require.Equal(t, "miss", xCache(l.get("/a")), "it is not for sharing any more")
	})
}

func TestNegativeCaching(t *testing.T) {
	for name, tt := range map[string]struct {
		answer answer
		hit    bool // at 4.9 s, of 5
	}{
		"404":                 {status(404), true},
		"410":                 {status(410), true},
		"404 with a lifetime": {status(404, "Cache-Control", "max-age=2"), false},
		"404 without a store": {status(404, "Cache-Control", "no-store"), false},
		"404 expired":         {status(404, "Expires", "0"), false},
		"403":                 {status(403), false},
		"500":                 {status(500), false},
		"503":                 {status(503), false},
		"200":                 {fine(), false},
	} {
		t.Run(name, func(t *testing.T) {
			node := staleCaching(time.Minute, time.Minute)
			node.Cache.Negative = 5 * time.Second
			proxyLab(t, node, func(l *lab) {
				l.everywhere(always(tt.answer))
				l.get("/a")
				time.Sleep(4900 * ms)
				out := l.get("/a")
				require.Equal(t, tt.answer.Status, out.Status)
				require.Equal(t, tt.hit, xCache(out) == "hit", xCache(out))
				if tt.hit {
					time.Sleep(100 * ms)
					require.Equal(t, "expired", xCache(l.get("/a")), "the node's grace is not for what is not there")
				}
			})
		})
	}
}

func TestPurge(t *testing.T) {
	stored := []string{"/products/1", "/products/1?x=2", "/products/2", "/cart"}
	tags := map[string]map[string]string{
		"Cache-Tag":     {"/products/1": "products, hot", "/products/2": "products"},
		"Surrogate-Key": {"/products/1": "hot products", "/products/2": "products"},
	}
	for name, tt := range map[string]struct {
		purge scenarios.Purge
		gone  []string
	}{
		"a path, whatever its query": {scenarios.Purge{Path: "/products/1"}, stored[:2]},
		"one target":                 {scenarios.Purge{Path: "/products/1?x=2"}, stored[1:2]},
		"a target that is not there": {scenarios.Purge{Path: "/products/1?x=23"}, nil},
		"a subtree":                  {scenarios.Purge{Path: "/products/*"}, stored[:3]},
		"everything":                 {scenarios.Purge{Path: "/*"}, stored},
		"nothing":                    {scenarios.Purge{Path: "/products"}, nil},
		"a tag":                      {scenarios.Purge{Tag: "products"}, stored[:3]},
		"another tag":                {scenarios.Purge{Tag: "hot"}, stored[:2]},
		"part of a tag":              {scenarios.Purge{Tag: "product"}, nil},
	} {
		for field, values := range tags {
			t.Run(name+" by "+field, func(t *testing.T) {
				proxyLab(t, caching(true), func(l *lab) {
					l.everywhere(func(h Hop) answer {
						return cacheable(field, values[h.Request.Path])
					})
					for _, path := range stored {
						get(l, path)
					}
					n, ok := l.component.Purge(tt.purge)
					require.True(t, ok)
					require.Equal(t, len(tt.gone), n)
					var gone []string
					for _, path := range stored {
						if xCache(get(l, path)) == "miss" {
							gone = append(gone, path)
						}
					}
					require.Equal(t, tt.gone, gone)
				})
			})
		}
	}
}

// get asks for a path with its query.
func get(l *lab, target string) *outcome {
	for i := range target {
		if target[i] == '?' {
			req := Request{Method: "GET", Host: "shop", Path: target[:i], Query: target[i+1:]}
			return l.send(newEvent(), req)
		}
	}
	return l.get(target)
}

// TestAPurgeDuringAFetch: what was under way is not stored, whether the purge
// knows it by its path or, later, by its tag; and those who come after the
// purge do not wait for it.
func TestAPurgeDuringAFetch(t *testing.T) {
	for name, what := range map[string]scenarios.Purge{
		"path": {Path: "/a"}, "tag": {Tag: "x"}, "another tag": {Tag: "y"}, "another path": {Path: "/b"},
	} {
		t.Run(name, func(t *testing.T) {
			proxyLab(t, caching(false), func(l *lab) {
				l.everywhere(always(cacheable("Cache-Tag", "x").in(100 * ms)))
				old := l.during(func() *outcome { return l.get("/a") })
				l.component.Purge(what)
				<-old
				want := map[string]string{"path": "miss", "tag": "miss"}[name]
				if want == "" {
					want = "hit"
				}
				require.Equal(t, want, xCache(l.get("/a")))
			})
		})
	}
}

// TestPurgesOfAScenario take effect at their instants, also on what is under
// way then.
func TestPurgesOfAScenario(t *testing.T) {
	faults := []scenarios.Fault{
		{At: 10 * time.Second, On: []topologies.Place{"edge"}, Purge: scenarios.Purge{Tag: "x"}},
		{At: 5 * time.Second, On: []topologies.Place{"edge"}, Purge: scenarios.Purge{Path: "/a*"}},
		{At: time.Second, On: []topologies.Place{"elsewhere"}, Purge: scenarios.Purge{Path: "/*"}},
	}
	inLab(t, proxyTopology(caching(true)), faults, func(l *lab) {
		for _, place := range l.component.server.(*proxy).pools[0].places {
			l.upstreams[place] = always(cacheable("Cache-Tag", "x"))
		}
		l.get("/a")
		l.get("/b")
		time.Sleep(5*time.Second - 1)
		require.Equal(t, "hit", xCache(l.get("/a")))
		time.Sleep(time.Nanosecond)
		require.Equal(t, "miss", xCache(l.get("/a")))
		require.Equal(t, "hit", xCache(l.get("/b")))
		l.everywhere(always(cacheable("Cache-Tag", "x").in(2 * time.Second)))
		time.Sleep(4 * time.Second)
		l.get("/c") // from 9 to 11 s
		require.Equal(t, "miss", xCache(l.get("/c")))
		require.Equal(t, "hit", xCache(l.get("/c")))
		require.Equal(t, "miss", xCache(l.get("/a")))
	})
}

func TestPurgeWithoutACache(t *testing.T) {
	proxyLab(t, topologies.Node{}, func(l *lab) {
		_, ok := l.component.Purge(scenarios.Purge{Path: "/*"})
		require.False(t, ok)
	})
}
