package policy

import (
	"math/rand/v2"
	"slices"
	"time"
)

// RoundRobin picks each backend in turn, from a random start so that several
// proxies do not walk in step. A backend that is down is passed over and its
// turn goes to the rest in equal parts.
//
// Source: as old as time-sharing; NGINX's default, without weights.
// Cost: O(1) when most backends are up, a scan when most are down.
// Weak spot: it does not see how busy a backend is. A slow one gets as much as
// the others.
type RoundRobin struct {
	up   []bool
	next int
}

// NewRoundRobin returns a picker over n backends, all up.
func NewRoundRobin(n int, random *rand.Rand) *RoundRobin {
	r := &RoundRobin{up: make([]bool, n)}
	for i := range r.up {
		r.up[i] = true
	}
	if n > 0 {
		r.next = random.IntN(n)
	}
	return r
}

// SetUp implements Picker.
func (r *RoundRobin) SetUp(i int, up bool) { r.up[i] = up }

// Pick implements Picker.
func (r *RoundRobin) Pick(_ time.Duration, _ uint64, avoid []int) (int, bool) {
	tried := -1
	for range r.up {
		i := r.next
		if r.next++; r.next == len(r.up) {
			r.next = 0
		}
		if !r.up[i] {
			continue
		}
		if !slices.Contains(avoid, i) {
			return i, true
		}
		if tried < 0 {
			tried = i
		}
	}
	return max(tried, 0), tried >= 0
}

// Started implements Picker.
func (*RoundRobin) Started(int) {}

// Done implements Picker.
func (*RoundRobin) Done(time.Duration, int, Outcome) {}
