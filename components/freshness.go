package components

import (
	"strconv"
	"strings"
	"time"
)

// directives is Cache-Control (RFC 9111 section 5.2), as far as a shared cache
// that does not revalidate has use for it. Durations are -1 where not given.
type directives struct {
	noStore, noCache, noTransform      bool
	private, public, mustRevalidate    bool
	onlyIfCached                       bool
	maxAge, sharedMaxAge, minFreshness time.Duration
	staleWhileRevalidate, staleIfError time.Duration // RFC 5861
}

// parseDirectives reads the values of Cache-Control, joined by commas. It
// never fails: what it does not know it skips; a duration that cannot be read
// is 0, which is the careful reading; of two the shorter counts.
func parseDirectives(value string) directives {
	d := directives{maxAge: -1, sharedMaxAge: -1, minFreshness: -1, staleWhileRevalidate: -1, staleIfError: -1}
	for value != "" {
		var item string
		item, value = cutItem(value)
		name, argument, _ := strings.Cut(item, "=")
		d.take(strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(argument))
	}
	return d
}

func (d *directives) take(name, argument string) {
	switch name {
	case "no-store":
		d.noStore = true
	case "no-cache": // also when it names fields only: nothing here revalidates
		d.noCache = true
	case "no-transform":
		d.noTransform = true
	case "private":
		d.private = true
	case "public":
		d.public = true
	case "must-revalidate", "proxy-revalidate":
		d.mustRevalidate = true
	case "only-if-cached":
		d.onlyIfCached = true
	case "max-age":
		d.maxAge = shorter(d.maxAge, argument)
	case "s-maxage":
		d.sharedMaxAge = shorter(d.sharedMaxAge, argument)
	case "min-fresh":
		d.minFreshness = deltaSeconds(argument)
	case "stale-while-revalidate":
		d.staleWhileRevalidate = shorter(d.staleWhileRevalidate, argument)
	case "stale-if-error":
		d.staleIfError = shorter(d.staleIfError, argument)
	}
}

func shorter(given time.Duration, argument string) time.Duration {
	if s := deltaSeconds(argument); given < 0 || s < given {
		return s
	}
	return given
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

// deltaSeconds reads whole seconds, at most 2^31 of them as RFC 9111 section
// 1.2.2 has it.
func deltaSeconds(text string) time.Duration {
	const most = 1 << 31
	text = strings.Trim(text, `"`)
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n > most {
		n = most
	}
	return time.Duration(n) * time.Second
}

// lifetime is for how long an answer may be given to others from when it left
// its origin, and its grace after that. It is false if it may not be stored by
// a cache that many share. Only an explicit lifetime counts, nothing is
// guessed, but for negative answers that say nothing: they are kept as the
// node has it, without grace.
func (s *store) lifetime(req *Request, status int, h Header, d *directives) (time.Duration, grace, bool) {
	if !storable(status) || h.Has("Set-Cookie") || !varyIsMet(h) || d.noStore || d.private || d.noCache {
		return 0, grace{}, false
	}
	personal := req.Header.Has("Authorization") || req.Header.Has(keyField)
	if personal && !d.public && !d.mustRevalidate && d.sharedMaxAge < 0 {
		return 0, grace{}, false
	}
	fresh := d.explicit(h)
	if fresh < 0 && negative(status) && !h.Has("Expires") {
		return s.negative, grace{}, s.negative > 0
	}
	return fresh, d.grace(s.stale), fresh > 0
}

// explicit is the lifetime that the answer gives itself, or -1 (RFC 9111
// section 4.2.1).
func (d *directives) explicit(h Header) time.Duration {
	switch {
	case d.sharedMaxAge >= 0:
		return d.sharedMaxAge
	case d.maxAge >= 0:
		return d.maxAge
	}
	expires, err := time.Parse(httpDate, h.Get("Expires"))
	if err != nil {
		return -1
	}
	date, err := time.Parse(httpDate, h.Get("Date"))
	if err != nil {
		return -1 // no clock here to measure Expires by
	}
	return expires.Sub(date)
}

const httpDate = "Mon, 02 Jan 2006 15:04:05 GMT"

// storable tells whether answers of the status are kept.
func storable(status int) bool {
	switch status {
	case 200, 203, 204, 300, 301, 308, 404, 410:
		return true
	}
	return false
}

// negative tells whether a status says that there is nothing.
func negative(status int) bool { return status == 404 || status == 410 }

// varyIsMet tells whether the answer depends on nothing but what the cache's
// key has in it: whether gzip is taken.
func varyIsMet(h Header) bool {
	vary := h.Values("Vary")
	return vary == "" || strings.EqualFold(strings.TrimSpace(vary), "Accept-Encoding")
}

// ageOf is the age that an answer has when it comes.
func ageOf(h Header) time.Duration {
	if text := h.Get("Age"); text != "" {
		return deltaSeconds(text)
	}
	return 0
}
