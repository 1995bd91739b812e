package policy

import (
	"math"
	"time"
)

// NewLeakyBucket returns a limiter that is a meter: each key has a bucket
// whose content, the excess, leaks at a steady rate (requests per second, at
// least 0.001); a request pours in what it costs, and is refused if that would
// make more than burst. It remembers at most bound keys.
//
// It is NGINX's limit_req with nodelay to the letter: whole thousandths of a
// request and whole milliseconds. So the first request of a key leaves excess
// 0, burst+1 pass at once, and a rate of 1/m is 0.016/s: one in 62.5 s.
//
// Source: ngx_http_limit_req_module.c.
// Cost: O(1), one map look-up.
// Weak spot: that of the token bucket, whose mirror image it is; and its
// arithmetic makes very low rates lower.
func NewLeakyBucket(rate, burst float64, bound int) Limiter {
	return newKeyed[meter](leakyBucket{
		rate:  max(1, math.Floor(rate*thousandths+1e-6)),
		burst: math.Floor(burst*thousandths + 1e-6),
	}, bound)
}

const thousandths = 1000

type leakyBucket struct{ rate, burst float64 } // thousandths of a request

// meter is the excess in thousandths at an instant in milliseconds.
type meter struct{ excess, last float64 }

// A fresh bucket has room for one request more than an empty one.
func (l leakyBucket) fresh(now float64) meter { return meter{-thousandths, milliseconds(now)} }

func milliseconds(now float64) float64 { return math.Floor(now / float64(time.Millisecond)) }

func (l leakyBucket) ask(m *meter, now, cost float64) (wait float64, ok bool) {
	if l.excess(m, now, cost) <= l.burst {
		return 0, true
	}
	leak := m.excess + l.pours(cost) - l.burst
	at := m.last + math.Ceil(leak*thousandths/l.rate)
	return at*float64(time.Millisecond) - now, false
}

// excess is what the bucket would hold with the request in it.
func (l leakyBucket) excess(m *meter, now, cost float64) float64 {
	passed := max(milliseconds(now)-m.last, 0)
	left := m.excess - math.Floor(l.rate*passed/thousandths)
	return max(max(left, -thousandths)+l.pours(cost), 0)
}

func (l leakyBucket) pours(cost float64) float64 {
	return min(math.Floor(cost*thousandths), l.burst+thousandths)
}

func (l leakyBucket) pay(m *meter, now, cost float64) {
	*m = meter{l.excess(m, now, cost), max(milliseconds(now), m.last)}
}
