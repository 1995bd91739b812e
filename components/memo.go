package components

import (
	"net/netip"
	"sync"
)

// memo remembers the headers that were made of others. It is for a host that
// hands the same header on again and again (Request.Lasting), as the simulator
// does: made once, a header costs the next exchange one look. It is safe for
// concurrent use.
type memo struct {
	mu   sync.Mutex
	made map[*Field]*made
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
const memoRoom = 1 << 12

// find returns the header that was made of o before; its spare room is not
// the caller's.
func (m *memo) find(o *origin) (h Header, ok bool) {
	m.mu.Lock()
	e := m.made[o.first()]
	m.mu.Unlock()
	if e == nil || !e.of.equal(o) {
		return nil, false
	}
	return e.is, true
}

// keep remembers what was made of o, and returns it.
func (m *memo) keep(o *origin, h Header) Header {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.made == nil:
		m.made = map[*Field]*made{}
	case len(m.made) >= memoRoom:
		clear(m.made)
	}
	h = h[:len(h):len(h)]
	m.made[o.first()] = &made{*o, h}
	return h
}

// first is where the header lies. The memo holds it, so that nothing else
// comes to lie there.
func (o *origin) first() *Field {
	if len(o.header) == 0 {
		return nil
	}
	return &o.header[0]
}

func (o *origin) equal(p *origin) bool {
	return len(o.header) == len(p.header) && o.route == p.route && o.peer == p.peer &&
		o.host == p.host && o.consumer == p.consumer && o.tls == p.tls && o.word == p.word
}
