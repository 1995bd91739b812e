package components

import (
	"strconv"
	"sync/atomic"
	"time"
)

const (
	// passFor is how long a cache remembers that a key's answers are not for
	// sharing, so that those who ask for it do not wait for each other.
	passFor = 10 * time.Second

	// storedOverhead is what a stored answer's head and its place in the
	// store are counted as. A flat figure, so that what fits does not depend
	// on fields that only one world has (Date, say).
	storedOverhead = 512
)

// stored is a kept answer. It is not edited: what renews it is another.
type stored struct {
	terms
	response  Response
	born      time.Duration // when it left its origin
	made      time.Time     // by its Date, or when it came
	dated     bool          // it says so itself
	strict    bool          // never to be given stale, whatever the request says
	immutable bool          // while fresh it need not be validated (RFC 8246)
	route     *route
	etag      string
	modified  string
	vary      []Field
	tags      []string               // what it can be purged by
	dress     *atomic.Pointer[dress] // the latest
}

func (e *stored) age(now time.Duration) time.Duration { return max(now-e.born, 0) }

func (e *stored) fresh(now time.Duration) bool { return e.age(now) < e.lifetime }

// validates tells whether the origin can be asked if it is still the same.
func (e *stored) validates() bool { return e.etag != "" || e.modified != "" }

// weigh is what a stored answer takes of the capacity.
func weigh(key string, r *Response) int64 {
	return storedOverhead + int64(len(key)) + max(r.Body.Size, int64(len(r.Body.Bytes)))
}

// unstored is the fields of an answer that are not kept: those that were for
// one neighbour (RFC 9111 section 3.1), and those that are said anew.
var unstored = []string{"Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Authorization",
	"Age", serverTiming, cacheField, "Content-Length"}

// storedHeader is an answer's header as it is kept, in storage of its own.
func storedHeader(h Header, t *telling) Header {
	kept := make(Header, 0, len(h))
	for _, f := range h {
		if !oneOf(unstored, f.Name) && (t.apart == "" || !listHas(t.apart, f.Name)) {
			kept = append(kept, f)
		}
	}
	return kept
}

func oneOf(names []string, name string) bool {
	for _, n := range names {
		if equalName(n, name) {
			return true
		}
	}
	return false
}

// replyStored answers with what is stored: whole, in part, or by saying that
// the caller has it.
func (p *proxy) replyStored(v *visit, e *stored) {
	r := e.response
	d := dress{age: int(e.age(v.x.Now()) / time.Second), note: v.note(), route: v.route}
	switch {
	case v.ask.conditional && v.ask.has(e, v.x.Date()):
		d.coding, d.offered = p.codingOf(v, &r)
		d.bare = d.coding != ""
		r.Header = e.dressed(v, &d)
		r.Status, r.Body = 304, Body{}
	case v.ask.ranged:
		r.Header = e.dressed(v, &d)
		r = v.ask.part(e, r)
	default:
		d.coding, d.offered = p.codingOf(v, &r)
		r.Encode, r.Header = d.coding, e.dressed(v, &d)
	}
	v.reply(r)
}

// dress is a stored answer's header as it goes out: the same for all who are
// answered by the same route, in the same second, with the same note and
// coding. Nobody edits it in place.
type dress struct {
	age     int // seconds
	note    note
	route   *route
	coding  string // ""; none
	offered bool   // but there might have been one
	bare    bool   // without a body to be coded, and yet with the tag of a coded one
	header  Header
}

// dressed is the header with its age, the cache's note, the route's edits and
// what a coding changes.
func (e *stored) dressed(v *visit, as *dress) Header {
	if d := e.dress.Load(); d != nil && d.age == as.age && d.note == as.note && d.route == as.route &&
		d.coding == as.coding && d.offered == as.offered && d.bare == as.bare {
		return d.header
	}
	h := append(e.response.Header.Clone(), Field{"Age", strconv.Itoa(as.age)})
	if !e.dated {
		h = append(h, Field{"Date", e.made.UTC().Format(httpDate)})
	}
	h = noted(h, as.note, v.at.node.Name, e.lifetime-time.Duration(as.age)*time.Second)
	h = edited(h, &v.route.response)
	if as.offered {
		h = coded(h, as.coding)
	}
	if as.bare {
		h = h.Del("Content-Encoding")
	}
	made := *as
	made.header = h[:len(h):len(h)]
	e.dress.Store(&made)
	return made.header
}
