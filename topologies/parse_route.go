package topologies

import (
	"fmt"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"trafficlab/topologies/strict"
)

// Methods are those that files may name.
var Methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut,
	http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

func (r *reader) routes(n *Node, v strict.Value) {
	for _, item := range v.List("routes: [{path: /products/*, to: api}]") {
		n.Routes = append(n.Routes, r.route(n, item))
	}
	if v.IsList() && len(n.Routes) == 0 {
		v.Wrong("holds no route", "{path: /products/*, to: api}")
	}
}

func (r *reader) route(n *Node, v strict.Value) Route {
	route := Route{}
	if !v.Fields("host", "path", "methods", "header", "query", "to", "split", "redirect", "strip", "rewrite",
		"timeout", "retry", "max-url", "max-body", "request", "response") {
		return route
	}
	route.Hosts = hosts(v.Get("host"))
	if v.Get("path").Need("path: /products/*") {
		route.Path = routePattern(v.Get("path"))
	}
	for _, m := range v.Get("methods").OneOrMore("[GET, HEAD]") {
		if word := m.Word("", Methods...); word != "" {
			route.Methods = append(route.Methods, word)
		}
	}
	route.Header, route.Query = headerConditions(v.Get("header")), queryConditions(v.Get("query"))
	r.destination(n, v, &route)
	if strip := v.Get("strip"); strip.Present() {
		route.Strip = requestPath(strip, "")
		if !strings.HasPrefix(strings.TrimSuffix(route.Path, "*"), route.Strip) {
			strip.Wrong(fmt.Sprintf("is no beginning of the route's path %s", route.Path), "")
		}
		if v.Get("rewrite").Present() {
			strip.WrongKey("is a rewrite of its own", "strip or rewrite")
		}
	}
	if rewrite := v.Get("rewrite"); rewrite.Present() {
		route.Rewrite = rewrite.Text("")
		if template(rewrite, route.Rewrite, Parameters(route.Path)) && (!sendable(route.Rewrite) || strings.Contains(route.Rewrite, "?")) {
			rewrite.Wrong(fmt.Sprintf("%q is no path of a request", route.Rewrite), "such as /v2/users/{id}")
		}
	}
	if timeout := v.Get("timeout"); timeout.Present() {
		t := timeoutsOr(timeout, n.Timeout)
		route.Timeout = &t
	}
	if again := v.Get("retry"); again.Present() {
		t := retry(again, false)
		route.Retry = &t
		if b := again.Get("budget"); b.Present() {
			b.WrongKey("all routes share the node's budget", "a budget of the node")
		}
	}
	if most := v.Get("max-url"); most.Present() {
		bytes := maxURL(most, n.MaxURL)
		route.MaxURL = &bytes
	}
	if most := v.Get("max-body"); most.Present() {
		bytes := maxBody(most, n.MaxBody)
		route.MaxBody = &bytes
	}
	route.Request = requestEdit(v.Get("request"), route.Path)
	route.responseEdit(n, v.Get("response"))
	return route
}

// destination reads where a route leads: one of to, split and redirect.
func (r *reader) destination(n *Node, v strict.Value, route *Route) {
	to, split, away := v.Get("to"), v.Get("split"), v.Get("redirect")
	route.To = r.upstreams(n, to)
	if split.Present() {
		route.Split = r.split(n, split)
		if to.Present() {
			to.WrongKey("is beside a split", "to or split")
		}
	}
	if !away.Present() {
		return
	}
	route.Redirect = redirect(away, route.Path)
	for _, field := range []string{"to", "split", "strip", "rewrite", "timeout", "retry", "request", "response"} {
		if other := v.Get(field); other.Present() {
			other.WrongKey("is not for a redirect, which asks nobody", "")
		}
	}
}

func (r *Route) leadsNowhere() bool {
	return len(r.To) == 0 && len(r.Split) == 0 && r.Redirect == nil
}

const splitExample = "split: {api: 95%, canary: 5%}"

func (r *reader) split(n *Node, v strict.Value) (shares []Share) {
	sum := 0.0
	for _, e := range v.Entries(splitExample) {
		share := e.Value.Share(0, 0, 1)
		shares = append(shares, Share{e.Key, share})
		r.links = append(r.links, link{n, e.Key, e.Value})
		sum += share
	}
	if v.IsMap() && !v.Noted() && math.Abs(sum-1) > 1e-9 {
		v.Wrong("makes "+strict.Share(sum)+" of the requests", "shares that make 100%, as in "+splitExample)
	}
	return shares
}

