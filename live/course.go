package live

import (
	"context"
	"sync"
	"time"

	"trafficlab/bench/measure"
)

// course is what a node is like over time, as it sees itself at each tick of
// its run. A nil course is none. It is safe for concurrent use.
type course struct {
	node *Node
	own  func() (cpu time.Duration, memory int64) // of the process

	mu   sync.Mutex
	seen measure.Course
	cpu  time.Duration // by the tick seen last
}

// keep looks at each tick until the load has lasted so long, or the context
// ends.
func (c *course) keep(ctx context.Context, duration time.Duration) {
	tick, ticks := measure.Tick(duration), measure.Ticks(duration)
	c.cpu, _ = c.own()
	for next := max(0, int(c.node.now()/tick)); next < ticks; {
		ring, stop := c.node.alarm(time.Duration(next+1) * tick)
		select {
		case <-ring:
		case <-ctx.Done():
			stop()
			return
		}
		now := min(int(c.node.now()/tick), ticks) // later by more than a tick, if the process stood still
		if now > next {
			c.look(next, now, tick)
			next = now
		}
	}
}

// look notes what the node is like now for the ticks from one to before
// another.
func (c *course) look(from, to int, tick time.Duration) {
	n := c.node
	n.mu.Lock()
	waiting := n.setup().waiting()
	n.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	put := func(s *measure.Series, value int64) {
		for len(*s) < from {
			*s = append(*s, 0)
		}
		for len(*s) < to {
			*s = append(*s, uint32(max(value, 0)))
		}
	}
	put(&c.seen.Connections, int64(n.doors.standing()))
	put(&c.seen.InFlight, n.inFlight.Load())
	put(&c.seen.Queue, int64(waiting))
	cpu, memory := c.own()
	put(&c.seen.CPU, int64(1000*(cpu-c.cpu)/(time.Duration(to-from)*tick)))
	put(&c.seen.Memory, memory>>10)
	c.cpu = cpu
}

func (c *course) read() *measure.Course {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return sumCourse(&c.seen, nil)
}

// watch has the node keep what it is like over time, until its load is over.
// The node's lock is held.
func (n *Node) watch() {
	if n.options.Own == nil || n.of == nil || n.closed || n.course != nil {
		return
	}
	n.course = &course{node: n, own: n.options.Own}
	n.work.Go(func() { n.course.keep(n.ctx, n.of.Duration()) })
}

// waiting is how many requests wait in the node's own line, or for a
// connection.
func (s *setup) waiting() (n int) {
	if l, ok := s.handler.(interface{ Waiting() int }); ok {
		n = l.Waiting()
	}
	return n + s.pool.Waiting()
}

// standing is how many connections of callers there are.
func (d *doors) standing() int {
	n := d.usual.Connections() + int(d.node.open2.Load())
	if d.bare != nil {
		n += d.bare.Connections()
	}
	return n
}
