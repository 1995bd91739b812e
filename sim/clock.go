package sim

import (
	"math"
	"time"
)

// clock is virtual time: what is to happen, and when.
type clock struct {
	now      time.Duration
	sequence uint64
	events   calendar
	lines    []line
	heads    []event // by line: its first event, or never
	soonest  int     // the line whose head comes before those of the others
}

// line holds events of one constant delay. They come due in the order in which
// they were scheduled, so only the first of them competes with others. There
// are few lines: who is first among their heads is found by looking at all.
type line struct {
	delay  time.Duration
	events ring[event]
}

// never comes after all events.
var never = event{math.MaxInt64, math.MaxUint64}

// at schedules an event.
func (c *clock) at(at time.Duration, k kind, slot int) {
	c.events.push(c.stamp(at, k, slot))
}

// stamp makes an event with the next sequence number.
func (c *clock) stamp(at time.Duration, k kind, slot int) event {
	if c.sequence++; c.sequence == sequenceLimit {
		panic("sim: more than 68 billion events in a run")
	}
	return event{max(at, c.now), word(c.sequence, k, slot)}
}

// line returns the index of the line with the given delay.
func (c *clock) line(delay time.Duration) int {
	for i := range c.lines {
		if c.lines[i].delay == delay {
			return i
		}
	}
	c.lines, c.heads = append(c.lines, line{delay: delay}), append(c.heads, never)
	return len(c.lines) - 1
}

// after schedules an event by a line's delay from now.
func (c *clock) after(i int, k kind, slot int) {
	l := &c.lines[i]
	e := c.stamp(c.now+l.delay, k, slot)
	l.events.push(e)
	if l.events.len == 1 {
		c.heads[i] = e
		if e.before(c.heads[c.soonest]) {
			c.soonest = i
		}
	}
}

// next is the instant of the next event; ok is false if there is none.
func (c *clock) next() (at time.Duration, ok bool) {
	e := never
	if !c.events.empty() {
		e = c.events.first()
	}
	if len(c.heads) > 0 {
		e.at = min(e.at, c.heads[c.soonest].at)
	}
	return e.at, e.at != never.at
}

// pop advances to the next event. There must be one.
func (c *clock) pop() event {
	var e event
	if c.lined() {
		e = c.step(c.soonest)
	} else {
		e = c.events.pop()
	}
	c.now = e.at
	return e
}

// lined tells whether the next event is the head of a line.
func (c *clock) lined() bool {
	if len(c.heads) == 0 {
		return false
	}
	return c.events.empty() || c.heads[c.soonest].before(c.events.first())
}

// step takes the first event off a line, and finds whose turn it is then.
func (c *clock) step(i int) event {
	events := &c.lines[i].events
	e := events.pop()
	first := never
	if events.len > 0 {
		first = events.first()
	}
	c.heads[i] = first
	for k, head := range c.heads {
		if head.before(first) {
			first, i = head, k
		}
	}
	c.soonest = i
	return e
}
