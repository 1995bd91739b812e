package components

import (
	"regexp"
	"strings"

	"trafficlab/topologies"
)

// redirect sends callers elsewhere.
type redirect struct {
	status int
	to     *template
	query  bool // goes along
	local  bool // no other host is meant
	same   bool // nor by an address in full
}

func newRedirect(r *topologies.Redirect, pattern string) *redirect {
	if r == nil {
		return nil
	}
	return &redirect{
		status: r.Status,
		to:     newTemplate(r.To, pattern),
		query:  !strings.Contains(r.To, "?"),
		local:  !strings.HasPrefix(r.To, "//") && !strings.Contains(r.To, "://"),
		same:   sameHost.MatchString(r.To),
	}
}

var sameHost = regexp.MustCompile(`^(https?:)?//\{host\}(:\d+)?([/?]|\{path\}|$)`)

// redirected sends the caller elsewhere if the route says so, and tells
// whether it did.
func (p *proxy) redirected(v *visit) bool {
	r := v.route.redirect
	if r == nil {
		return false
	}
	v.reply(withField(local(r.status, "", "it is elsewhere"), "Location", r.location(v.req, p.auth)))
	return true
}

// location is where to go instead. What a request puts into a path leads to no
// other host: browsers take two slashes for the beginning of one, and a
// backslash for a slash. Keys do not go to another host.
func (r *redirect) location(req *Request, a *auth) string {
	if !r.local && !r.same {
		public := *req
		public.Query = a.query(req.Query)
		req = &public
	}
	at := strings.ReplaceAll(r.to.fill(canonical(req.Path), req), `\`, "%5C")
	for r.local && strings.HasPrefix(at, "//") {
		at = at[1:]
	}
	if r.query && req.Query != "" {
		at += "?" + req.Query
	}
	return at
}
