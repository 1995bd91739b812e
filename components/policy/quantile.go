package policy

import (
	"math"
	"time"
)

// Quantile follows a quantile of durations over the last window or two: a
// histogram with buckets that grow by 2^(1/16), so that it errs by at most
// 2.2%. Each half of what it knows is dropped as a whole when it is a window
// old.
//
// Source: HDR histograms' idea with a logarithm; two generations as in
// Prometheus' summaries.
// Cost: O(1) to observe, one walk over 512 buckets each 32 observations.
// Weak spot: after a change of pace it takes a window to believe it.
type Quantile struct {
	share  float64
	window time.Duration
	least  int

	began  time.Duration // of the newer generation
	counts [2][quantileBuckets]int32
	totals [2]int
	fresh  int // observations since value was worked out
	value  time.Duration
}

const (
	quantileBuckets = 512
	perOctave       = 16
	smallest        = time.Microsecond
)

// NewQuantile returns an estimator that says nothing before it has seen so
// many durations.
func NewQuantile(share float64, window time.Duration, least int) *Quantile {
	return &Quantile{share: share, window: window, least: least}
}

// Observe takes a duration.
func (q *Quantile) Observe(now, d time.Duration) {
	q.turn(now)
	q.counts[0][bucketOf(d)]++
	q.totals[0]++
	q.fresh++
}

// Value is the quantile of late, if enough is known.
func (q *Quantile) Value(now time.Duration) (d time.Duration, ok bool) {
	q.turn(now)
	all := q.totals[0] + q.totals[1]
	if all < q.least {
		return 0, false
	}
	if q.value == 0 || q.fresh >= 32 {
		q.fresh = 0
		q.value = q.find(int(math.Ceil(Part(q.share, all))))
	}
	return q.value, true
}

// find is the middle of the bucket that holds the given rank.
func (q *Quantile) find(rank int) time.Duration {
	seen := 0
	for i := range quantileBuckets {
		if seen += int(q.counts[0][i] + q.counts[1][i]); seen >= rank {
			return time.Duration(float64(smallest) * math.Exp2((float64(i)+.5)/perOctave))
		}
	}
	return math.MaxInt64
}

func (q *Quantile) turn(now time.Duration) {
	for generations := 0; now >= q.began+q.window; generations++ {
		if generations == 2 {
			q.began = now
			break
		}
		q.counts[1], q.totals[1] = q.counts[0], q.totals[0]
		q.counts[0], q.totals[0] = [quantileBuckets]int32{}, 0
		q.began += q.window
		q.value = 0
	}
}

func bucketOf(d time.Duration) int {
	i := int(perOctave * math.Log2(float64(d)/float64(smallest)))
	return min(max(i, 0), quantileBuckets-1)
}
