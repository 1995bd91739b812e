package policy

import (
	"math"
	"math/rand/v2"
	"time"
)

// P2CEWMA draws two distinct backends and picks the one with the lower cost:
// its recent response time, times the requests in flight and one more. The
// time is a peak-sensitive moving average: it jumps up to any longer one at
// once, and else fades with the time constant given, by looking at it too. A
// backend of which nothing is known costs nothing while idle, and more than any
// other while busy, so that each new one is tried once.
//
// Source: Finagle's PeakEwma.scala under its P2C balancer.
// Cost: O(1), two draws and an exponential for each.
// Weak spot: with backends alike it is worse than P2C: the average is noise.
// It pays where latencies differ.
type P2CEWMA struct {
	up       indexSet
	decay    float64 // nanoseconds
	inFlight []int32
	average  []float64 // nanoseconds, as of seen
	seen     []time.Duration
	random   *rand.Rand
}

// NewP2CEWMA returns a picker over n backends, all up.
func NewP2CEWMA(n int, decay time.Duration, random *rand.Rand) *P2CEWMA {
	return &P2CEWMA{fullSet(n), float64(decay), make([]int32, n), make([]float64, n), make([]time.Duration, n), random}
}

// SetUp implements Picker.
func (p *P2CEWMA) SetUp(i int, up bool) { p.up.set(i, up) }

// Pick implements Picker.
func (p *P2CEWMA) Pick(now time.Duration, _ uint64, avoid []int) (int, bool) {
	n := p.up.choice(avoid)
	if n == 0 {
		return 0, false
	}
	p.up.sample(min(n, 2), n, p.random)
	best := int(p.up.members[0])
	if n > 1 {
		if other := int(p.up.members[1]); p.cost(now, other) < p.cost(now, best) {
			best = other
		}
	}
	return best, true
}

// penalty is the cost of a busy backend of which nothing is known: 39 hours.
const penalty = 1 << 47

func (p *P2CEWMA) cost(now time.Duration, i int) float64 {
	p.observe(now, i, 0)
	pending := float64(p.inFlight[i])
	if p.average[i] == 0 && pending > 0 {
		return penalty + pending
	}
	return p.average[i] * (pending + 1)
}

func (p *P2CEWMA) observe(now time.Duration, i int, took float64) {
	kept := math.Exp(-float64(max(now-p.seen[i], 0)) / p.decay)
	if took > p.average[i] {
		p.average[i] = took
	} else {
		p.average[i] = p.average[i]*kept + took*(1-kept)
	}
	p.seen[i] = now
}

// Started implements Picker.
func (p *P2CEWMA) Started(i int) { p.inFlight[i]++ }

// Done implements Picker.
func (p *P2CEWMA) Done(now time.Duration, i int, o Outcome) {
	p.inFlight[i]--
	if o.Latency >= 0 {
		p.observe(now, i, float64(o.Latency))
	}
}
