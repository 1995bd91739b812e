package components

import (
	"strings"
	"time"
)

// telling is what the head of an answer tells a cache. It lives as long as the
// header it was read from, and is not edited.
type telling struct {
	directives
	targeted bool // they are from a field meant for us, and go before Expires

	age                 string
	ages                int // how many times it is there
	date, expires       string
	expiring            bool // Expires is there
	etag, modified      string
	vary                string
	cookie              bool
	coded               bool // has a Content-Encoding
	surrogateKeys, tags string
}

// tell reads an answer's header. targets tells whether CDN-Cache-Control is
// for us.
func tell(h Header, targets bool) *telling {
	t := &telling{directives: unsaid}
	var control, target string
	for i := range h {
		name, value := h[i].Name, h[i].Value
		switch len(name) {
		case 3:
			if equalName(name, "Age") {
				t.age = value
				t.ages++
			}
		case 4:
			switch {
			case equalName(name, "ETag"):
				t.etag = value
			case equalName(name, "Date"):
				t.date = value
			case equalName(name, "Vary"):
				t.vary = joined(t.vary, value)
			}
		case 7:
			if equalName(name, "Expires") {
				t.expires = joined(t.expires, value)
				t.expiring = true
			}
		case 9:
			if equalName(name, "Cache-Tag") {
				t.tags = joined(t.tags, value)
			}
		case 10:
			t.cookie = t.cookie || equalName(name, "Set-Cookie")
		case 13:
			switch {
			case equalName(name, "Cache-Control"):
				control = joined(control, value)
			case equalName(name, "Last-Modified"):
				t.modified = value
			case equalName(name, "Surrogate-Key"):
				t.surrogateKeys = joined(t.surrogateKeys, value)
			}
		case 16:
			t.coded = t.coded || equalName(name, "Content-Encoding")
		case len(targetedField):
			if targets && equalName(name, targetedField) {
				target = joined(target, value)
			}
		}
	}
	if target != "" {
		t.directives, t.targeted = parseTargeted(target)
	}
	if !t.targeted && control != "" {
		t.directives = parseDirectives(control)
	}
	return t
}

func joined(before, value string) string {
	if before == "" {
		return value
	}
	return before + ", " + value
}

// told reads the head of an answer, once if it lasts.
func (s *store) told(h Header, lasting bool) *telling {
	if !lasting {
		return tell(h, s.targets)
	}
	from := origin{header: h}
	if t, ok := s.tellings.find(&from); ok {
		return t
	}
	return s.tellings.keep(&from, tell(h, s.targets))
}

// initialAge is the age that an answer has when it comes, delay after it was
// asked for (RFC 9111 section 4.2.3). An Age that is not one whole number is
// no age to trust: then it is false, and the answer had better be taken for
// stale. (Section 5.1 would rather have the first of a list, and pass over
// what cannot be read; to fetch once more is the safer mistake.)
//
// A Date stands for any instant of its second: only what is certain counts, or
// an answer would seem to be up to a second older than it is.
func (t *telling) initialAge(came time.Time, delay time.Duration) (age time.Duration, ok bool) {
	if t.ages > 1 || t.ages == 1 && (t.age == "" || strings.Trim(t.age, "0123456789") != "") {
		return 0, false
	}
	if t.ages == 1 {
		age = deltaSeconds(t.age)
	}
	age += delay
	if t.date == "" {
		return age, true
	}
	if date, ok := parseDate(t.date, came); ok {
		age = max(age, came.Sub(date)-time.Second)
	}
	return age, true
}

// tagList is the names that the answer can be purged by: Surrogate-Key's, apart
// by spaces (Fastly), and Cache-Tag's, apart by commas (Cloudflare, Akamai).
func (t *telling) tagList() []string {
	tags := strings.Fields(t.surrogateKeys)
	for tag := range strings.SplitSeq(t.tags, ",") {
		if tag = strings.TrimSpace(tag); tag != "" {
			tags = append(tags, tag)
		}
	}
	return tags
}
