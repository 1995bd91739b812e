package policy

// LFU evicts what was used least often since it came, and of several such the
// one used longest ago. It counts in the cache only: a key that goes is
// forgotten.
//
// Source: Shah, Mitra, Matani, "An O(1) algorithm for implementing the LFU
// cache eviction scheme", 2010.
// Cost: O(1); items of equal count share a list, and the lists are in order.
// Weak spot: it never forgets. What was popular once stays, and a new key goes
// before it has had time to be asked for twice.
type LFU struct {
	least, most *bucket
	spare       *bucket // linked by above
}

// bucket holds the items of one count.
type bucket struct {
	items        itemList // the latest used is the newest
	count        uint64
	below, above *bucket
}

// NewLFU returns an LFU without items.
func NewLFU() *LFU { return new(LFU) }

// Added implements Eviction.
func (l *LFU) Added(i *Item) { l.enter(i, l.bucket(1, nil)) }

// Used implements Eviction.
func (l *LFU) Used(i *Item) {
	from := i.bucket
	to := l.bucket(from.count+1, from)
	l.leave(i)
	l.enter(i, to)
}

// Removed implements Eviction.
func (l *LFU) Removed(i *Item) { l.leave(i) }

// Victim implements Eviction.
func (l *LFU) Victim(*Item) *Item { return l.least.items.eldest }

func (l *LFU) enter(i *Item, b *bucket) {
	i.bucket = b
	b.items.push(i)
}

// leave takes the item out of its bucket, and a bucket without items away.
func (l *LFU) leave(i *Item) {
	b := i.bucket
	i.unlink()
	i.bucket = nil
	if b.items.newest != nil {
		return
	}
	*l.linkAbove(b.below) = b.above
	*l.linkBelow(b.above) = b.below
	*b = bucket{above: l.spare}
	l.spare = b
}

// bucket is the one of a count, which comes right above the given one.
func (l *LFU) bucket(count uint64, below *bucket) *bucket {
	above := *l.linkAbove(below)
	if above != nil && above.count == count {
		return above
	}
	b := l.spare
	if b == nil {
		b = new(bucket)
	} else {
		l.spare = b.above
	}
	*b = bucket{count: count, below: below, above: above}
	*l.linkAbove(below) = b
	*l.linkBelow(above) = b
	return b
}

// linkAbove is where it says what comes above b; nil stands for the bottom.
func (l *LFU) linkAbove(b *bucket) **bucket {
	if b == nil {
		return &l.least
	}
	return &b.above
}

// linkBelow is where it says what comes below b; nil stands for the top.
func (l *LFU) linkBelow(b *bucket) **bucket {
	if b == nil {
		return &l.most
	}
	return &b.below
}
