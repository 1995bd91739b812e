package sim

import "slices"

// signal is an event that frames of one place fire for each other.
type signal struct {
	fired   bool
	waiter  *frame   // parked on it; mostly there is one, if any
	waiters []*frame // more of them, who came later
}

// Fired tells whether Fire was called.
func (s *signal) Fired() bool { return s.fired }

// Fire wakes all who wait.
func (s *signal) Fire() {
	if s.fired {
		return
	}
	s.fired = true
	if s.waiter == nil {
		return
	}
	s.waiter.wake()
	s.waiter = nil
	for i, f := range s.waiters {
		f.wake()
		s.waiters[i] = nil
	}
	s.waiters = s.waiters[:0]
}

func (w *world) newSignal() *signal {
	n := len(w.idleSignals)
	if n == 0 {
		return &signal{}
	}
	s := w.idleSignals[n-1]
	w.idleSignals = w.idleSignals[:n-1]
	s.fired = false
	return s
}

func (s *signal) join(f *frame) {
	if s.waiter == nil {
		s.waiter = f
	} else {
		s.waiters = append(s.waiters, f)
	}
}

func (s *signal) leave(f *frame) {
	if s.waiter == f {
		s.waiter = nil
		if len(s.waiters) > 0 {
			s.waiter, s.waiters = s.waiters[0], slices.Delete(s.waiters, 0, 1)
		}
	} else if i := slices.Index(s.waiters, f); i >= 0 {
		s.waiters = slices.Delete(s.waiters, i, i+1)
	}
}
