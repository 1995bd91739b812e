package sim

import "time"

// pool is the connections from one place to another, or from the clients to
// the entry. At most limit calls hold one at a time; the others wait in line.
// A connection that a call gave back whole stays open for the next one.
type pool struct {
	to      *place
	limit   int // 0: no bound
	keeps   int // most idle ones; -1: any number
	busy    int
	idle    int
	waiting ring[*call]

	// HTTP/2: all calls share one connection.
	shared bool
	made   bool          // or being made
	stands time.Duration // from when on, if made
}

// take asks for a connection, and tells whether the call has it.
func (p *pool) take() bool {
	if p.limit > 0 && p.busy >= p.limit {
		return false
	}
	p.busy++
	return true
}

// give returns a connection and hands it to the first who still waits.
func (p *pool) give(whole bool) {
	p.busy--
	if whole && !p.to.down && !p.shared && (p.keeps < 0 || p.idle < p.keeps) {
		p.idle++
	}
	for p.waiting.len > 0 {
		c := p.waiting.pop()
		c.queued = false
		if c.fired {
			c.free()
			continue
		}
		p.busy++
		c.connect()
		return
	}
}

// lose forgets connections: an end of theirs is no more.
func (p *pool) lose() { p.idle, p.made = 0, false }

// desert forgets who waits: they are gone with their process.
func (p *pool) desert() {
	for p.waiting.len > 0 {
		p.waiting.pop().queued = false
	}
}
