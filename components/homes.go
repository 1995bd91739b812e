package components

import "trafficlab/bench/measure"

// homes tells, of a pool whose picks depend on a key, how many keys leave the
// place that they had while all were there, though only others are out. It
// knows the first mostHomes keys that it sees.
type homes struct {
	of          map[uint64]home
	asked, gone int64 // keys while some place is out and theirs is not; those of them that went elsewhere
}

type home struct {
	place       int32
	asked, gone bool
}

const mostHomes = 1 << 14

// note takes notice of a first attempt for a key at a place.
func (h *homes) note(m *membership, key uint64, place int) {
	at, known := h.of[key]
	switch out := m.away(); {
	case !known && !out && len(h.of) < mostHomes:
		h.of[key] = home{place: int32(place)}
	case known && out && m.usable(int(at.place)):
		was := at
		at.asked, at.gone = true, at.gone || int(at.place) != place
		if at == was {
			return
		}
		h.of[key] = at
		if !was.asked {
			h.asked++
		}
		if at.gone && !was.gone {
			h.gone++
		}
	}
}

// away tells whether any place is out, by its health or by ejection.
func (m *membership) away() bool { return m.healthy < len(m.out) && !m.panics }

// into adds what was counted.
func (h *homes) into(u *measure.NodeUse) {
	if h != nil {
		u.Keys += h.asked
		u.Moved += h.gone
	}
}
