package sim

import "time"

// clock is virtual time: what is to happen, and when.
type clock struct {
	now      time.Duration
	sequence uint64
	events   calendar
	lines    []line
	heads    []head // of the lines that have any, the soonest last
}

// line holds events of one constant delay. They come due in the order in which
// they were scheduled, so only the first of them competes with others. There
// are few lines: their heads are kept sorted.
type line struct {
	delay  time.Duration
	events ring[event]
}

// head is the first event of a line.
type head struct {
	event
	line int
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
		c.heads = append(c.heads, head{})
		c.place(head{e, i})
	}
}

// place puts a head among the others, the last of which has left its place.
func (c *clock) place(h head) {
	i := len(c.heads) - 1
	for i > 0 && c.heads[i-1].before(h.event) {
		c.heads[i] = c.heads[i-1]
		i--
	}
	c.heads[i] = h
}

// pop advances to the next event, if there is one until an instant.
func (c *clock) pop(until time.Duration) (e event, ok bool) {
	switch last := len(c.heads) - 1; {
	case last >= 0 && (c.events.empty() || c.heads[last].before(c.events.first())):
		if e = c.heads[last].event; e.at > until {
			return e, false
		}
		c.step()
	case c.events.empty() || c.events.first().at > until:
		return e, false
	default:
		e = c.events.pop()
	}
	c.now = e.at
	return e, true
}

// step takes the soonest event off its line.
func (c *clock) step() {
	last := len(c.heads) - 1
	line := c.heads[last].line
	events := &c.lines[line].events
	if events.pop(); events.len == 0 {
		c.heads = c.heads[:last]
		return
	}
	c.place(head{events.first(), line})
}
