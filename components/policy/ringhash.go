package policy

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// RingHash gives each backend points on a circle of hashes, in proportion to
// its weight, and picks by the first point at or behind the key's own. A
// backend that is down is passed over: its keys go to the next on the circle,
// and nobody else's move. So do the keys of one that is full, if loads are
// bounded.
//
// Source: Karger et al. 1997; ketama; Envoy's RING_HASH. Bounded loads:
// Mirrokni et al. 2018.
// Cost: O(log n·v) and the points passed over; n·v points of memory.
// Weak spot: shares differ: with v points each, by 1/√v of the mean (their
// coefficient of variation is √((n-1)/(nv+1))); one hot key is one hot backend
// unless loads are bounded.
type RingHash struct {
	occupancy
	points []point
}

type point struct {
	at uint64
	of int32
}

// NewRingHash returns a picker over a pool whose backends are all up, with
// about vnodes points for each. bound is the most that a backend may have of
// its share of what is in flight, 0 for no bound.
func NewRingHash(pool Pool, vnodes int, bound float64) *RingHash {
	r := &RingHash{occupancy: newOccupancy(pool, bound)}
	mean := r.weight / float64(max(pool.Size(), 1))
	for i, name := range pool.Names {
		home := nameHash(name)
		for k := range max(1, int(math.Round(float64(vnodes*pool.Weight(i))/mean))) {
			r.points = append(r.points, point{scramble(home + uint64(k)), int32(i)})
		}
	}
	slices.SortFunc(r.points, func(a, b point) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.of, b.of))
	})
	return r
}

// Pick implements Picker.
func (r *RingHash) Pick(_ time.Duration, key uint64, avoid []int) (int, bool) {
	if r.count == 0 {
		return 0, false
	}
	start, _ := slices.BinarySearchFunc(r.points, scramble(key), func(p point, at uint64) int { return cmp.Compare(p.at, at) })
	if r.leaves(avoid) {
		if i, ok := r.walk(start, avoid); ok {
			return i, true
		}
	}
	return r.walk(start, nil)
}

// walk goes once round.
func (r *RingHash) walk(start int, avoid []int) (int, bool) {
	for _, side := range [2][]point{r.points[start:], r.points[:start]} {
		for _, p := range side {
			if r.takes(int(p.of), avoid) {
				return int(p.of), true
			}
		}
	}
	return 0, false
}

// Done implements Picker.
func (r *RingHash) Done(_ time.Duration, i int, _ Outcome) { r.change(i, -1) }
