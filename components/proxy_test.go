package components

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

func TestRoutes(t *testing.T) {
	node := topologies.Node{Routes: []topologies.Route{
		{Path: "/*", Strip: "/v1"},
		{Path: "/orders", Methods: []string{"POST"}, Response: set("X-Route", "post orders")},
		{Path: "/orders", Methods: []string{"GET"}, Response: set("X-Route", "get orders")},
		{Path: "/orders", Methods: []string{"GET"}, Response: set("X-Route", "never")},
		{Path: "/orders/*", Strip: "/orders/", Response: set("X-Route", "one order")},
		{Path: "/orders/open/*", Strip: "/orders", Response: set("X-Route", "open")},
		{Path: "/exact", Response: set("X-Route", "exact")},
		{Path: "/exact*", Response: set("X-Route", "prefix")},
	}}
	proxyLab(t, node, func(l *lab) {
		for _, tt := range []struct{ method, path, route, sent string }{
			{"GET", "/", "", "/"},
			{"GET", "/v1/x", "", "/x"},
			{"GET", "/v1", "", "/"},
			{"GET", "/v10/x", "", "/0/x"},
			{"GET", "/orders", "get orders", "/orders"},
			{"HEAD", "/orders", "get orders", "/orders"},
			{"POST", "/orders", "post orders", "/orders"},
			{"DELETE", "/orders/1", "one order", "/1"},
			{"GET", "/orders/open/1", "open", "/open/1"},
			{"GET", "/orders/opening", "one order", "/opening"},
			{"GET", "/exact", "exact", "/exact"},
			{"GET", "/exactly", "prefix", "/exactly"},
			{"GET", "/.well-known/x", "", "/.well-known/x"},
			{"GET", "/a%20b", "", "/a%20b"},
		} {
			out := l.do(tt.method, tt.path)
			require.Equal(t, 200, out.Status, "%s %s", tt.method, tt.path)
			require.Equal(t, tt.route, out.Header.Get("X-Route"), "%s %s", tt.method, tt.path)
			require.Equal(t, tt.sent, l.lastHop().Request.Path, "%s %s", tt.method, tt.path)
		}
		before := len(l.asked())
		for _, tt := range []struct {
			method, path string
			status       int
			allow        string
		}{
			{"DELETE", "/orders", 405, "GET, HEAD, POST"},
			{"GET", "/orders/../admin", 400, ""},
			{"GET", "/orders/%2e%2E/admin", 400, ""},
			{"GET", "/orders/..%2fadmin", 400, ""},
			{"GET", "/.", 400, ""},
			{"GET", "/orders/..%5Cadmin", 400, ""},
			{"GET", "/orders/..%00/admin", 400, ""},
		} {
			out := l.do(tt.method, tt.path)
			require.Equal(t, tt.status, out.Status, "%s %s", tt.method, tt.path)
			require.Equal(t, tt.allow, out.Header.Get("Allow"))
			require.Equal(t, "trafficlab; error=http_request_denied", out.Header.Get("Proxy-Status"))
		}
		require.Len(t, l.asked(), before, "refused requests go nowhere")
	})
}

// A neighbour whose word counts takes its own word back: then ours is told.
func TestForwardedFieldsThatConnectionNames(t *testing.T) {
	proxyLab(t, topologies.Node{}, func(l *lab) {
		l.get("/", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "shop.example", "Connection", "X-Forwarded-Proto, X-Forwarded-Host")
		h := l.lastHop().Request
		require.Equal(t, "http", h.Header.Values("X-Forwarded-Proto"))
		require.True(t, h.Header.Has("X-Forwarded-Host"))
		require.NotEqual(t, "shop.example", h.Header.Get("X-Forwarded-Host"))
	})
}

func TestNoRouteLeadsThere(t *testing.T) {
	proxyLab(t, topologies.Node{Routes: []topologies.Route{{Path: "/a/*"}}}, func(l *lab) {
		require.Equal(t, 404, l.get("/b").Status)
		require.Equal(t, 404, l.get("/a").Status)
		require.Equal(t, 200, l.get("/a/").Status)
	})
}

