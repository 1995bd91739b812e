package policy

import (
	"math"
	"slices"
	"time"
)

// Rendezvous hashes the key with each backend's name and picks the highest
// score, -w/ln(u) for a hash u between 0 and 1 and weight w. When a backend
// goes down its keys spread over all others, and nobody else's move.
//
// Source: Thaler, Ravishankar, "A Name-Based Mapping Scheme for Rendezvous",
// 1996 and 1998 (highest random weight); weights: Schindelhauer, Schomaker 2005.
// Cost: O(n) at every decision: a hash for each backend, and a logarithm with
// weights. No memory but a hash a backend.
// Weak spot: that cost; and a hot key is a hot backend.
type Rendezvous struct {
	pool   Pool
	hashes []uint64
	up     []bool
}

// NewRendezvous returns a picker over a pool whose backends are all up.
func NewRendezvous(pool Pool) *Rendezvous {
	r := &Rendezvous{pool, make([]uint64, pool.Size()), make([]bool, pool.Size())}
	for i, name := range pool.Names {
		r.hashes[i], r.up[i] = nameHash(name), true
	}
	return r
}

// SetUp implements Picker.
func (r *Rendezvous) SetUp(i int, up bool) { r.up[i] = up }

// Pick implements Picker.
func (r *Rendezvous) Pick(_ time.Duration, key uint64, avoid []int) (int, bool) {
	key = scramble(key)
	best, bestTried := nobody, nobody
	var high, highTried float64
	for i, hash := range r.hashes {
		if !r.up[i] {
			continue
		}
		score := r.score(i, scramble(hash^key))
		if slices.Contains(avoid, i) {
			if bestTried == nobody || score > highTried {
				bestTried, highTried = i, score
			}
		} else if best == nobody || score > high {
			best, high = i, score
		}
	}
	if best == nobody {
		best = bestTried
	}
	return max(best, 0), best != nobody
}

// score is -w/ln(u); where all weights are alike u itself, whose order is the
// same.
func (r *Rendezvous) score(i int, hash uint64) float64 {
	u := (float64(hash>>11) + 0.5) / (1 << 53)
	if r.pool.Weights == nil {
		return u
	}
	return -float64(r.pool.Weight(i)) / math.Log(u)
}

// Started implements Picker.
func (*Rendezvous) Started(int) {}

// Done implements Picker.
func (*Rendezvous) Done(time.Duration, int, Outcome) {}
