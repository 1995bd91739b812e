package live

import (
	"sync"
	"time"

	"trafficlab/components"
)

// event is what every event of this world is: it fires by closing a channel.
type event interface {
	components.Event
	fired() <-chan struct{}
}

// latch is an event that handlers fire.
type latch struct {
	once sync.Once
	done chan struct{}
}

func newLatch() *latch { return &latch{done: make(chan struct{})} }

func (s *latch) Fire()                  { s.once.Do(func() { close(s.done) }) }
func (s *latch) Fired() bool            { return isClosed(s.done) }
func (s *latch) fired() <-chan struct{} { return s.done }

// canceled is the end of a context as an event.
type canceled <-chan struct{}

func (c canceled) Fired() bool            { return isClosed(c) }
func (c canceled) fired() <-chan struct{} { return c }

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// first is the index of the first event that has fired, or -1.
func first(on []components.Event) int {
	for i, e := range on {
		if e.Fired() {
			return i
		}
	}
	return -1
}

// await returns when one of the events fires or the alarm rings, whichever is
// first. A nil ring never rings.
func await(ring <-chan time.Time, on []components.Event) {
	switch len(on) {
	case 0:
		<-ring
	case 1:
		select {
		case <-ring:
		case <-channel(on, 0):
		}
	case 2, 3, 4:
		select {
		case <-ring:
		case <-channel(on, 0):
		case <-channel(on, 1):
		case <-channel(on, 2):
		case <-channel(on, 3):
		}
	default:
		awaitMany(ring, on)
	}
}

// channel is the i-th event's, or nil, which is never ready.
func channel(on []components.Event, i int) <-chan struct{} {
	if i >= len(on) {
		return nil
	}
	return on[i].(event).fired()
}

// awaitMany waits for the later events in a goroutine beside the first ones.
func awaitMany(ring <-chan time.Time, on []components.Event) {
	given := newLatch()
	defer given.Fire()
	rest := newLatch()
	go func() {
		defer rest.Fire()
		await(nil, append([]components.Event{given}, on[2:]...))
	}()
	await(ring, []components.Event{on[0], on[1], rest})
}
