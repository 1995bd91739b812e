package components

import (
	"strconv"
	"strings"
	"time"
)

// directives is what a message says about caching: Cache-Control (RFC 9111
// section 5.2), or in its place a field meant for caches of our kind (RFC
// 9213). Durations are -1 where not given.
type directives struct {
	noStore, noCache, noTransform, private bool
	public, mustRevalidate, mustUnderstand bool
	immutable                              bool // RFC 8246
	onlyIfCached                           bool
	maxAge, sharedMaxAge                   time.Duration
	minFresh, maxStale                     time.Duration // of requests
	staleWhileRevalidate, staleIfError     time.Duration // RFC 5861
	apart                                  string        // fields that no-cache and private name: not to be stored
}

// unsaid are the directives of a message that has none.
var unsaid = directives{maxAge: -1, sharedMaxAge: -1, minFresh: -1, maxStale: -1,
	staleWhileRevalidate: -1, staleIfError: -1}

// parseDirectives reads the values of Cache-Control, joined by commas. It
// never fails: what it does not know it skips, a lifetime that cannot be read
// is 0, which is to be stale, and of two the first counts (section 4.2.1).
func parseDirectives(value string) directives {
	d := unsaid
	for value != "" {
		var item string
		item, value = cutItem(value)
		name, argument, given := strings.Cut(item, "=")
		d.take(strings.TrimSpace(name), unquoted(strings.TrimSpace(argument)), given)
	}
	return d
}

// take notes a directive. Names are compared without case, which costs nothing
// if they are written as usual.
func (d *directives) take(name, argument string, given bool) {
	switch lower(name) {
	case "no-store":
		d.noStore = true
	case "no-cache":
		d.noCache = d.setApart(argument, given) || d.noCache
	case "no-transform":
		d.noTransform = true
	case "private":
		d.private = d.setApart(argument, given) || d.private
	case "public":
		d.public = true
	case "must-revalidate", "proxy-revalidate": // alike to a cache that is shared
		d.mustRevalidate = true
	case "must-understand":
		d.mustUnderstand = true
	case "immutable":
		d.immutable = true
	case "only-if-cached":
		d.onlyIfCached = true
	case "max-age":
		first(&d.maxAge, argument)
	case "s-maxage":
		first(&d.sharedMaxAge, argument)
	case "min-fresh":
		first(&d.minFresh, argument)
	case "max-stale":
		d.takeMaxStale(argument, given)
	case "stale-while-revalidate":
		first(&d.staleWhileRevalidate, argument)
	case "stale-if-error":
		first(&d.staleIfError, argument)
	}
}

// takeMaxStale: without an argument any staleness will do. One that cannot be
// read allows none.
func (d *directives) takeMaxStale(argument string, given bool) {
	if !given && d.maxStale < 0 {
		d.maxStale = Forever
		return
	}
	first(&d.maxStale, argument)
}

// setApart notes the fields that a directive is about. It is true if it names
// none, and so is about the whole answer.
func (d *directives) setApart(fields string, given bool) (whole bool) {
	if !given || strings.Trim(fields, ", \t") == "" {
		return true
	}
	if d.apart != "" {
		fields = d.apart + "," + fields
	}
	d.apart = fields
	return false
}

// first sets a duration that has not been set yet.
func first(d *time.Duration, argument string) {
	if *d < 0 {
		*d = deltaSeconds(argument)
	}
}

func lower(name string) string {
	for i := range len(name) {
		if 'A' <= name[i] && name[i] <= 'Z' {
			return strings.ToLower(name)
		}
	}
	return name
}

// cutItem cuts a list at its first comma outside quotes.
func cutItem(list string) (item, rest string) {
	quoted := false
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			return list[:i], list[i+1:]
		}
	}
	return list, ""
}

// unquoted is the text of a quoted string; of anything else it is what stands
// there.
func unquoted(text string) string {
	if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
		return text
	}
	text = text[1 : len(text)-1]
	if strings.IndexByte(text, '\\') < 0 {
		return text
	}
	plain := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) {
			i++
		}
		plain = append(plain, text[i])
	}
	return string(plain)
}

// deltaSeconds reads whole seconds, at most 2^31 of them as RFC 9111 section
// 1.2.2 has it. What cannot be read is 0.
func deltaSeconds(text string) time.Duration {
	const most = 1 << 31
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n > most {
		n = most
	}
	return time.Duration(n) * time.Second
}
