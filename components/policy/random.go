package policy

import (
	"math/rand/v2"
	"time"
)

// Random picks any backend with equal chances.
//
// Source: the baseline of the literature.
// Cost: O(1), one draw.
// Weak spot: chance alone makes queues: at 80% load with ten backends it waits
// about twice as long as round robin.
type Random struct {
	up     indexSet
	random *rand.Rand
}

// NewRandom returns a picker over n backends, all up.
func NewRandom(n int, random *rand.Rand) *Random {
	return &Random{fullSet(n), random}
}

// SetUp implements Picker.
func (r *Random) SetUp(i int, up bool) { r.up.set(i, up) }

// Pick implements Picker.
func (r *Random) Pick(_ time.Duration, _ uint64, avoid []int) (int, bool) {
	n := r.up.choice(avoid)
	if n == 0 {
		return 0, false
	}
	return int(r.up.members[r.random.IntN(n)]), true
}

// Started implements Picker.
func (*Random) Started(int) {}

// Done implements Picker.
func (*Random) Done(time.Duration, int, Outcome) {}