func TestRoutesLeadToTheirOwnPools(t *testing.T) {
	top := proxyTopology(topologies.Node{Routes: []topologies.Route{
		{Path: "/*"},
		{Path: "/orders", To: []string{"orders"}},
		{Path: "/both", To: []string{"orders", "api"}},
	}})
	top.Nodes = append(top.Nodes, &topologies.Node{Name: "orders", Kind: topologies.Backend, Replicas: 1})
	inLab(t, top, nil, func(l *lab) {
		for _, place := range top.Places() {
			l.upstreams[place] = always(fine())
		}
		l.get("/orders")
		require.Equal(t, topologies.Place("orders"), l.lastHop().To)
		seen := map[topologies.Place]bool{}
		for range 4 {
			l.get("/both")
			seen[l.lastHop().To] = true
		}
		require.Len(t, seen, 4)
		require.Equal(t, map[string]int64{"api[0]": 1, "api[1]": 1, "api[2]": 1, "orders": 2}, l.component.Use().Asked)
	})
}

func set(name, value string) topologies.Edit {
	return topologies.Edit{Set: []topologies.PathValue{{Path: name, Value: value}}}
}

func TestEdits(t *testing.T) {
	node := topologies.Node{Routes: []topologies.Route{{
		Path: "/*",
		Request: topologies.Edit{
			Remove: []string{"cookie", "X-Old"},
			Set:    []topologies.PathValue{{Path: "X-Old", Value: "new"}, {Path: "X-Service", Value: "shop"}},
		},
		Response: topologies.Edit{Remove: []string{"X-Debug"}, Set: []topologies.PathValue{{Path: "Content-Type", Value: "text/html"}}},
	}}}
	proxyLab(t, node, func(l *lab) {
		l.upstreams["api[0]"] = always(fine("X-Debug", "1"))
		l.upstreams["api[1]"], l.upstreams["api[2]"] = l.upstreams["api[0]"], l.upstreams["api[0]"]
		out := l.get("/", "Cookie", "a=b", "X-Old", "1", "X-Old", "2", "Accept", "*/*")
		sent := l.lastHop().Request.Header
		require.False(t, sent.Has("Cookie"))
		require.Equal(t, "new", sent.Values("X-Old"))
		require.Equal(t, "shop", sent.Get("X-Service"))
		require.Equal(t, "*/*", sent.Get("Accept"))
		require.False(t, out.Header.Has("X-Debug"))
		require.Equal(t, "text/html", out.Header.Values("Content-Type"))
	})
}

func TestRenamesAndAdditions(t *testing.T) {
	node := topologies.Node{Routes: []topologies.Route{{
		Path: "/users/{id}/*",
		Request: topologies.Edit{
			Remove: []string{"X-B"},
			Rename: []topologies.PathValue{{Path: "X-A", Value: "X-B"}, {Path: "X-Gone", Value: "X-C"}},
			Add:    []topologies.PathValue{{Path: "X-B", Value: "3"}},
			Query: &topologies.Edit{
				Remove: []string{"debug"},
				Rename: []topologies.PathValue{{Path: "q", Value: "search term"}},
				Set:    []topologies.PathValue{{Path: "user", Value: "{id}"}, {Path: "v", Value: "2"}},
				Add:    []topologies.PathValue{{Path: "rest", Value: "<{*}>"}},
			},
		},
		Response: topologies.Edit{Rename: []topologies.PathValue{{Path: "X-Old", Value: "X-New"}}, Add: []topologies.PathValue{{Path: "Vary", Value: "X-B"}}},
	}}}
	proxyLab(t, node, func(l *lab) {
		l.everywhere(always(fine("X-Old", "1", "Vary", "Accept")))
		for query, want := range map[string]string{
			"":                                  "user=7%268&v=2&rest=%3Ca%2F%C3%A4%3D1%26x%3D%3E",
			"a=%31&debug=1&v=1&b;c&v=3&q=x+y&q": "a=%31&b;c&search+term=x+y&search+term&user=7%268&v=2&rest=%3Ca%2F%C3%A4%3D1%26x%3D%3E",
			"de%62ug&&user=root":                "user=7%268&v=2&rest=%3Ca%2F%C3%A4%3D1%26x%3D%3E",
		} {
			out := l.send(newEvent(), Request{Method: "GET", Path: "/users/7%268/a/%c3%a4=1&x=", Query: query,
				Header: Header{{"x-a", "1"}, {"X-B", "2"}}})
			hop := l.lastHop().Request
			require.Equal(t, "1, 3", hop.Header.Values("X-B"))
			require.False(t, hop.Header.Has("X-A"))
			require.False(t, hop.Header.Has("X-C"))
			require.Equal(t, strings.TrimPrefix(want, "&"), strings.TrimPrefix(hop.Query, "&"), query)
			require.Equal(t, "1", out.Header.Get("X-New"))
			require.False(t, out.Header.Has("X-Old"))
			require.Equal(t, "Accept, X-B", out.Header.Values("Vary"))
		}
	})
}

