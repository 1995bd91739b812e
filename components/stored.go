package components

import (
	"strconv"
	"sync/atomic"
	"time"
)

const (
	cacheField = "X-Cache"

	// passFor is how long a cache remembers that a key's answers are not for
	// sharing, so that those who ask for it do not wait for each other.
	passFor = 10 * time.Second

	// storedOverhead is what a stored answer's head and its place in the
	// store are counted as. A flat figure, so that what fits does not depend
	// on fields that only one world has (Date, say).
	storedOverhead = 512
)

// word is what a cache says that it did with a request, in X-Cache.
type word uint8

const (
	noWord    word = iota
	hit            // answered from the store
	miss           // nothing was stored
	collapsed      // waited for another's fetch, and answered from the store
	bypass         // not for the cache
	expired        // something was stored, no longer fresh
	updating       // answered from the store, stale, while it is renewed
	stale          // answered from the store, stale, as it could not be renewed
	words
)

// wordNames are NGINX's words where it has one.
var wordNames = [words]string{"", "hit", "miss", "collapsed", "bypass", "expired", "updating", "stale"}

func (w word) String() string { return wordNames[w] }

func cacheWords() []word {
	return []word{noWord, hit, miss, collapsed, bypass, expired, updating, stale}
}

// fetched is the word for a request that goes upstream.
func fetched(ask *cacheAsk, found bool) word {
	switch {
	case ask.conditional:
		return bypass
	case found:
		return expired
	}
	return miss
}

// stored is a kept answer, or a mark that there is none to keep.
type stored struct {
	response Response
	born     time.Duration // when it left its origin, or the mark was made
	lifetime time.Duration
	grace    grace
	strict   bool   // never to be given stale, whatever the request says
	path     string // and tags: what it can be purged by
	tags     []string
	mark     bool
	dress    *atomic.Pointer[dress] // the latest
}

func (s *stored) age(now time.Duration) time.Duration { return max(now-s.born, 0) }

func (s *stored) fresh(now time.Duration) bool { return s.age(now) < s.lifetime }

// weigh is what a stored answer takes of the capacity.
func weigh(key string, r *Response) int64 {
	return storedOverhead + int64(len(key)) + max(r.Body.Size, int64(len(r.Body.Bytes)))
}

// replyStored answers with what is stored, or says that the caller has it.
func (p *proxy) replyStored(v *visit, entry *stored) {
	r := entry.response
	r.Header = entry.dressed(v)
	if v.ask.conditional && matches(v.req.Header.Values("If-None-Match"), r.Header.Get("ETag")) {
		r.Status, r.Body = 304, Body{}
	}
	if p.gzip {
		r.Header = r.Header.Clone()
		encode(v, &r)
	}
	v.reply(r)
}

// dress is a stored answer's header as it goes out: the same for all who are
// answered by the same route, in the same second, with the same word. Nobody
// edits it in place.
type dress struct {
	age    int // seconds
	word   word
	route  *route
	header Header
}

// dressed is the header with its age, the cache's word and the route's edits.
func (s *stored) dressed(v *visit) Header {
	age := int(s.age(v.x.Now()) / time.Second)
	if d := s.dress.Load(); d != nil && d.age == age && d.word == v.word && d.route == v.route {
		return d.header
	}
	h := append(s.response.Header.Clone(), Field{"Age", strconv.Itoa(age)})
	h = decorated(h, v.word, &v.route.response)
	h = h[:len(h):len(h)]
	s.dress.Store(&dress{age, v.word, v.route, h})
	return h
}
