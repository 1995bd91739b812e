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
// Cost: O(1), one map look-up, one number a key.
// Weak spot: that of the token bucket. The one number does not tell at a
// glance how much is left.
func NewGCRA(rate, burst float64, bound int) Limiter {
	p := newPace(rate)
	return newKeyed[float64](gcra{p, p.of(max(burst, 1))}, bound)
}

// gcra keeps the instant at which a token bucket would be full again.
type gcra struct {
	pace  pace
	depth float64
}

func (g gcra) fresh(now float64) float64 { return now }

func (g gcra) ask(tat *float64, now, cost float64) (wait float64, ok bool) {
	// Instants are whole nanoseconds: the first one that is not too early.
	if early := g.next(*tat, now, cost) - g.depth; early > now {
		return math.Ceil(early) - now, false
	}
	return 0, true
}

func (g gcra) pay(tat *float64, now, cost float64) { *tat = g.next(*tat, now, cost) }

func (g gcra) next(tat, now, cost float64) float64 {
	return max(tat, now) + min(g.pace.of(cost), g.depth)
}