func TestKeys(t *testing.T) {
	node := topologies.Node{Keys: map[string]string{"alice": "k-alice", "bob": "k-bob"}}
	proxyLab(t, node, func(l *lab) {
		for name, key := range map[string]string{"none": "", "wrong": "k-al", "a name": "alice"} {
			out := l.get("/", "X-Api-Key", key, "X-Consumer", "alice")
			require.Equal(t, 401, out.Status, name)
			require.True(t, out.Header.Has("WWW-Authenticate"))
			require.Equal(t, policy.Denied, ReasonOf(out.Status, out.Header))
		}
		require.Empty(t, l.asked())
		require.Equal(t, 200, l.get("/", "x-api-key", "k-bob", "X-Consumer", "alice").Status)
		sent := l.lastHop().Request.Header
		require.Equal(t, "bob", sent.Values("X-Consumer"))
		require.False(t, sent.Has("X-Api-Key"), "the key stays here")
	})
}

func TestConsumerOfATrustedPeerGoesOn(t *testing.T) {
	proxyLab(t, topologies.Node{}, func(l *lab) {
		l.get("/", "X-Consumer", "alice", "X-Api-Key", "k")
		require.Equal(t, "alice", l.lastHop().Request.Header.Get("X-Consumer"))
		require.Equal(t, "k", l.lastHop().Request.Header.Get("X-Api-Key"), "somebody further in may ask for it")
		l.send(newEvent(), Request{Method: "GET", Path: "/", Peer: netip.MustParseAddr("203.0.113.9"),
			Header: Header{{"X-Consumer", "alice"}}})
		require.False(t, l.lastHop().Request.Header.Has("X-Consumer"), "anybody could say so")
	})
}

func TestLimit(t *testing.T) {
	node := topologies.Node{
		Keys:   map[string]string{"alice": "a", "bob": "b"},
		Limits: oneLimit("consumer", 0.5, 2),
	}
	proxyLab(t, node, func(l *lab) {
		for _, tt := range []struct {
			sleep      time.Duration
			key        string
			status     int
			retryAfter string
		}{
			{0, "a", 200, ""},
			{0, "a", 200, ""},
			{0, "a", 429, "2"},
			{0, "b", 200, ""},
			{100 * time.Millisecond, "a", 429, "2"}, // 1.9 s, rounded up
			{1000 * time.Millisecond, "a", 429, "1"},
			{900 * time.Millisecond, "a", 200, ""},
		} {
			time.Sleep(tt.sleep)
			out := l.get("/", "X-Api-Key", tt.key)
			require.Equal(t, tt.status, out.Status)
			require.Equal(t, tt.retryAfter, out.Header.Get("Retry-After"))
		}
		require.Equal(t, 401, l.get("/").Status, "no key, no token")
		u := l.component.Use()
		require.Equal(t, map[string]int64{"ok": 4, "limited": 3, "denied": 1}, u.Reasons)
		require.Equal(t, []measure.Usage{
			{Consumer: "", Route: "*", Requests: 1, Bytes: int64(len(unauthorized.Body.Bytes))},
			{Consumer: "alice", Route: "*", Requests: 6, Limited: 3, Bytes: 3000 + 3*int64(len(tooManyRequests.Body.Bytes)),
				Used: 6 * time.Second, Latency: measure.Histogram{Counts: []int64{3}}}, // at once
			{Consumer: "bob", Route: "*", Requests: 1, Bytes: 1000,
				Used: 2 * time.Second, Latency: measure.Histogram{Counts: []int64{1}}},
		}, u.Usage)
	})
}

