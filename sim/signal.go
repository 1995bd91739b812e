package sim

import "slices"

// signal is an event that frames of one place fire for each other.
type signal struct {
	fired   bool
	waiters []*frame // each parked on it
}

// Fired tells whether Fire was called.
func (s *signal) Fired() bool { return s.fired }

// Fire wakes all who wait.
func (s *signal) Fire() {
	if s.fired {
		return
	}
	s.fired = true
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

func (s *signal) join(f *frame) { s.waiters = append(s.waiters, f) }

func (s *signal) leave(f *frame) {
	if i := slices.Index(s.waiters, f); i >= 0 {
		s.waiters = slices.Delete(s.waiters, i, i+1)
	}
}
