package policy

import (
	"math"
	"math/rand/v2"
	"time"
)

// LeastResponseTime picks, of all backends, the one with the least expected
// wait: its recent response time, times the requests in flight and one more.
// The time is a peak-sensitive moving average: it jumps up to any longer one
// at once, and else fades with the time constant given.
//
// A backend of which nothing is known is asked at once, but only one request
// at a time until it has answered.
//
// The averages of all fade alike, so their order stands still between events:
// kept as logarithms, they need no update as time goes by.
//
// Source: the cost of Finagle's PeakEwma over the whole pool; compare NGINX
// Plus's least_time. Unlike Finagle's, the average fades by the time since the
// last answer, not since it was last looked at.
// Cost: O(log n).
// Weak spot: a backend that fails fast looks the best of all; several proxies
// rush to the same fast one together.
type LeastResponseTime struct {
	least    *lowest
	decay    float64 // nanoseconds
	up       []bool
	inFlight []int32
	level    []float64 // logarithm of the average as if it had stood so since the beginning
	seen     []time.Duration
	random   *rand.Rand
}

// unknownBusy is the key of a backend that is being tried for the first time:
// behind all others.
const unknownBusy = 1e15

// NewLeastResponseTime returns a picker over n backends, all up.
func NewLeastResponseTime(n int, decay time.Duration, random *rand.Rand) *LeastResponseTime {
	l := &LeastResponseTime{newLowest(n), float64(decay), make([]bool, n), make([]int32, n),
		make([]float64, n), make([]time.Duration, n), random}
	for i := range n {
		l.level[i] = math.Inf(-1)
		l.SetUp(i, true)
	}
	return l
}

// SetUp implements Picker.
func (l *LeastResponseTime) SetUp(i int, up bool) {
	l.up[i] = up
	l.place(i)
}

func (l *LeastResponseTime) place(i int) {
	pending := float64(l.inFlight[i])
	key := l.level[i] + math.Log(pending+1)
	switch {
	case !l.up[i]:
		key = absent
	case math.IsInf(l.level[i], -1) && pending > 0:
		key = unknownBusy + pending
	}
	l.least.set(i, key)
}

// Pick implements Picker.
func (l *LeastResponseTime) Pick(_ time.Duration, _ uint64, avoid []int) (int, bool) {
	return l.least.draw(avoid, l.random)
}

// Started implements Picker.
func (l *LeastResponseTime) Started(i int) {
	l.inFlight[i]++
	l.place(i)
}

// Done implements Picker.
func (l *LeastResponseTime) Done(now time.Duration, i int, o Outcome) {
	l.inFlight[i]--
	if o.Latency < 0 {
		l.place(i)
		return
	}
	aged := float64(now) / l.decay
	average := math.Exp(l.level[i] - aged) // faded until now
	took := float64(o.Latency)
	if took > average {
		average = took
	} else {
		average += took * (1 - math.Exp(-float64(now-l.seen[i])/l.decay))
	}
	l.level[i], l.seen[i] = math.Log(average)+aged, now
	l.place(i)
}