func TestLimitByAddressAndForAll(t *testing.T) {
	for by, wants := range map[string][]int{"address": {200, 200, 429}, "all": {200, 429, 429}} {
		proxyLab(t, topologies.Node{Limits: oneLimit(by, 1, 1)}, func(l *lab) {
			for i, client := range []string{"10.0.0.1", "10.0.0.2", "10.0.0.1"} {
				require.Equal(t, wants[i], l.get("/", "X-Forwarded-For", client).Status, by)
			}
		})
	}
}

func TestForwardedHeader(t *testing.T) {
	proxyLab(t, topologies.Node{}, func(l *lab) {
		l.get("/", "X-Forwarded-For", "10.1.1.1", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "shop.example",
			"Connection", "close, X-Secret", "X-Secret", "1", "Keep-Alive", "3", "TE", "trailers", "Upgrade", "websocket",
			"Proxy-Authorization", "x", "Transfer-Encoding", "chunked", "Via", "1.0 far", "Accept", "*/*", "Accept-Encoding", "gzip")
		require.Equal(t, Header{
			{"X-Forwarded-Proto", "https"}, {"X-Forwarded-Host", "shop.example"}, {"Via", "1.0 far"},
			{"Accept", "*/*"}, {"Accept-Encoding", "gzip"},
			{"X-Forwarded-For", "10.1.1.1, 127.0.0.1"}, {"Via", "1.1 edge"},
		}, l.lastHop().Request.Header)

		l.send(newEvent(), Request{Method: "GET", Host: "shop", Path: "/", TLS: true, Peer: netip.MustParseAddr("203.0.113.9"),
			Header: Header{{"X-Forwarded-For", "10.1.1.1"}, {"X-Forwarded-Proto", "http"}, {"X-Forwarded-Host", "evil"}}})
		require.Equal(t, Header{
			{"X-Forwarded-For", "10.1.1.1, 203.0.113.9"}, {"X-Forwarded-Proto", "https"},
			{"X-Forwarded-Host", "shop"}, {"Via", "1.1 edge"},
		}, l.lastHop().Request.Header, "a stranger's word on scheme and host counts for nothing")
	})
}

func TestTheInsideIsHidden(t *testing.T) {
	proxyLab(t, topologies.Node{}, func(l *lab) {
		leaky := fine("Server", "api/1.2", "X-Powered-By", "Go", "X-Internal-Trace", "t", "x-upstream-addr", "10.0.0.3:80",
			"Via", "1.1 lb", "Connection", "X-Debug", "X-Debug", "1", "Keep-Alive", "3", "ETag", `"1"`, "Proxy-Status", "lb; error=none")
		for place := range l.upstreams {
			l.upstreams[place] = always(leaky)
		}
		require.Equal(t, Header{
			{"Content-Type", "application/json"}, {"ETag", `"1"`}, {"Proxy-Status", "lb; error=none"},
		}, l.get("/").Header)
	})
}

