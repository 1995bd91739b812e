package policy

import (
	"math"
	"time"
)

// Sharing is workers that share all work there is evenly: with n at work each
// goes on at the pace min(1, workers/n). T stands for a piece of work.
//
// All go on at the same pace, so one number, what each has attained since the
// station was last empty, says of all how far they are: a piece that began
// when it was a and needs s is done when it is a+s. A heap knows the first.
// Arrivals put off the instant when that will be, nothing moves it forward but
// the end of another.
//
// Source: Kleinrock, Queueing Systems II (egalitarian processor sharing); the
// virtual time of fair queueing.
// Cost: O(log n).
// Weak spot: no work is turned away before the bound, so that in overload
// everything is slow.
type Sharing[T comparable] struct {
	workers, bound int
	attained       float64       // by each at work, in nanoseconds
	at             time.Duration // when that was so
	begun          uint64
	work           []piece[T] // a binary heap
}

// piece is work that is done when so much is attained; between equals the
// first that came.
type piece[T comparable] struct {
	done  float64
	order uint64
	t     T
}

// NewSharing returns an idle station with so many workers (at least 1) for at
// most so many more pieces of work.
func NewSharing[T comparable](workers, queue int) *Sharing[T] {
	return &Sharing[T]{workers: max(workers, 1), bound: max(workers, 1) + max(queue, 0)}
}

// Begin takes work in. It is false if there is too much already. All that was
// due before must have been finished.
func (s *Sharing[T]) Begin(now, work time.Duration, t T) bool {
	if len(s.work) == s.bound {
		return false
	}
	if len(s.work) == 0 {
		s.attained = 0
	} else {
		s.attained += float64(now-s.at) * s.pace()
	}
	s.at = now
	s.begun++
	s.work = append(s.work, piece[T]{s.attained + float64(work), s.begun, t})
	s.up(len(s.work) - 1)
	return true
}

// Next is the work that will be done first, and when, if nothing comes before.
func (s *Sharing[T]) Next() (t T, due time.Duration, ok bool) {
	if len(s.work) == 0 {
		return t, 0, false
	}
	left := max(s.work[0].done-s.attained, 0)
	return s.work[0].t, s.at + time.Duration(math.Ceil(left/s.pace())), true
}

// Finish takes out the work that Next names, at the instant it was due.
func (s *Sharing[T]) Finish() {
	_, due, _ := s.Next()
	s.attained, s.at = s.work[0].done, due
	last := len(s.work) - 1
	s.work[0] = s.work[last]
	s.work[last] = piece[T]{}
	s.work = s.work[:last]
	s.down(0)
}

// Len is how much work there is.
func (s *Sharing[T]) Len() int { return len(s.work) }

func (s *Sharing[T]) pace() float64 {
	return min(1, float64(s.workers)/float64(len(s.work)))
}

func (s *Sharing[T]) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !s.before(i, parent) {
			return
		}
		s.work[i], s.work[parent] = s.work[parent], s.work[i]
		i = parent
	}
}

func (s *Sharing[T]) down(i int) {
	for {
		first := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(s.work); child++ {
			if s.before(child, first) {
				first = child
			}
		}
		if first == i {
			return
		}
		s.work[i], s.work[first] = s.work[first], s.work[i]
		i = first
	}
}

func (s *Sharing[T]) before(i, j int) bool {
	a, b := &s.work[i], &s.work[j]
	if a.done != b.done {
		return a.done < b.done
	}
	return a.order < b.order
}
