package components

import (
	"slices"
	"strconv"
	"strings"

	"trafficlab/topologies"
)

// cors lets scripts of other origins see answers, as far as it is told to: it
// answers their preflights, which go no further, and marks answers. What
// upstreams say of it is left out.
//
// Source: the Fetch standard, CORS protocol.
// Cost: a comparison or two of the Origin field.
// Weak spot: it protects users of browsers from other sites, nothing else; who
// is no browser may say what it likes.
type cors struct {
	origins     []string // exact, or "https://*.example"
	all         bool     // "*" is among them
	credentials bool
	allow       Header // fields for preflights of origins that may
	expose      string
}

// answered is the fields that answers of ours carry alone.
var answered = []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials",
	"Access-Control-Expose-Headers", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Max-Age"}

func newCORS(told *topologies.CORS) *cors {
	if told == nil {
		return nil
	}
	c := &cors{
		origins:     told.Origins,
		all:         slices.Contains(told.Origins, "*"),
		credentials: told.Credentials,
		expose:      strings.Join(told.Expose, ", "),
		allow:       Header{{"Access-Control-Allow-Methods", strings.Join(told.Methods, ", ")}},
	}
	if len(told.Headers) > 0 {
		c.allow = c.allow.Add("Access-Control-Allow-Headers", strings.Join(told.Headers, ", "))
	}
	c.allow = c.allow.Add("Access-Control-Max-Age", strconv.Itoa(inSeconds(told.MaxAge)))
	return c
}

// preflight answers a browser that asks before it asks, and tells whether this
// was one.
func (p *proxy) preflight(v *visit) bool {
	r := v.req
	if p.cors == nil || r.Method != "OPTIONS" || !r.Header.Has("Origin") || !r.Header.Has("Access-Control-Request-Method") {
		return false
	}
	answer := Response{Status: 204}
	if p.cors.allows(r.Header.Get("Origin")) {
		answer.Header = p.cors.allow.Clone()
	}
	answer.Header = varyOn(varyOn(answer.Header, "Access-Control-Request-Method"), "Access-Control-Request-Headers")
	v.reply(answer)
	return true
}

// allows tells whether an origin is among those that may.
func (c *cors) allows(origin string) bool {
	if c.all {
		return true
	}
	for _, allowed := range c.origins {
		before, after, open := strings.Cut(allowed, "*")
		switch {
		case origin == allowed:
			return true
		case open && len(origin) > len(before)+len(after) && strings.HasPrefix(origin, before) && strings.HasSuffix(origin, after):
			return !strings.ContainsFunc(origin[len(before):len(origin)-len(after)], beyondLabels)
		}
	}
	return false
}

// mark puts on an answer's header, which must not be shared, what lets the
// asking script see it. Caches are told that it depends on who asked.
func (c *cors) mark(h Header, r *Request, preflight bool) Header {
	if !preflight {
		for _, name := range answered {
			h = h.Del(name)
		}
	}
	if !c.all {
		h = varyOn(h, "Origin")
	}
	origin := r.Header.Get("Origin")
	switch {
	case origin == "" || !c.allows(origin):
		return h
	case c.all:
		h = h.Set("Access-Control-Allow-Origin", "*")
	default:
		h = h.Set("Access-Control-Allow-Origin", origin)
	}
	if c.credentials {
		h = h.Set("Access-Control-Allow-Credentials", "true")
	}
	if c.expose != "" && !preflight {
		h = h.Set("Access-Control-Expose-Headers", c.expose)
	}
	return h
}

// beyondLabels tells whether a letter stands in no labels of a host, as browsers
// write them.
func beyondLabels(c rune) bool {
	return !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_')
}
