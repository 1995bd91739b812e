package components

import (
	"slices"
	"strings"

	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// route is where a request goes and how it is edited on the way.
type route struct {
	pattern  string // of its paths
	label    string // in usage: "POST /orders"
	meaning  uint64 // of what is stored of its answers
	metered  bool
	methods  []string // empty: all
	header   []condition
	query    []condition
	pool     *pool
	split    *split // nil: all to the pool
	strip    string
	rewrite  *template // nil: none
	redirect *redirect // nil: it leads to the pool
	timeout  topologies.Timeouts
	retrier  policy.Retrier
	maxURL   int   // bytes; 0: any
	maxBody  int64 // bytes; 0: any
	request  topologies.Edit
	asks     *queryEdit // nil: the query goes on as it is
	response topologies.Edit
	status   []topologies.StatusChange
	sends    *jsonEdit // of requests' bodies; nil: they pass as they are
	body     *jsonEdit // likewise of answers'
}

// newRoute builds a node's route to a pool, which is nil for one that leads
// nowhere by itself.
func newRoute(node *topologies.Node, r topologies.Route, to *pool) *route {
	made := &route{
		pattern:  r.Path,
		label:    labelOf(&r),
		metered:  true,
		methods:  r.Methods,
		header:   newConditions(r.Header),
		query:    newConditions(r.Query),
		pool:     to,
		strip:    canonical(r.Strip),
		rewrite:  newTemplate(r.Rewrite, r.Path),
		redirect: newRedirect(r.Redirect, r.Path),
		timeout:  node.Timeout,
		retrier:  newRetrier(node.Retry),
		maxURL:   node.MaxURL,
		maxBody:  node.MaxBody,
		request:  r.Request,
		asks:     newQueryEdit(r.Request.Query, r.Path),
		response: r.Response,
		status:   r.Status,
		sends:    newJSONEdit(r.Request.JSON, r.Path),
		body:     newJSONEdit(r.Response.JSON, r.Path),
	}
	if r.Timeout != nil {
		made.timeout = *r.Timeout
	}
	if r.Retry != nil {
		made.retrier = newRetrier(*r.Retry)
	}
	if r.MaxURL != nil {
		made.maxURL = int(*r.MaxURL)
	}
	if r.MaxBody != nil {
		made.maxBody = *r.MaxBody
	}
	return made
}

// open tells whether the route, if it is one, takes requests of any length, and
// all of them to its pool.
func (r *route) open() bool {
	return r != nil && r.maxURL == 0 && r.maxBody == 0 && r.split == nil && r.redirect == nil
}

// labelOf names a route in usage: methods, host, path.
func labelOf(r *topologies.Route) string {
	label := strings.TrimSpace(strings.Join(r.Methods, ",") + " " + strings.Join(r.Hosts, ",") + r.Path)
	for _, c := range slices.Concat(r.Header, r.Query) {
		label += " " + c.Path + "=" + c.Value
	}
	return label
}

// takes tells whether the route is for the method. Whoever may GET may HEAD.
func (r *route) takes(method string) bool {
	if len(r.methods) == 0 || slices.Contains(r.methods, method) {
		return true
	}
	return method == "HEAD" && slices.Contains(r.methods, "GET")
}

// meets tells whether the request is what the route's conditions ask for.
func (r *route) meets(req *Request) bool {
	for i := range r.header {
		if !r.header[i].meetsHeader(req.Header) {
			return false
		}
	}
	for i := range r.query {
		if !r.query[i].meetsQuery(req.Query) {
			return false
		}
	}
	return true
}

// path is what the route sends on for a path.
func (r *route) path(path string) string {
	switch {
	case r.rewrite != nil:
		return r.rewrite.fill(canonical(path), nil)
	case r.strip == "":
		return path
	}
	rest, had := strings.CutPrefix(canonical(path), r.strip)
	if !had || strings.HasPrefix(rest, "/") {
		return rest
	}
	return "/" + rest
}

// split sends shares of a route's requests different ways.
type split struct {
	seed uint64
	upTo []float64 // running sums of the shares
	ways []*route
}

// newSplit makes a way of its own of r for each share.
func newSplit(seed uint64, r *route, shares []topologies.Share, to func(nodes ...string) *pool) *split {
	s := &split{seed: scenarios.Mix(seed, scenarios.Hash("split "+r.label))}
	sum := 0.0
	for _, share := range shares {
		way := *r
		way.pool = to(share.Node)
		way.meaning = scenarios.Mix(r.meaning, scenarios.Hash(share.Node))
		sum += share.Share
		s.upTo, s.ways = append(s.upTo, sum), append(s.ways, &way)
	}
	return s
}

// way is the same for all attempts at a request, in both worlds: it is drawn
// by the request's number.
func (s *split) way(req *Request) *route {
	drawn := scenarios.Unit(scenarios.Mix(s.seed, req.Number))
	for i, end := range s.upTo {
		if drawn < end {
			return s.ways[i]
		}
	}
	return s.ways[len(s.ways)-1]
}

// crossing is all routes of one path, told apart by what else they ask for.
type crossing struct {
	routes []*route // those with more conditions first
}

// add puts a route in its place: the more conditions on headers, then on the
// query, the sooner it is asked; between equals the file decides.
func (c *crossing) add(r *route) {
	at := len(c.routes)
	for at > 0 && r.pickier(c.routes[at-1]) {
		at--
	}
	c.routes = slices.Insert(c.routes, at, r)
}

func (r *route) pickier(than *route) bool {
	if len(r.header) != len(than.header) {
		return len(r.header) > len(than.header)
	}
	return len(r.query) > len(than.query)
}

// choose is the first route that takes the request. If there is one but for
// the method, it is barred.
func (c *crossing) choose(req *Request) (r *route, barred bool) {
	for _, r := range c.routes {
		switch {
		case !r.meets(req):
		case r.takes(req.Method):
			return r, false
		default:
			barred = true
		}
	}
	return nil, barred
}

// allowed lists the methods that the crossing takes of such a request.
func (c *crossing) allowed(req *Request) string {
	var methods []string
	for _, r := range c.routes {
		if r.meets(req) {
			methods = append(methods, r.methods...)
		}
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
	switch {
	case p.routes == nil:
		v.route = p.onward
	case misleads(v.req.Path):
		v.reply(badPath) // or /public/../admin would pass for public
		return false
	default:
		var barred *crossing
		if v.route, barred = p.routes.find(v.req); barred != nil {
			v.reply(withField(methodNotAllowed, "Allow", barred.allowed(v.req)))
			return false
		}
	}
	if v.route == nil {
		v.reply(notFound)
		return false
	}
	return p.fits(v)
}

// fits refuses what is longer than the route takes, and takes the route's
// branch.
func (p *proxy) fits(v *visit) bool {
	r := v.route
	switch {
	case r.maxURL > 0 && urlLength(v.req) > r.maxURL:
		v.beyond(longURL)
		v.reply(urlTooLong)
		return false
	case r.maxBody > 0 && v.req.Size > r.maxBody:
		v.beyond(longBody)
		v.reply(bodyTooLong)
		return false
	case r.split != nil:
		v.route = r.split.way(v.req)
	}
	return true
}

// urlLength is that of the path and the query, as sent.
func urlLength(r *Request) int {
	if r.Query == "" {
		return len(r.Path)
	}
	return len(r.Path) + 1 + len(r.Query)
}

// misleads tells whether servers may take a path for another one: it has a
// segment "." or "..", escaped or not, with backslashes for slashes or with
// parameters, which some servers take off ("/..;a=b/"), or it has a control
// character, at which some end it. What is escaped twice stays as it is.
func misleads(path string) bool {
	if !strings.Contains(path, "/.") && !strings.ContainsAny(path, `%\`) {
		return false
	}
	if hasEscapedControl(path) {
		return true
	}
	plain := unslashed.Replace(path)
	return slices.ContainsFunc(strings.Split(plain, "/"), func(segment string) bool {
		segment, _, _ = strings.Cut(segment, ";")
		return segment == "." || segment == ".."
	})
}

// unslashed writes out what separates segments, and dots.
var unslashed = strings.NewReplacer("%2e", ".", "%2E", ".", "%2f", "/", "%2F", "/", "%5c", "/", "%5C", "/", `\`, "/")

// hasEscapedControl tells whether one of %00 to %1f or %7f is in a path. None
// can be in it as it is.
func hasEscapedControl(path string) bool {
	for {
		_, rest, found := strings.Cut(path, "%")
		if !found || len(rest) < 2 {
			return false
		}
		if isHex(rest[1]) && (rest[0] == '0' || rest[0] == '1' || rest[0] == '7' && rest[1]|0x20 == 'f') {
			return true
		}
		path = rest
	}
}
