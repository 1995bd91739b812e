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

func caching(collapse bool) topologies.Node {
	return topologies.Node{Kind: topologies.CDN, Cache: &topologies.Cache{Capacity: 1 << 20, Collapse: collapse}}
}

func cacheable(fields ...string) answer {
	return fine(append([]string{"Cache-Control", "max-age=60"}, fields...)...)
}

func xCache(o *outcome) string { return o.Header.Get("X-Cache") }

func TestCacheFreshAndExpired(t *testing.T) {
	proxyLab(t, caching(false), func(l *lab) {
		l.everywhere(always(cacheable("Age", "10", "X-Cache", "hit", "ETag", `"1"`)))
		out := l.get("/p?x=1")
		require.Equal(t, "miss", out.Header.Values("X-Cache"), "the outer cache's word is the one that counts")
		require.Equal(t, "10", out.Header.Get("Age"))
		time.Sleep(2500 * ms)
		out = l.get("/p?x=1")
		require.Equal(t, 200, out.Status)
		require.Equal(t, Header{{"Content-Type", "application/json"}, {"Cache-Control", "max-age=60"},
			{"ETag", `"1"`}, {"Age", "12"}, {"Date", "Sat, 01 Jan 2000 00:00:00 GMT"}, {"X-Cache", "hit"},
			{"Cache-Status", "edge; hit; ttl=48"}}, out.Header)
		require.Equal(t, Body{Size: 1000}, out.Body)
		require.Equal(t, "miss", xCache(l.get("/p?x=2")))
		require.Equal(t, "miss", xCache(l.get("/p")))
		time.Sleep(47*time.Second + 499*ms)
		require.Equal(t, "hit", xCache(l.get("/p?x=1")))
		time.Sleep(ms)
		require.Equal(t, "expired", xCache(l.get("/p?x=1")), "60 s after it left its origin")
		require.Equal(t, "hit", xCache(l.get("/p?x=1")))
		require.Equal(t, map[string]int64{"miss": 3, "hit": 3, "expired": 1}, l.component.Use().Cache)
	})
}

func TestAgeCountsFromTheAsking(t *testing.T) {
	proxyLab(t, caching(false), func(l *lab) {
		l.everywhere(always(cacheable().in(3 * time.Second)))
		l.get("/")
		require.Equal(t, "3", l.get("/").Header.Get("Age"))
	})
}

func TestRequestsThatGoPastTheStore(t *testing.T) {
	for name, tt := range map[string]struct {
		method       string
		fields       []string
		first, again string // the word with nothing stored, and with a fresh answer
		stores       bool
	}{
		"plain":                {"GET", nil, "miss", "hit", true},
		"HEAD":                 {"HEAD", nil, "miss", "hit", false},
		"POST":                 {"POST", nil, "bypass", "bypass", false},
		"no-cache":             {"GET", []string{"Cache-Control", "no-cache"}, "bypass", "bypass", true},
		"pragma":               {"GET", []string{"Pragma", "no-cache"}, "bypass", "bypass", true},
		"no-store":             {"GET", []string{"Cache-Control", "no-store"}, "bypass", "bypass", false},
		"range":                {"GET", []string{"Range", "bytes=0-1"}, "miss", "hit", true},
		"conditional":          {"GET", []string{"If-None-Match", `"x"`}, "miss", "hit", true},
		"for origins only":     {"GET", []string{"If-Match", `"x"`}, "bypass", "bypass", false},
		"max-age=0 is too old": {"GET", []string{"Cache-Control", "max-age=0"}, "miss", "expired", true},
		"old enough":           {"GET", []string{"Cache-Control", "max-age=5"}, "miss", "hit", true},
		"fresh for long":       {"GET", []string{"Cache-Control", "min-fresh=59"}, "miss", "expired", true},
		"fresh for a while":    {"GET", []string{"Cache-Control", "min-fresh=30"}, "miss", "hit", true},
	} {
		t.Run(name, func(t *testing.T) {
			proxyLab(t, caching(true), func(l *lab) {
				l.everywhere(always(cacheable()))
				require.Equal(t, tt.first, xCache(l.do(tt.method, "/", tt.fields...)))
				require.Equal(t, map[bool]string{true: "hit", false: "miss"}[tt.stores], xCache(l.get("/")))
				time.Sleep(2 * time.Second)
				require.Equal(t, tt.again, xCache(l.do(tt.method, "/", tt.fields...)))
			})
		})
	}
}