func redirect(v strict.Value, pattern string) *Redirect {
	to := &Redirect{Status: http.StatusPermanentRedirect}
	where := v
	if !v.IsText() {
		if !v.Fields("to", "status") {
			return to
		}
		to.Status = v.Get("status").Int(to.Status, 300, 399)
		if !slices.Contains([]int{301, 302, 303, 307, 308}, to.Status) && !v.Get("status").Noted() {
			v.Get("status").Wrong("is no redirect", "301, 302, 303, 307 or 308")
		}
		where = v.Get("to")
		if !where.Need("to: https://{host}{path}") {
			return to
		}
	}
	to.To = where.Text("")
	known := append([]string{"host", "path", "query"}, Parameters(pattern)...)
	absolute := strings.HasPrefix(to.To, "http://") || strings.HasPrefix(to.To, "https://")
	if to.To != "" && template(where, to.To, known) && !absolute && !sendable(to.To) {
		where.Wrong(fmt.Sprintf("%q is no address", to.To), "such as https://{host}{path} or /new/{*}")
	}
	return to
}

// sendable tells whether a template makes paths.
func sendable(text string) bool {
	texts, _ := Places(text)
	return strings.HasPrefix(text, "{path}") || strict.CheckPath(strings.Join(texts, "x")) == nil
}

// template notes places that nothing fills.
func template(v strict.Value, text string, known []string) bool {
	texts, places := Places(text)
	for _, place := range places {
		if !slices.Contains(known, place) {
			v.Wrong(fmt.Sprintf("nothing fills {%s}", place), strict.Suggest(place, "known are", known))
			return false
		}
	}
	if strings.ContainsAny(strings.Join(texts, ""), "{} ") {
		v.Wrong("has a stray brace or space", "such as /v2/users/{id}")
		return false
	}
	return true
}

var hostName = regexp.MustCompile(`^(\*\.)?[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$|^\[[0-9a-f:.]+\]$`)

func hosts(v strict.Value) (names []string) {
	for _, item := range v.OneOrMore("[shop.example, *.shop.example]") {
		name := strings.ToLower(item.Text(""))
		if name != "" && !hostName.MatchString(name) {
			item.Wrong(fmt.Sprintf("%q is no host", name), "such as shop.example or *.shop.example, without a port")
			continue
		}
		names = append(names, name)
	}
	return names
}

func headerConditions(v strict.Value) (conditions []PathValue) {
	if !v.Present() {
		return nil
	}
	for _, e := range v.Entries("header: {X-Version: 2}") {
		value := e.Value.HeaderValue("")
		if headerName(e.Value, e.Key) && condition(e.Value, value) {
			conditions = append(conditions, PathValue{http.CanonicalHeaderKey(e.Key), value})
		}
	}
	return conditions
}

func queryConditions(v strict.Value) (conditions []PathValue) {
	if !v.Present() {
		return nil
	}
	for _, e := range v.Entries("query: {version: 2}") {
		if value := e.Value.Text(""); condition(e.Value, value) {
			conditions = append(conditions, PathValue{e.Key, value})
		}
	}
	return conditions
}

// condition is a value, or a beginning of values that ends in "*".
func condition(v strict.Value, value string) bool {
	if star := strings.Index(value, "*"); star >= 0 && star < len(value)-1 {
		v.Wrong(fmt.Sprintf("%q has a star before its end", value), "a value, or the beginning of one: beta*")
		return false
	}
	return true
}

// pattern is a path, or a beginning of paths that ends in "*".
func pattern(v strict.Value) string {
	path := requestPath(v, "/*")
	if star := strings.Index(path, "*"); star >= 0 && star < len(path)-1 {
		v.Wrong(fmt.Sprintf("%q has a star before its end", path), "such as /products/*")
	}
	return path
}

var parameterName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// routePattern is a pattern whose segments may be parameters.
func routePattern(v strict.Value) string {
	path := pattern(v)
	var names []string
	for segment := range strings.SplitSeq(path, "/") {
		switch {
		case !strings.ContainsAny(segment, "{}"):
		case !IsParameter(segment) || !parameterName.MatchString(segment[1:len(segment)-1]):
			v.Wrong(fmt.Sprintf("%q is no parameter", segment), "a whole segment, as in /users/{id}")
		case slices.Contains(names, segment):
			v.Wrong("has "+segment+" twice", "")
		default:
			names = append(names, segment)
		}
	}
	return path
}

func maxURL(v strict.Value, or int) int {
	if v.Off() {
		return 0
	}
	return int(v.Size(int64(or), 16, 1<<20))
}

func maxBody(v strict.Value, or int64) int64 {
	if v.Off() {
		return 0
	}
	return v.Size(or, 1, maxBytes)
}
