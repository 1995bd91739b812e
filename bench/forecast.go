package bench

import (
	"runtime"
	"time"
)

// What a run takes beside its load, until there is experience: starting and
// stopping processes live, and computing a request in the simulator.
const (
	liveOverhead = 2 * time.Second
	simRequest   = 15 * time.Microsecond
)

// expense is how long a step is expected to keep the machine.
func expense(s Step) time.Duration {
	if s.World == "live" {
		return s.Case.Duration() + liveOverhead
	}
	requests := s.Case.Variant.Estimate(0, s.Case.Duration(), "")
	return time.Duration(requests*float64(simRequest)) / time.Duration(runtime.GOMAXPROCS(0))
}

// forecast estimates the time left: what was expected, corrected by how long
// the steps made so far in the same world took.
type forecast struct {
	remaining map[string]time.Duration // by world, expected
	expected  map[string]time.Duration // of the steps made
	took      map[string]time.Duration
}

func newForecast(steps []Step) *forecast {
	f := &forecast{map[string]time.Duration{}, map[string]time.Duration{}, map[string]time.Duration{}}
	for _, s := range steps {
		f.remaining[s.World] += expense(s)
	}
	return f
}

func (f *forecast) made(s Step, took time.Duration) {
	if s.World != "live" {
		took /= time.Duration(runtime.GOMAXPROCS(0)) // they run side by side
	}
	f.remaining[s.World] -= expense(s)
	f.expected[s.World] += expense(s)
	f.took[s.World] += took
}

func (f *forecast) left() time.Duration {
	var total time.Duration
	for world, d := range f.remaining {
		if expected := f.expected[world]; expected > 0 {
			d = time.Duration(float64(d) * float64(f.took[world]) / float64(expected))
		}
		total += d
	}
	return total.Round(time.Second)
}
