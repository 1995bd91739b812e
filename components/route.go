package components

import (
	"slices"
	"strings"

	"trafficlab/topologies"
)

// pathTable finds a value by path: an exact path or a prefix that ends in "*".
// The most specific wins; between equals the first added.
type pathTable[T any] struct {
	exact    map[string]int
	prefixes []prefix // longest first
	values   []T
}

type prefix struct {
	path  string
	value int
}

// add returns the value that stands for the pattern: v, or an earlier one.
func (t *pathTable[T]) add(pattern string, v T) *T {
	if t.exact == nil {
		t.exact = map[string]int{}
	}
	path, isPrefix := strings.CutSuffix(pattern, "*")
	if !isPrefix {
		if at, taken := t.exact[path]; taken {
			return &t.values[at]
		}
		t.exact[path] = len(t.values)
	} else {
		at, taken := slices.BinarySearchFunc(t.prefixes, path, byLength)
		if taken {
			return &t.values[t.prefixes[at].value]
		}
		t.prefixes = slices.Insert(t.prefixes, at, prefix{path, len(t.values)})
	}
	t.values = append(t.values, v)
	return &t.values[len(t.values)-1]
}

// byLength puts longer prefixes first, equal lengths in the order of letters.
func byLength(p prefix, path string) int {
	if len(p.path) != len(path) {
		return len(path) - len(p.path)
	}
	return strings.Compare(p.path, path)
}

// find returns the value for a path, or nil.
func (t *pathTable[T]) find(path string) *T {
	if len(t.exact) > 0 {
		if at, ok := t.exact[path]; ok {
			return &t.values[at]
		}
	}
	for i := range t.prefixes {
		if strings.HasPrefix(path, t.prefixes[i].path) {
			return &t.values[t.prefixes[i].value]
		}
	}
	return nil
}

// route is where a request goes and how it is edited on the way.
type route struct {
	pattern  string // of its paths
	label    string // in usage: "POST /orders"
	metered  bool
	methods  []string // empty: all
	pool     *pool
	strip    string
	request  topologies.Edit
	response topologies.Edit
}

func newRoute(r topologies.Route, to *pool) *route {
	return &route{
		pattern:  r.Path,
		label:    strings.TrimSpace(strings.Join(r.Methods, ",") + " " + r.Path),
		metered:  true,
		methods:  r.Methods,
		pool:     to,
		strip:    r.Strip,
		request:  r.Request,
		response: r.Response,
	}
}

// takes tells whether the route is for the method. Whoever may GET may HEAD.
func (r *route) takes(method string) bool {
	if len(r.methods) == 0 || slices.Contains(r.methods, method) {
		return true
	}
	return method == "HEAD" && slices.Contains(r.methods, "GET")
}

// path is what the route sends on for a path.
func (r *route) path(path string) string {
	if r.strip == "" {
		return path
	}
	rest, had := strings.CutPrefix(path, r.strip)
	if !had || strings.HasPrefix(rest, "/") {
		return rest
	}
	return "/" + rest
}

// crossing is all routes of one path, told apart by method.
type crossing struct {
	routes     []*route
	notAllowed Response // with the methods that are
}

func (c *crossing) add(r *route) {
	c.routes = append(c.routes, r)
	c.notAllowed = withField(methodNotAllowed, "Allow", allowed(c.routes))
}

// allowed lists the methods that any of the routes takes.
func allowed(routes []*route) string {
	var methods []string
	for _, r := range routes {
		methods = append(methods, r.methods...)
	}
	if slices.Contains(methods, "GET") {
		methods = append(methods, "HEAD")
	}
	slices.Sort(methods)
	return strings.Join(slices.Compact(methods), ", ")
}

// routed finds the request's route; if there is none it answers so and is
// false.
func (p *proxy) routed(v *visit) bool {
	if v.req.Method == "CONNECT" || v.req.Method == "TRACE" {
		v.reply(notForwarded)
		return false
	}
	if p.routes == nil {
		v.route = p.onward
		return true
	}
	if hasDotSegment(v.req.Path) {
		v.reply(badPath) // or /public/../admin would pass for public
		return false
	}
	c := p.routes.find(v.req.Path)
	if c == nil {
		v.reply(notFound)
		return false
	}
	for _, r := range c.routes {
		if r.takes(v.req.Method) {
			v.route = r
			return true
		}
	}
	v.reply(c.notAllowed)
	return false
}

// hasDotSegment tells whether a path has a segment "." or "..", escaped or
// not.
func hasDotSegment(path string) bool {
	if !strings.Contains(path, "/.") && !strings.Contains(path, "%2") {
		return false
	}
	plain := strings.NewReplacer("%2e", ".", "%2E", ".", "%2f", "/", "%2F", "/").Replace(path)
	return slices.ContainsFunc(strings.Split(plain, "/"), func(segment string) bool {
		return segment == "." || segment == ".."
	})
}
