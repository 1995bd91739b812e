package sim

import (
	"errors"
	"fmt"
	"iter"
	"runtime/debug"
)

// stack is a coroutine that runs the jobs of frames, one after another: to
// wait is to yield to the loop.
type stack struct {
	frame *frame
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
}

// errUnwound runs up the stack of a handler whose process is gone.
var errUnwound = errors.New("sim: the place is gone")

// newStack takes a stack for a frame. The one that was used last is warm.
func (w *world) newStack(f *frame) *stack {
	var s *stack
	if n := len(w.stacks); n > 0 {
		s = w.stacks[n-1]
		w.stacks = w.stacks[:n-1]
	} else {
		s = &stack{}
		s.next, s.stop = iter.Pull(s.live)
	}
	s.frame = f
	return s
}

func (s *stack) resume() { s.next() }

// live runs one job after another.
func (s *stack) live(yield func(struct{}) bool) {
	defer s.land()
	s.yield = yield
	for {
		w := s.frame.world
		s.frame.job()
		s.frame = nil
		w.stacks = append(w.stacks, s)
		if !yield(struct{}{}) {
			return
		}
	}
}

// wait yields to the loop until the frame is run again.
func (s *stack) wait() {
	if !s.yield(struct{}{}) {
		panic(errUnwound)
	}
}

// land ends an unwinding, and gives any other panic a name and its own stack,
// which is not the loop's.
func (s *stack) land() {
	if r := recover(); r != nil && r != errUnwound {
		panic(fmt.Sprintf("sim: %s: %v\n\n%s", s.frame.place.name, r, debug.Stack()))
	}
}
