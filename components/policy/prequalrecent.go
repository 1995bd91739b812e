package policy

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// recent is the last few of a series of values, by age and by size. It costs
// O(room) to add one, a move of some hundred bytes, and O(1) to ask for a
// quantile.
type recent[T cmp.Ordered] struct {
	ring   []reading[T]
	oldest int
	sorted []T // the same values
}

type reading[T cmp.Ordered] struct {
	value T
	at    time.Duration
}

func newRecent[T cmp.Ordered](room int) recent[T] {
	return recent[T]{ring: make([]reading[T], room), sorted: make([]T, 0, room)}
}

// add takes a value, in place of the oldest one if there is no room.
func (r *recent[T]) add(now time.Duration, value T) {
	if len(r.sorted) == len(r.ring) {
		r.forget()
	}
	r.ring[(r.oldest+len(r.sorted))%len(r.ring)] = reading[T]{value, now}
	at, _ := slices.BinarySearch(r.sorted, value)
	r.sorted = slices.Insert(r.sorted, at, value)
}

// forget drops the oldest value.
func (r *recent[T]) forget() {
	at, _ := slices.BinarySearch(r.sorted, r.ring[r.oldest].value)
	r.sorted = slices.Delete(r.sorted, at, at+1)
	r.oldest = (r.oldest + 1) % len(r.ring)
}

// expire drops all values from before an instant.
func (r *recent[T]) expire(before time.Duration) {
	for len(r.sorted) > 0 && r.ring[r.oldest].at < before {
		r.forget()
	}
}

// quantile is the value that a share, above 0, of all do not exceed. There must
// be one.
func (r *recent[T]) quantile(share float64) T {
	return r.sorted[int(math.Ceil(Part(share, len(r.sorted))))-1]
}
