package topologies

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"trafficlab/topologies/strict"
)

var editFields = []string{"remove", "rename", "set", "add"}

// requestEdit reads what a route makes of requests.
func requestEdit(v strict.Value, pattern string) Edit {
	if !v.Present() || !v.Fields(append(slices.Clone(editFields), "query", "json")...) {
		return Edit{}
	}
	e := headerEdit(v, pattern)
	if query := v.Get("query"); query.Present() {
		e.Query = queryEdit(query, pattern)
	}
	if body := v.Get("json"); body.Present() {
		e.JSON = jsonEdit(body, pattern)
	}
	return e
}

// responseEdit reads what a route makes of answers.
func (r *Route) responseEdit(n *Node, v strict.Value) {
	if !v.Present() || !v.Fields(append(slices.Clone(editFields), "status", "json")...) {
		return
	}
	r.Response, r.Status = headerEdit(v, r.Path), statusChanges(v.Get("status"))
	if body := v.Get("json"); body.Present() {
		r.Response.JSON = jsonEdit(body, r.Path)
		if n.Cache != nil {
			body.WrongKey("is not for a node with a cache, which would give what it keeps unedited", "a node of its own before the cache or behind it")
		}
	}
}

var jsonPath = regexp.MustCompile(`^([^][.{}]+(\[\])*|(\[\])+)(\.[^][.{}]+(\[\])*)*$`)

// jsonEdit reads edits of JSON bodies.
func jsonEdit(v strict.Value, pattern string) *JSONEdit {
	if !v.Fields("remove", "rename", "set", "limit") {
		return nil
	}
	e := &JSONEdit{Limit: v.Get("limit").Size(64<<10, 1, 16<<20)}
	path := func(v strict.Value, text string) {
		if text != "" && (!jsonPath.MatchString(text) || strings.HasSuffix(text, "[]")) {
			v.Wrong(fmt.Sprintf("%q is no path of a member", text), "such as user.name or items[].secret")
		}
	}
	for _, item := range v.Get("remove").OneOrMore("[items[].secret]") {
		text := item.Text("")
		path(item, text)
		e.Remove = append(e.Remove, text)
	}
	if v.Get("rename").Present() {
		for _, entry := range v.Get("rename").Entries("{user.name: login}") {
			path(entry.Value, entry.Key)
			e.Rename = append(e.Rename, PathValue{entry.Key, entry.Value.Text("")})
		}
	}
	if v.Get("set").Present() {
		for _, entry := range v.Get("set").Entries(`{user.id: "{id}", version: 2}`) {
			path(entry.Value, entry.Key)
			e.Set = append(e.Set, PathValue{entry.Key, jsonValue(entry.Value, pattern)})
		}
	}
	return e
}

// jsonValue is a value as JSON: a number, true or false as it is, if it
// is not in quotes, and else a string.
func jsonValue(v strict.Value, pattern string) string {
	text := v.Text("")
	filled(v, text, Parameters(pattern))
	if v.Flow() == text && json.Valid([]byte(text)) {
		return text
	}
	quoted, _ := json.Marshal(text) // a string always can be
	return string(quoted)
}

func headerEdit(v strict.Value, pattern string) (e Edit) {
	for _, item := range v.Get("remove").OneOrMore("[X-Debug]") {
		if name := item.Text(""); headerName(item, name) {
			e.Remove = append(e.Remove, http.CanonicalHeaderKey(name))
		}
	}
	e.Rename = fields(v.Get("rename"), "{X-Old: X-New}", func(v strict.Value, name string) (string, bool) {
		to := v.Text("")
		return http.CanonicalHeaderKey(to), headerName(v, to)
	})
	value := func(v strict.Value, name string) (string, bool) {
		text := v.HeaderValue("")
		unfilled(v, text, pattern)
		return text, true
	}
	e.Set = fields(v.Get("set"), "{X-Shop: main}", value)
	e.Add = fields(v.Get("add"), "{X-Shop: main}", value)
	return e
}

// fields reads header fields by name, with what is told of each.
func fields(v strict.Value, example string, read func(v strict.Value, name string) (string, bool)) (all []PathValue) {
	if !v.Present() {
		return nil
	}
	for _, e := range v.Entries(example) {
		text, ok := read(e.Value, e.Key)
		if headerName(e.Value, e.Key) && ok {
			all = append(all, PathValue{http.CanonicalHeaderKey(e.Key), text})
		}
	}
	return all
}

