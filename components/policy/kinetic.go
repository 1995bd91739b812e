package policy

import "math"

// kinetic finds the highest of many lines that rise over time, start + slope·t
// at the whole instants t = 0, 1, 2…; between equals the first in the list.
//
// It is a tournament: a tree whose leaves are the lines, and each inner node
// knows which of its two sides leads and until when nothing below it changes.
// Time may only go forward. A query repairs the nodes whose time is up.
//
// Source: Basch, Guibas, Hershberger, "Data Structures for Mobile Data", 1999.
// Cost: O(log n) for a change of a line; O(log² n) amortised for a query.
type kinetic struct {
	lines  []line
	leaves int     // a power of 2
	best   []int32 // best[1] leads of all; -1: nobody runs
	until  []int64
	now    int64
}

type line struct{ start, slope int64 }

func (l line) at(t int64) int64 { return l.start + l.slope*t }

const (
	nobody = -1
	never  = math.MaxInt64
)

// newKinetic makes a tournament of n lines, none of which runs yet.
func newKinetic(n int) *kinetic {
	leaves := 1
	for leaves < n {
		leaves *= 2
	}
	k := &kinetic{lines: make([]line, n), leaves: leaves, best: make([]int32, 2*leaves), until: make([]int64, 2*leaves)}
	for node := range k.best {
		k.best[node], k.until[node] = nobody, never
	}
	return k
}

// advance goes one instant on.
func (k *kinetic) advance() {
	k.now++
	k.repair(1)
}

// leader is the highest line that runs, or nobody.
func (k *kinetic) leader() int { return int(k.best[1]) }

// set changes a line, from now on; out of the race if it does not run.
func (k *kinetic) set(i int, l line, runs bool) {
	k.lines[i] = l
	node := k.leaves + i
	k.best[node] = nobody
	if runs {
		k.best[node] = int32(i)
	}
	for node /= 2; node > 0; node /= 2 {
		k.play(node)
	}
}

func (k *kinetic) repair(node int) {
	if k.until[node] > k.now {
		return
	}
	k.repair(2 * node)
	k.repair(2*node + 1)
	k.play(node)
}

// play decides a node anew from its two sides.
func (k *kinetic) play(node int) {
	left, right := k.best[2*node], k.best[2*node+1]
	until := min(k.until[2*node], k.until[2*node+1])
	switch {
	case right == nobody:
		k.best[node] = left
	case left == nobody:
		k.best[node] = right
	default:
		a, b := k.lines[left], k.lines[right]
		if a.at(k.now) >= b.at(k.now) {
			k.best[node] = left
			until = min(until, firstAbove(b, a, 1))
		} else {
			k.best[node] = right
			until = min(until, firstAbove(a, b, 0))
		}
	}
	k.until[node] = until
}

// firstAbove is the first instant at which line l, now behind, leads other by
// at least the margin.
func firstAbove(l, other line, margin int64) int64 {
	gain := l.slope - other.slope
	if gain <= 0 {
		return never
	}
	lack := other.start - l.start + margin
	t := lack / gain
	if lack > 0 && lack%gain != 0 {
		t++ // division truncates towards zero: up for what is positive
	}
	return t
}
