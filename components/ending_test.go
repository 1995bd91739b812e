package components

import (
	"encoding/json"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
	"trafficlab/topologies"
)

func TestStatusChanges(t *testing.T) {
	node := topologies.Node{
		Cache: &topologies.Cache{Capacity: 1 << 20},
		Routes: []topologies.Route{{Path: "/*", Status: []topologies.StatusChange{{From: 5, To: 503}, {From: 501, To: 405}, {From: 404, To: 200}}},
			{Path: "/post", Methods: []string{"POST"}, Status: []topologies.StatusChange{{From: 4, To: 200}}}},
	}
	proxyLab(t, node, func(l *lab) {
		for said, want := range map[int]int{200: 200, 404: 200, 410: 410, 500: 503, 501: 405, 599: 503} {
			l.everywhere(always(status(said, "Cache-Control", "max-age=9")))
			for range 2 {
				out := l.get("/" + time.Duration(said).String())
				require.Equal(t, want, out.Status, said)
			}
		}
		require.Equal(t, 405, l.get("/post").Status, "what the gateway says itself stays")
		require.EqualValues(t, 2+2, l.component.Use().Reasons["ok"], "the callers' view is counted: 200 and 404, twice each")
	})
}

func TestRefusalsAsProblems(t *testing.T) {
	short := 5
	node := topologies.Node{Problems: true, Keys: map[string]string{"alice": "a"}, Routes: []topologies.Route{{Path: "/a"}, {Path: "/short", MaxURL: &short}},
		Limits: oneLimit("consumer", 1, 2)}
	proxyLab(t, node, func(l *lab) {
		require.Equal(t, "application/json", l.get("/a", "X-Api-Key", "a").Header.Get("Content-Type"))
		l.everywhere(always(status(500)))
		out := l.get("/a", "X-Api-Key", "a")
		require.Equal(t, "application/json", out.Header.Get("Content-Type"), "an upstream's word is its own")
		for _, tt := range []struct {
			path, key string
			want      problem
		}{
			{"/b", "a", problem{"about:blank", "Not Found", 404, "no route leads here"}},
			{"/short", "a", problem{"about:blank", "URI Too Long", 414, "the path and the query are longer than the route takes"}},
			{"/a", "", problem{"about:blank", "Unauthorized", 401, "no valid API key in X-Api-Key"}},
			{"/a", "a", problem{"about:blank", "Too Many Requests", 429, "rate limit exceeded"}},
		} {
			out := l.get(tt.path, "X-Api-Key", tt.key)
			require.Equal(t, tt.want.Status, out.Status)
			require.Equal(t, "application/problem+json", out.Header.Values("Content-Type"))
			require.NotEmpty(t, out.Header.Get("Proxy-Status"))
			require.EqualValues(t, len(out.Body.Bytes), out.Body.Size)
			var said problem
			require.NoError(t, json.Unmarshal(out.Body.Bytes, &said))
			require.Equal(t, tt.want, said)
		}
		require.NotContains(t, string(notFound.Body.Bytes), "{", "what is shared stays as it is")
		l.everywhere(always(fails(policy.Refused, 0)))
		time.Sleep(time.Second)
		require.Equal(t, "application/problem+json", l.get("/a", "X-Api-Key", "a").Header.Get("Content-Type"))
	})
	node.Fallback = &topologies.Fallback{Status: 503, Body: "later"}
	proxyLab(t, node, func(l *lab) {
		l.everywhere(always(status(500)))
		require.Equal(t, "later\n", string(l.get("/a", "X-Api-Key", "a").Body.Bytes))
	})
}

