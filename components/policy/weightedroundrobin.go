package policy

import (
	"slices"
	"time"
)

// WeightedRoundRobin gives each backend turns in proportion to its weight, and
// spreads them: weights 5, 1, 1 make a a b a c a a, never a a a a a b c. In
// each turn every backend that may be picked gains its weight, the one with
// most is picked and pays what all gained; between equals the first.
//
// Source: NGINX's smooth weighted round robin (commit 52327e0), without its
// lowering of weights after failures. The sequence is NGINX's, turn by turn;
// but where NGINX scans, the gains are lines over time in a kinetic tournament.
// Cost: O(log n), O(log² n) amortised with many different weights.
// Weak spot: it does not see how busy a backend is, and proxies that start
// together walk in step.
type WeightedRoundRobin struct {
	race    *kinetic
	weights []int64 // a hundred for each unit of weight
	up      []bool
	total   int64 // weight of those up
	rests   []int // those that sit out one turn
}

// grain is the number of steps in a unit of weight, for weights that ramp up.
const grain = 100

// NewWeightedRoundRobin returns a picker over a pool whose backends are all
// up.
func NewWeightedRoundRobin(pool Pool) *WeightedRoundRobin {
	n := pool.Size()
	w := &WeightedRoundRobin{race: newKinetic(n), weights: make([]int64, n), up: make([]bool, n)}
	for i := range n {
		w.weights[i] = grain * int64(pool.Weight(i))
		w.SetUp(i, true)
	}
	return w
}

// SetUp implements Picker. A backend comes back with the credit it left with.
func (w *WeightedRoundRobin) SetUp(i int, up bool) {
	if w.up[i] == up {
		return
	}
	w.up[i] = up
	credit := w.race.lines[i].at(w.race.now)
	if up {
		w.total += w.weights[i]
		w.resume(i, credit)
	} else {
		w.total -= w.weights[i]
		w.race.set(i, line{start: credit}, false)
	}
}

// Ramp implements Ramper.
func (w *WeightedRoundRobin) Ramp(i int, full, share float64) {
	weight := max(1, int64(grain*full*share))
	if w.up[i] {
		w.total += weight - w.weights[i]
	}
	w.weights[i] = weight
	if w.up[i] {
		w.resume(i, w.race.lines[i].at(w.race.now))
	}
}

// resume lets a backend gain its weight each turn from now on.
func (w *WeightedRoundRobin) resume(i int, credit int64) {
	w.race.set(i, line{credit - w.weights[i]*w.race.now, w.weights[i]}, true)
}

// Pick implements Picker.
func (w *WeightedRoundRobin) Pick(_ time.Duration, _ uint64, avoid []int) (int, bool) {
	gained := w.rest(avoid)
	if gained == 0 { // nobody else is up
		w.wake()
		gained = w.total
	}
	if gained == 0 {
		return 0, false
	}
	w.race.advance()
	i := w.race.leader()
	l := w.race.lines[i]
	l.start -= gained
	w.race.set(i, l, true)
	w.wake()
	return i, true
}

// rest lets the avoided sit out, and returns what the others gain in a turn.
func (w *WeightedRoundRobin) rest(avoid []int) int64 {
	gained := w.total
	for _, i := range avoid {
		if w.up[i] && !slices.Contains(w.rests, i) {
			w.rests = append(w.rests, i)
			gained -= w.weights[i]
			w.race.set(i, line{start: w.race.lines[i].at(w.race.now)}, false)
		}
	}
	return gained
}

func (w *WeightedRoundRobin) wake() {
	for _, i := range w.rests {
		w.resume(i, w.race.lines[i].start)
	}
	w.rests = w.rests[:0]
}

// Started implements Picker.
func (*WeightedRoundRobin) Started(int) {}

// Done implements Picker.
func (*WeightedRoundRobin) Done(time.Duration, int, Outcome) {}
