package policy

// S3FIFO keeps three queues: a small one that new keys pass through, a main
// one for those that were asked for again on the way, and a ghost that
// remembers the keys of those that were not.
//
//	new ──► small ──used promote times──► main ──► out
//	          └──► ghost (the key only)    ▲ └── once more round for each use
//	                 └──asked for again────┘
//
// Uses are counted up to 3 (two bits), from 0 on entering either queue. At the
// end of the small queue an item with at least promote uses goes to main, all
// others out, and their keys into the ghost, which remembers as many bytes as
// main holds. At the end of main an item with uses goes round again with one
// use less. Room is made from the small queue if it has more than its share,
// else from main.
//
// Source: Yang et al., "FIFO queues are all you need for cache eviction", SOSP
// 2023, algorithm 1; promote is 2 in libCacheSim.
// Cost: O(1) amortised; a use counts up. The ghost costs a key for each byte
// of main.
// Weak spot: a second use that comes after the key has left the small queue
// costs one more miss.
type S3FIFO struct {
	small, main       itemList
	smallMax, mainMax int64
	promote           uint8
	ghost             ghost
}

// maxUses is what two bits hold.
const maxUses = 3

// NewS3FIFO returns an S3FIFO for a capacity in bytes, of which the small
// queue gets the given share. promote is 1 to 3.
func NewS3FIFO(capacity int64, small float64, promote int) *S3FIFO {
	smallMax := max(1, int64(float64(capacity)*small))
	mainMax := capacity - smallMax
	return &S3FIFO{
		smallMax: smallMax, mainMax: mainMax, promote: uint8(promote),
		ghost: ghost{bound: mainMax, known: map[string]*Item{}},
	}
}

// Added implements Eviction.
func (s *S3FIFO) Added(i *Item) {
	if s.ghost.take(i.Key) {
		s.main.push(i)
		return
	}
	s.small.push(i)
}

// Used implements Eviction.
func (s *S3FIFO) Used(i *Item) { i.uses = min(i.uses+1, maxUses) }

// Removed implements Eviction.
func (s *S3FIFO) Removed(i *Item) { i.unlink() }

// Victim implements Eviction.
func (s *S3FIFO) Victim(*Item) *Item {
	for s.small.size >= s.smallMax || s.main.eldest == nil {
		i := s.small.eldest
		if i == nil {
			break
		}
		if i.uses < s.promote {
			s.ghost.add(i)
			return i
		}
		i.uses = 0
		i.moveTo(&s.main)
		if s.main.size > s.mainMax {
			break
		}
	}
	for {
		i := s.main.eldest
		if i.uses == 0 {
			return i
		}
		i.uses--
		i.moveTo(&s.main)
	}
}

// ghost remembers the keys of items that went, the latest ones, as many as
// their sizes' sum allows.
type ghost struct {
	bound int64
	items itemList
	known map[string]*Item
}

func (g *ghost) add(i *Item) {
	gone := &Item{Key: i.Key, Size: i.Size}
	g.known[i.Key] = gone
	g.items.push(gone)
	for g.items.size > g.bound {
		g.take(g.items.eldest.Key)
	}
}

// take forgets a key and tells whether it was known.
func (g *ghost) take(key string) bool {
	i, ok := g.known[key]
	if ok {
		delete(g.known, key)
		i.unlink()
	}
	return ok
}