func TestCORS(t *testing.T) {
	node := topologies.Node{
		Keys: map[string]string{"alice": "a"}, Routes: []topologies.Route{{Path: "/a", Methods: []string{"GET"}}},
		CORS: &topologies.CORS{Origins: []string{"https://shop.example", "https://*.shop.example"}, Methods: []string{"GET", "PUT"},
			Headers: []string{"X-Api-Key"}, Expose: []string{"ETag", "X-A"}, Credentials: true, MaxAge: time.Minute},
	}
	fields := func(h Header) (found Header) {
		for _, f := range h {
			if f.Name == "Vary" || len(f.Name) > 15 && f.Name[:15] == "Access-Control-" {
				found = append(found, f)
			}
		}
		return found
	}
	proxyLab(t, node, func(l *lab) {
		l.everywhere(always(fine("Vary", "Accept", "Access-Control-Allow-Origin", "*", "access-control-max-age", "9")))
		preflight := []string{"Access-Control-Request-Method", "PUT", "Origin"}
		out := l.do("OPTIONS", "/anywhere", append(preflight, "https://shop.example")...)
		require.Equal(t, 204, out.Status)
		require.Equal(t, Header{
			{"Access-Control-Allow-Methods", "GET, PUT"}, {"Access-Control-Allow-Headers", "X-Api-Key"}, {"Access-Control-Max-Age", "60"},
			{"Vary", "Access-Control-Request-Method, Access-Control-Request-Headers, Origin"},
			{"Access-Control-Allow-Origin", "https://shop.example"}, {"Access-Control-Allow-Credentials", "true"},
		}, out.Header)
		out = l.do("OPTIONS", "/a", append(preflight, "https://evil.example")...)
		require.Equal(t, 204, out.Status)
		require.Equal(t, Header{{"Vary", "Access-Control-Request-Method, Access-Control-Request-Headers, Origin"}}, out.Header)
		require.Empty(t, l.asked(), "a preflight goes no further, and needs no key")
		require.Equal(t, 405, l.do("OPTIONS", "/a", "Origin", "https://shop.example").Status, "an OPTIONS of another kind is like any other")

		for origin, allowed := range map[string]bool{
			"https://shop.example": true, "https://a.shop.example": true, "https://a.b.shop.example": true,
			"https://evil.example": false, "https://evilshop.example": false, "http://shop.example": false, "https://.shop.example": false,
			"https://shop.example.evil": false, "https://evil.example/.shop.example": false, "https://x@y.shop.example": false,
			"null": false, "": false,
		} {
			for _, key := range []string{"a", "wrong"} {
				out := l.get("/a", "Origin", origin, "X-Api-Key", key)
				vary := "Accept, Origin"
				if key == "wrong" {
					require.Equal(t, 401, out.Status)
					vary = "Origin"
				}
				want := Header{{"Vary", vary}}
				if allowed {
					want = append(want, Field{"Access-Control-Allow-Origin", origin}, Field{"Access-Control-Allow-Credentials", "true"},
						Field{"Access-Control-Expose-Headers", "ETag, X-A"})
				}
				require.Equal(t, want, fields(out.Header), origin)
			}
		}
	})
	node = topologies.Node{CORS: &topologies.CORS{Origins: []string{"*"}, Methods: []string{"GET"}}}
	proxyLab(t, node, func(l *lab) {
		require.Equal(t, Header{{"Access-Control-Allow-Origin", "*"}}, fields(l.get("/", "Origin", "https://x.example").Header))
		require.Empty(t, fields(l.get("/").Header), "nothing depends on who asks")
	})
}

// FuzzCORS: an origin is let in only if it is named or its host lies below one
// that is, with the same scheme and port; and nothing is let in by the header
// being split.
func FuzzCORS(f *testing.F) {
	for _, origin := range []string{"https://shop.example", "https://a.shop.example", "https://a.shop.example.evil", "https://evil/.shop.example",
		"https://evil@a.shop.example", "null", "http://a.shop.example", "https://.shop.example", "https://a.shop.example:8443", "https://x:1.shop.example"} {
		f.Add(origin)
	}
	c := newCORS(&topologies.CORS{Origins: []string{"https://shop.example", "https://*.shop.example"}, Credentials: true, Methods: []string{"GET"}})
	f.Fuzz(func(t *testing.T, origin string) {
		h := c.mark(nil, &Request{Header: Header{{"Origin", origin}}}, false)
		require.Equal(t, "Origin", h.Get("Vary"))
		if !h.Has("Access-Control-Allow-Origin") {
			require.False(t, h.Has("Access-Control-Allow-Credentials"))
			return
		}
		require.Equal(t, origin, h.Get("Access-Control-Allow-Origin"))
		u, err := url.Parse(origin)
		require.NoError(t, err)
		require.Equal(t, "https", u.Scheme)
		require.Empty(t, u.Path+u.RawQuery+u.Fragment+u.Port())
		require.Nil(t, u.User)
		require.True(t, u.Host == "shop.example" || strings.HasSuffix(u.Host, ".shop.example"), u.Host)
	})
}