func TestOnlyIfCached(t *testing.T) {
	proxyLab(t, caching(true), func(l *lab) {
		l.everywhere(always(cacheable()))
		require.Equal(t, 504, l.get("/", "Cache-Control", "only-if-cached").Status)
		require.Empty(t, l.asked())
		require.Equal(t, "miss", xCache(l.get("/")), "nobody waits for a fetch that was none")
		require.Equal(t, 200, l.get("/", "Cache-Control", "only-if-cached").Status)
	})
}

func TestStoredAnswerToACondition(t *testing.T) {
	proxyLab(t, caching(false), func(l *lab) {
		l.everywhere(always(cacheable("ETag", `W/"v1"`)))
		l.get("/")
		for tag, status := range map[string]int{`"v1"`: 304, `"v0", W/"v1"`: 304, "*": 304, `"v2"`: 200} {
			out := l.get("/", "If-None-Match", tag)
			require.Equal(t, status, out.Status, tag)
			require.Equal(t, status == 304, out.Body.Size == 0)
			require.Equal(t, "hit", xCache(out))
		}
	})
}

// TestWhatIsStored asks twice: what is not stored is a miss again.
func TestWhatIsStored(t *testing.T) {
	key := []string{"X-Api-Key", "k"}
	for name, tt := range map[string]struct {
		ask    []string
		answer answer
		stored bool
	}{
		"max-age":                     {nil, cacheable(), true},
		"s-maxage goes first":         {nil, fine("Cache-Control", "max-age=60, s-maxage=0"), false},
		"s-maxage alone":              {nil, fine("Cache-Control", "S-MaxAge=60"), true},
		"nothing said":                {nil, fine(), false},
		"max-age=0":                   {nil, fine("Cache-Control", "max-age=0"), false},
		"unreadable":                  {nil, fine("Cache-Control", "max-age=soon"), false},
		"too old on arrival":          {nil, cacheable("Age", "60"), false},
		"private":                     {nil, fine("Cache-Control", "private, max-age=60"), false},
		"no-store":                    {nil, fine("Cache-Control", "max-age=60", "Cache-Control", "no-store"), false},
		"no-cache":                    {nil, fine("Cache-Control", `no-cache, max-age=60`), false},
		"no-cache, some fields":       {nil, fine("Cache-Control", `no-cache="Set-Cookie", max-age=60`, "Set-Cookie", "a=b"), true},
		"private, some fields":        {nil, fine("Cache-Control", `private="x-user, x-y", max-age=60`, "X-User", "alice"), true},
		"expires":                     {nil, fine("Date", "Mon, 23 Nov 2026 10:00:00 GMT", "Expires", "Mon, 23 Nov 2026 10:01:00 GMT"), true},
		"expired":                     {nil, fine("Date", "Mon, 23 Nov 2026 10:00:00 GMT", "Expires", "Mon, 23 Nov 2026 10:00:00 GMT"), false},
		"expires 0":                   {nil, fine("Date", "Mon, 23 Nov 2026 10:00:00 GMT", "Expires", "0"), false},
		"a cookie":                    {nil, cacheable("Set-Cookie", "a=b"), false},
		"vary by encoding":            {nil, cacheable("Vary", "accept-encoding"), true},
		"vary by more":                {nil, cacheable("Vary", "Accept-Encoding, Cookie"), true},
		"vary by anything":            {nil, cacheable("Vary", "*"), false},
		"authorized":                  {[]string{"Authorization", "x"}, cacheable(), false},
		"authorized but public":       {[]string{"Authorization", "x"}, cacheable("Cache-Control", "public"), true},
		"authorized, must-revalidate": {[]string{"Authorization", "x"}, cacheable("Cache-Control", "must-revalidate"), true},
		"with a key":                  {key, cacheable(), false},
		"with a key but s-maxage":     {key, cacheable("Cache-Control", "s-maxage=9"), true},
		"404":                         {nil, status(404, "Cache-Control", "max-age=60"), true},
		"302":                         {nil, status(302, "Cache-Control", "max-age=60"), true},
		"302 without a lifetime":      {nil, status(302), false},
		"206":                         {nil, status(206, "Cache-Control", "max-age=60"), false},
		"500":                         {nil, status(500, "Cache-Control", "max-age=60"), false},
	} {
		for _, collapse := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " ", collapse), func(t *testing.T) {
				proxyLab(t, caching(collapse), func(l *lab) {
					l.everywhere(always(tt.answer))
					require.Equal(t, "miss", xCache(l.get("/", tt.ask...)))
					second := xCache(l.get("/", tt.ask...))
					if tt.stored {
						require.Equal(t, "hit", second)
					} else {
						require.NotEqual(t, "hit", second)
						require.Len(t, l.asked(), 2)
					}
				})
			})
		}
	}
}

