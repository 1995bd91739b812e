package policy

import (
	"math"
	"time"
)

// Station is a backend's workers and the bounded line before them. T stands
// for one who waits in line.
//
//	Begin ──► worker ──► Finish ──► the next in line has the worker
//	  └ none free: Join ──► line (or turned away) ──► Leave
//
// Source: Kendall's G/G/c/K with K = workers + queue; the orders of LineRule.
// Cost: O(1); Leave looks along the line from its head, where those are whose
// patience ends first.
// Weak spot: in a long line everyone is served late; a short one sheds early.
type Station[T comparable] struct {
	workers, bound int32
	busy           int32
	head, length   int32
	rule           LineRule
	since          time.Duration // how long somebody has been waiting without a break
	line           []T           // a ring: line[(head+k)%len(line)] is the k-th of length
}

// NewStation returns an idle station with so many workers (at least 1) and
// room for queue waiting.
func NewStation[T comparable](workers, queue int) *Station[T] {
	return &Station[T]{workers: int32(max(workers, 1)), bound: int32(max(queue, 0))}
}

// Order sets in which order those in line are served. The line must be empty.
func (s *Station[T]) Order(rule LineRule) { s.rule = rule }

// Begin takes a free worker, if there is one.
func (s *Station[T]) Begin() bool {
	if s.busy == s.workers {
		return false
	}
	s.busy++
	return true
}

// Join puts t at the end of the line. It is false if the line is full: t is
// turned away. Who still waits at the instant until is to leave.
func (s *Station[T]) Join(now time.Duration, t T) (until time.Duration, ok bool) {
	if s.length == s.bound {
		return 0, false
	}
	if s.length == 0 {
		s.since = now
	}
	if int(s.length) == len(s.line) {
		s.grow()
	}
	s.line[s.index(s.length)] = t
	s.length++
	return s.patience(now), true
}

// patience is when one who joins is to leave.
func (s *Station[T]) patience(now time.Duration) time.Duration {
	switch {
	case !s.rule.Drops:
		return math.MaxInt64
	case s.stands(now):
		return now + s.rule.Target
	}
	return now + s.rule.Standing
}

// stands tells whether the line has not been empty for long.
func (s *Station[T]) stands(now time.Duration) bool {
	return s.length > 0 && now-s.since >= s.rule.Standing
}

// Leave takes t out of the line. It is false if t is not in it: t has been
// given a worker by now.
func (s *Station[T]) Leave(t T) bool {
	for k := range s.length {
		if s.line[s.index(k)] == t {
			s.takeOut(k)
			return true
		}
	}
	return false
}

// Finish frees a worker. If somebody waits, the worker goes to them at once:
// next is at work from now on.
func (s *Station[T]) Finish(now time.Duration) (next T, ok bool) {
	if s.length == 0 {
		s.busy--
		return next, false
	}
	k := int32(0)
	if s.rule.Newest || s.rule.NewestIfStanding && s.stands(now) {
		k = s.length - 1
	}
	next = s.line[s.index(k)]
	s.takeOut(k)
	return next, true
}

// Busy is the number of workers at work, Waiting the length of the line.
func (s *Station[T]) Busy() int    { return int(s.busy) }
func (s *Station[T]) Waiting() int { return int(s.length) }

// takeOut closes the gap from the head's side, unless it is the last.
func (s *Station[T]) takeOut(k int32) {
	var none T
	if k == s.length-1 {
		s.line[s.index(k)] = none
		s.length--
		return
	}
	for ; k > 0; k-- {
		s.line[s.index(k)] = s.line[s.index(k-1)]
	}
	s.line[s.head] = none
	s.head = s.index(1)
	s.length--
}

// grow doubles the ring, so that a long bound costs nothing before it is used.
func (s *Station[T]) grow() {
	bigger := make([]T, min(max(2*len(s.line), 4), int(s.bound)))
	for k := range s.length {
		bigger[k] = s.line[s.index(k)]
	}
	s.line, s.head = bigger, 0
}

func (s *Station[T]) index(k int32) int32 {
	i, around := s.head+k, int32(len(s.line))
	if i >= around {
		i -= around
	}
	return i
}
