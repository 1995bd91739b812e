package sim

import (
	"errors"
	"fmt"
	"iter"
	"runtime/debug"
	"time"

	"trafficlab/components"
	"trafficlab/components/policy"
)

// frame is an exchange at a place: the components.Exchange that a handler
// sees, and the coroutine that runs it. It is pooled with its place.
type frame struct {
	world *world
	place *place
	slot  int
	index int // in place.frames

	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool

	work     func(components.Exchange) // in the background; else a request
	request  components.Request
	caller   *call // nil if there is none, or it went away
	answered bool
	calls    []*call
	gone     flag // the caller

	on     []components.Event // what it waits for
	until  time.Duration
	armed  time.Duration // the earliest event of the clock that will look at it
	parked bool
	queued bool // among the ready, or held by a frozen place
	dead   bool // its place crashed
}

// flag is an event without an owner to tell.
type flag struct{ fired bool }

func (f *flag) Fired() bool { return f.fired }

// errUnwound runs up the stack of a handler whose process is gone.
var errUnwound = errors.New("sim: the place is gone")

// live is the coroutine: one job after another.
func (f *frame) live(yield func(struct{}) bool) {
	defer f.land()
	f.yield = yield
	for {
		f.job()
		f.finish()
		if !yield(struct{}{}) {
			return
		}
	}
}

// land ends an unwinding, and gives any other panic a name and its own stack,
// which is not the loop's.
func (f *frame) land() {
	if r := recover(); r != nil && r != errUnwound {
		panic(fmt.Sprintf("sim: %s: %v\n\n%s", f.place.name, r, debug.Stack()))
	}
}

func (f *frame) job() {
	if f.work != nil {
		f.work(f)
		return
	}
	f.place.handler.Handle(f, f.request)
	if f.caller != nil {
		panic("the handler returned without an answer")
	}
}

// run lets the frame go on until it waits or ends.
func (f *frame) run() {
	f.queued = false
	if f.dead {
		return
	}
	if f.next == nil {
		f.next, f.stop = iter.Pull(f.live)
	}
	f.next()
}

// finish closes what the handler left open and returns the frame.
func (f *frame) finish() {
	f.drop()
	f.work, f.request, f.caller = nil, components.Request{}, nil
	f.answered, f.gone.fired = false, false
	f.place.retire(f)
}

// drop gives up all calls.
func (f *frame) drop() {
	for i, c := range f.calls {
		c.Cancel()
		c.done()
		f.calls[i] = nil
	}
	f.calls = f.calls[:0]
}

// crash ends the frame with its process: its caller's connection breaks, its
// own calls are given up and its handler is unwound.
func (f *frame) crash() {
	f.dead = true
	if c := f.caller; c != nil {
		f.caller = nil
		c.fail(policy.Reset)
	}
	f.drop()
	f.unwind()
}

// unwind ends the coroutine.
func (f *frame) unwind() {
	f.dead = true
	if f.stop != nil {
		f.stop()
	}
}

// abandon tells the frame that its caller went away.
func (f *frame) abandon() {
	f.caller = nil
	f.gone.fired = true
	f.notify(&f.gone)
}

// notify wakes the frame if it waits for the event.
func (f *frame) notify(e components.Event) {
	if !f.parked {
		return
	}
	for _, o := range f.on {
		if o == e {
			f.wake()
			return
		}
	}
}

func (f *frame) wake() {
	if !f.queued && !f.dead {
		f.queued = true
		f.world.ready.push(f)
	}
}

// park yields until something that the frame waits for may have happened.
func (f *frame) park(until time.Duration, on []components.Event) {
	f.on, f.until, f.parked = on, until, true
	f.arm()
	for _, e := range on {
		if s, ok := e.(*signal); ok {
			s.join(f)
		}
	}
	if !f.yield(struct{}{}) {
		panic(errUnwound)
	}
	f.on, f.parked = nil, false
	for _, e := range on {
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
		f.world.clock.at(f.until, elapsed, f.slot)
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
	case f.until <= now:
		f.wake()
	default:
		f.arm()
	}
}
