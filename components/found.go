package components

import "sync"

// found remembers what was found out about credentials, so that it need not be
// found out for each request. It remembers at least the last half of its bound
// and at most all of it, and is safe for concurrent use.
//
// Cost: a map look-up under a lock.
// Weak spot: who invents credentials pushes out those of others.
type found[T any] struct {
	mu         sync.Mutex
	young, old map[digest]T
}

// mostFound bounds what is remembered.
const mostFound = 1 << 14

func (f *found[T]) get(d digest) (what T, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if what, ok = f.young[d]; ok {
		return what, true
	}
	if what, ok = f.old[d]; ok {
		f.keep(d, what)
	}
	return what, ok
}

func (f *found[T]) put(d digest, what T) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keep(d, what)
}

// keep needs the lock.
func (f *found[T]) keep(d digest, what T) {
	if len(f.young) >= mostFound/2 {
		f.old, f.young = f.young, nil
	}
	if f.young == nil {
		f.young = map[digest]T{}
	}
	f.young[d] = what
}

func (f *found[T]) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.young, f.old = nil, nil
}
