package policy

import (
	"math/rand/v2"
	"time"
)

// RoundRobin picks each backend in turn, from a random start so that several
// proxies do not walk in step. A backend that is down is passed over and its
// turn goes to the rest in equal parts.
//
// Source: as old as time-sharing; NGINX's default, without weights.
// Cost: O(log n).
// Weak spot: it does not see how busy a backend is. A slow one gets as much as
// the others.
type RoundRobin struct {
	up      circle
	n, next int
}

// NewRoundRobin returns a picker over n backends, all up.
func NewRoundRobin(n int, random *rand.Rand) *RoundRobin {
	r := &RoundRobin{up: fullCircle(n), n: n}
	if n > 0 {
		r.next = random.IntN(n)
	}
	return r
}

// SetUp implements Picker.
func (r *RoundRobin) SetUp(i int, up bool) { r.up.set(i, up) }

// Pick implements Picker.
func (r *RoundRobin) Pick(_ time.Duration, _ uint64, avoid []int) (int, bool) {
	i, ok := r.up.choice(r.next, avoid)
	if !ok { // all have been tried: the turn stays where it is
		return r.up.around(r.next)
	}
	r.next = (i + 1) % r.n
	return i, true
}

// Started implements Picker.
func (*RoundRobin) Started(int) {}

// Done implements Picker.
func (*RoundRobin) Done(time.Duration, int, Outcome) {}
