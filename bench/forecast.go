package bench

import (
	"runtime"
	"time"
)

// What a run takes beside its load, until there is experience: starting and
// stopping processes live, and computing a request in the simulator. Both were
// measured on two cores: 55 live runs with 155 s of load took 162 s.
const (
	liveOverhead = 200 * time.Millisecond
	simRequest   = 15 * time.Microsecond
)

// expense is what a step keeps the machine for: a time that is certain, and
// one that is guessed until finished runs have shown it.
func expense(s Step) (certain, guess time.Duration) {
	if s.World == "live" {
		return s.Case.Duration(), liveOverhead
	}
	requests := s.Case.Variant.Estimate(0, s.Case.Duration(), "")
	return 0, time.Duration(requests*float64(simRequest)) / time.Duration(runtime.GOMAXPROCS(0))
}

// forecast estimates the time left: in each world, the certain part of what
// remains and the guess, corrected by how far guesses have been off so far.
type forecast map[string]*account

// account is the forecast of one world.
type account struct {
	certain, guess  time.Duration // of the steps that remain
	guessed, showed time.Duration // of the steps made: what was guessed, and what it came to
}

func newForecast(steps []Step) forecast {
	f := forecast{}
	for _, s := range steps {
		a := f[s.World]
		if a == nil {
			// The guess itself counts for one step, so that a first run that is
			// out of the common does not decide alone.
			_, guess := expense(s)
			a = &account{guessed: guess, showed: guess}
			f[s.World] = a
		}
		certain, guess := expense(s)
		a.certain += certain
		a.guess += guess
	}
	return f
}

func (f forecast) made(s Step, took time.Duration) {
	if s.World != "live" {
		took /= time.Duration(runtime.GOMAXPROCS(0)) // they run side by side
	}
	a := f[s.World]
	certain, guess := expense(s)
	a.certain -= certain
	a.guess -= guess
	a.guessed += guess
	a.showed += max(0, took-certain)
}

func (f forecast) left() time.Duration {
	var total time.Duration
	for _, a := range f {
		total += a.certain
		if a.guessed > 0 {
			total += time.Duration(float64(a.guess) * float64(a.showed) / float64(a.guessed))
		}
	}
	return total.Round(time.Second)
}
