package components

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
	"trafficlab/topologies"
)

func pair(name, value string) []topologies.PathValue {
	return []topologies.PathValue{{Path: name, Value: value}}
}

// marked are routes that tell in X-Route which they are.
func marked(routes ...topologies.Route) []topologies.Route {
	for i := range routes {
		r := &routes[i]
		r.Response = set("X-Route", labelOf(r))
	}
	return routes
}

func TestPrecedenceOfRoutes(t *testing.T) {
	node := topologies.Node{Routes: marked(
		topologies.Route{Path: "/*"},
		topologies.Route{Hosts: []string{"*.example"}, Path: "/*"},
		topologies.Route{Hosts: []string{"*.shop.example"}, Path: "/*"},
		topologies.Route{Hosts: []string{"a.shop.example", "[::1]"}, Path: "/users/*"},
		topologies.Route{Path: "/users/{id}"},
		topologies.Route{Path: "/users/me"},
		topologies.Route{Path: "/users/{id}/orders/*"},
		topologies.Route{Path: "/users/{id}/orders/open"},
		topologies.Route{Path: "/users/m*"},
		topologies.Route{Path: "/beta", Query: pair("v", "2")},
		topologies.Route{Path: "/beta", Header: pair("X-Beta", "*")},
		topologies.Route{Path: "/beta", Header: pair("X-Beta", "b*"), Query: pair("v", "2")},
		topologies.Route{Path: "/only", Methods: []string{"POST"}, Header: pair("X-Beta", "1")},
	)}
	proxyLab(t, node, func(l *lab) {
		for _, tt := range []struct{ host, path, beta, want string }{
			{"shop", "/", "", "/*"},
			{"x.example", "/", "", "*.example/*"},
			{"X.Example.:8080", "/", "", "*.example/*"},
			{"example", "/", "", "/*"},
			{"b.shop.example", "/", "", "*.shop.example/*"},
			{"b.c.shop.example", "/users/me", "", "*.shop.example/*"},
			{"a.shop.example", "/users/me", "", "a.shop.example,[::1]/users/*"},
			{"a.shop.example", "/else", "", "*.shop.example/*"},
			{"[::1]:80", "/users/1", "", "a.shop.example,[::1]/users/*"},
			{"shop", "/users/me", "", "/users/me"},
			{"shop", "/users/%6De", "", "/users/me"},
			{"shop", "//users///me", "", "/users/me"},
			{"shop", "/users/17", "", "/users/{id}"},
			{"shop", "/users/moo", "", "/users/{id}"},
			{"shop", "/users/", "", "/*"},
			{"shop", "/users/moo/x", "", "/users/m*"},
			{"shop", "/users/17/orders/3/4", "", "/users/{id}/orders/*"},
			{"shop", "/users/17/orders/", "", "/users/{id}/orders/*"},
			{"shop", "/users/17/orders/open", "", "/users/{id}/orders/open"},
			{"shop", "/users/a%2Fb", "", "/users/{id}"},
			{"shop", "/beta", "", "/*"},
			{"shop", "/beta?v=2", "", "/beta v=2"},
			{"shop", "/beta?x=&%76=%32", "", "/beta v=2"},
			{"shop", "/beta?v=22", "", "/*"},
			{"shop", "/beta", "anything", "/beta X-Beta=*"},
			{"shop", "/beta?v=2", "anything", "/beta X-Beta=*"},
			{"shop", "/beta?v=2", "b1", "/beta X-Beta=b* v=2"},
			{"shop", "/only", "", "/*"},
		} {
			path, query, _ := strings.Cut(tt.path, "?")
			req := Request{Method: "GET", Host: tt.host, Path: path, Query: query}
			if tt.beta != "" {
				req.Header = Header{{"X-Beta", tt.beta}}
			}
			out := l.send(newEvent(), req)
			require.Equal(t, tt.want, out.Header.Get("X-Route"), "%+v", tt)
			require.Equal(t, path, l.lastHop().Request.Path, "what is not rewritten is sent on as it came")
		}
		out := l.get("/only", "X-Beta", "1")
		require.Equal(t, 405, out.Status, "a route that is there but for the method bars the way")
		require.Equal(t, "POST", out.Header.Get("Allow"))
	})
}

