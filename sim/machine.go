package sim

import (
	"math"
	"slices"
	"time"

	"trafficlab/scenarios"
)

// machine is the processors that all places share with the generator. Work is
// served in order of arrival, each piece by the processor that is free first
// and to its end; the time of service is known when a piece arrives, so that
// the line needs no events. Cost: O(cores) for a piece. Weak spot: an
// operating system slices time and lets short pieces pass long ones, which
// shows when the machine is nearly busy.
type machine struct {
	free []time.Duration // when each processor is; none: there is no machine
	busy time.Duration   // all of them, since the warm-up
	end  time.Duration   // of the load, after which nothing is added to busy
}

// wait takes in a piece of work and tells how long it waits for a processor.
func (m *machine) wait(now, work time.Duration) time.Duration {
	if len(m.free) == 0 || work <= 0 {
		return 0
	}
	first := 0
	for i, t := range m.free {
		if t < m.free[first] {
			first = i
		}
	}
	begin := max(now, m.free[first])
	if begin < m.end {
		m.busy += work
	}
	m.free[first] = begin + work
	return begin - now
}

// reset is a machine at rest.
func (m *machine) reset(cores int, end time.Duration) {
	*m = machine{free: slices.Repeat([]time.Duration{0}, cores), end: end}
}

// toll is what entering a place costs: a constant and, if all share a machine
// or wake up late, what differs from one to the next.
type toll struct {
	constant time.Duration
	work     time.Duration
	line     int // of the constant, if it is one to all
}

func (w *world) toll(constant, work time.Duration) toll {
	t := toll{constant: constant, work: work}
	if constant > 0 && !w.uneven {
		t.line = w.clock.line(constant)
	}
	return t
}

// enter lets a frame begin once the toll is paid.
func (w *world) enter(f *frame, t *toll) {
	if !w.uneven {
		if t.constant == 0 {
			f.wake()
		} else {
			w.clock.after(t.line, visited, int(f.slot))
		}
		return
	}
	now := w.clock.now
	at := now + t.constant + w.machine.wait(now, t.work) + w.jitter(f)
	w.clock.at(at, visited, int(f.slot))
}

// jitter is the frame's draw of what comes on top of a visit.
func (w *world) jitter(f *frame) time.Duration {
	if w.costs.Jitter == 0 {
		return 0
	}
	r := &f.call.request
	u := scenarios.Unit(scenarios.Mix(scenarios.Mix(f.place.jitter, r.Number), r.Attempt))
	return time.Duration(-math.Log(u) * float64(w.costs.Jitter))
}
