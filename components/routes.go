package components

import (
	"slices"
	"strings"

	"trafficlab/topologies"
)

// routeTable finds the route of a request. Of all routes that a request fits,
// the first of this order has it:
//
//  1. by host: named in full, then the longest "*." that fits, then any;
//  2. by path, segment by segment from the left: a word, then a parameter,
//     then a star, of which the longer beginning first;
//  3. by the number of conditions on headers, then on the query;
//  4. by its place in the file.
//
// A route whose conditions on headers or query are not met is as good as not
// there. The method does not choose among paths: if the best path is there but
// for the method, the answer is 405, not a route for anything.
//
// Source: the precedence of the Kubernetes Gateway API's HTTPRoute, with
// parameters as in Go's ServeMux.
// Cost: a map look-up for each label of the host and each segment of the path.
// Weak spot: an escaped slash is a letter like others, here as in RFC 3986;
// whoever takes it for a slash further in sees other segments.
type routeTable struct {
	byHost map[string]*branch // "shop.example", and "*.example" as ".example"
	any    *branch
	wild   bool // some host begins with a star
}

// branch is a place in the tree of paths, one below another for each segment.
type branch struct {
	words map[string]*branch
	any   *branch // a parameter
	stars []star  // longest first
	leaf  *crossing
}

// star is a path that ends in "*": what stands before it in its segment.
type star struct {
	begins string
	leaf   *crossing
}

// add enters a route, for each of its hosts.
func (t *routeTable) add(hosts []string, pattern string, r *route) {
	if len(hosts) == 0 {
		if t.any == nil {
			t.any = new(branch)
		}
		t.any.at(pattern).add(r)
	}
	for _, host := range hosts {
		name, wild := strings.CutPrefix(host, "*")
		t.wild = t.wild || wild
		if t.byHost == nil {
			t.byHost = map[string]*branch{}
		}
		if t.byHost[name] == nil {
			t.byHost[name] = new(branch)
		}
		t.byHost[name].at(pattern).add(r)
	}
}

// at is the crossing of a pattern, made if it is new.
func (b *branch) at(pattern string) *crossing {
	rest := strings.TrimPrefix(canonical(pattern), "/")
	for more := true; more; {
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		if begins, open := strings.CutSuffix(segment, "*"); open && !more {
			return b.star(begins)
		}
		b = b.below(segment)
	}
	if b.leaf == nil {
		b.leaf = new(crossing)
	}
	return b.leaf
}

func (b *branch) below(segment string) *branch {
	if topologies.IsParameter(segment) {
		if b.any == nil {
			b.any = new(branch)
		}
		return b.any
	}
	if b.words == nil {
		b.words = map[string]*branch{}
	}
	if b.words[segment] == nil {
		b.words[segment] = new(branch)
	}
	return b.words[segment]
}

func (b *branch) star(begins string) *crossing {
	at := 0
	for ; at < len(b.stars) && len(b.stars[at].begins) >= len(begins); at++ {
		if b.stars[at].begins == begins {
			return b.stars[at].leaf
		}
	}
	leaf := new(crossing)
	b.stars = slices.Insert(b.stars, at, star{begins, leaf})
	return leaf
}

// find returns the request's route, or the crossing that would have it but for
// its method, or neither.
func (t *routeTable) find(req *Request) (r *route, barred *crossing) {
	path := strings.TrimPrefix(canonical(req.Path), "/")
	if t.byHost != nil {
		host := hostOf(req.Host)
		if r, barred = t.byHost[host].find(path, req); r != nil || barred != nil {
			return r, barred
		}
		for t.wild && host != "" {
			host = host[1:]
			at := strings.IndexByte(host, '.')
			if at < 0 {
				break
			}
			host = host[at:]
			if r, barred = t.byHost[host].find(path, req); r != nil || barred != nil {
				return r, barred
			}
		}
	}
	return t.any.find(path, req)
}

// find looks for the rest of a path. It comes by no place of the tree twice.
func (b *branch) find(rest string, req *Request) (r *route, barred *crossing) {
	if b == nil {
		return nil, nil
	}
	segment, after, more := strings.Cut(rest, "/")
	if r, barred = b.words[segment].onward(after, more, req); r != nil || barred != nil {
		return r, barred
	}
	if segment != "" {
		if r, barred = b.any.onward(after, more, req); r != nil || barred != nil {
			return r, barred
		}
	}
	for i := range b.stars {
		if s := &b.stars[i]; strings.HasPrefix(rest, s.begins) {
			if r, isBarred := s.leaf.choose(req); isBarred {
				return nil, s.leaf
			} else if r != nil {
				return r, nil
			}
		}
	}
	return nil, nil
}

func (b *branch) onward(rest string, more bool, req *Request) (r *route, barred *crossing) {
	switch {
	case b == nil:
		return nil, nil
	case more:
		return b.find(rest, req)
	case b.leaf == nil:
		return nil, nil
	}
	r, isBarred := b.leaf.choose(req)
	if isBarred {
		return nil, b.leaf
	}
	return r, nil
}

// hostOf is a host without its port, in lower case.
func hostOf(host string) string {
	if colon := strings.LastIndexByte(host, ':'); colon > strings.LastIndexByte(host, ']') {
		host = host[:colon]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// canonical is a path as routes and rules read it: escapes of letters and
// digits undone (RFC 3986 section 6.2.2.2), other escapes in capitals, and of
// several slashes one, so that nobody walks past a rule by spelling.
func canonical(path string) string {
	if strings.IndexByte(path, '%') < 0 && !strings.Contains(path, "//") {
		return path
	}
	plain := make([]byte, 0, len(path))
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '/' && len(plain) > 0 && plain[len(plain)-1] == '/' {
			continue
		}
		if c != '%' || i+2 >= len(path) || !isHex(path[i+1]) || !isHex(path[i+2]) {
			plain = append(plain, c)
			continue
		}
		if u := unhex(path[i+1])<<4 | unhex(path[i+2]); unreserved(u) {
			plain = append(plain, u)
		} else {
			plain = append(plain, '%', upper(path[i+1]), upper(path[i+2]))
		}
		i += 2
	}
	return string(plain)
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}

// unreserved is RFC 3986's word for letters that mean themselves.
func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}