// The tree finds what a look at all patterns would find.
func TestTheTreeOfPathsAgreesWithALookAtAll(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	words := []string{"a", "b", "ab", "abc", "{x}", "{y}", ""}
	draw := func(from []string) string {
		var b strings.Builder
		for range 1 + rng.IntN(4) {
			b.WriteString("/" + from[rng.IntN(len(from))])
		}
		return canonical(b.String())
	}
	for range 3000 {
		var table routeTable
		var patterns []string
		for range 1 + rng.IntN(8) {
			pattern := draw(words)
			if rng.IntN(2) == 0 {
				pattern += []string{"*", "/*"}[rng.IntN(2)]
			}
			if pattern = canonical(pattern); strings.HasSuffix(pattern, "}*") {
				continue
			}
			patterns = append(patterns, pattern)
			table.add(nil, pattern, &route{pattern: pattern})
		}
		path := draw([]string{"a", "b", "ab", "abc", "abcd", ""})
		found, barred := table.find(&Request{Method: "GET", Path: path})
		require.Nil(t, barred)
		want := best(patterns, path)
		if want == "" {
			require.Nil(t, found, "%s among %q", path, patterns)
			continue
		}
		require.NotNil(t, found, "%s among %q", path, patterns)
		require.Equal(t, shape(want), shape(found.pattern), "%s among %q", path, patterns)
	}
}

// shape is a pattern without the names of its parameters.
func shape(pattern string) string {
	return strings.NewReplacer("{x}", "{}", "{y}", "{}").Replace(pattern)
}

// best is the dumb oracle of precedence.
func best(patterns []string, path string) string {
	fits := slices.DeleteFunc(slices.Clone(patterns), func(p string) bool { return !fitsPattern(p, path) })
	if len(fits) == 0 {
		return ""
	}
	return slices.MinFunc(fits, func(a, b string) int {
		as, bs := strings.Split(a, "/"), strings.Split(b, "/")
		for i := 0; ; i++ {
			switch {
			case i == len(as) && i == len(bs):
				return 0
			case rank(as[i]) != rank(bs[i]):
				return rank(as[i]) - rank(bs[i])
			case rank(as[i]) == 2:
				return len(bs[i]) - len(as[i])
			}
		}
	})
}

func rank(segment string) int {
	switch {
	case strings.HasSuffix(segment, "*"):
		return 2
	case topologies.IsParameter(segment):
		return 1
	}
	return 0
}

func fitsPattern(pattern, path string) bool {
	ps, xs := strings.Split(pattern, "/"), strings.Split(path, "/")
	for i, p := range ps {
		switch {
		case i == len(xs):
			return false
		case strings.HasSuffix(p, "*"):
			return strings.HasPrefix(strings.Join(xs[i:], "/"), p[:len(p)-1])
		case topologies.IsParameter(p):
			if xs[i] == "" {
				return false
			}
		case p != xs[i]:
			return false
		}
	}
	return len(ps) == len(xs)
}

func TestRewrites(t *testing.T) {
	for _, tt := range []struct{ pattern, rewrite, path, want string }{
		{"/users/{id}", "/v2/people/{id}", "/users/17", "/v2/people/17"},
		{"/users/{id}/*", "/{*}/of/{id}", "/users/17/a/b", "/a/b/of/17"},
		{"/old*", "/new{*}", "/older/x", "/newer/x"},
		{"/*", "/v1/{*}", "/%7Ea//b%2fc", "/v1/~a/b%2Fc"},
		{"/a", "/b", "/a", "/b"},
	} {
		node := topologies.Node{Routes: []topologies.Route{{Path: tt.pattern, Rewrite: tt.rewrite}}}
		proxyLab(t, node, func(l *lab) {
			require.Equal(t, 200, l.get(tt.path).Status)
			require.Equal(t, tt.want, l.lastHop().Request.Path, "%+v", tt)
		})
	}
}