func TestClientAddress(t *testing.T) {
	for name, tt := range map[string]struct {
		trust       []string
		peer, chain string
		want        string
	}{
		"nobody forwarded":           {nil, "127.0.0.1", "", "127.0.0.1"},
		"a stranger's word":          {nil, "203.0.113.9", "10.0.0.1", "203.0.113.9"},
		"loopback is believed":       {nil, "127.0.0.1", "10.0.0.1", "10.0.0.1"},
		"mapped into IPv6":           {nil, "::ffff:127.0.0.1", "10.0.0.1", "10.0.0.1"},
		"the rightmost stranger":     {nil, "127.0.0.1", "1.1.1.1, 10.0.0.1, 127.0.0.2", "10.0.0.1"},
		"a network that is believed": {[]string{"10.0.0.0/8"}, "10.9.9.9", "1.1.1.1, 10.0.0.1", "1.1.1.1"},
		"a single address":           {[]string{"10.0.0.7"}, "10.0.0.7", "1.1.1.1,10.0.0.8", "10.0.0.8"},
		"all trusted: the first":     {nil, "127.0.0.1", "127.0.0.3, 127.0.0.2", "127.0.0.3"},
		"nonsense ends the chain":    {nil, "127.0.0.1", "1.1.1.1, unknown, 127.0.0.2", "127.0.0.2"},
		"nobody at all is believed":  {[]string{}, "127.0.0.1", "10.0.0.1", "127.0.0.1"},
		"IPv6":                       {nil, "::1", "2001:db8::1", "2001:db8::1"},
	} {
		req := Request{Peer: netip.MustParseAddr(tt.peer)}
		if tt.chain != "" {
			for part := range strings.SplitSeq(tt.chain, ", ") {
				req.Header = req.Header.Add("X-Forwarded-For", part)
			}
		}
		got := newTrustList(tt.trust).client(&req)
		require.Equal(t, tt.want, got.String(), name)
	}
}

func TestHealthzIsAnsweredHere(t *testing.T) {
	proxyLab(t, topologies.Node{Keys: map[string]string{"a": "k"}}, func(l *lab) {
		require.Equal(t, 200, l.get("/healthz").Status)
		require.Equal(t, 401, l.do("POST", "/healthz").Status)
		require.Empty(t, l.asked())
		u := l.component.Use()
		require.EqualValues(t, 1, u.Checks)
		require.EqualValues(t, 1, u.Requests)
	})
}

func TestWeatherBreaksAShare(t *testing.T) {
	faults := []scenarios.Fault{{At: time.Second, For: time.Second, On: []topologies.Place{"edge"}, Rule: scenarios.Erring(0.3)}}
	inLab(t, proxyTopology(topologies.Node{}), faults, func(l *lab) {
		for _, place := range []topologies.Place{"api[0]", "api[1]", "api[2]"} {
			l.upstreams[place] = always(fine())
		}
		broken := func(method, path string) (n int) {
			for number := range uint64(1000) {
				out := l.send(newEvent(), Request{Number: number, Method: method, Path: path})
				if out.Status == 500 {
					require.Equal(t, policy.Failed, ReasonOf(out.Status, out.Header))
					n++
				}
			}
			return n
		}
		require.Zero(t, broken("GET", "/"))
		time.Sleep(1500 * time.Millisecond)
		first := broken("GET", "/")
		require.InDelta(t, 300, first, 60)
		require.Equal(t, first, broken("GET", "/"), "the same requests every time")
		require.Equal(t, first, broken("GET", "/healthz"), "a check sees what clients see")
		time.Sleep(time.Second)
		require.Zero(t, broken("GET", "/"))
		require.EqualValues(t, 2*first, l.component.Use().Reasons["failed"])
	})
}

func TestTunnelsAndTracesAreRefused(t *testing.T) {
	for _, node := range []topologies.Node{{}, {Routes: []topologies.Route{{Path: "/*"}}}, {Cache: &topologies.Cache{Capacity: 1 << 20}}} {
		proxyLab(t, node, func(l *lab) {
			for _, method := range []string{"CONNECT", "TRACE"} {
				out := l.do(method, "/")
				require.Equal(t, 405, out.Status, method)
				require.NotContains(t, out.Header.Get("Allow"), method)
				require.Equal(t, "trafficlab; error=http_request_denied", out.Header.Get("Proxy-Status"))
			}
			require.Empty(t, l.asked())
			require.Equal(t, 200, l.do("OPTIONS", "/").Status)
		})
	}
}
