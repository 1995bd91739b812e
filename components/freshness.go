package components

import "time"

// terms is what a cache makes of an answer that it may store.
type terms struct {
	lifetime time.Duration // counted from when it left its origin
	grace    grace
	always   bool // to be validated before each use
}

// judge tells whether an answer may be stored by a cache that many share, and
// for how long it may be given then (RFC 9111 section 3). It is false if it
// may not, or if there would be no use.
func (s *store) judge(personal bool, status int, t *telling, came time.Time) (terms, bool) {
	if !s.allowed(personal, status, t) {
		return terms{}, false
	}
	v := terms{always: t.noCache}
	validates := t.etag != "" || t.modified != ""
	fresh, explicit := t.explicit(came)
	switch {
	case explicit:
		v.lifetime, v.grace = fresh, t.graceOr(s.stale)
	case negative(status) && s.negative > 0:
		v.lifetime = s.negative
	case !personal && (heuristic(status) || t.public):
		if v.lifetime = t.guess(came); v.lifetime > 0 {
			v.grace = t.graceOr(s.stale)
		}
	}
	if v.always {
		v.grace = grace{}
		return v, validates
	}
	return v, v.lifetime > 0 || explicit && validates
}

// allowed is the part of judge that is about who may share what.
func (s *store) allowed(personal bool, status int, t *telling) bool {
	switch {
	case status < 200 || status == 206 || status == 304 || status >= 500:
		return false // a failure would outlive its cause
	case t.mustUnderstand && !understood(status):
		return false
	case t.noStore && !t.mustUnderstand, t.private:
		return false
	case t.cookie && !s.cookies && !listHas(t.apart, "Set-Cookie"):
		return false
	case listHas(t.vary, "*"):
		return false
	}
	return !personal || t.public || t.mustRevalidate || t.sharedMaxAge >= 0
}

// explicit is the lifetime that the answer gives itself (section 4.2.1). One
// that cannot be read is none at all.
func (t *telling) explicit(came time.Time) (time.Duration, bool) {
	switch {
	case t.sharedMaxAge >= 0:
		return t.sharedMaxAge, true
	case t.maxAge >= 0:
		return t.maxAge, true
	case t.targeted || !t.expiring:
		return 0, false
	}
	expires, ok := parseDate(t.expires, came)
	if !ok {
		return 0, true
	}
	return max(expires.Sub(t.made(came)), 0), true
}

// made is when the answer was made, by its Date, or else when it came.
func (t *telling) made(came time.Time) time.Time {
	if date, ok := parseDate(t.date, came); ok {
		return date
	}
	return came
}

// mostGuessed bounds a lifetime that nobody gave: Squid and Apache take no more
// than days either.
const mostGuessed = 24 * time.Hour

// guess is a tenth of the time since the answer was last changed, as section
// 4.2.2 suggests.
func (t *telling) guess(came time.Time) time.Duration {
	modified, ok := parseDate(t.modified, came)
	if !ok {
		return 0
	}
	return min(max(t.made(came).Sub(modified)/10, 0), mostGuessed)
}

// heuristic tells whether the lifetime of an answer may be guessed (RFC 9110
// section 15.1). Failures (501) are left out.
func heuristic(status int) bool {
	switch status {
	case 200, 203, 204, 300, 301, 308, 404, 405, 410, 414:
		return true
	}
	return false
}

// understood tells whether we know what a status asks of caches: those of RFC
// 9110 that are storable at all.
func understood(status int) bool {
	switch {
	case status >= 200 && status <= 205, status >= 300 && status <= 303, status == 305, status == 307, status == 308:
		return true
	}
	return status >= 400 && status <= 417 || status == 421 || status == 422 || status == 426
}

// negative tells whether a status says that there is nothing.
func negative(status int) bool { return status == 404 || status == 410 }
