package policy

import (
	"math/rand/v2"
	"time"
)

// P2C draws two distinct backends and picks the one with fewer requests of
// this proxy in flight; between equals, either.
//
// Source: Mitzenmacher, "The Power of Two Choices in Randomized Load
// Balancing", 2001; Envoy's LEAST_REQUEST with equal weights.
// Cost: O(1), two draws.
// Weak spot: it sees only its own requests, and now and then draws two busy
// ones.
type P2C struct {
	up       indexSet
	inFlight []int32
	random   *rand.Rand
}

// NewP2C returns a picker over n backends, all up.
func NewP2C(n int, random *rand.Rand) *P2C {
	return &P2C{fullSet(n), make([]int32, n), random}
}

// SetUp implements Picker.
func (p *P2C) SetUp(i int, up bool) { p.up.set(i, up) }

// Pick implements Picker.
func (p *P2C) Pick(_ time.Duration, _ uint64, avoid []int) (int, bool) {
	n := p.up.choice(avoid)
	switch n {
	case 0:
		return 0, false
	case 1:
		return int(p.up.members[0]), true
	}
	first, second := p.random.IntN(n), p.random.IntN(n-1)
	if second >= first {
		second++
	}
	a, b := p.up.members[first], p.up.members[second]
	if p.inFlight[b] < p.inFlight[a] {
		return int(b), true
	}
	return int(a), true // of two equals the first drawn, which may be either
}

// Started implements Picker.
func (p *P2C) Started(i int) { p.inFlight[i]++ }

// Done implements Picker.
func (p *P2C) Done(_ time.Duration, i int, _ Outcome) { p.inFlight[i]-- }
