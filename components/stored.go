package components

import (
	"strconv"
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
	age := int(entry.age(v.x.Now()) / time.Second)
	r.Header = append(r.Header.Clone(), Field{"Age", strconv.Itoa(age)}) // storage of its own
	if v.ask.conditional && matches(v.req.Header.Values("If-None-Match"), r.Header.Get("ETag")) {
		r.Status, r.Body = 304, Body{}
	}
	r.Header = decorated(r.Header, v.word, &v.route.response)
	if p.gzip {
		encode(v, &r)
	}
	v.reply(r)
}
