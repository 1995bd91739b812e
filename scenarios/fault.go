package scenarios

import (
	"time"

	"trafficlab/topologies"
)

// Fault is one line of the timeline: what ails which places, from when, for
// how long.
type Fault struct {
	At  time.Duration
	For time.Duration
	On  []topologies.Place

	// Exactly one of these.
	Crash  bool    // the process is gone; a new one starts at the end
	Freeze bool    // the process stands still
	Slow   float64 // service takes this many times as long
	Errors float64 // this share of requests is answered 500
}

// Effect is what ails a place at an instant. The zero Effect is none, but for
// Slow, which is 1 in good weather.
type Effect struct {
	Down   bool
	Frozen bool
	Slow   float64
	Errors float64
}
