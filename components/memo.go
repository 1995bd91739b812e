package components

import (
	"net/netip"
	"sync/atomic"
	"unsafe"
)

// memo remembers the headers that were made of others. It is for a host that
// hands the same header on again and again (Request.Lasting), as the simulator
// does: made once, a header costs the next exchange one look. What is new may
// push out what is old. It is safe for concurrent use.
type memo struct {
	slots atomic.Pointer[[memoRoom]atomic.Pointer[made]] // made when first used
}

// origin is all that a header is made of, beside the proxy itself.
type origin struct {
	header         Header
	route          *route
	peer           netip.Addr
	host, consumer string
	tls            bool
	word           word
}

type made struct {
	of origin
	is Header
}

// memoRoom bounds what is remembered.
const (
	memoBits  = 12
	memoRoom  = 1 << memoBits
	memoTries = 8
)

// find returns the header that was made of o before; its spare room is not
// the caller's.
func (m *memo) find(o *origin) (h Header, ok bool) {
	slots := m.slots.Load()
	if slots == nil {
		return nil, false
	}
	for i := range memoTries {
		e := slots[o.slot(i)].Load()
		switch {
		case e == nil:
			return nil, false
		case e.of.equal(o):
			return e.is, true
		}
	}
	return nil, false
}

// keep remembers what was made of o, and returns it.
func (m *memo) keep(o *origin, h Header) Header {
	if m.slots.Load() == nil {
		m.slots.CompareAndSwap(nil, new([memoRoom]atomic.Pointer[made]))
	}
	slots := m.slots.Load()
	free := 0
	for i := range memoTries {
		if slots[o.slot(i)].Load() == nil {
			free = i
			break
		}
	}
	h = h[:len(h):len(h)]
	slots[o.slot(free)].Store(&made{*o, h})
	return h
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
		o.host == p.host && o.consumer == p.consumer && o.tls == p.tls && o.word == p.word
}
