package components

import "time"

// Stepper is a handler whose exchanges can be played step by step: a host with
// a clock of its own then needs no stack for each that waits. The same steps,
// with waits between them, are its Handle.
type Stepper interface {
	Handler

	// Open begins an exchange in steps. It returns nil if the exchange needs
	// a stack after all: the host then calls Handle.
	Open(x Exchange, req Request) Steps
}

// Steps is an exchange that is played step by step.
type Steps interface {
	// Step goes on until the exchange must wait, or is over. woken is what
	// Exchange.Wait would have returned for the pause before; the first step
	// does not look at it.
	Step(woken int) (p Pause, over bool)
}

// Pause is what an exchange waits for between two steps, as in Exchange.Wait.
type Pause struct {
	Until time.Duration
	On    []Event
}

// play takes all steps, and waits between them.
func play(x Exchange, s Steps) {
	p, over := s.Step(0)
	for !over {
		p, over = s.Step(x.Wait(p.Until, p.On...))
	}
}

// Recycler is an exchange that can make use of a signal again. The signal may
// have fired; nobody must refer to it any more.
type Recycler interface {
	Recycle(s Signal)
}

func recycle(x Exchange, s Signal) {
	if r, ok := x.(Recycler); ok {
		r.Recycle(s)
	}
}
