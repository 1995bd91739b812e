package policy

import (
	"math/rand/v2"
	"time"
)

// WeightedLeastConnections picks the backend that, with one request more,
// would have the fewest in flight for its weight: the least (n+1)/w; between
// equals any. With equal weights it is LeastConnections, which is faster.
//
// Source: NGINX's least_conn and HAProxy's leastconn with weights.
// Cost: O(log n) and one draw.
// Weak spot: that of LeastConnections; and weights must be known.
type WeightedLeastConnections struct {
	least    *lowest
	up       []bool
	weights  []float64
	inFlight []int32
	random   *rand.Rand
}

// NewWeightedLeastConnections returns a picker over a pool whose backends are
// all up.
func NewWeightedLeastConnections(pool Pool, random *rand.Rand) *WeightedLeastConnections {
	n := pool.Size()
	l := &WeightedLeastConnections{newLowest(n), make([]bool, n), make([]float64, n), make([]int32, n), random}
	for i := range n {
		l.weights[i] = float64(pool.Weight(i))
		l.SetUp(i, true)
	}
	return l
}

// SetUp implements Picker.
func (l *WeightedLeastConnections) SetUp(i int, up bool) {
	l.up[i] = up
	l.place(i)
}

// Ramp implements Ramper.
func (l *WeightedLeastConnections) Ramp(i int, full, share float64) {
	l.weights[i] = full * share
	l.place(i)
}

func (l *WeightedLeastConnections) place(i int) {
	key := absent
	if l.up[i] {
		// Division rounds alike: equal ratios of whole numbers are equal keys.
		key = float64(l.inFlight[i]+1) / l.weights[i]
	}
	l.least.set(i, key)
}

// Pick implements Picker.
func (l *WeightedLeastConnections) Pick(_ time.Duration, _ uint64, avoid []int) (int, bool) {
	return l.least.draw(avoid, l.random)
}

// Started implements Picker.
func (l *WeightedLeastConnections) Started(i int) { l.count(i, 1) }

// Done implements Picker.
func (l *WeightedLeastConnections) Done(_ time.Duration, i int, _ Outcome) { l.count(i, -1) }

func (l *WeightedLeastConnections) count(i int, by int32) {
	l.inFlight[i] += by
	l.place(i)
}
