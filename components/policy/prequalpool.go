package policy

import (
	"slices"
	"time"
)

// answer is what a backend said when it was probed, and what has become of it
// since.
type answer struct {
	backend  int
	inFlight int // what it said, and one more for each request sent there since
	latency  time.Duration
	came     time.Duration
	uses     int // left
}

// answerPool is a few of them, at most one of each backend, in no order.
type answerPool struct {
	list   []answer
	most   int
	oldest bool // whom thin drops next; else the worst
}

// of is where the backend's answer stands, or -1.
func (a *answerPool) of(backend int) int {
	return slices.IndexFunc(a.list, func(one answer) bool { return one.backend == backend })
}

// add takes an answer in place of the backend's last one, or else of the oldest
// if there is no room.
func (a *answerPool) add(one answer) {
	at := a.of(one.backend)
	if at < 0 && len(a.list) == a.most {
		at = a.first(func(x, y *answer) bool { return x.came < y.came })
	}
	if at < 0 {
		a.list = append(a.list, one)
	} else {
		a.list[at] = one
	}
}

// drop takes out the answer at a position.
func (a *answerPool) drop(at int) {
	last := len(a.list) - 1
	a.list[at] = a.list[last]
	a.list = a.list[:last]
}

// expire drops all that came before an instant.
func (a *answerPool) expire(before time.Duration) {
	for at := len(a.list) - 1; at >= 0; at-- {
		if a.list[at].came < before {
			a.drop(at)
		}
	}
}

// thin drops the oldest and the worst in turn: without that the good ones would
// be used up, and the rest stay.
func (a *answerPool) thin(threshold int) {
	a.oldest = !a.oldest
	if a.oldest {
		a.drop(a.first(func(x, y *answer) bool { return x.came < y.came }))
	} else {
		a.drop(a.first(func(x, y *answer) bool { return y.better(x, threshold) }))
	}
}

// first is the position of the answer that comes before all others.
func (a *answerPool) first(before func(x, y *answer) bool) int {
	at := 0
	for k := range a.list {
		if before(&a.list[k], &a.list[at]) {
			at = k
		}
	}
	return at
}

// better is the rule of hot and cold: a backend with more in flight than the
// threshold is hot. A cold one comes before a hot one, of two cold ones the
// faster, of two hot ones the less busy.
func (x *answer) better(y *answer, threshold int) bool {
	hot := x.inFlight > threshold
	switch {
	case hot != (y.inFlight > threshold):
		return !hot
	case !hot && x.latency != y.latency:
		return x.latency < y.latency
	}
	return x.inFlight < y.inFlight
}
