package policy

import (
	"math/rand/v2"
	"time"
)

// LeastConnections picks the backend with the fewest requests of this proxy
// in flight, running and queued alike; between equals, any. (Ties that go to
// the first in the list would send every burst to the same backend.)
//
// The up backends are kept in one set for each number in flight, so a pick
// looks at the lowest set only.
//
// Source: join the shortest queue; NGINX's least_conn, HAProxy's leastconn.
// Cost: O(1) and one draw, whatever the size of the pool.
// Weak spot: it sees only its own requests; a backend that fails fast looks
// idle and draws everything.
type LeastConnections struct {
	busy     [][]int32 // busy[c] lists the up backends with c in flight
	at       []int32   // position of each in its list
	up       []bool
	inFlight []int32
	least    int // no list below this one has members
	random   *rand.Rand
}

// NewLeastConnections returns a picker over n backends, all up.
func NewLeastConnections(n int, random *rand.Rand) *LeastConnections {
	idle := fullSet(n)
	l := &LeastConnections{
		busy:     [][]int32{idle.members},
		at:       idle.at,
		up:       make([]bool, n),
		inFlight: make([]int32, n),
		random:   random,
	}
	for i := range l.up {
		l.up[i] = true
	}
	return l
}

// SetUp implements Picker.
func (l *LeastConnections) SetUp(i int, up bool) {
	if l.up[i] == up {
		return
	}
	l.up[i] = up
	if up {
		l.insert(i)
	} else {
		l.remove(i)
	}
}

// Pick implements Picker.
func (l *LeastConnections) Pick(_ time.Duration, _ uint64, avoid []int) (int, bool) {
	for l.least < len(l.busy) && len(l.busy[l.least]) == 0 {
		l.least++
	}
	for c := l.least; c < len(l.busy); c++ {
		set := l.set(c)
		if n := set.without(avoid); n > 0 {
			return l.draw(set, n), true
		}
	}
	if l.least == len(l.busy) {
		return 0, false
	}
	set := l.set(l.least)
	return l.draw(set, set.len()), true
}

// Started implements Picker.
func (l *LeastConnections) Started(i int) { l.count(i, 1) }

// Done implements Picker.
func (l *LeastConnections) Done(_ time.Duration, i int, _ Outcome) { l.count(i, -1) }

func (l *LeastConnections) count(i int, by int32) {
	if !l.up[i] {
		l.inFlight[i] += by
		return
	}
	l.remove(i)
	l.inFlight[i] += by
	l.insert(i)
}

func (l *LeastConnections) insert(i int) {
	c := int(l.inFlight[i])
	for c >= len(l.busy) {
		l.busy = append(l.busy, nil)
	}
	set := l.set(c)
	set.add(i)
	l.busy[c] = set.members
	l.least = min(l.least, c)
}

func (l *LeastConnections) remove(i int) {
	c := int(l.inFlight[i])
	set := l.set(c)
	set.remove(i)
	l.busy[c] = set.members
}

func (l *LeastConnections) set(c int) indexSet { return indexSet{l.busy[c], l.at} }

func (l *LeastConnections) draw(set indexSet, n int) int {
	return int(set.members[l.random.IntN(n)])
}
