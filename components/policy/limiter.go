package policy

import (
	"math"
	"time"
)

// Limiter admits or refuses work by rate, for each key on its own account.
//
// A limiter is not safe for concurrent use; its owner guards it.
type Limiter interface {
	// Take asks to admit work of the given cost (a plain request costs 1). If
	// ok is false, nothing is taken, and wait is how long until the same work
	// would be admitted, were nobody else to ask. If ok is true, wait is how
	// long the work is to be held back before it goes on: 0 with most.
	// Work that costs more than could ever be admitted counts as the most
	// that can.
	Take(now time.Duration, key string, cost float64) (wait time.Duration, ok bool)

	// Ask is what Take would say. It takes nothing.
	Ask(now time.Duration, key string, cost float64) (wait time.Duration, ok bool)

	// Level is how far the key is from its limit.
	Level(now time.Duration, key string) Level
}

// law is a limiter for a single key: a pure step on a small state. Times are
// in nanoseconds. An instant may be a little before one that came earlier:
// replicas that share a state do not ask in order.
type law[S any] interface {
	// fresh is the state of a key that has not been seen.
	fresh(now float64) S

	// ask is Limiter.Ask. It may forget what can matter no more.
	ask(s *S, now, cost float64) (wait float64, ok bool)

	// pay takes what ask has just granted.
	pay(s *S, now, cost float64)

	// level is Limiter.Level.
	level(s *S, now float64) (most, left, reset float64)
}

// keyed is a Limiter that follows a law for each key. Keys are bounded: beyond
// the bound the one used longest ago is forgotten.
type keyed[S any, L law[S]] struct {
	law    L
	bound  int
	states recency[S]
}

func newKeyed[S any, L law[S]](law L, bound int) *keyed[S, L] {
	return &keyed[S, L]{law: law, bound: max(bound, 1), states: newRecency[S]()}
}

// Take implements Limiter.
func (k *keyed[S, L]) Take(now time.Duration, key string, cost float64) (time.Duration, bool) {
	s := k.state(float64(now), key)
	wait, ok := k.law.ask(s, float64(now), cost)
	if ok {
		k.law.pay(s, float64(now), cost)
	}
	return time.Duration(wait), ok
}

// Ask implements Limiter.
func (k *keyed[S, L]) Ask(now time.Duration, key string, cost float64) (time.Duration, bool) {
	wait, ok := k.law.ask(k.state(float64(now), key), float64(now), cost)
	return time.Duration(wait), ok
}

func (k *keyed[S, L]) state(now float64, key string) *S {
	if s, ok := k.states.get(key); ok {
		return s
	}
	if k.states.len() == k.bound {
		k.states.remove(k.states.stalest())
	}
	return k.states.add(key, k.law.fresh(now))
}

// pace turns requests into time: the time in which the rate allows for them.
//
// It is counted in 1024ths of a nanosecond, so that sums of up to two hours are
// exact: laws that are equal on paper are so here, in memory and in a script.
type pace float64 // nanoseconds from one request to the next

func newPace(rate float64) pace { return pace(exactly(float64(time.Second) / rate)) }

func (p pace) of(cost float64) float64 { return exactly(float64(p) * cost) }

func exactly(x float64) float64 { return math.Floor(x*1024+0.5) / 1024 }

// instant is a point in time to the 1024th of a nanosecond, as exact after
// months of a run as at its start: one number would not hold both.
type instant struct{ whole, part float64 }

// at is so long after now, which is whole.
func at(now, ahead float64) instant {
	whole := math.Floor(ahead)
	return instant{now + whole, ahead - whole}
}

// ahead is how far it lies beyond now; 0 if it is past.
func (i instant) ahead(now float64) float64 { return max(i.whole-now+i.part, 0) }
