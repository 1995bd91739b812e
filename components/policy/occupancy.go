package policy

import (
	"math"
	"slices"
)

// occupancy knows who of a pool is up and how full each is: what a hashing
// picker asks as it walks from a key's own backend to the next that will do.
//
// With a bound c, a backend is full at ⌈c·m·w/W⌉ requests of this proxy in
// flight, m being all of them with the one to come, and w/W its share of the
// weight that is up; so the busiest has at most c times its share.
//
// Source: Mirrokni, Thorup, Zadimoghaddam, "Consistent Hashing with Bounded
// Loads", 2018; HAProxy's hash-balance-factor.
type occupancy struct {
	pool     Pool
	up       []bool
	count    int     // of those up
	weight   float64 // of those up
	bound    float64 // 0: none
	inFlight []int
	total    int // in flight at those up
}

func newOccupancy(pool Pool, bound float64) occupancy {
	o := occupancy{pool: pool, up: make([]bool, pool.Size()), bound: bound, inFlight: make([]int, pool.Size())}
	for i := range o.up {
		o.SetUp(i, true)
	}
	return o
}

// SetUp implements Picker.
func (o *occupancy) SetUp(i int, up bool) {
	if o.up[i] == up {
		return
	}
	by := 1
	if !up {
		by = -1
	}
	o.up[i] = up
	o.count += by
	o.weight += float64(by * o.pool.Weight(i))
	o.total += by * o.inFlight[i]
}

// Started implements Picker.
func (o *occupancy) Started(i int) { o.change(i, 1) }

func (o *occupancy) change(i, by int) {
	o.inFlight[i] += by
	if o.up[i] {
		o.total += by
	}
}

// takes tells whether the backend may be picked and is not full.
func (o *occupancy) takes(i int, avoid []int) bool {
	return o.up[i] && !o.full(i) && !slices.Contains(avoid, i)
}

func (o *occupancy) full(i int) bool {
	if o.bound == 0 {
		return false
	}
	share := float64(o.pool.Weight(i)) / o.weight
	return float64(o.inFlight[i]) >= math.Ceil(whole(o.bound*float64(o.total+1)*share))
}

// leaves tells whether somebody is up besides the avoided.
func (o *occupancy) leaves(avoid []int) bool {
	left := o.count
	for k, i := range avoid {
		if o.up[i] && !slices.Contains(avoid[:k], i) {
			left--
		}
	}
	return left > 0
}

// nameHash is the hash of a backend's name (FNV-1a, scrambled).
func nameHash(name string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	return scramble(h)
}