func queryEdit(v strict.Value, pattern string) *Edit {
	if !v.Fields(editFields...) {
		return nil
	}
	e := new(Edit)
	for _, item := range v.Get("remove").OneOrMore("[debug]") {
		e.Remove = append(e.Remove, item.Text(""))
	}
	read := func(name string, templates bool) (all []PathValue) {
		if !v.Get(name).Present() {
			return nil
		}
		for _, entry := range v.Get(name).Entries("{version: 2}") {
			text := entry.Value.Text("")
			if templates {
				filled(entry.Value, text, Parameters(pattern))
			}
			all = append(all, PathValue{entry.Key, text})
		}
		return all
	}
	e.Rename, e.Set, e.Add = read("rename", false), read("set", true), read("add", true)
	return e
}

// unfilled notes places that would be filled elsewhere, where they are not: a
// header is the same for all requests of a route.
func unfilled(v strict.Value, text, pattern string) {
	known := Parameters(pattern)
	_, places := Places(text)
	for _, place := range places {
		if slices.Contains(known, place) {
			v.Wrong(fmt.Sprintf("headers are set as they stand, and {%s} is not filled in", place), "a text without it; query and json take it")
		}
	}
}

// filled notes places that nothing fills.
func filled(v strict.Value, text string, known []string) {
	_, places := Places(text)
	for _, place := range places {
		if !slices.Contains(known, place) {
			v.Wrong(fmt.Sprintf("nothing fills {%s}", place), strict.Suggest(place, "known are", known))
		}
	}
}

// statusChanges reads {404: 200, 5xx: 503}. Answers without a body stay so.
func statusChanges(v strict.Value) (all []StatusChange) {
	if !v.Present() {
		return nil
	}
	for _, e := range v.Entries("status: {404: 200, 5xx: 503}") {
		class, isClass := strings.CutSuffix(e.Key, "xx")
		from, err := strconv.Atoi(class)
		to := e.Value.Int(200, 200, 599)
		switch {
		case err != nil, isClass && (from < 2 || from > 5), !isClass && (from < 200 || from > 599):
			e.Value.WrongKey(fmt.Sprintf("%q is no status", e.Key), "such as 404 or 5xx")
		case bodiless(from) || bodiless(to):
			e.Value.WrongKey("has no body, and the other has", "a status other than 204 and 304")
		}
		all = append(all, StatusChange{from, to})
	}
	return all
}

func bodiless(status int) bool { return status == 204 || status == 304 }

const corsExample = "cors: {origins: [https://shop.example], methods: [GET, POST], credentials: true}"

func cors(v strict.Value) *CORS {
	if !v.Present() || v.Off() || !v.Fields("origins", "methods", "headers", "expose", "credentials", "max-age") {
		return nil
	}
	c := &CORS{
		Methods:     []string{http.MethodGet, http.MethodHead, http.MethodPost},
		Credentials: v.Get("credentials").Bool(false),
		MaxAge:      v.Get("max-age").Duration(5*time.Minute, 0, 24*time.Hour),
	}
	if !v.Get("origins").Need(corsExample) {
		return c
	}
	for _, item := range v.Get("origins").OneOrMore("[https://shop.example]") {
		origin := item.Text("")
		switch {
		case origin == "":
		case origin == "*" && c.Credentials:
			item.Wrong("would let any site act for its visitors, as credentials are taken", "origins by name")
		case origin != "*" && !isOrigin(origin):
			item.Wrong(fmt.Sprintf("%q is no origin", origin), "scheme and host, as https://shop.example or https://*.example")
		}
		c.Origins = append(c.Origins, origin)
	}
	if m := v.Get("methods"); m.Present() {
		c.Methods = nil
		for _, item := range m.OneOrMore("[GET, POST]") {
			c.Methods = append(c.Methods, item.Word("", Methods...))
		}
	}
	c.Headers, c.Expose = headerNames(v.Get("headers")), headerNames(v.Get("expose"))
	return c
}

// isOrigin tells whether text is what browsers send as Origin, but for a star
// in the place of the first labels.
func isOrigin(text string) bool {
	u, err := url.Parse(strings.Replace(text, "://*.", "://x.", 1))
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil &&
		u.Path == "" && u.RawQuery == "" && u.Fragment == "" && !strings.Contains(u.Host, "*") && text == strings.ToLower(text)
}

func headerNames(v strict.Value) (names []string) {
	for _, item := range v.OneOrMore("[X-Shop]") {
		name := item.Text("")
		if name != "" && !isToken(name) {
			item.Wrong(fmt.Sprintf("%q is no name of a header field", name), "such as X-Shop")
		}
		names = append(names, http.CanonicalHeaderKey(name))
	}
	return names
}