func TestForwardedOfRFC7239(t *testing.T) {
	proxyLab(t, topologies.Node{Forwarded: true}, func(l *lab) {
		for _, tt := range []struct {
			peer, host, before string
			tls                bool
			want               string
		}{
			{"127.0.0.1", "shop", "", false, `for=127.0.0.1;host=shop;proto=http`},
			{"::1", "shop:8080", "for=10.0.0.1", true, `for=10.0.0.1, for="[::1]";host="shop:8080";proto=https`},
			{"203.0.113.9", "shop", "for=10.0.0.1", false, `for=203.0.113.9;host=shop;proto=http`},
			{"2001:db8::1", `a"b\`, "", false, `for="[2001:db8::1]";host="a\"b\\";proto=http`},
		} {
			req := Request{Method: "GET", Path: "/", Host: tt.host, TLS: tt.tls, Peer: netip.MustParseAddr(tt.peer)}
			if tt.before != "" {
				req.Header = Header{{"Forwarded", tt.before}}
			}
			l.send(newEvent(), req)
			require.Equal(t, tt.want, l.lastHop().Request.Header.Values("Forwarded"))
			require.True(t, l.lastHop().Request.Header.Has("X-Forwarded-For"))
		}
		l.send(newEvent(), Request{Method: "GET", Path: "/"})
		require.Equal(t, `for=unknown;proto=http`, l.lastHop().Request.Header.Values("Forwarded"))
	})
	proxyLab(t, topologies.Node{}, func(l *lab) {
		l.get("/", "Forwarded", "for=10.0.0.1")
		require.Equal(t, "for=10.0.0.1", l.lastHop().Request.Header.Get("Forwarded"), "a trusted peer's word passes")
		l.send(newEvent(), Request{Method: "GET", Path: "/", Peer: netip.MustParseAddr("203.0.113.9"), Header: Header{{"Forwarded", "for=10.0.0.1"}}})
		require.False(t, l.lastHop().Request.Header.Has("Forwarded"), "a stranger's does not")
	})
}

func TestMaxForwards(t *testing.T) { // RFC 9110 section 7.6.2
	proxyLab(t, topologies.Node{}, func(l *lab) {
		for _, lasting := range []bool{false, true} {
			for value, want := range map[string]string{"3": "2", "1": "0", "x": "x", "-1": "-1"} {
				l.send(newEvent(), Request{Method: "OPTIONS", Path: "/", Header: Header{{maxForwards, value}}, Lasting: lasting})
				require.Equal(t, want, l.lastHop().Request.Header.Get(maxForwards), value)
			}
		}
		l.get("/", maxForwards, "0")
		require.Equal(t, "0", l.lastHop().Request.Header.Get(maxForwards), "of other methods it says nothing")
		before := len(l.asked())
		out := l.do("OPTIONS", "/", maxForwards, "0")
		require.Equal(t, 204, out.Status)
		require.NotEmpty(t, out.Header.Get("Allow"))
		require.Equal(t, 405, l.do("TRACE", "/", maxForwards, "0").Status)
		require.Len(t, l.asked(), before)
	})
}

func TestViaOfAnswers(t *testing.T) { // RFC 9110 section 7.6.3
	for _, lasting := range []bool{false, true} {
		proxyLab(t, topologies.Node{Via: true}, func(l *lab) {
			for before, want := range map[string]string{"": "1.1 edge", "1.0 far, 1.1 lb": "1.0 far, 1.1 lb, 1.1 edge"} {
				said := fine()
				if before != "" {
					said = fine("Via", before)
				}
				l.everywhere(always(said))
				for range 2 {
					out := l.send(newEvent(), Request{Method: "GET", Path: "/", Lasting: lasting})
					require.Equal(t, want, out.Header.Values("Via"))
					require.Equal(t, "1.1 edge", l.lastHop().Request.Header.Values("Via"))
				}
			}
		})
	}
}
