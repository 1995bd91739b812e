package policy

import (
	"math"
	"time"
)

// NewFixedWindow returns a limiter that counts what each key does in a window
// of time and begins anew with the next window. Windows are whole multiples of
// their length from the start of the run, as those of a calendar. rate is in
// requests per second (above 0): a window holds rate × window. It remembers at
// most bound keys.
//
// Source: Kong's rate-limiting plugin, Envoy's reference rate limit service.
// Cost: O(1), one map look-up, one count a key.
// Weak spot: twice the limit passes around the boundary of two windows: 5/s
// lets through 5 at 0.99 s and 5 more at 1.01 s.
func NewFixedWindow(rate float64, window time.Duration, bound int) Limiter {
	return newKeyed[count](fixedWindow{float64(window), quota(rate, window)}, bound)
}

type fixedWindow struct{ window, limit float64 }

// count is what was admitted in the window that begins at start.
type count struct{ start, cost float64 }

func (f fixedWindow) fresh(now float64) count { return count{start: windowAt(now, f.window)} }

// windowAt is where the window begins that an instant falls into.
func windowAt(now, window float64) float64 { return math.Floor(now/window) * window }

func (f fixedWindow) ask(c *count, now, cost float64) (wait float64, ok bool) {
	held := f.roll(*c, now)
	if held.cost+min(cost, f.limit) > f.limit {
		return held.start + f.window - now, false
	}
	return 0, true
}

// roll begins the window that now falls into.
func (f fixedWindow) roll(c count, now float64) count {
	if start := windowAt(now, f.window); start > c.start {
		return count{start: start}
	}
	return c
}

func (f fixedWindow) pay(c *count, now, cost float64) {
	*c = f.roll(*c, now)
	c.cost += min(cost, f.limit)
}