func TestACutAnswerIsNotStored(t *testing.T) {
	proxyLab(t, caching(false), func(l *lab) {
		cut := cacheable()
		cut.breaks = true
		l.everywhere(script(cut, cacheable()))
		require.Equal(t, policy.Reset, l.get("/").reason)
		require.Equal(t, "miss", xCache(l.get("/")))
		require.Equal(t, "hit", xCache(l.get("/")))
	})
}

func TestCapacity(t *testing.T) {
	node := caching(false)
	node.Cache.Capacity = 3100 // room for two answers of 1000 bytes and their heads
	proxyLab(t, node, func(l *lab) {
		l.everywhere(always(cacheable()))
		for _, tt := range []struct{ path, word string }{
			{"/a", "miss"}, {"/b", "miss"}, {"/a", "hit"}, {"/c", "miss"}, {"/a", "hit"}, {"/b", "miss"}, {"/c", "miss"},
		} {
			require.Equal(t, tt.word, xCache(l.get(tt.path)), tt.path)
		}
		large := cacheable()
		large.Body.Size = 3101
		l.everywhere(always(large))
		l.get("/large")
		require.Equal(t, "miss", xCache(l.get("/large")))
		require.Equal(t, "hit", xCache(l.get("/c")), "what is too large pushes nothing out")
	})
}

func TestWritesInvalidate(t *testing.T) {
	proxyLab(t, caching(true), func(l *lab) {
		l.everywhere(always(cacheable("Vary", "Accept-Encoding")))
		l.get("/a")
		l.get("/a", "Accept-Encoding", "gzip")
		l.get("/b")
		l.everywhere(always(status(500)))
		l.do("PUT", "/a")
		l.everywhere(always(cacheable("Vary", "Accept-Encoding")))
		require.Equal(t, "hit", xCache(l.get("/a")), "a write that failed changed nothing")
		l.do("PUT", "/a")
		time.Sleep(ms)
		require.Equal(t, "miss", xCache(l.get("/a")))
		require.Equal(t, "miss", xCache(l.get("/a", "Accept-Encoding", "gzip")))
		require.Equal(t, "hit", xCache(l.get("/b")))
		require.Equal(t, "hit", xCache(l.get("/a")))
	})
}

// TestAWriteDuringAFetch: what was asked for before the write is not stored
// after it, and those who come after it do not wait for it.
func TestAWriteDuringAFetch(t *testing.T) {
	for _, collapse := range []bool{false, true} {
		proxyLab(t, caching(collapse), func(l *lab) {
			l.everywhere(script(cacheable().in(100*ms), status(204), cacheable("X-New", "1").in(50*ms)))
			old := l.during(func() *outcome { return l.get("/a") })
			time.Sleep(10 * ms)
			l.do("DELETE", "/a")
			out := l.get("/a")
			require.Equal(t, "1", out.Header.Get("X-New"))
			require.Equal(t, 60*ms, out.at)
			require.Equal(t, 100*ms, (<-old).at)
			require.Equal(t, "1", l.get("/a").Header.Get("X-New"), "the old answer came later and is not kept")
		})
	}
}

