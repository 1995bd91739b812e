package policy

import "time"

// Maglev looks the key up in a table of M slots, M a prime. Each backend that
// is up prefers the slots in an order of its own; they take turns, in
// proportion to their weights, and each takes the first free slot of its order.
// So shares are even to the slot, and when one goes down few keys move that did
// not have to.
//
// A backend that a retry avoids, or that is full if loads are bounded, is
// passed over to the next slot.
//
// Source: Eisenbud et al., "Maglev", NSDI 2016, section 3.4; weights as in
// Envoy's MAGLEV.
// Cost: O(1) and the slots passed over; O(M log M) at the first pick after a
// backend went up or down.
// Weak spot: a change costs a whole table (milliseconds for 65537 slots), and
// moves about as many keys again as it must with many backends. M should be a
// hundred times the number of backends.
type Maglev struct {
	occupancy
	slots []int32
	stale bool
}

// NewMaglev returns a picker over a pool whose backends are all up. The table
// has at least size slots, and no fewer than there are backends. bound is as
// for RingHash.
func NewMaglev(pool Pool, size int, bound float64) *Maglev {
	return &Maglev{
		occupancy: newOccupancy(pool, bound),
		slots:     make([]int32, prime(max(size, pool.Size(), 2))),
		stale:     true,
	}
}

// prime is the least prime from n on.
func prime(n int) int {
	for ; ; n++ {
		divided := false
		for d := 2; d*d <= n && !divided; d++ {
			divided = n%d == 0
		}
		if !divided {
			return n
		}
	}
}

// SetUp implements Picker.
func (m *Maglev) SetUp(i int, up bool) {
	m.stale = m.stale || m.up[i] != up
	m.occupancy.SetUp(i, up)
}

// turns is a backend's way through the slots.
type turns struct {
	of         int32
	next, skip int
	weight     float64 // of 1
	due        float64 // the round, times weight, of its next turn
}

// fill lets those that are up take turns until no slot is free.
func (m *Maglev) fill() {
	m.stale = false
	for s := range m.slots {
		m.slots[s] = nobody
	}
	all := m.preferences()
	for round, left := 1, len(m.slots); ; round++ {
		for t := range all {
			if float64(round)*all[t].weight < all[t].due {
				continue
			}
			all[t].due++
			m.take(&all[t])
			if left--; left == 0 {
				return
			}
		}
	}
}

// take gives a backend the first free slot that it prefers.
func (m *Maglev) take(t *turns) {
	for m.slots[t.next] != nobody {
		t.next = (t.next + t.skip) % len(m.slots)
	}
	m.slots[t.next] = t.of
}

func (m *Maglev) preferences() []turns {
	heaviest := 1
	for i := range m.up {
		if m.up[i] {
			heaviest = max(heaviest, m.pool.Weight(i))
		}
	}
	all := make([]turns, 0, m.count)
	for i, name := range m.pool.Names {
		if !m.up[i] {
			continue
		}
		h, size := nameHash(name), uint64(len(m.slots))
		all = append(all, turns{
			of:     int32(i),
			next:   int(h % size),
			skip:   int(scramble(h)%(size-1)) + 1,
			weight: float64(m.pool.Weight(i)) / float64(heaviest),
		})
	}
	return all
}

// Pick implements Picker.
func (m *Maglev) Pick(_ time.Duration, key uint64, avoid []int) (int, bool) {
	if m.count == 0 {
		return 0, false
	}
	if m.stale {
		m.fill()
	}
	start := int(scramble(key) % uint64(len(m.slots)))
	if m.leaves(avoid) {
		if i, ok := m.walk(start, avoid); ok {
			return i, true
		}
	}
	return m.walk(start, nil)
}

// walk goes once through the slots.
func (m *Maglev) walk(start int, avoid []int) (int, bool) {
	s := start
	for range m.slots {
		if i := int(m.slots[s]); m.takes(i, avoid) {
			return i, true
		}
		if s++; s == len(m.slots) {
			s = 0
		}
	}
	return 0, false
}

// Done implements Picker.
func (m *Maglev) Done(_ time.Duration, i int, _ Outcome) { m.change(i, -1) }
