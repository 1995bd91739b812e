package components

import (
	"strconv"
	"strings"
)

// part is a stored answer, or as much of it as was asked for (RFC 9110 section
// 14). Several ranges at once are answered by the whole, as Varnish does, as is
// what cannot be read: section 14.2 leaves a server free to. The header of r is shared.
func (a *wish) part(e *stored, r Response) Response {
	if r.Status != 200 || r.Header.Has("Content-Range") || a.ifRange != "" && !a.sameAs(e) {
		return r
	}
	size := max(r.Body.Size, int64(len(r.Body.Bytes)))
	from, to, understood := byteRange(a.bytes, size)
	switch {
	case !understood:
		return r
	case from >= to:
		r.Status, r.Body = 416, Body{}
		r.Header = partHeader(r.Header, "bytes */"+strconv.FormatInt(size, 10))
		return r
	}
	r.Status = 206
	r.Header = partHeader(r.Header, "bytes "+strconv.FormatInt(from, 10)+"-"+strconv.FormatInt(to-1, 10)+"/"+strconv.FormatInt(size, 10))
	r.Body.Size = to - from
	if r.Body.Bytes != nil {
		r.Body.Bytes = r.Body.Bytes[from:to]
	}
	return r
}

func partHeader(h Header, contentRange string) Header {
	return append(h.Clone(), Field{"Content-Range", contentRange})
}

// sameAs tells whether If-Range names the stored answer. It takes a strong tag
// or the very date (RFC 9110 section 13.1.5).
func (a *wish) sameAs(e *stored) bool {
	if strings.HasPrefix(a.ifRange, `"`) {
		return a.ifRange == e.etag
	}
	return e.modified != "" && a.ifRange == e.modified
}

// byteRange reads a Range of one part of so many bytes: those from from to
// just before to, none if there are none there. It is false for what is not
// understood, or asks for several.
func byteRange(text string, size int64) (from, to int64, understood bool) {
	unit, spec, _ := strings.Cut(text, "=")
	first, last, ok := strings.Cut(strings.TrimSpace(spec), "-")
	if !ok || !strings.EqualFold(strings.TrimSpace(unit), "bytes") {
		return 0, 0, false
	}
	if first == "" { // the last so many
		n, ok := position(last)
		return max(size-n, 0), size, ok
	}
	if from, ok = position(first); !ok {
		return 0, 0, false
	}
	to = size
	if last != "" {
		end, ok := position(last)
		if !ok || end < from {
			return 0, 0, false
		}
		to = min(end+1, size)
	}
	return from, to, true
}

// position reads the number of a byte. One that is out of all bounds is as far
// as can be.
func position(text string) (int64, bool) {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		n = 1 << 62
	}
	return n, true
}
