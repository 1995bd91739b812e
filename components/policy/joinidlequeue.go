package policy

import (
	"math/rand/v2"
	"slices"
	"time"
)

// JoinIdleQueue keeps a queue of idle backends, in the order in which they
// fell idle, and picks the first; if none is idle, any backend.
//
// Idle is who has no request of this proxy in flight. In the paper a backend
// itself reports to one of several balancers that it is idle; with one balancer
// that is the same, with several each knows less than in the paper.
//
// Source: Lu, Xie, Kliot, Geller, Larus, Greenberg, "Join-Idle-Queue", 2011.
// Cost: O(1), at most one draw.
// Weak spot: in overload nobody is idle, and it is Random.
type JoinIdleQueue struct {
	up         indexSet
	inFlight   []int32
	next, prev []int32 // ring of the idle in order, through n as its head
	random     *rand.Rand
}

// notQueued marks who does not stand in the queue.
const notQueued = -1

// NewJoinIdleQueue returns a picker over n backends, all up and idle, queued in
// random order.
func NewJoinIdleQueue(n int, random *rand.Rand) *JoinIdleQueue {
	q := &JoinIdleQueue{fullSet(n), make([]int32, n), make([]int32, n+1), make([]int32, n+1), random}
	for i := range n {
		q.next[i] = notQueued
	}
	q.next[n], q.prev[n] = int32(n), int32(n)
	for _, i := range random.Perm(n) {
		q.settle(i)
	}
	return q
}

// SetUp implements Picker.
func (q *JoinIdleQueue) SetUp(i int, up bool) {
	q.up.set(i, up)
	q.settle(i)
}

// settle queues a backend that is idle and up, and takes any other out.
func (q *JoinIdleQueue) settle(i int) {
	belongs := q.inFlight[i] == 0 && q.up.has(i)
	head := int32(len(q.inFlight))
	switch queued := q.next[i] != notQueued; {
	case belongs && !queued:
		last := q.prev[head]
		q.prev[i], q.next[i] = last, head
		q.next[last], q.prev[head] = int32(i), int32(i)
	case !belongs && queued:
		q.next[q.prev[i]], q.prev[q.next[i]] = q.next[i], q.prev[i]
		q.next[i] = notQueued
	}
}

// Pick implements Picker.
func (q *JoinIdleQueue) Pick(_ time.Duration, _ uint64, avoid []int) (int, bool) {
	head := int32(len(q.inFlight))
	for i := q.next[head]; i != head; i = q.next[i] {
		if !slices.Contains(avoid, int(i)) {
			return int(i), true
		}
	}
	n := q.up.choice(avoid)
	if n == 0 {
		return 0, false
	}
	return int(q.up.members[q.random.IntN(n)]), true
}

// Started implements Picker.
func (q *JoinIdleQueue) Started(i int) {
	q.inFlight[i]++
	q.settle(i)
}

// Done implements Picker.
func (q *JoinIdleQueue) Done(_ time.Duration, i int, _ Outcome) {
	q.inFlight[i]--
	q.settle(i)
}
