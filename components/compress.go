package components

import (
	"strconv"
	"strings"
)

// worthEncoding is the body below which a coding costs more than it saves.
const worthEncoding = 256

// compressible is the content types that a coding makes smaller, besides
// text/* and what ends in +json or +xml. Others are packed already, or might
// be.
var compressible = map[string]bool{
	"application/json":         true,
	"application/javascript":   true,
	"application/wasm":         true,
	"application/x-javascript": true,
	"application/x-ndjson":     true,
	"application/xml":          true,
	"image/svg+xml":            true,
	"image/bmp":                true,
}

func (p *proxy) compresses() bool { return len(p.codings) > 0 }

// encode has the answer compressed if that is worth while and the caller takes
// it. Its header is edited in place.
func (p *proxy) encode(v *visit, r *Response) {
	if coding, offered := p.codingOf(v, r); offered {
		r.Encode, r.Header = coding, coded(r.Header, coding)
	}
}

// codingOf is the coding to apply to an answer, "" for none, and whether it
// depends on what the caller takes. The answer to a HEAD is told of as that to
// a GET would be (RFC 9110 section 9.3.2).
func (p *proxy) codingOf(v *visit, r *Response) (coding string, offered bool) {
	if len(p.codings) == 0 || !encodable(r) {
		return "", false
	}
	coding, must := choose(v.req.Header.Values("Accept-Encoding"), p.codings)
	if coding != "" && listHas(v.req.Header.Values("Cache-Control"), "no-transform") {
		return "", true // RFC 9111 section 5.2.1.6
	}
	if small := r.Body.Size >= 0 && r.Body.Size < worthEncoding; small && !must {
		return "", false
	}
	return coding, true
}

// coded is the header of an answer whose coding depends on what the caller
// takes; caches are told so. It may reuse h's storage.
func coded(h Header, coding string) Header {
	h = varyOn(h, "Accept-Encoding")
	if coding == "" {
		return h
	}
	h = withoutDigests(h.Del("Content-Length").Del("Accept-Ranges")).Set("Content-Encoding", coding)
	if tag := h.Get("ETag"); strings.HasPrefix(tag, `"`) {
		h = h.Set("ETag", "W/"+tag) // same meaning, other bytes
	}
	return h
}

// encodable tells whether a coding may be applied, and would do any good on a
// body large enough.
func encodable(r *Response) bool {
	switch {
	case r.Status < 200 || r.Status == 204 || r.Status == 205 || r.Status == 206 || r.Status == 304:
		return false
	case r.Header.Has("Content-Encoding") || r.Header.Has("Content-Range"):
		return false
	case listHas(r.Header.Values("Cache-Control"), "no-transform"):
		return false
	}
	return isCompressible(r.Header.Get("Content-Type"))
}

func isCompressible(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	return compressible[kind] || strings.HasPrefix(kind, "text/") && kind != "text/event-stream" ||
		strings.HasSuffix(kind, "+json") || strings.HasSuffix(kind, "+xml")
}

func varyOn(h Header, field string) Header {
	vary := h.Values("Vary")
	switch {
	case vary == "":
		return h.Add("Vary", field)
	case listHas(vary, field) || listHas(vary, "*"):
		return h
	}
	return h.Set("Vary", vary+", "+field)
}

// choose picks the coding that a caller likes best of those offered, the first
// of equals; "" is to leave the answer as it is. It must be one if the caller
// refuses an answer without (RFC 9110 section 12.5.3). Who takes none of ours
// and refuses that too gets it nevertheless: it is not the proxy's part to
// turn a good answer into a 406.
func choose(accepted string, offered []string) (coding string, must bool) {
	if accepted == "" {
		return "", false
	}
	best := 0.0
	for _, c := range offered {
		if q, _ := quality(accepted, c); q > best {
			coding, best = c, q
		}
	}
	plain, named := quality(accepted, "identity")
	if named && plain > best { // it would rather have the answer as it is
		return "", false
	}
	return coding, coding != "" && refusesPlain(accepted)
}

// refusesPlain tells whether an answer without a coding is refused.
func refusesPlain(accepted string) bool {
	for _, name := range [...]string{"identity", "*"} {
		if q, named := quality(accepted, name); named {
			return q == 0
		}
	}
	return false
}

// quality is the weight that Accept-Encoding gives to a coding, by its name or
// else by "*", and whether it names it. Without either it is 0.
func quality(accepted, coding string) (q float64, named bool) {
	for item := range strings.SplitSeq(accepted, ",") {
		name, params, _ := strings.Cut(item, ";")
		switch name = strings.TrimSpace(name); {
		case strings.EqualFold(name, coding), coding == "gzip" && strings.EqualFold(name, "x-gzip"):
			return weight(params), true
		case name == "*":
			q = weight(params)
		}
	}
	return q, false
}

// storedCoding is the one that caches ask upstreams for, and tell those who
// take it from the rest by, as Varnish does: with more, the same answer would
// be stored once for each set of them.
const storedCoding = "gzip"

// takenCodings is what is left of Accept-Encoding for a cache.
func takenCodings(accepted string) string {
	if q, _ := quality(accepted, storedCoding); accepted == "" || q == 0 {
		return ""
	}
	return storedCoding
}

// weight reads "q=0.5"; without it 1, and 0 for what cannot be read.
func weight(params string) float64 {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(param, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || q < 0 || q > 1 {
			return 0
		}
		return q
	}
	return 1
}
