package sim

// ring is a FIFO queue that reuses its storage.
type ring[T any] struct {
	len   int
	head  int
	slots []T // a power of two of them
}

func (r *ring[T]) push(v T) {
	if r.len == len(r.slots) {
		r.grow()
	}
	r.slots[(r.head+r.len)&(len(r.slots)-1)] = v
	r.len++
}

func (r *ring[T]) pop() T {
	var none T
	v := r.slots[r.head]
	r.slots[r.head] = none
	r.head = (r.head + 1) & (len(r.slots) - 1)
	r.len--
	return v
}

// drop is pop for what need not be wiped away.
func (r *ring[T]) drop() {
	r.head = (r.head + 1) & (len(r.slots) - 1)
	r.len--
}

// at is the i-th from the first, which must be there.
func (r *ring[T]) at(i int) *T { return &r.slots[(r.head+i)&(len(r.slots)-1)] }

// first is the one that pop would return. The ring must not be empty.
func (r *ring[T]) first() T { return r.slots[r.head] }

func (r *ring[T]) grow() {
	larger := make([]T, max(8, 2*len(r.slots)))
	n := copy(larger, r.slots[r.head:])
	copy(larger[n:], r.slots[:r.head])
	r.slots, r.head = larger, 0
}
