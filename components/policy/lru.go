package policy

// LRU evicts what was used longest ago.
//
// Source: Mattson et al., "Evaluation techniques for storage hierarchies",
// 1970.
// Cost: O(1); every use moves a list element.
// Weak spot: one scan over many keys flushes it, and a key asked for once
// stays as long as one asked for often (SIEVE and S3-FIFO do better on Zipf).
type LRU struct{ items itemList }

// NewLRU returns an LRU without items.
func NewLRU() *LRU { return new(LRU) }

// Added implements Eviction.
func (l *LRU) Added(i *Item) { l.items.push(i) }

// Used implements Eviction.
func (l *LRU) Used(i *Item) { i.moveTo(&l.items) }

// Removed implements Eviction.
func (l *LRU) Removed(i *Item) { i.unlink() }

// Victim implements Eviction.
func (l *LRU) Victim(*Item) *Item { return l.items.eldest }
