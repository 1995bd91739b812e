package live

import (
	"sync"
	"sync/atomic"
	"time"

	"trafficlab/components"
)

// event is what every event of this world is: it fires by closing a channel.
type event interface {
	components.Event
	fired() <-chan struct{}
}

// latch is an event that handlers fire. The zero latch has not.
type latch struct {
	over atomic.Bool
	mu   sync.Mutex
	done chan struct{} // nil until somebody waits
}

// Fired implements components.Event.
func (s *latch) Fired() bool { return s.over.Load() }

// Fire implements components.Signal.
func (s *latch) Fire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over.Swap(true) && s.done != nil {
		close(s.done)
	}
}

func (s *latch) fired() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done == nil {
		s.done = make(chan struct{})
		if s.over.Load() {
			close(s.done)
		}
	}
	return s.done
}

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
	given := new(latch)
	defer given.Fire()
	rest := new(latch)
	go func() {
		defer rest.Fire()
		await(nil, append([]components.Event{given}, on[2:]...))
	}()
	await(ring, []components.Event{on[0], on[1], rest})
}