func TestRedirects(t *testing.T) {
	for _, tt := range []struct{ pattern, to, path, query, want string }{
		{"/*", "https://{host}{path}", "/a%20b", "x=1", "https://shop/a%20b?x=1"},
		{"/old/{id}", "/new?id={id}", "/old/7", "x=1", "/new?id=7"},
		{"/old/{id}", "/new?id={id}&{query}", "/old/7", "x=1", "/new?id=7&x=1"},
		{"/old*", "/{*}", "/old/evil.example", "", "/evil.example"},
		{"/old/*", "/{*}", `/old/\evil.example`, "", "/%5Cevil.example"},
		{"/old/*", "/{*}", "/old//evil.example", "", "/evil.example"},
	} {
		node := topologies.Node{Routes: []topologies.Route{{Path: tt.pattern, Redirect: &topologies.Redirect{Status: 308, To: tt.to}}}}
		proxyLab(t, node, func(l *lab) {
			out := l.send(newEvent(), Request{Method: "GET", Host: "Shop:8080", Path: tt.path, Query: tt.query})
			require.Equal(t, 308, out.Status)
			require.Equal(t, tt.want, out.Header.Get("Location"), "%+v", tt)
			require.Empty(t, l.asked())
		})
	}
}

func TestASplitSendsSharesOfTheRequests(t *testing.T) {
	top := proxyTopology(topologies.Node{Retry: topologies.Retry{Tries: 2}, Routes: []topologies.Route{
		{Path: "/*", Split: []topologies.Share{{Node: "api", Share: .9}, {Node: "canary", Share: .1}, {Node: "dark", Share: 0}}}}})
	for _, name := range []string{"canary", "dark"} {
		top.Nodes = append(top.Nodes, &topologies.Node{Name: name, Kind: topologies.Backend, Replicas: 1})
	}
	inLab(t, top, nil, func(l *lab) {
		for _, place := range top.Places() {
			l.upstreams[place] = always(fine())
		}
		const n = 10_000
		first := map[uint64]topologies.Place{}
		for range 2 {
			shares := map[string]int{}
			for number := range uint64(n) {
				l.send(newEvent(), Request{Number: number, Method: "GET", Path: "/"})
				to := l.lastHop().To
				shares[to.Node()]++
				if had, again := first[number]; again {
					require.Equal(t, had.Node(), to.Node(), "the same way every time")
				}
				first[number] = to
			}
			require.InDelta(t, n/10, shares["canary"], 5*30)
			require.Zero(t, shares["dark"])
			require.Equal(t, n, shares["api"]+shares["canary"])
		}
	})
}

func TestTimeoutsAndRetriesOfARoute(t *testing.T) {
	node := topologies.Node{
		Timeout: topologies.Timeouts{Response: 50 * ms}, Retry: topologies.Retry{Tries: 3},
		Routes: []topologies.Route{
			{Path: "/*"},
			{Path: "/slow", Timeout: &topologies.Timeouts{Response: 200 * ms, Total: 300 * ms}, Retry: &topologies.Retry{Tries: 1}},
			{Path: "/total", Timeout: &topologies.Timeouts{Response: 200 * ms, Total: 70 * ms}},
		},
	}
	for _, tt := range []struct {
		path  string
		after time.Duration
		tries int
	}{{"/", 150 * ms, 3}, {"/slow", 200 * ms, 1}, {"/total", 70 * ms, 1}} {
		proxyLab(t, node, func(l *lab) {
			l.everywhere(func(Hop) answer { return fine().in(time.Second) })
			out := l.get(tt.path)
			require.Equal(t, 504, out.Status)
			require.Equal(t, tt.after, out.at, tt.path)
			require.Len(t, l.asked(), tt.tries)
		})
	}
}

