package components

import (
	"net/textproto"
	"strings"
)

// Header is the list of fields of a message, in order. A list fits what passes
// through proxies (a dozen fields, seldom looked up) better than a map, and
// costs the simulator nothing when empty. Names are compared without case.
type Header []Field

// Field is one header field.
type Field struct{ Name, Value string }

// Get returns the first value of the named field, or "".
func (h Header) Get(name string) string {
	for i := range h {
		if equalName(h[i].Name, name) {
			return h[i].Value
		}
	}
	return ""
}

// once returns the first value of the named field, or "", and how often the
// field is there.
func (h Header) once(name string) (value string, times int) {
	for i := range h {
		if equalName(h[i].Name, name) {
			if times++; times == 1 {
				value = h[i].Value
			}
		}
	}
	return value, times
}

// Values returns all values of the named field joined with ", ", as RFC 9110
// section 5.3 lets a recipient do.
func (h Header) Values(name string) string {
	first, joined := true, ""
	for i := range h {
		if !equalName(h[i].Name, name) {
			continue
		}
		if first {
			joined, first = h[i].Value, false
		} else {
			joined += ", " + h[i].Value
		}
	}
	return joined
}

// Has tells whether the field is present.
func (h Header) Has(name string) bool {
	for i := range h {
		if equalName(h[i].Name, name) {
			return true
		}
	}
	return false
}

// Set returns h with exactly one field of that name. It may reuse h's storage:
// clone first if h is shared.
func (h Header) Set(name, value string) Header {
	for i := range h {
		if equalName(h[i].Name, name) {
			h[i].Value = value
			return append(h[:i+1], h[i+1:].Del(name)...)
		}
	}
	return append(h, Field{name, value})
}

// Add returns h with one more field.
func (h Header) Add(name, value string) Header { return append(h, Field{name, value}) }

// Del returns h without the named field. It may reuse h's storage.
func (h Header) Del(name string) Header {
	kept := h[:0]
	for _, f := range h {
		if !equalName(f.Name, name) {
			kept = append(kept, f)
		}
	}
	return kept
}

// Clone returns a copy with room for more fields.
func (h Header) Clone() Header {
	if h == nil {
		return nil
	}
	return append(make(Header, 0, len(h)+4), h...)
}

// Canonical returns the usual spelling of a field name ("X-Api-Key").
func Canonical(name string) string { return textproto.CanonicalMIMEHeaderKey(name) }

// equalName compares without case; most names differ in length or at once.
func equalName(a, b string) bool {
	return len(a) == len(b) && (a == "" || a[0]|0x20 == b[0]|0x20) && strings.EqualFold(a, b)
}
