package policy

import (
	"slices"
	"time"
)

// rehashes bounds how often IPHash hashes again before it walks the pool.
const rehashes = 20

// IPHash picks by the key alone: the same client always meets the same
// backend. The key is hashed over the whole pool, up or not, and hashed again
// if that backend is down; so the clients of the others stay where they are.
//
// Source: NGINX's ip_hash (which also hashes again up to 20 times).
// Cost: O(1) while most backends are up, O(log n) when most are down.
// Weak spot: shares are only as even as the clients are many, and a slow
// backend keeps its clients. A pool of another size moves almost everybody.
type IPHash struct {
	up circle
	n  uint64
}

// NewIPHash returns a picker over n backends, all up.
func NewIPHash(n int) *IPHash { return &IPHash{fullCircle(n), uint64(n)} }

// SetUp implements Picker.
func (h *IPHash) SetUp(i int, up bool) { h.up.set(i, up) }

// Pick implements Picker.
func (h *IPHash) Pick(_ time.Duration, key uint64, avoid []int) (int, bool) {
	if h.n == 0 {
		return 0, false
	}
	if i, ok := h.walk(key, avoid); ok {
		return i, true
	}
	return h.walk(key, nil)
}

// walk follows the key's own sequence of backends to the first that will do,
// and then the pool's order.
func (h *IPHash) walk(key uint64, avoid []int) (int, bool) {
	i := 0
	for range rehashes {
		key = scramble(key)
		i = int(key % h.n)
		if h.up.has(i) && !slices.Contains(avoid, i) {
			return i, true
		}
	}
	return h.up.choice(i+1, avoid)
}

// Started implements Picker.
func (*IPHash) Started(int) {}

// Done implements Picker.
func (*IPHash) Done(time.Duration, int, Outcome) {}

// scramble is a bijection that spreads near keys far apart: a step of
// SplitMix64 (Steele, Lea, Flood 2014).
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
