package policy

import (
	"math/rand/v2"
	"time"
)

// WeightedRandom draws a backend with a chance in proportion to its weight.
//
// The weights stand in a tree of sums (Fenwick's), in which one draw finds its
// backend. Walker's alias table would find it in O(1), but has to be built
// again whenever a backend goes up, goes down or sits out a retry.
//
// Source: inverse of the cumulative distribution; Fenwick 1994.
// Cost: O(log n), one draw.
// Weak spot: that of Random; and weights must be known.
type WeightedRandom struct {
	sums    []int64 // sums[k] is of the weights of k-lowbit(k) … k-1
	now     []int64 // what counts of each weight: 0 while down
	weights []int64 // a hundred for each unit
	up      []bool
	total   int64
	top     int // the highest power of 2 that is not above n
	random  *rand.Rand
}

// NewWeightedRandom returns a picker over a pool whose backends are all up.
func NewWeightedRandom(pool Pool, random *rand.Rand) *WeightedRandom {
	n := pool.Size()
	w := &WeightedRandom{sums: make([]int64, n+1), now: make([]int64, n), weights: make([]int64, n), up: make([]bool, n), top: 1, random: random}
	for w.top*2 <= n {
		w.top *= 2
	}
	for i := range n {
		w.weights[i] = grain * int64(pool.Weight(i))
		w.SetUp(i, true)
	}
	return w
}

// SetUp implements Picker.
func (w *WeightedRandom) SetUp(i int, up bool) {
	w.up[i] = up
	w.set(i, w.share(i))
}

// Ramp implements Ramper.
func (w *WeightedRandom) Ramp(i int, full, share float64) {
	w.weights[i] = max(1, int64(grain*full*share))
	w.set(i, w.share(i))
}

func (w *WeightedRandom) share(i int) int64 {
	if w.up[i] {
		return w.weights[i]
	}
	return 0
}

func (w *WeightedRandom) set(i int, weight int64) {
	by := weight - w.now[i]
	w.now[i] = weight
	w.total += by
	for k := i + 1; k < len(w.sums); k += k & -k {
		w.sums[k] += by
	}
}

// Pick implements Picker.
func (w *WeightedRandom) Pick(_ time.Duration, _ uint64, avoid []int) (int, bool) {
	for _, i := range avoid {
		w.set(i, 0)
	}
	i, ok := w.draw()
	for _, i := range avoid {
		w.set(i, w.share(i))
	}
	if !ok && len(avoid) > 0 {
		return w.draw()
	}
	return i, ok
}

// draw finds the backend in whose stretch of the total a random point falls.
func (w *WeightedRandom) draw() (int, bool) {
	if w.total == 0 {
		return 0, false
	}
	point, k := w.random.Int64N(w.total), 0
	for step := w.top; step > 0; step /= 2 {
		if k+step < len(w.sums) && w.sums[k+step] <= point {
			k += step
			point -= w.sums[k]
		}
	}
	return k, true
}

// Started implements Picker.
func (*WeightedRandom) Started(int) {}

// Done implements Picker.
func (*WeightedRandom) Done(time.Duration, int, Outcome) {}
