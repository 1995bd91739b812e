package components

import (
	"strings"
	"time"
)

// has tells whether the caller has the stored answer already, by the
// conditions of its request (RFC 9111 section 4.3.2). If-None-Match goes
// before If-Modified-Since. Only what is fine can be had.
func (a *wish) has(e *stored, now time.Time) bool {
	if e.response.Status < 200 || e.response.Status > 299 {
		return false
	}
	if a.noneMatch != "" {
		return matches(a.noneMatch, e.etag)
	}
	since, ok := parseDate(a.modifiedSince, now)
	if !ok {
		return false
	}
	if changed, ok := parseDate(e.modified, now); ok {
		return !changed.After(since)
	}
	return !e.made.Truncate(time.Second).After(since)
}

// matches tells whether If-None-Match names the tag, comparing weakly (RFC
// 9110 section 13.1.2). Commas within tags are theirs.
func matches(list, tag string) bool {
	if strings.TrimSpace(list) == "*" {
		return true
	}
	if tag == "" {
		return false
	}
	tag = strings.TrimPrefix(tag, "W/")
	for list != "" {
		var item string
		item, list = cutTag(list)
		if strings.TrimPrefix(item, "W/") == tag {
			return true
		}
	}
	return false
}

// cutTag cuts a list of tags after its first. A backslash is nothing special
// in a tag.
func cutTag(list string) (tag, rest string) {
	quoted := false
	for i := range len(list) {
		switch {
		case list[i] == '"':
			quoted = !quoted
		case list[i] == ',' && !quoted:
			return strings.TrimSpace(list[:i]), list[i+1:]
		}
	}
	return strings.TrimSpace(list), ""
}

// preconditions are the fields that make a request depend on what its caller has,
// or ask for a part.
var preconditions = []string{"If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since", "If-Range", "Range"}

// unconditional is a request's header without conditions, in storage of its
// own with room for ours.
func unconditional(in Header) Header {
	out := make(Header, 0, len(in)+2)
	for _, f := range in {
		if !oneOf(preconditions, f.Name) {
			out = append(out, f)
		}
	}
	return out
}

// validating is a request's header that asks whether a stored answer still
// holds (section 4.3.1).
func validating(in Header, e *stored) Header {
	out := unconditional(in)
	if e.etag != "" {
		out = append(out, Field{"If-None-Match", e.etag})
	}
	if e.modified != "" {
		out = append(out, Field{"If-Modified-Since", e.modified})
	}
	return out
}
