package policy

import (
	"math/rand/v2"
	"time"
)

// FirstAvailable picks the first backend of the pool that is up and has fewer
// than the given number of requests of this proxy in flight; if all are full,
// the one with the fewest. Those behind are spares: they can be switched off
// while they are idle.
//
// Source: HAProxy's first; with no number, priorities as in Envoy's and NGINX's
// backup servers.
// Cost: O(log n).
// Weak spot: it is no balancing; the first backend is always as full as it may
// be.
type FirstAvailable struct {
	order    *lowest
	up       []bool
	inFlight []int
	most     int // 0: no bound
	random   *rand.Rand
}

// NewFirstAvailable returns a picker over n backends, all up.
func NewFirstAvailable(n, most int, random *rand.Rand) *FirstAvailable {
	f := &FirstAvailable{newLowest(n), make([]bool, n), make([]int, n), most, random}
	for i := range n {
		f.SetUp(i, true)
	}
	return f
}

// SetUp implements Picker.
func (f *FirstAvailable) SetUp(i int, up bool) {
	f.up[i] = up
	f.place(i)
}

func (f *FirstAvailable) place(i int) {
	key := float64(i)
	switch {
	case !f.up[i]:
		key = absent
	case f.most > 0 && f.inFlight[i] >= f.most:
		key = float64(len(f.up) + f.inFlight[i])
	}
	f.order.set(i, key)
}

// Pick implements Picker.
func (f *FirstAvailable) Pick(_ time.Duration, _ uint64, avoid []int) (int, bool) {
	return f.order.draw(avoid, f.random)
}

// Started implements Picker.
func (f *FirstAvailable) Started(i int) {
	f.inFlight[i]++
	f.place(i)
}

// Done implements Picker.
func (f *FirstAvailable) Done(_ time.Duration, i int, _ Outcome) {
	f.inFlight[i]--
	f.place(i)
}
