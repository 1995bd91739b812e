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
	words
)

var wordNames = [words]string{"", "hit", "miss", "collapsed", "bypass", "expired"}

func (w word) String() string { return wordNames[w] }

func cacheWords() []word { return []word{noWord, hit, miss, collapsed, bypass, expired} }

// fetched is the word for a request that goes upstream.
func fetched(ask *cacheAsk, stale bool) word {
	switch {
	case ask.conditional:
		return bypass
	case stale:
		return expired
	}
	return miss
}

// stored is a kept answer, or a mark that there is none to keep.
type stored struct {
	response Response
	born     time.Duration // when it left its origin, or the mark was made
	lifetime time.Duration
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
	r.Header = append(r.Header.Clone(), Field{"Age", strconv.Itoa(age)})
	if v.ask.conditional && matches(v.req.Header.Values("If-None-Match"), r.Header.Get("ETag")) {
		r.Status, r.Body = 304, Body{}
	}
	p.dress(v, &r)
	v.reply(r)
}
