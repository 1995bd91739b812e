package policy

import (
	"maps"
	"slices"
)

// Cache keeps values of known size under keys, within a capacity in bytes.
// What has to go to make room is its Eviction's decision.
//
// A request for a key is a Lookup, and after one that found nothing perhaps a
// Put: a found Lookup and the Put of a new key count as one use each. A Put in
// place of another value keeps that one's standing and counts as none.
//
// A cache is not safe for concurrent use; its owner guards it.
type Cache[V any] struct {
	capacity, size int64
	entries        map[string]*entry[V]
	eviction       Eviction
}

type entry[V any] struct {
	Item
	value V
}

// Eviction decides which items of a cache have to go. It is told of all that
// come, are used and go.
type Eviction interface {
	// Added tells of a new item, once there is room for it.
	Added(i *Item)

	// Used tells that an item was asked for and found.
	Used(i *Item)

	// Removed tells that an item goes, as a victim or for another reason.
	Removed(i *Item)

	// Victim chooses what goes next to make room, for a new item or (if that
	// is nil) because one has grown. To choose the new item is not to let it
	// in. It is asked only while there is an item.
	Victim(incoming *Item) *Item
}

// Item is what an Eviction knows of a kept value: its key, its size in bytes
// and its place in the eviction's lists.
type Item struct {
	Key  string
	Size int64

	in           *itemList
	newer, elder *Item
	uses         uint8   // SIEVE, S3-FIFO: uses since it was last looked at
	bucket       *bucket // LFU
	hash         uint64  // W-TinyLFU
}

// NewCache returns an empty cache of the given capacity in bytes.
func NewCache[V any](capacity int64, e Eviction) *Cache[V] {
	return &Cache[V]{capacity: capacity, entries: map[string]*entry[V]{}, eviction: e}
}

// Lookup returns what is kept under the key. If there is something, it counts
// as a use.
func (c *Cache[V]) Lookup(key string) (value V, ok bool) {
	e, ok := c.entries[key]
	if !ok {
		return value, false
	}
	c.eviction.Used(&e.Item)
	return e.value, true
}

// LookupBytes is Lookup for a key that is no string yet, and need not become
// one.
func (c *Cache[V]) LookupBytes(key []byte) (value V, ok bool) {
	e, ok := c.entries[string(key)]
	if !ok {
		return value, false
	}
	c.eviction.Used(&e.Item)
	return e.value, true
}

// PeekBytes is a LookupBytes that does not count as a use.
func (c *Cache[V]) PeekBytes(key []byte) (value V, ok bool) {
	e, ok := c.entries[string(key)]
	if !ok {
		return value, false
	}
	return e.value, true
}

// Peek is a Lookup that does not count as a use.
func (c *Cache[V]) Peek(key string) (value V, ok bool) {
	e, ok := c.entries[key]
	if !ok {
		return value, false
	}
	return e.value, true
}

// Put keeps a value, in place of any other of the same key. It is false if the
// value was not kept: it is larger than the whole capacity, or the eviction
// did not let it in. Nothing is kept under the key then.
func (c *Cache[V]) Put(key string, value V, size int64) bool {
	if size > c.capacity {
		c.Remove(key)
		return false
	}
	e, known := c.entries[key]
	if !known {
		return c.add(&entry[V]{Item{Key: key, Size: size}, value})
	}
	c.size += size - e.Size
	e.resize(size)
	e.value = value
	for c.size > c.capacity {
		c.drop(c.eviction.Victim(nil))
	}
	return e.in != nil
}

func (c *Cache[V]) add(e *entry[V]) bool {
	for c.size+e.Size > c.capacity {
		victim := c.eviction.Victim(&e.Item)
		if victim == &e.Item {
			return false
		}
		c.drop(victim)
	}
	c.entries[e.Key] = e
	c.size += e.Size
	c.eviction.Added(&e.Item)
	return true
}

// Remove forgets the key and tells whether it was there.
func (c *Cache[V]) Remove(key string) bool {
	e, ok := c.entries[key]
	if ok {
		c.drop(&e.Item)
	}
	return ok
}

func (c *Cache[V]) drop(i *Item) {
	delete(c.entries, i.Key)
	c.size -= i.Size
	c.eviction.Removed(i)
}

// RemoveAll forgets every key whose value matches, in the order of the keys,
// and returns how many there were. It looks at all of them.
func (c *Cache[V]) RemoveAll(matches func(value V) bool) int {
	keys := slices.Collect(maps.Keys(c.entries))
	keys = slices.DeleteFunc(keys, func(key string) bool { return !matches(c.entries[key].value) })
	slices.Sort(keys)
	for _, key := range keys {
		c.Remove(key)
	}
	return len(keys)
}

// Len is the number of values kept.
func (c *Cache[V]) Len() int { return len(c.entries) }

// Size is the sum of their sizes in bytes.
func (c *Cache[V]) Size() int64 { return c.size }

// itemList is a list of items, the newest in front. The links are the items'
// own, so moving one costs no allocation.
type itemList struct {
	newest, eldest *Item
	size           int64 // bytes
}

func (l *itemList) push(i *Item) {
	i.in, i.newer, i.elder = l, nil, l.newest
	if l.newest != nil {
		l.newest.newer = i
	} else {
		l.eldest = i
	}
	l.newest = i
	l.size += i.Size
}

// pushEldest adds an item at the other end.
func (l *itemList) pushEldest(i *Item) {
	i.in, i.newer, i.elder = l, l.eldest, nil
	if l.eldest != nil {
		l.eldest.elder = i
	} else {
		l.newest = i
	}
	l.eldest = i
	l.size += i.Size
}

// unlink takes the item out of its list.
func (i *Item) unlink() {
	l := i.in
	if i.newer != nil {
		i.newer.elder = i.elder
	} else {
		l.newest = i.elder
	}
	if i.elder != nil {
		i.elder.newer = i.newer
	} else {
		l.eldest = i.newer
	}
	l.size -= i.Size
	i.in, i.newer, i.elder = nil, nil, nil
}

// moveTo makes the item the newest of a list.
func (i *Item) moveTo(l *itemList) {
	i.unlink()
	l.push(i)
}

func (i *Item) resize(size int64) {
	i.in.size += size - i.Size
	i.Size = size
}
