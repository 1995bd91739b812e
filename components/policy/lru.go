package policy

// Cache keeps values of known size under keys, within a capacity. What has to
// go to make room is its own decision.
//
// A cache is not safe for concurrent use; its owner guards it.
type Cache[V any] interface {
	// Lookup returns what is kept under the key. It counts as a use.
	Lookup(key string) (value V, ok bool)

	// Put keeps a value, in place of any other of the same key. It is false
	// if the value is larger than the whole capacity: nothing is kept then.
	Put(key string, value V, size int64) bool

	// Remove forgets the key and tells whether it was there.
	Remove(key string) bool

	// Len is the number of values kept, Size their sizes' sum.
	Len() int
	Size() int64
}

// LRU is a Cache that makes room by dropping what was used longest ago.
//
// Source: Mattson et al., "Evaluation techniques for storage hierarchies",
// 1970.
// Cost: O(1), every use moves a list element.
// Weak spot: one scan over many keys flushes it, and a key asked for once
// stays as long as one asked for often (SIEVE and S3-FIFO do better on Zipf).
type LRU[V any] struct {
	capacity, size int64
	entries        recency[sized[V]]
}

type sized[V any] struct {
	value V
	size  int64
}

// NewLRU returns an empty cache of the given capacity in bytes.
func NewLRU[V any](capacity int64) *LRU[V] {
	return &LRU[V]{capacity: capacity, entries: newRecency[sized[V]]()}
}

// Lookup implements Cache.
func (l *LRU[V]) Lookup(key string) (value V, ok bool) {
	entry, ok := l.entries.get(key)
	if !ok {
		return value, false
	}
	return entry.value, true
}

// Put implements Cache.
func (l *LRU[V]) Put(key string, value V, size int64) bool {
	l.Remove(key)
	if size > l.capacity {
		return false
	}
	for l.size+size > l.capacity {
		l.Remove(l.entries.stalest())
	}
	l.entries.add(key, sized[V]{value, size})
	l.size += size
	return true
}

// Remove implements Cache.
func (l *LRU[V]) Remove(key string) bool {
	entry, ok := l.entries.remove(key)
	l.size -= entry.size
	return ok
}

// Len implements Cache.
func (l *LRU[V]) Len() int { return l.entries.len() }

// Size implements Cache.
func (l *LRU[V]) Size() int64 { return l.size }
