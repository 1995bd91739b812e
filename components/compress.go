package components

import (
	"strconv"
	"strings"
)

// worthEncoding is the body below which a coding costs more than it saves.
const worthEncoding = 256

// compressible is the content types that gzip makes smaller, besides text/*
// and what ends in +json or +xml.
var compressible = map[string]bool{
	"application/json":       true,
	"application/javascript": true,
	"application/xml":        true,
	"image/svg+xml":          true,
}

// encode has the answer compressed if that is worth while and the caller takes
// it. Either way caches are told that the answer depends on what they take.
func encode(v *visit, r *Response) {
	if !encodable(r) || v.req.Method == "HEAD" {
		return
	}
	r.Header = varyOn(r.Header, "Accept-Encoding")
	if !accepts(v.req.Header, "gzip") {
		return
	}
	r.Encode = "gzip"
	r.Header = r.Header.Del("Content-Length").Set("Content-Encoding", "gzip")
	if tag := r.Header.Get("ETag"); strings.HasPrefix(tag, `"`) {
		r.Header = r.Header.Set("ETag", "W/"+tag) // same meaning, other bytes
	}
}

func encodable(r *Response) bool {
	switch {
	case r.Status < 200 || r.Status == 204 || r.Status == 206 || r.Status == 304:
		return false
	case r.Body.Size >= 0 && r.Body.Size < worthEncoding:
		return false
	case r.Header.Has("Content-Encoding"):
		return false
	case listHas(r.Header.Values("Cache-Control"), "no-transform"):
		return false
	}
	return isCompressible(r.Header.Get("Content-Type"))
}

func isCompressible(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	return compressible[kind] || strings.HasPrefix(kind, "text/") ||
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

// accepts tells whether Accept-Encoding names the coding, or "*" without
// naming it, at a weight above 0 (RFC 9110 section 12.5.3).
func accepts(h Header, coding string) bool {
	list := h.Values("Accept-Encoding")
	if list == "" {
		return false
	}
	any := false
	for item := range strings.SplitSeq(list, ",") {
		name, params, _ := strings.Cut(item, ";")
		switch name = strings.TrimSpace(name); {
		case strings.EqualFold(name, coding):
			return weight(params) > 0
		case name == "*":
			any = weight(params) > 0
		}
	}
	return any
}

// weight reads "q=0.5"; without it 1, and 0 for what cannot be read.
func weight(params string) float64 {
	params = strings.TrimSpace(params)
	if params == "" {
		return 1
	}
	name, value, _ := strings.Cut(params, "=")
	if !strings.EqualFold(strings.TrimSpace(name), "q") {
		return 1
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil {
		return 0
	}
	return q
}
