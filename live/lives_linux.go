package live

import (
	"errors"
	"sync"
	"time"

	"trafficlab/bench/measure"
	"trafficlab/topologies"
)

// process is the process of a place, through all its lives. It is safe for
// concurrent use.
type process struct {
	place   topologies.Place
	seat    seat
	args    []string
	spawned chan error // the guardian's word on the latest birth

	mu       sync.Mutex
	pid      int // 0: none is alive
	end      chan struct{}
	how      string // it ended
	expected bool   // its end
	frozen   bool

	count   measure.NodeUse // of this life, when last read
	past    measure.NodeUse // of earlier ones
	pastCPU time.Duration
	lastCPU time.Duration // of this life, when last read
	peak    int64
}

// beBorn makes ready for another life.
func (p *process) beBorn() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spawned = make(chan error, 1)
	p.end = make(chan struct{})
	p.expected, p.frozen = false, false
}

// heed takes a notice of the guardian; it says false if the process ended
// though nobody asked it to.
func (p *process) heed(n notice) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case n.Error != "":
		close(p.end)
		p.spawned <- errors.New(n.Error)
	case n.PID != 0:
		p.pid = n.PID
		p.spawned <- nil
	case n.Ended != "":
		p.how = n.Ended
		p.bury(n.CPU)
		return p.expected
	}
	return true
}

// bury adds a life that has ended to the past ones.
func (p *process) bury(cpu time.Duration) {
	p.pid = 0
	p.past = sum(p.past, p.count)
	p.count = measure.NodeUse{}
	p.pastCPU += max(cpu, p.lastCPU)
	p.lastCPU = 0
	if !isClosed(p.end) {
		close(p.end)
	}
}

// lost is the end of a process whose guardian has ended.
func (p *process) lost() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pid != 0 {
		p.how = "its guardian ended"
		p.bury(0)
	}
}

// ended is closed when the present life is over.
func (p *process) ended() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.end == nil { // never born
		return alreadyClosed
	}
	return p.end
}

var alreadyClosed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func (p *process) howEnded() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.how
}

func (p *process) expectEnd() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expected = true
}

func (p *process) setFrozen(frozen bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = frozen
}

func (p *process) isFrozen() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.frozen
}

func (p *process) isDown() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pid == 0
}

// isUp tells whether it is alive and able to answer.
func (p *process) isUp() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pid != 0 && !p.frozen
}

// use is what all lives together have done, as far as it has been read.
func (p *process) use(all tree) measure.NodeUse {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pid != 0 {
		if cpu, peak, err := all.use(p.pid); err == nil { // else it has just ended
			p.lastCPU, p.peak = cpu, max(p.peak, peak)
		}
	}
	u := sum(p.past, p.count)
	u.CPU, u.Memory = p.pastCPU+p.lastCPU, p.peak
	return u
}
