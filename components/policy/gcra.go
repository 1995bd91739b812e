package policy

import "math"

// NewGCRA returns a limiter by the generic cell rate algorithm: a key is one
// instant, the theoretical arrival time (TAT) of its next request. With
// T = 1/rate and τ = (burst-1)·T, a request is refused if TAT - now > τ, else
// TAT becomes max(TAT, now) + T. It admits exactly what a token bucket of the
// same rate (requests per second, above 0) and burst (at least 1) does. It
// remembers at most bound keys.
//
// Source: ITU-T I.371, 1993; redis-cell.
// Cost: O(1), one map look-up, one instant a key.
// Weak spot: that of the token bucket. The one instant does not tell at a
// glance how much is left.
func NewGCRA(rate, burst float64, bound int) Limiter {
	p := newPace(rate)
	return newKeyed[instant](gcra{p, p.of(max(burst, 1))}, bound)
}

// gcra keeps the instant at which a token bucket would be full again.
type gcra struct {
	pace  pace
	depth float64
}

func (g gcra) fresh(now float64) instant { return at(now, 0) }

func (g gcra) ask(tat *instant, now, cost float64) (wait float64, ok bool) {
	// Requests come at whole nanoseconds: the first one that is not too early.
	if early := g.ahead(tat, now, cost) - g.depth; early > 0 {
		return math.Ceil(early), false
	}
	return 0, true
}

func (g gcra) pay(tat *instant, now, cost float64) { *tat = at(now, g.ahead(tat, now, cost)) }

// ahead is how far the next TAT would lie beyond now.
func (g gcra) ahead(tat *instant, now, cost float64) float64 {
	return tat.ahead(now) + min(g.pace.of(cost), g.depth)
}
