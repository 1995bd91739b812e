package policy

import "math"

// NewLeakyQueue returns a limiter that is a queue: the requests of each key go
// on at a steady rate (requests per second, above 0), one by one; who comes
// too early is admitted with a wait, and who would find more than burst ahead
// is refused. So nobody waits longer than burst/rate. The first delay of those
// ahead cost no wait. It remembers at most bound keys.
//
// Source: ngx_http_limit_req_module.c (its default, and delay=), here in exact
// arithmetic; Uber's ratelimit.
// Cost: O(1), one map look-up, one instant a key. Whoever owns it has to hold
// the requests that wait.
// Weak spot: it turns bursts into latency, and a request whose caller has gone
// away keeps its place.
func NewLeakyQueue(rate, burst, delay float64, bound int) Limiter {
	p := newPace(rate)
	return newKeyed[instant](leakyQueue{p, p.of(burst), p.of(delay)}, bound)
}

type leakyQueue struct {
	pace          pace
	longest, free float64
}

func (q leakyQueue) fresh(now float64) instant { return at(now, 0) }

// ask knows of a key when its queue will be empty.
func (q leakyQueue) ask(empty *instant, now, _ float64) (wait float64, ok bool) {
	ahead := empty.ahead(now)
	if ahead > q.longest {
		return math.Ceil(ahead - q.longest), false
	}
	return math.Ceil(max(ahead-q.free, 0)), true
}

func (q leakyQueue) pay(empty *instant, now, cost float64) {
	*empty = at(now, empty.ahead(now)+q.pace.of(cost))
}