func TestSizesOfRequests(t *testing.T) {
	short, any, long := 20, 0, int64(2000)
	node := topologies.Node{MaxURL: 30, MaxBody: 1000, Routes: []topologies.Route{
		{Path: "/*"}, {Path: "/short*", MaxURL: &short}, {Path: "/any*", MaxURL: &any}, {Path: "/upload", MaxBody: &long}}}
	proxyLab(t, node, func(l *lab) {
		for _, tt := range []struct {
			path string
			body int64
			want int
		}{
			{"/" + strings.Repeat("a", 29), 1000, 200},
			{"/" + strings.Repeat("a", 30), 0, 414},
			{"/a?" + strings.Repeat("a", 28), 0, 414},
			{"/short" + strings.Repeat("a", 15), 0, 414},
			{"/any" + strings.Repeat("a", 1000), 0, 200},
			{"/", 1001, 413},
			{"/", -1, 200},
			{"/upload", 2000, 200},
			{"/upload", 2001, 413},
		} {
			path, query, _ := strings.Cut(tt.path, "?")
			out := l.send(newEvent(), Request{Method: "POST", Path: path, Query: query, Size: tt.body})
			require.Equal(t, tt.want, out.Status, "%+v", tt)
		}
	})
}

// A longer body than its route takes, of a length that was not told, breaks
// off on its way; the caller is told, and nobody tries again.
func TestABodyFoundTooLongOnItsWay(t *testing.T) {
	proxyLab(t, topologies.Node{MaxBody: 1000, Retry: topologies.Retry{Tries: 3}}, func(l *lab) {
		l.everywhere(func(h Hop) answer {
			require.EqualValues(t, 1000, h.MostBody)
			return fails(policy.Denied, 0)
		})
		require.Equal(t, 413, l.send(newEvent(), Request{Method: "GET", Path: "/", Size: -1}).Status)
		require.Len(t, l.asked(), 1)
	})
}

func TestCanonicalPaths(t *testing.T) {
	for path, want := range map[string]string{
		"/a/b":         "/a/b",
		"/%61%2f%2F":   "/a%2F%2F",
		"//a///b//":    "/a/b/",
		"/%":           "/%",
		"/%4":          "/%4",
		"/%zz%c3%a4":   "/%zz%C3%A4",
		"/%2561":       "/%2561",
		"/a%2e%7E%2D_": "/a.~-_",
	} {
		require.Equal(t, want, canonical(path), path)
		require.Equal(t, want, canonical(canonical(path)), path)
	}
}

func FuzzRoutes(f *testing.F) {
	for _, path := range []string{"/", "/users/1", "//a/%2e%2e/b", "/users/%6de/x?y=1", "/%", "*"} {
		f.Add(path, "shop.example:80")
	}
	var table routeTable
	patterns := []string{"/*", "/users/{id}", "/users/me", "/users/{id}/*", "/a*", "/a/{b}/c"}
	for _, pattern := range patterns {
		table.add(nil, pattern, &route{pattern: pattern})
		table.add([]string{"*.example"}, pattern, &route{pattern: pattern})
	}
	f.Fuzz(func(t *testing.T, path, host string) {
		path, query, _ := strings.Cut(path, "?")
		if !strings.HasPrefix(path, "/") {
			path = "/" + path
		}
		r, barred := table.find(&Request{Method: "GET", Host: host, Path: path, Query: query})
		require.Nil(t, barred)
		require.NotNil(t, r, "a star takes all")
		require.Equal(t, best(patterns, canonical(path)), r.pattern)
		newTemplate("/{*}/{id}", r.pattern).fill(canonical(path), nil)
	})
}
