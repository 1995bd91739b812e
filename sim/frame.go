package sim

import (
	"time"

	"trafficlab/components"
)

// frame is an exchange at a place: the components.Exchange that a handler
// sees, and where its steps have come to. A frame is pooled. Its two cache
// lines are what most exchanges touch of the host's, time and again.
type frame struct {
	world *world
	place *place // nil: idle
	call  *call  // that brought the request; nil in the background
	calls *call  // the first of its own; the others follow it
	until time.Duration
	armed time.Duration // the earliest event of the clock that will look at it
	slot  int32

	begun    bool
	wanted   bool // the caller still waits for an answer
	answered bool
	gone     flag // the caller
	parked   bool
	joined   bool // signals among on
	queued   bool // among the ready, or held by a frozen place
	dead     bool // its place crashed

	on    []components.Event // what it waits for
	steps components.Steps
	used  components.Steps                           // of the last request, kept for the next
	open  func(components.Exchange) components.Steps // in the background; else a request
}

// flag is an event without an owner to tell.
type flag struct{ fired bool }

func (f *flag) Fired() bool { return f.fired }

// run lets the frame go on until it waits or ends.
func (f *frame) run() {
	f.queued = false
	switch {
	case f.dead:
	case !f.begun:
		f.begin()
	default:
		if woken, ok := f.woken(f.until, f.on); ok {
			f.unpark()
			f.step(woken)
		}
	}
}

func (f *frame) begin() {
	f.begun = true
	if f.open != nil {
		f.steps = f.open(f)
	} else {
		f.used = f.place.handler.Open(f, &f.call.request, f.used)
		f.steps = f.used
	}
	f.step(0)
}

// step takes steps until the frame must wait, or is over.
func (f *frame) step(woken int) {
	for {
		p, over := f.steps.Step(woken)
		if over {
			f.end()
			return
		}
		var ok bool
		if woken, ok = f.woken(p.Until, p.On); !ok {
			f.park(p.Until, p.On)
			return
		}
	}
}

// end closes what the handler left open and returns the frame.
func (f *frame) end() {
	if f.wanted {
		panic("the handler returned without an answer")
	}
	f.drop()
	if f.call != nil {
		if f.call.callee == f {
			f.call.callee = nil
		}
		f.call.leave()
	}
	if f.world.tracer != nil {
		f.world.tracer.leave(f)
	}
	f.call, f.open, f.place = nil, nil, nil
	f.begun, f.answered, f.gone.fired = false, false, false
	f.world.frames.lay(f)
}

// drop gives up all calls.
func (f *frame) drop() {
	for f.calls != nil {
		c := f.calls
		f.calls = c.next
		if c.fired {
			c.hangUp(true)
		} else {
			c.Cancel()
		}
		c.done()
	}
}

// keep puts a call at the end of the frame's.
func (f *frame) keep(c *call) {
	last := &f.calls
	for *last != nil {
		last = &(*last).next
	}
	*last = c
}

// crash ends the frame with its process: its caller's connection breaks and
// its own calls are given up.
func (f *frame) crash() {
	f.dead = true
	if f.wanted {
		f.wanted = false
		f.call.lose()
	}
	if f.call != nil {
		if f.answered && f.call.callee == f {
			f.call.sever()
		}
		f.call.leave()
	}
	f.drop()
}

// abandon tells the frame that its caller went away.
func (f *frame) abandon() {
	f.wanted = false
	f.gone.fired = true
	f.notify()
}

// notify wakes the frame if it waits: for what has happened, perhaps.
func (f *frame) notify() {
	if f.parked {
		f.wake()
	}
}

// arrive begins an exchange whose request has been read.
func (f *frame) arrive() {
	if !f.dead {
		f.world.active = f.place
		f.place.play(f)
	}
}

func (f *frame) wake() {
	if !f.queued && !f.dead {
		f.queued = true
		f.world.ready.push(f)
	}
}

// woken is what a wait for the events, at longest until an instant, comes to
// now. It is not ok as long as it comes to nothing.
func (f *frame) woken(until time.Duration, on []components.Event) (i int, ok bool) {
	for i, e := range on {
		if fired(e) {
			return i, true
		}
	}
	return -1, until <= f.world.clock.now
}

// fired is e.Fired, which it spares the events of the simulator's own.
func fired(e components.Event) bool {
	if c, ok := e.(*call); ok {
		return c.fired
	}
	if f, ok := e.(*flag); ok {
		return f.fired
	}
	return e.Fired()
}

// park sees to it that the frame is woken when something that it waits for may
// have happened.
func (f *frame) park(until time.Duration, on []components.Event) {
	f.on, f.until, f.parked = on, until, true
	if f.world.tracer != nil && f.call != nil && f.world.traced(f.call.request.Number) {
		f.world.notePark(f)
	}
	f.arm()
	for _, e := range on {
		if s, ok := e.(*signal); ok {
			s.join(f)
			f.joined = true
		}
	}
}

func (f *frame) unpark() {
	f.parked = false
	if !f.joined {
		return
	}
	f.joined = false
	for _, e := range f.on {
		if s, ok := e.(*signal); ok {
			s.leave(f)
		}
	}
}

// arm sees to it that an event comes no later than until. An earlier one is
// good enough: when it comes it will arm again. So a deadline that is hardly
// ever met costs one event now and then, not one for each wait.
func (f *frame) arm() {
	if f.until < f.armed {
		f.armed = f.until
		f.world.clock.at(f.until, elapsed, int(f.slot))
	}
}

// elapse is called when an event that arm scheduled comes due.
func (f *frame) elapse(now time.Duration) {
	if now != f.armed || f.dead {
		return // there was an earlier one
	}
	f.armed = components.Forever
	switch {
	case !f.parked:
	case f.queued:
	case f.until <= now:
		f.queued, f.world.active = true, f.place
		f.place.play(f)
	default:
		f.arm()
	}
}