// TestFollowersOfAnOvertakenFetch get its answer, as they came before what
// overtook it, though it is not stored; so do those of an answer that the
// eviction did not let in.
func TestFollowersOfAnOvertakenFetch(t *testing.T) {
	for name, during := range map[string]func(l *lab){
		"written": func(l *lab) { l.do("DELETE", "/a") },
		"purged":  func(l *lab) { l.component.Purge(scenarios.Purge{Path: "/a"}) },
		"no room": func(*lab) {},
	} {
		t.Run(name, func(t *testing.T) {
			node := caching(true)
			if name == "no room" {
				node.Cache.Capacity = 1200 // for the body, but not with what it takes beside it
			}
			proxyLab(t, node, func(l *lab) {
				l.everywhere(func(h Hop) answer {
					if h.Request.Method == "DELETE" {
						return status(204)
					}
					return cacheable().in(100 * ms)
				})
				time.AfterFunc(50*ms, func() { during(l) })
				outs := told(l.crowd())
				require.Equal(t, []string{"miss 200 100ms", "collapsed 200 100ms", "collapsed 200 100ms", "collapsed 200 100ms", "collapsed 200 100ms"}, outs)
				require.Equal(t, "miss", xCache(l.get("/a")))
			})
		})
	}
}

// TestFollowersOfWhatCannotBeShared try for themselves, all at once: an answer
// longer than the cache, and a fallback.
func TestFollowersOfWhatCannotBeShared(t *testing.T) {
	small, falling := caching(true), caching(true)
	small.Cache.Capacity = 900
	falling.Fallback = &topologies.Fallback{Status: 200, Body: "later"}
	for name, tt := range map[string]struct {
		node   topologies.Node
		answer answer
	}{
		"too long": {small, cacheable().in(100 * ms)},
		"fallback": {falling, status(500).in(100 * ms)},
	} {
		t.Run(name, func(t *testing.T) {
			proxyLab(t, tt.node, func(l *lab) {
				l.everywhere(always(tt.answer))
				require.Equal(t, []string{"miss 200 100ms", "miss 200 200ms", "miss 200 200ms", "miss 200 200ms", "miss 200 200ms"}, told(l.crowd()))
				require.Len(t, l.asked(), 5)
			})
		})
	}
}

func TestGzipHasAKeyOfItsOwn(t *testing.T) {
	proxyLab(t, caching(false), func(l *lab) {
		l.everywhere(func(h Hop) answer {
			if h.Request.Header.Get("Accept-Encoding") == "gzip" {
				return cacheable("Vary", "Accept-Encoding", "Content-Encoding", "gzip")
			}
			return cacheable("Vary", "Accept-Encoding")
		})
		require.False(t, l.get("/").Header.Has("Content-Encoding"))
		require.False(t, l.lastHop().Request.Header.Has("Accept-Encoding"))
		require.Equal(t, "gzip", l.get("/", "Accept-Encoding", "br, gzip;q=0.5").Header.Get("Content-Encoding"))
		out := l.get("/", "Accept-Encoding", "gzip")
		require.Equal(t, "hit", xCache(out))
		require.Equal(t, "gzip", out.Header.Get("Content-Encoding"))
		out = l.get("/", "Accept-Encoding", "br")
		require.Equal(t, "hit", xCache(out))
		require.False(t, out.Header.Has("Content-Encoding"))
	})
}

// crowd has five ask for the same at once and returns what each got.
func (l *lab) crowd() []*outcome {
	var waiting []<-chan *outcome
	for range 5 {
		waiting = append(waiting, l.during(func() *outcome { return l.get("/a") }))
	}
	var outs []*outcome
	for _, w := range waiting {
		outs = append(outs, <-w)
	}
	return outs
}

// told is what each was told: the word, the status, the instant.
func told(outs []*outcome) (list []string) {
	for _, o := range outs {
		list = append(list, fmt.Sprint(xCache(o), " ", o.Status, " ", o.at))
	}
	return list
}

