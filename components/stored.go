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

// store-only fields: what goes with them is between neighbours, and was for
// them alone (RFC 9111 section 3.1).
var unstored = []string{"Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Authorization",
	"Age", cacheField, "Content-Length"}

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
	r.Header = e.dressed(v)
	switch {
	case v.ask.conditional && v.ask.has(e, v.x.Date()):
		r.Status, r.Body = 304, Body{}
	case v.ask.ranged:
		r = v.ask.part(e, r)
	}
	if p.compresses() {
		r.Header = r.Header.Clone()
		p.encode(v, &r)
	}
	v.reply(r)
}

// dress is a stored answer's header as it goes out: the same for all who are
// answered by the same route, in the same second, with the same note. Nobody
// edits it in place.
type dress struct {
	age    int // seconds
	note   note
	route  *route
	header Header
}

// dressed is the header with its age, the cache's note and the route's edits.
func (e *stored) dressed(v *visit) Header {
	age, n := int(e.age(v.x.Now())/time.Second), v.note()
	if d := e.dress.Load(); d != nil && d.age == age && d.note == n && d.route == v.route {
		return d.header
	}
	h := append(e.response.Header.Clone(), Field{"Age", strconv.Itoa(age)})
	if !e.dated {
		h = append(h, Field{"Date", e.made.UTC().Format(httpDate)})
	}
	h = noted(h, n, v.at.node.Name, e.lifetime-time.Duration(age)*time.Second)
	h = edited(h, &v.route.response)
	h = h[:len(h):len(h)]
	e.dress.Store(&dress{age, n, v.route, h})
	return h
}
