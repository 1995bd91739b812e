package components

import (
	"strings"
	"time"
)

// gzipKey is appended to the key of those who take gzip, where a cache does
// not compress itself: their answers may come encoded.
const gzipKey = " gzip"

// cacheAsk is a request as a cache sees it.
type cacheAsk struct {
	key         string
	directives  directives
	fromStore   bool // may be answered from the store
	toStore     bool // its answer may be stored, and will do for others
	conditional bool // has If-None-Match and the like
}

// cacheAsk reads a request. Ranges go past the cache; a HEAD and a conditional
// request may be answered from the store but fill nothing.
func (p *proxy) cacheAsk(r *Request) cacheAsk {
	a := cacheAsk{key: cacheKey(r)}
	if r.Method != "GET" && r.Method != "HEAD" {
		return a
	}
	if !p.gzip && accepts(r.Header, "gzip") {
		a.key += gzipKey
	}
	a.directives = parseDirectives(requestControl(r.Header))
	plain := true
	for i := range r.Header {
		name := r.Header[i].Name
		plain = plain && !equalName(name, "Range")
		a.conditional = a.conditional || isCondition(name)
	}
	a.fromStore = plain && !a.directives.noCache && !a.directives.noStore
	a.toStore = plain && r.Method == "GET" && !a.conditional &&
		!a.directives.noStore && !a.directives.onlyIfCached
	return a
}

// cacheKey names the target. Method is not in it: only answers to GET are
// stored.
func cacheKey(r *Request) string {
	if r.Query == "" {
		return r.Host + r.Path
	}
	return r.Host + r.Path + "?" + r.Query
}

// requestControl is Cache-Control, or what Pragma meant before there was one.
func requestControl(h Header) string {
	control := h.Values("Cache-Control")
	if control == "" && listHas(h.Values("Pragma"), "no-cache") {
		return "no-cache"
	}
	return control
}

func isCondition(name string) bool {
	return len(name) > 3 && (name[0] == 'I' || name[0] == 'i') && strings.EqualFold(name[:3], "If-")
}

// takes tells whether the request is content with a stored answer.
func (a *cacheAsk) takes(entry *stored, now time.Duration) bool {
	age := entry.age(now)
	d := &a.directives
	switch {
	case !entry.fresh(now):
		return false
	case d.maxAge >= 0 && age > d.maxAge:
		return false
	}
	return entry.lifetime-age >= d.minFreshness
}

// matches tells whether If-None-Match names the tag, comparing weakly (RFC
// 9110 section 13.1.2).
func matches(list, tag string) bool {
	if list == "" || tag == "" {
		return false
	}
	tag = strings.TrimPrefix(tag, "W/")
	for item := range strings.SplitSeq(list, ",") {
		item = strings.TrimSpace(item)
		if item == "*" || strings.TrimPrefix(item, "W/") == tag {
			return true
		}
	}
	return false
}
