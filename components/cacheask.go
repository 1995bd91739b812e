package components

import (
	"strings"
	"time"
)

// wish is what the header of a request asks of a cache.
type wish struct {
	directives
	codings       string // what it takes, of those we know
	conditional   bool   // has If-None-Match or If-Modified-Since
	unmet         bool   // has a condition that is for origins only
	noneMatch     string
	modifiedSince string
	ranged        bool
	bytes         string // Range
	ifRange       string
	personal      bool // answers may be for this caller only
}

// plainly is what a header asks that says nothing.
var plainly = &wish{directives: unsaid}

// read takes what a request's header says.
func (a *wish) read(h Header) *wish {
	*a = wish{directives: unsaid}
	var control, pragma, accepted string
	for i := range h {
		name, value := h[i].Name, h[i].Value
		switch len(name) {
		case 5:
			if equalName(name, "Range") {
				a.ranged, a.bytes = true, joined(a.bytes, value)
			}
		case 6:
			if equalName(name, "Pragma") {
				pragma = joined(pragma, value)
			}
		case 8:
			switch {
			case equalName(name, "If-Range"):
				a.ifRange = value
			case equalName(name, "If-Match"):
				a.unmet = true
			}
		case 9:
			a.personal = a.personal || equalName(name, keyField)
		case 13:
			switch {
			case equalName(name, "Cache-Control"):
				control = joined(control, value)
			case equalName(name, "If-None-Match"):
				a.conditional, a.noneMatch = true, joined(a.noneMatch, value)
			case equalName(name, "Authorization"):
				a.personal = true
			}
		case 15:
			if equalName(name, "Accept-Encoding") {
				accepted = joined(accepted, value)
			}
		case 17:
			if equalName(name, "If-Modified-Since") {
				a.conditional, a.modifiedSince = true, value
			}
		case 19:
			a.unmet = a.unmet || equalName(name, "If-Unmodified-Since")
		}
	}
	if accepted != "" {
		a.codings = takenCodings(accepted)
	}
	switch {
	case control != "":
		a.directives = parseDirectives(control)
	case listHas(pragma, "no-cache"): // RFC 9111 section 5.4
		a.noCache = true
	}
	return a
}

// asked reads a visit's header, once if it lasts.
func (s *store) asked(v *visit) *wish {
	r := v.req
	if len(r.Header) == 0 {
		return plainly
	}
	if !r.Lasting {
		if v.wished == nil {
			v.wished = new(wish)
		}
		return s.read(v.wished, r.Header)
	}
	from := origin{header: r.Header}
	if a, ok := s.wishes.find(&from); ok {
		return a
	}
	return s.wishes.keep(&from, s.read(new(wish), r.Header))
}

// read takes what a header says to this cache.
func (s *store) read(a *wish, h Header) *wish {
	a.read(h)
	for _, secret := range s.secrets {
		a.personal = a.personal || h.Has(secret)
	}
	return a
}

// cacheAsk is a request as a cache sees it.
type cacheAsk struct {
	*wish
	key       []byte // names the target
	fromStore bool   // may be answered from the store
	toStore   bool   // its answer may be stored
	alone     bool   // but will not do for others before it is known
}

// askOf is what a request asks. A HEAD may be answered from the store but
// fills nothing; one for a part may bring the whole. A GET with a body is past
// the cache: what that body brings about is not to be given to others. Nor is
// the answer to a POST kept for later GETs, though an origin may wish it (RFC
// 9110 section 9.3.3): a write that overtook it would not be seen. NGINX,
// Varnish and Squid keep none either.
func (s *store) askOf(v *visit) cacheAsk {
	r := v.req
	a := cacheAsk{wish: plainly, key: appendKey(v.room[:0], plainHost(r.Host, r.TLS), r.Path, s.auth.query(r.Query))}
	v.room = a.key
	if r.Method != "GET" && r.Method != "HEAD" || r.Size != 0 {
		return a
	}
	a.wish = s.asked(v)
	a.fromStore = !a.noCache && !a.noStore && !a.unmet
	a.toStore = r.Method == "GET" && !a.unmet && !a.noStore && !a.onlyIfCached
	a.alone = a.conditional || a.ranged
	return a
}

// plainHost is a host without the port that goes without saying (RFC 9110
// section 4.2.3).
func plainHost(host string, tls bool) string {
	if tls {
		return strings.TrimSuffix(host, ":443")
	}
	return strings.TrimSuffix(host, ":80")
}

// appendKey writes the name of a target. The method is not in it: only answers
// to GET are stored. Hosts are alike whatever their case; paths and queries are
// taken as they stand, since what makes no difference to one origin does to
// another.
func appendKey(b []byte, host, path, query string) []byte {
	begin := len(b)
	b = append(b, host...)
	for i := begin; i < len(b); i++ {
		if isUpper(b[i]) {
			b[i] += 'a' - 'A'
		}
	}
	b = append(b, path...)
	if query != "" {
		b = append(b, '?')
		b = append(b, query...)
	}
	return b
}

// takes tells whether the request is content with a stored answer that needs
// no word from its origin.
func (a *cacheAsk) takes(e *stored, now time.Duration) bool {
	return !e.always && e.fresh(now) && a.bounds(e, now)
}

// takesStale tells whether the request asks for no better than a stale answer,
// and may be given it (RFC 9111 section 4.2.4).
func (a *cacheAsk) takesStale(e *stored, now time.Duration) bool {
	return a.maxStale >= 0 && !e.strict && !e.always && e.staleness(now) <= a.maxStale && a.bounds(e, now)
}

// bounds tells whether an answer is as young as the request wants it, and
// fresh for as long. One that never changes need not be young.
func (a *cacheAsk) bounds(e *stored, now time.Duration) bool {
	age := e.age(now)
	if a.maxAge >= 0 && age > a.maxAge && !(e.immutable && age < e.lifetime) {
		return false
	}
	return a.minFresh <= 0 || e.lifetime-age >= a.minFresh
}
