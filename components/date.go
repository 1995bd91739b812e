package components

import (
	"strings"
	"time"
)

// httpDate is how dates are written (RFC 9110 section 5.6.7).
const httpDate = "Mon, 02 Jan 2006 15:04:05 GMT"

// The two that were once allowed as well.
const (
	rfc850Date  = "Monday, 02-Jan-06 15:04:05 GMT"
	asctimeDate = "Mon Jan _2 15:04:05 2006"
)

// parseDate reads a date in any of the three forms. Case is not minded, as RFC
// 9111 section 4.2 wants it of caches. now tells the century of a year of two
// digits: one that seems more than 50 years ahead is past.
func parseDate(text string, now time.Time) (time.Time, bool) {
	if len(text) < len(asctimeDate) || len(text) > len("Wednesday, 02-Jan-06 15:04:05 GMT") {
		return time.Time{}, false
	}
	if zone := len(text) - len("GMT"); text[zone:] != "GMT" && strings.EqualFold(text[zone:], "GMT") {
		text = text[:zone] + "GMT"
	}
	if t, err := time.Parse(httpDate, text); err == nil {
		return t, true
	}
	if t, err := time.Parse(asctimeDate, text); err == nil {
		return t, true
	}
	t, err := time.Parse(rfc850Date, text)
	if err != nil {
		return time.Time{}, false
	}
	t = t.AddDate(now.Year()/100*100-t.Year()/100*100, 0, 0)
	if t.After(now.AddDate(50, 0, 0)) {
		t = t.AddDate(-100, 0, 0)
	}
	return t, true
}
