package components

import "time"

// Steps is an exchange that is played step by step. They belong to one host at
// a time.
type Steps interface {
	// Step goes on until the exchange must wait, or is over. woken says what
	// ended the pause before: the index of the first of its events that has
	// fired, or -1 at the instant. The first step does not look at it.
	Step(woken int) (p Pause, over bool)
}

// Pause is what an exchange waits for between two steps: the first of some
// events, at longest until an instant. It is the one way to wait.
type Pause struct {
	Until time.Duration
	On    []Event
}

// Waiter is a host that has a stack for each exchange.
type Waiter interface {
	// Wait returns the index of the first event in the list that has fired,
	// as soon as one has, or -1 at the instant until.
	Wait(until time.Duration, on ...Event) int
}

// Play takes all steps, and waits between them.
func Play(w Waiter, s Steps) {
	p, over := s.Step(0)
	for !over {
		p, over = s.Step(w.Wait(p.Until, p.On...))
	}
}

// over is the end of an exchange's steps.
func over() (Pause, bool) { return Pause{}, true }
