package policy

// FIFO evicts what came first, used or not.
//
// Source: Belady, "A study of replacement algorithms", 1966.
// Cost: O(1); a use costs nothing.
// Weak spot: a key asked for all the time goes as soon as one asked for once.
type FIFO struct{ items itemList }

// NewFIFO returns a FIFO without items.
func NewFIFO() *FIFO { return new(FIFO) }

// Added implements Eviction.
func (f *FIFO) Added(i *Item) { f.items.push(i) }

// Used implements Eviction.
func (f *FIFO) Used(*Item) {}

// Removed implements Eviction.
func (f *FIFO) Removed(i *Item) { i.unlink() }

// Victim implements Eviction.
func (f *FIFO) Victim(*Item) *Item { return f.items.eldest }
