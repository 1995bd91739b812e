package sim

import "time"

// clock is virtual time: what is to happen, and when.
type clock struct {
	now      time.Duration
	sequence uint64
	events   calendar
	lines    []line
}

// line holds events of one constant delay. They come due in the order in which
// they were scheduled, so only the first of them competes with others.
type line struct {
	delay  time.Duration
	events ring[event]
}

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
	c.lines = append(c.lines, line{delay: delay})
	return len(c.lines) - 1
}

// after schedules an event by a line's delay from now.
func (c *clock) after(i int, k kind, slot int) {
	l := &c.lines[i]
	e := c.stamp(c.now+l.delay, k, slot)
	l.events.push(e)
	if l.events.len == 1 {
		c.events.push(e.as(lined, i))
	}
}

// next is the instant of the next event; ok is false if there is none.
func (c *clock) next() (at time.Duration, ok bool) {
	if c.events.empty() {
		return 0, false
	}
	return c.events.first().at, true
}

// pop advances to the next event. There must be one.
func (c *clock) pop() event {
	e := c.events.pop()
	c.now = e.at
	if e.kind() != lined {
		return e
	}
	i := e.slot()
	l := &c.lines[i]
	e = l.events.pop()
	if l.events.len > 0 {
		c.events.push(l.events.first().as(lined, i))
	}
	return e
}
