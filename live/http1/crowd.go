package http1

import (
	"net"
	"net/netip"
	"sync"
)

// Crowd counts connections, those of several servers together. It is safe for
// concurrent use; a nil Crowd lets everybody in.
type Crowd struct {
	Most  int  // 0: any number
	Each  int  // from one address; 0: any number
	Waits bool // who is one more than Most is not accepted before others leave

	mu   sync.Mutex
	room sync.Cond
	in   int
	of   map[netip.Addr]int
	over bool
}

// Await returns when there is room for another connection, if those beyond are
// to wait.
func (c *Crowd) Await() {
	if c == nil || !c.Waits || c.Most == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.room.L = &c.mu
	for c.in >= c.Most && !c.over {
		c.room.Wait()
	}
}

// Disperse lets nobody wait any more.
func (c *Crowd) Disperse() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	c.room.Broadcast()
}

// Enter counts a connection, if there may be one more. One that has entered
// leaves once.
func (c *Crowd) Enter(from net.Addr) bool {
	if c == nil {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Most > 0 && c.in >= c.Most {
		return false
	}
	if c.Each > 0 {
		at := addressOf(from)
		if c.of[at] >= c.Each {
			return false
		}
		if c.of == nil {
			c.of = map[netip.Addr]int{}
		}
		c.of[at]++
	}
	c.in++
	return true
}

// Leave takes Enter back.
func (c *Crowd) Leave(from net.Addr) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.in--
	c.room.Signal()
	if c.Each == 0 {
		return
	}
	if at := addressOf(from); c.of[at] > 1 {
		c.of[at]--
	} else {
		delete(c.of, at)
	}
}

// addressOf is that of a client; all who have none that can be told are one.
func addressOf(from net.Addr) netip.Addr {
	if tcp, ok := from.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}
