package policy

// WTinyLFU keeps new keys in a small LRU window. What falls out of it enters
// the main part only if it was seen more often, lately, than what would have
// to go for it.
//
//	new ──► window (LRU) ──seen more often than main's victim?──► main ──► out
//	                                └──► out
//	main: probation ──used──► protected ──too many──► probation
//
// How often a key was seen is asked of a count-min sketch with 4-bit counters,
// all halved after each 10·C uses, C being the most items there have been. The
// main part is a segmented LRU. An item larger than the window passes it by.
//
// Source: Einziger, Friedman, Manes, "TinyLFU: a highly efficient cache
// admission policy", ACM TOS 2017; as in Caffeine, without its hill climbing.
// Cost: O(1) amortised; a use moves a list element and counts four times.
// Weak spot: a new crowd of keys has to wait until the sketch has seen them as
// often as the old; a window smaller than one item is none.
type WTinyLFU struct {
	window, probation, protected   itemList
	windowMax, mainMax, protectMax int64
	sketch                         sketch
	items, most, uses              int // uses since the last halving
}

const (
	usesPerItem     = 10
	countersPerItem = 4
)

// NewWTinyLFU returns a WTinyLFU for a capacity in bytes, of which the window
// gets a share, and the protected segment a share of the rest.
func NewWTinyLFU(capacity int64, window, protected float64) *WTinyLFU {
	windowMax := int64(float64(capacity) * window)
	mainMax := capacity - windowMax
	return &WTinyLFU{
		windowMax: windowMax, mainMax: mainMax, protectMax: int64(float64(mainMax) * protected),
		sketch: newSketch(),
	}
}

// Added implements Eviction.
func (t *WTinyLFU) Added(i *Item) {
	i.hash = keyHash(i.Key)
	if t.items++; t.items > t.most {
		t.most = t.items
		t.sketch.grow(t.most * countersPerItem)
	}
	t.see(i.hash)
	if i.Size > t.windowMax {
		t.window.pushEldest(i)
	} else {
		t.window.push(i)
	}
	t.settle()
}

// Used implements Eviction.
func (t *WTinyLFU) Used(i *Item) {
	t.see(i.hash)
	if i.in == &t.window {
		i.moveTo(&t.window)
		return
	}
	i.moveTo(&t.protected)
	for t.protected.size > t.protectMax {
		t.protected.eldest.moveTo(&t.probation)
	}
}

// Removed implements Eviction.
func (t *WTinyLFU) Removed(i *Item) {
	i.unlink()
	t.items--
	t.settle()
}

// Victim implements Eviction.
func (t *WTinyLFU) Victim(incoming *Item) *Item {
	victim := t.probation.eldest
	if victim == nil {
		victim = t.protected.eldest
	}
	candidate, seen := t.candidate(incoming)
	switch {
	case victim == nil:
		return t.window.eldest
	case candidate == nil:
		return victim
	case candidate.Size <= t.mainMax && seen > t.sketch.count(victim.hash):
		return victim
	case candidate == incoming:
		t.see(keyHash(incoming.Key))
	}
	return candidate
}

// candidate is what has to leave the window for main, and how often it was
// seen: nil if main itself has too much.
func (t *WTinyLFU) candidate(incoming *Item) (candidate *Item, seen uint64) {
	size := t.window.size
	if incoming != nil {
		if incoming.Size > t.windowMax {
			return incoming, 1 + t.sketch.count(keyHash(incoming.Key))
		}
		size += incoming.Size
	}
	if size <= t.windowMax || t.window.eldest == nil {
		return nil, 0
	}
	return t.window.eldest, t.sketch.count(t.window.eldest.hash)
}

// settle lets what the window has too much of into main, as far as there is
// room.
func (t *WTinyLFU) settle() {
	for t.window.size > t.windowMax {
		i := t.window.eldest
		if t.probation.size+t.protected.size+i.Size > t.mainMax {
			return
		}
		i.moveTo(&t.probation)
	}
}

func (t *WTinyLFU) see(hash uint64) {
	t.sketch.add(hash)
	if t.uses++; t.uses >= usesPerItem*t.most {
		t.uses = 0
		t.sketch.halve()
	}
}
