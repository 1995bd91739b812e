package policy

import (
	"math/rand/v2"
	"time"
)

// LeastConnections picks the backend with the fewest requests of this proxy
// in flight, running and queued alike; between equals, any. (Ties that go to
// the first in the list would send every burst to the same backend.)
//
// The up backends stand in one list by number in flight, and begin knows where
// each number begins. One request more or less is one step over such a border:
// the backend changes places with the one next to it.
//
// Source: join the shortest queue; NGINX's least_conn, HAProxy's leastconn.
// Cost: O(1) and one draw, whatever the size of the pool; O(most in flight at
// one) when a backend comes up or goes down.
// Weak spot: it sees only its own requests; a backend that fails fast looks
// idle and draws everything.
type LeastConnections struct {
	order    []int32 // the up backends, those with the fewest in flight first
	begin    []int32 // begin[c] is where those with c or more begin; there is one beyond any c in use
	backends []ranked
	least    int // how many the first in order has
	random   *rand.Rand
}

// ranked is a backend in the order.
type ranked struct {
	inFlight int32
	at       int32 // its place in the order; notOrdered if it is down
}

// notOrdered marks who does not stand in the order.
const notOrdered = -1

// NewLeastConnections returns a picker over n backends, all up.
func NewLeastConnections(n int, random *rand.Rand) *LeastConnections {
	l := &LeastConnections{
		order:    make([]int32, n),
		begin:    []int32{0, int32(n)},
		backends: make([]ranked, n),
		random:   random,
	}
	for i := range n {
		l.order[i], l.backends[i].at = int32(i), int32(i)
	}
	return l
}

// SetUp implements Picker.
func (l *LeastConnections) SetUp(i int, up bool) {
	if b := &l.backends[i]; up != (b.at == notOrdered) {
		return
	}
	if up {
		l.enter(i)
	} else {
		l.leave(i)
	}
	for l.least = 0; l.begin[l.least+1] == 0 && l.least+2 < len(l.begin); l.least++ {
	}
}

// enter puts a backend at the end of the order, and moves it before all who
// have more in flight.
func (l *LeastConnections) enter(i int) {
	b := &l.backends[i]
	b.at = int32(len(l.order))
	l.order = append(l.order, int32(i))
	for len(l.begin) < int(b.inFlight)+2 {
		l.begin = append(l.begin, b.at)
	}
	for c := len(l.begin) - 1; c > int(b.inFlight); c-- {
		l.move(i, l.begin[c])
		l.begin[c]++
	}
}

// leave moves a backend behind all others, and takes it out.
func (l *LeastConnections) leave(i int) {
	b := &l.backends[i]
	for c := int(b.inFlight) + 1; c < len(l.begin); c++ {
		l.begin[c]--
		l.move(i, l.begin[c])
	}
	l.order = l.order[:len(l.order)-1]
	b.at = notOrdered
}

// Pick implements Picker.
func (l *LeastConnections) Pick(_ time.Duration, _ uint64, avoid []int) (int, bool) {
	if len(l.order) == 0 {
		return 0, false
	}
	if len(avoid) > 0 {
		for c := l.least; c+1 < len(l.begin); c++ {
			if n := l.without(c, avoid); n > 0 {
				return l.draw(l.begin[c], n), true
			}
		}
	}
	return l.draw(0, l.begin[l.least+1]), true
}

func (l *LeastConnections) draw(from, n int32) int {
	return int(l.order[from+l.random.Int32N(n)])
}

// without moves the avoided of those with c in flight behind the others of
// them, and returns how many others there are.
func (l *LeastConnections) without(c int, avoid []int) int32 {
	from, to := l.begin[c], l.begin[c+1]
	for _, i := range avoid {
		if at := l.backends[i].at; at >= from && at < to {
			to--
			l.move(i, to)
		}
	}
	return to - from
}

// Started implements Picker.
func (l *LeastConnections) Started(i int) {
	b := &l.backends[i]
	b.inFlight++
	if b.at == notOrdered {
		return
	}
	c := int(b.inFlight)
	l.begin[c]--
	last := l.begin[c]
	l.move(i, last)
	if last == 0 { // nobody is left with fewer
		l.least = c
	}
	if c+1 == len(l.begin) {
		l.begin = append(l.begin, int32(len(l.order)))
	}
}

// Done implements Picker.
func (l *LeastConnections) Done(_ time.Duration, i int, _ Outcome) {
	b := &l.backends[i]
	b.inFlight--
	if b.at == notOrdered {
		return
	}
	c := int(b.inFlight)
	l.move(i, l.begin[c+1])
	l.begin[c+1]++
	l.least = min(l.least, c)
}

// move lets a backend change places with the one that stands somewhere.
func (l *LeastConnections) move(i int, to int32) {
	b, other := &l.backends[i], l.order[to]
	l.order[b.at], l.backends[other].at = other, b.at
	l.order[to], b.at = int32(i), to
}
