package policy

import (
	"slices"
	"time"
)

// Gate lets so many requests through at once as its limit allows, and holds a
// bounded line of those that wait, by class. T stands for one of them.
//
// Who waits is let in by class, the first class first, and within a class in
// the order of arrival. When the line is full one who arrives pushes out the
// youngest of the lowest class below its own, or is turned away itself.
//
// Source: Cobham (1954), non-preemptive priorities; the limits of Concurrency.
// Cost: O(classes) a request; to leave the line, its length.
// Weak spot: under lasting overload the lowest class starves.
type Gate[T comparable] struct {
	limit    Concurrency
	bound    int
	inFlight int
	waiting  int
	lines    [][]T // by class
}

// Entry is what becomes of one who arrives at a Gate.
type Entry uint8

// The entries.
const (
	Admitted Entry = iota
	Waits
	TurnedAway
)

// NewGate returns an empty gate for so many classes (at least 1) with room for
// so many who wait.
func NewGate[T comparable](limit Concurrency, queue, classes int) *Gate[T] {
	return &Gate[T]{limit: limit, bound: queue, lines: make([][]T, max(classes, 1))}
}

// Enter takes in one who arrives. If somebody had to go for it, out says who.
func (g *Gate[T]) Enter(class int, t T) (entry Entry, out T, pushed bool) {
	switch {
	case g.inFlight < g.limit.Limit():
		g.inFlight++
		return Admitted, out, false
	case g.waiting < g.bound:
		g.join(class, t)
		return Waits, out, false
	}
	for low := len(g.lines) - 1; low > class; low-- {
		if last := len(g.lines[low]) - 1; last >= 0 {
			out = g.lines[low][last]
			g.lines[low] = g.lines[low][:last]
			g.waiting--
			g.join(class, t)
			return Waits, out, true
		}
	}
	return TurnedAway, out, false
}

func (g *Gate[T]) join(class int, t T) {
	g.lines[class] = append(g.lines[class], t)
	g.waiting++
}

// Leave takes one out who waits no longer. It is false if it does not wait.
func (g *Gate[T]) Leave(class int, t T) bool {
	i := slices.Index(g.lines[class], t)
	if i < 0 {
		return false
	}
	g.lines[class] = slices.Delete(g.lines[class], i, i+1)
	g.waiting--
	return true
}

// Done takes the end of one that was let in, how long it took and whether it was
// lost; a took below 0
// teaches nothing.
func (g *Gate[T]) Done(took time.Duration, lost bool) {
	if took >= 0 {
		g.limit.Observe(took, g.inFlight, lost)
	}
	g.inFlight--
}

// Next lets in the next who waits, if there is room.
func (g *Gate[T]) Next() (t T, ok bool) {
	if g.waiting == 0 || g.inFlight >= g.limit.Limit() {
		return t, false
	}
	for class, line := range g.lines {
		if len(line) > 0 {
			t = line[0]
			g.lines[class] = slices.Delete(line, 0, 1)
			break
		}
	}
	g.waiting--
	g.inFlight++
	return t, true
}

// InFlight and Waiting are how many are upstream and in line.
func (g *Gate[T]) InFlight() int { return g.inFlight }
func (g *Gate[T]) Waiting() int  { return g.waiting }

// Limit is how many may be upstream now.
func (g *Gate[T]) Limit() int { return g.limit.Limit() }
