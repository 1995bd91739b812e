package policy

import (
	"math"
	"time"
)

// Ramper is a picker that heeds weights while they change.
type Ramper interface {
	Picker

	// Ramp gives backend i a share, above 0, of its full weight.
	Ramp(i int, full, share float64)
}

// SlowStart says how much of its weight a backend gets that has just come up:
// a share that grows with its age, age/window to the power 1/aggression, but
// no less than Least; all of it after the window.
//
// Source: Envoy's slow start.
// Cost: O(1).
// Weak spot: while one warms up the others bear its part; and if all come up
// together it does nothing but delay.
type SlowStart struct {
	Window     time.Duration
	Least      float64 // share at age 0
	Aggression float64 // 1: linear; above: faster at first
}

// Share is what a backend of the given age gets of its weight.
func (s SlowStart) Share(age time.Duration) float64 {
	if age >= s.Window {
		return 1
	}
	return max(s.Least, math.Pow(float64(max(age, 0))/float64(s.Window), 1/s.Aggression))
}
