package policy

import (
	"math"
	"time"
)

// NewSlidingLog returns a limiter that keeps the instant of each request it
// has admitted within the last window, for each key, and admits another if
// there are fewer than rate × window (rate in requests per second, above 0).
// A request that costs n stands in the log n times; costs are rounded up. It
// remembers at most bound keys.
//
// Source: folklore; Tyk's Redis limiter, Figma's and Redis's own recipes.
// Cost: amortised O(1), but memory for each request in the window: 8 B times
// the limit, for each key.
// Weak spot: that memory. It admits less than others under random load, since
// a burst blocks for a full window.
func NewSlidingLog(rate float64, window time.Duration, bound int) Limiter {
	return newKeyed[stamps](slidingLog{float64(window), math.Floor(quota(rate, window))}, bound)
}

type slidingLog struct{ window, limit float64 }

// stamps are instants in order; those before head are over.
type stamps struct {
	at   []float64
	head int
}

func (s *stamps) len() float64 { return float64(len(s.at) - s.head) }

// drop forgets what is not after an instant.
func (s *stamps) drop(until float64) {
	for s.head < len(s.at) && s.at[s.head] <= until {
		s.head++
	}
}

// add notes one more, and keeps the order if it is late.
func (s *stamps) add(at float64) {
	if s.len() > 0 {
		at = max(at, s.at[len(s.at)-1])
	}
	if len(s.at) == cap(s.at) && s.head > len(s.at)/2 {
		s.at, s.head = s.at[:copy(s.at, s.at[s.head:])], 0
	}
	s.at = append(s.at, at)
}

func (l slidingLog) fresh(float64) stamps { return stamps{} }

func (l slidingLog) ask(s *stamps, now, cost float64) (wait float64, ok bool) {
	s.drop(now - l.window)
	over := s.len() + l.entries(cost) - l.limit
	if over > 0 {
		return s.at[s.head+int(over)-1] + l.window - now, false
	}
	return 0, true
}

func (l slidingLog) pay(s *stamps, now, cost float64) {
	for range int(l.entries(cost)) {
		s.add(now)
	}
}

func (l slidingLog) entries(cost float64) float64 { return min(math.Ceil(cost), l.limit) }
