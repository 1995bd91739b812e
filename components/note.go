package components

import (
	"strconv"
	"strings"
	"time"

	"trafficlab/components/policy"
)

const (
	cacheField  = "X-Cache"
	statusField = "Cache-Status" // RFC 9211
)

// word is what a cache says that it did with a request, in X-Cache.
type word uint8

const (
	noWord      word = iota
	hit              // answered from the store
	miss             // nothing was stored
	collapsed        // waited for another's fetch, and answered from the store
	bypass           // not for the cache
	expired          // something was stored, no longer fresh
	updating         // answered from the store, stale, while it is renewed
	stale            // answered from the store, stale, as it could not be renewed
	revalidated      // answered from the store, as the origin says that it still holds
	words
)

// wordNames are NGINX's words where it has one.
var wordNames = [words]string{"", "hit", "miss", "collapsed", "bypass", "expired", "updating", "stale", "revalidated"}

func (w word) String() string { return wordNames[w] }

func cacheWords() []word {
	return []word{noWord, hit, miss, collapsed, bypass, expired, updating, stale, revalidated}
}

// cause is why a request went on to an upstream (RFC 9211 section 2.2).
type cause uint8

const (
	noCause   cause = iota
	byRule          // requests like this are not for the cache
	byMethod        // its method asks for more than an answer
	byRequest       // it does not want what is stored
	uriMiss         // nothing is stored
	varyMiss        // nothing is stored for requests like this
	gone            // what is stored is stale
)

var causeNames = [...]string{"", "bypass", "method", "request", "uri-miss", "vary-miss", "stale"}

// note is all that a cache says about a request.
type note struct {
	told int32         // the status of the upstream's answer in whose place this one is; 0: none
	lack policy.Reason // why there is none, if that is why
	word word
	why  cause
	kept bool // the answer is to be stored
}

func (v *visit) note() note {
	if v.word == noWord {
		return note{}
	}
	return note{int32(v.told), v.lack, v.word, v.why, v.keeps}
}

// noted adds the note of the named cache. ttl is how long a stored answer
// stays fresh; it is below 0 for one that has not for so long.
func noted(h Header, n note, name string, ttl time.Duration) Header {
	if n.word == noWord {
		return h
	}
	h = h.Set(cacheField, n.word.String())
	return append(h, Field{statusField, n.status(name, ttl)})
}

// status is the member of Cache-Status: after those of caches nearer to the
// origin. It has all parameters but the key, which would tell what the asker
// has just said: fwd-status where it is not the status of the answer, and as
// detail why a stale answer stands for none.
func (n note) status(name string, ttl time.Duration) string {
	text := make([]byte, 0, 64)
	if name == "" || !isLower(name[0]) && !isUpper(name[0]) {
		text = strconv.AppendQuote(text, name)
	} else {
		text = append(text, name...)
	}
	switch n.word {
	case hit, updating:
		text = append(text, "; hit"...)
	case stale:
		if n.why == noCause {
			text = append(text, "; hit"...)
		}
	}
	if n.why != noCause {
		text = append(append(text, "; fwd="...), causeNames[n.why]...)
	}
	switch n.word {
	case collapsed:
		text = append(text, "; collapsed"...)
	case revalidated:
		text = append(text, "; fwd-status=304"...)
	}
	if n.told != 0 {
		text = strconv.AppendInt(append(text, "; fwd-status="...), int64(n.told), 10)
	}
	if n.lack != policy.OK {
		text = append(append(text, "; detail="...), n.lack.String()...)
	}
	if n.kept {
		text = append(text, "; stored"...)
	}
	switch n.word {
	case hit, updating, stale, collapsed, revalidated:
		text = append(text, "; ttl="...)
		text = strconv.AppendInt(text, int64(ttl/time.Second), 10)
	}
	return strings.TrimSpace(string(text))
}