func TestCollapse(t *testing.T) {
	slow := cacheable().in(100 * ms)
	slow.body = 20 * ms
	private := fine("Cache-Control", "private").in(100 * ms)
	private.body = 50 * ms
	for name, tt := range map[string]struct {
		collapse bool
		answers  []answer
		want     []string
		asked    int
	}{
		"one fetch for all": {true, []answer{slow},
			[]string{"miss 200 120ms", "collapsed 200 120ms", "collapsed 200 120ms", "collapsed 200 120ms", "collapsed 200 120ms"}, 1},
		"not asked for": {false, []answer{slow},
			[]string{"miss 200 120ms", "miss 200 120ms", "miss 200 120ms", "miss 200 120ms", "miss 200 120ms"}, 5},
		"not for sharing: all go at its head": {true, []answer{private},
			[]string{"miss 200 150ms", "miss 200 250ms", "miss 200 250ms", "miss 200 250ms", "miss 200 250ms"}, 5},
		"failing: all try for themselves": {true, []answer{status(500).in(100 * ms)},
			[]string{"miss 500 100ms", "miss 500 200ms", "miss 500 200ms", "miss 500 200ms", "miss 500 200ms"}, 5},
		"refused": {true, []answer{fails(policy.Refused, 10*ms), cacheable().in(100 * ms)},
			[]string{"miss 502 10ms", "miss 200 110ms", "miss 200 110ms", "miss 200 110ms", "miss 200 110ms"}, 5},
	} {
		t.Run(name, func(t *testing.T) {
			proxyLab(t, caching(tt.collapse), func(l *lab) {
				l.everywhere(script(tt.answers...))
				require.Equal(t, tt.want, told(l.crowd()))
				require.Len(t, l.asked(), tt.asked)
				require.Empty(t, l.component.server.(*proxy).store.under.byKey)
			})
		})
	}
}

// TestLeaderGoesAway: one of those who waited leads the rest.
func TestLeaderGoesAway(t *testing.T) {
	proxyLab(t, caching(true), func(l *lab) {
		l.everywhere(always(cacheable().in(100 * ms)))
		gone := newEvent()
		leader := l.during(func() *outcome { return l.doUntil(gone, "GET", "/a") })
		time.AfterFunc(30*ms, gone.Fire)
		outs := l.crowd()
		<-leader
		words := told(outs)
		require.ElementsMatch(t, []string{"miss 200 130ms", "collapsed 200 130ms", "collapsed 200 130ms",
			"collapsed 200 130ms", "collapsed 200 130ms"}, words)
		require.Len(t, l.asked(), 2)
	})
}

func TestFollowerGoesAway(t *testing.T) {
	proxyLab(t, caching(true), func(l *lab) {
		l.everywhere(always(cacheable().in(100 * ms)))
		leader := l.during(func() *outcome { return l.get("/a") })
		gone := newEvent()
		time.AfterFunc(30*ms, gone.Fire)
		require.Zero(t, l.doUntil(gone, "GET", "/a").replies)
		require.Equal(t, 30*ms, l.now())
		require.Equal(t, 200, (<-leader).Status)
		require.Len(t, l.asked(), 1)
	})
}

// TestUnsharableIsRemembered: those who come later do not wait for each other,
// until the memory fades.
func TestUnsharableIsRemembered(t *testing.T) {
	proxyLab(t, caching(true), func(l *lab) {
		l.everywhere(always(fine("Cache-Control", "private").in(100 * ms)))
		l.get("/a")
		for _, o := range l.crowd() {
			require.Equal(t, 200*ms, o.at)
			require.Equal(t, "miss", xCache(o))
		}
		l.everywhere(always(cacheable().in(100 * ms)))
		l.get("/a")
		require.Equal(t, "hit", xCache(l.get("/a")), "it has become sharable")
		l.everywhere(always(fine().in(100 * ms)))
		time.Sleep(time.Minute)
		l.get("/a")
		time.Sleep(passFor)
		begin := l.now()
		var ends []time.Duration
		for _, o := range l.crowd() {
			ends = append(ends, o.at-begin)
		}
		require.Equal(t, []time.Duration{100 * ms, 200 * ms, 200 * ms, 200 * ms, 200 * ms}, ends)
	})
}

// TestRefusalsCarryTheWord: also an answer of our own says what the cache did.
func TestRefusalsCarryTheWord(t *testing.T) {
	proxyLab(t, caching(true), func(l *lab) {
		l.everywhere(always(fails(policy.Refused, 0)))
		out := l.get("/a")
		require.Equal(t, 502, out.Status)
		require.Equal(t, "miss", xCache(out))
		synctest.Wait()
		require.Empty(t, l.component.server.(*proxy).store.under.byKey)
	})
}
