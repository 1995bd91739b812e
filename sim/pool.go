package sim

import (
	"time"

	"trafficlab/components/policy"
)

// pool is the connections from one place to another, or from the clients to
// the entry. At most limit calls hold one at a time; the others wait in line.
// A connection that a call gave back whole stays open for the next one.
type pool struct {
	to      *place
	link    *link // nil: nothing ever ails it
	reads   int64 // bytes a second that clients take of an answer; 0: as they come
	limit   int32 // 0: no bound
	keeps   int32 // most idle ones; -1: any number
	busy    int32
	idle    int32
	shared  bool   // HTTP/2: all calls share one connection
	made    bool   // that one, or it is being made
	shares  uint16 // calls of that one, if they are bounded
	uses    uint16 // most calls of one connection; 0: any number
	waiting ring[*call]

	born   []time.Duration // when each idle connection was made, if something ails the link
	used   []uint16        // how many calls each idle one has had, if that is bounded
	stands time.Duration   // from when on the shared one does, if made
	why    policy.Reason   // or why it does not
	_      [40]byte        // to whole cache lines, of which most calls touch the first alone
}

// take asks for a connection, and tells whether the call has it.
func (p *pool) take() bool {
	if p.limit > 0 && p.busy >= p.limit {
		return false
	}
	p.busy++
	return true
}

// reuse takes the connection that was given back last, and tells how many calls
// it has had.
func (p *pool) reuse() (used uint16) {
	p.idle--
	if p.uses > 0 {
		used = p.used[p.idle]
		p.used = p.used[:p.idle]
	}
	return used
}

// share counts a call of the one connection, which is the last that it takes
// if its calls are bounded.
func (p *pool) share() {
	if p.uses == 0 {
		return
	}
	if p.shares++; p.shares >= p.uses {
		p.made, p.shares = false, 0
	}
}

// give returns the connection of a call, and hands it to the first who still
// waits.
func (p *pool) give(of *call, whole bool) {
	p.busy--
	if whole && !p.to.shut() && !p.shared && (p.keeps < 0 || p.idle < p.keeps) && (p.uses == 0 || of.used < p.uses) {
		p.idle++
		if p.uses > 0 {
			p.used = append(p.used, of.used)
		}
		if p.link != nil {
			p.born = append(p.born, of.transit.made)
		}
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
func (p *pool) lose() { p.idle, p.used, p.born, p.made, p.shares = 0, p.used[:0], p.born[:0], false, 0 }

// desert forgets who waits: they are gone with their process.
func (p *pool) desert() {
	for p.waiting.len > 0 {
		p.waiting.pop().queued = false
	}
}
