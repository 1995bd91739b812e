package components

import (
	"net/netip"
	"sync/atomic"
	"unsafe"
)

// memo remembers what was made of headers: others, mostly. It is for a host
// that hands the same header on again and again (Request.Lasting), as the
// simulator does: made once, a header costs the next exchange one look. What
// is new may push out what is old. It is safe for concurrent use.
type memo[T any] struct {
	slots atomic.Pointer[[memoRoom]atomic.Pointer[made[T]]] // made when first used
}

// origin is all that a header is made of, beside the proxy itself.
type origin struct {
	header         Header
	route          *route
	peer           netip.Addr
	host, consumer string
	tls            bool
	note           note
}

type made[T any] struct {
	of origin
	is T
}

// memoRoom bounds what is remembered.
const (
	memoBits  = 12
	memoRoom  = 1 << memoBits
	memoTries = 8
)

// find returns what was made of o before; the spare room of a header is not
// the caller's.
func (m *memo[T]) find(o *origin) (is T, ok bool) {
	slots := m.slots.Load()
	if slots == nil {
		return is, false
	}
	for i := range memoTries {
		e := slots[o.slot(i)].Load()
		switch {
		case e == nil:
			return is, false
		case e.of.equal(o):
			return e.is, true
		}
	}
	return is, false
}

// keep remembers what was made of o, and returns it.
func (m *memo[T]) keep(o *origin, is T) T {
	if m.slots.Load() == nil {
		m.slots.CompareAndSwap(nil, new([memoRoom]atomic.Pointer[made[T]]))
	}
	slots := m.slots.Load()
	free := 0
	for i := range memoTries {
		if slots[o.slot(i)].Load() == nil {
			free = i
			break
		}
	}
	slots[o.slot(free)].Store(&made[T]{*o, is})
	return is
}

// headerMemo is a memo of headers.
type headerMemo struct{ memo[Header] }

// keep is a memo's, for a header whose spare room is nobody's.
func (m *headerMemo) keep(o *origin, h Header) Header {
	return m.memo.keep(o, h[:len(h):len(h)])
}

// slot is where to look in the i-th place. It is found by where the header
// lies, of which a memo keeps hold, so that nothing else comes to lie there.
func (o *origin) slot(i int) uintptr {
	at := uintptr(unsafe.Pointer(unsafe.SliceData(o.header)))
	return (at*0x9e3779b97f4a7c15>>(64-memoBits) + uintptr(i)) % memoRoom
}

func (o *origin) equal(p *origin) bool {
	return unsafe.SliceData(o.header) == unsafe.SliceData(p.header) && len(o.header) == len(p.header) &&
		o.route == p.route && o.peer == p.peer &&
		alike(o.host, p.host) && alike(o.consumer, p.consumer) && o.tls == p.tls && o.note == p.note
}

// alike is a == b, at a glance where both are the same string.
func alike(a, b string) bool {
	return len(a) == len(b) && (unsafe.StringData(a) == unsafe.StringData(b) || a == b)
}
