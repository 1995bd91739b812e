package policy

import "math"

// NewTokenBucket returns a limiter that gives each key a bucket of burst
// tokens (at least 1), full at first, that fills at a steady rate in requests
// per second (above 0). A request takes as many tokens as it costs, or is
// refused. It remembers at most bound keys.
//
// What a bucket holds is kept as the time in which it came, so that waits are
// exact: if Take says wait d, the same request at now+d is admitted.
//
// Source: J. Turner, "New directions in communications", 1986; AWS API Gateway,
// Envoy's local limit, golang.org/x/time/rate.
// Cost: O(1), one map look-up.
// Weak spot: after a pause burst + rate·t pass within t, nearly twice a limit
// whose burst is a second's worth; and a forgotten key comes back with a full
// bucket, so a flood of invented keys can buy bursts: limit by something that
// costs to invent.
func NewTokenBucket(rate, burst float64, bound int) Limiter {
	p := newPace(rate)
	return newKeyed[credit](tokenBucket{p, p.of(max(burst, 1))}, bound)
}

type tokenBucket struct {
	pace  pace
	depth float64
}

// credit is what a bucket holds at an instant.
type credit struct{ tokens, stamp float64 }

func (t tokenBucket) fresh(now float64) credit { return credit{t.depth, now} }

func (t tokenBucket) ask(c *credit, now, cost float64) (wait float64, ok bool) {
	held := t.fill(*c, now)
	if missing := t.price(cost) - held.tokens; missing > 0 {
		return math.Ceil(missing) + (held.stamp - now), false
	}
	return 0, true
}

// fill is the credit brought up to the present.
func (t tokenBucket) fill(c credit, now float64) credit {
	if now <= c.stamp {
		return c
	}
	return credit{min(t.depth, c.tokens+(now-c.stamp)), now}
}

func (t tokenBucket) pay(c *credit, now, cost float64) {
	*c = t.fill(*c, now)
	c.tokens -= t.price(cost)
}

func (t tokenBucket) price(cost float64) float64 { return min(t.pace.of(cost), t.depth) }
