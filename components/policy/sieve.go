package policy

// SIEVE evicts the first item not used since its hand passed it last. The hand
// goes from old to new and then starts over; items it spares stay where they
// are, and new ones come in front.
//
// Source: Zhang et al., "SIEVE is simpler than LRU: an efficient turn-key
// eviction algorithm for web caches", NSDI 2024.
// Cost: O(1) amortised; a use sets one bit.
// Weak spot: not resistant to scans, as each new key stays until the hand
// comes by.
type SIEVE struct {
	items itemList
	hand  *Item // nil: at the eldest
}

// NewSIEVE returns a SIEVE without items.
func NewSIEVE() *SIEVE { return new(SIEVE) }

// Added implements Eviction.
func (s *SIEVE) Added(i *Item) { s.items.push(i) }

// Used implements Eviction.
func (s *SIEVE) Used(i *Item) { i.uses = 1 }

// Removed implements Eviction.
func (s *SIEVE) Removed(i *Item) {
	if s.hand == i {
		s.hand = i.newer
	}
	i.unlink()
}

// Victim implements Eviction.
func (s *SIEVE) Victim(*Item) *Item {
	for {
		if s.hand == nil {
			s.hand = s.items.eldest
		}
		if s.hand.uses == 0 {
			return s.hand // Removed moves the hand on
		}
		s.hand.uses = 0
		s.hand = s.hand.newer
	}
}
