package sim

import (
	"cmp"
	"math/bits"
	"slices"
	"time"
)

// calendar is a queue of events in the order of event.before. The soonest few
// stand sorted in front, so that with few events it is a short sorted list. Of
// many, those to come are written under their days, unsorted, and a day is
// sorted when its turn comes. How long a day is depends on what is pending: it
// is chosen anew when too many events fit badly, and has no influence on the
// order.
//
//	front ◄── crowd (today) ◄── days ◄── later
//
// Source: Brown, "Calendar Queues", 1988; the days sorted on their turn are of
// Tang, Goh and Thng, "Ladder Queue", 2005.
// Cost: O(1) where instants are spread like those of a running simulation,
// O(log n) at worst.
// Weak spot: many events on few instants far apart, which go through a heap.
type calendar struct {
	front []event // the soonest last; nothing else comes before any of them
	crowd heap    // of today too, but behind the front
	today int64   // the last day whose events are in front or in the crowd
	shift uint8   // a day is 1<<shift nanoseconds
	days  []int32 // a ring of days after today: the first page of each, or noPage
	busy  []uint64
	pages []page
	spare int32 // first of the pages to use again, or noPage
	later heap  // beyond the ring

	misfits, patience int           // events that had to go through a heap, and how many may until the next tuning
	popped            int           // since the last tuning
	tuned             time.Duration // when that was
}

// page is an event of a day.
type page struct {
	event event
	next  int32
}

const (
	noPage    = -1
	frontMost = 32
	weekMost  = 1 << 20 // days in the ring
)

// first is the event that pop would return. The calendar must not be empty.
func (c *calendar) first() event { return c.front[len(c.front)-1] }

// empty tells whether there are no events.
func (c *calendar) empty() bool { return len(c.front) == 0 }

func (c *calendar) push(e event) {
	if len(c.days) == 0 {
		c.meet(e)
	} else {
		c.write(e)
		if len(c.front) == 0 {
			c.turn()
		}
	}
	if c.misfits > c.patience {
		c.tune()
	}
}

// write puts an event where its day belongs.
func (c *calendar) write(e event) {
	switch ahead := int64(e.at>>c.shift) - c.today; {
	case ahead <= 0:
		c.meet(e)
	case ahead < int64(len(c.days)):
		c.note(e)
	default:
		c.misfits++
		c.later.push(e)
	}
}

// meet puts an event of today into the front, or into the crowd behind it.
func (c *calendar) meet(e event) {
	if len(c.front) == frontMost {
		c.fallBack()
	}
	if len(c.crowd) > 0 && c.front[0].before(e) {
		c.misfits++
		c.crowd.push(e)
		return
	}
	s := append(c.front, e)
	i := len(s) - 1
	for i > 0 && s[i-1].before(e) {
		s[i] = s[i-1]
		i--
	}
	s[i] = e
	c.front = s
}

// fallBack sends half of the front into the crowd.
func (c *calendar) fallBack() {
	const half = frontMost / 2
	for _, e := range c.front[:half] {
		c.crowd.push(e)
	}
	c.front = c.front[:copy(c.front, c.front[half:])]
	c.misfits += half
}

// note writes an event under a day of the ring.
func (c *calendar) note(e event) {
	day := int(e.at>>c.shift) & (len(c.days) - 1)
	i := c.spare
	if i == noPage {
		i = int32(len(c.pages))
		c.pages = append(c.pages, page{})
	} else {
		c.spare = c.pages[i].next
	}
	c.pages[i] = page{e, c.days[day]}
	c.days[day] = i
	c.busy[day/64] |= 1 << (day % 64)
}

func (c *calendar) pop() event {
	last := len(c.front) - 1
	e := c.front[last]
	c.popped++
	if c.front = c.front[:last]; last == 0 {
		c.fill()
	}
	return e
}

// fill brings those who come next to the front, which is empty.
func (c *calendar) fill() {
	if len(c.crowd) == 0 {
		c.turn()
		return
	}
	few := min(len(c.crowd), frontMost/4)
	c.front = c.front[:few]
	for i := few - 1; i >= 0; i-- {
		c.front[i] = c.crowd.pop()
	}
}

// turn goes on to the next day that has events, if there is one.
func (c *calendar) turn() {
	day, ok := c.nextDay()
	if len(c.later) > 0 {
		if first := int64(c.later[0].at >> c.shift); !ok || first < day {
			day, ok = first, true
		}
	}
	if !ok {
		return
	}
	c.today = day
	for len(c.later) > 0 && int64(c.later[0].at>>c.shift) <= day {
		c.meet(c.later.pop())
	}
	if len(c.days) > 0 {
		c.tear(int(day) & (len(c.days) - 1))
	}
}

// nextDay is the first day of the ring that has events.
func (c *calendar) nextDay() (day int64, ok bool) {
	if len(c.days) == 0 {
		return 0, false
	}
	start := int(c.today+1) & (len(c.days) - 1)
	word := start / 64
	left := c.busy[word] >> (start % 64) << (start % 64)
	for range len(c.busy) + 1 { // the first word twice: its low bits come last
		if left != 0 {
			at := word*64 + bits.TrailingZeros64(left)
			return c.today + 1 + int64((at-start)&(len(c.days)-1)), true
		}
		word = (word + 1) & (len(c.busy) - 1)
		left = c.busy[word]
	}
	return 0, false
}

// tear takes out the events of a day of the ring.
func (c *calendar) tear(day int) {
	first := c.days[day]
	if first == noPage {
		return
	}
	last := first
	for i := first; i != noPage; i = c.pages[i].next {
		c.meet(c.pages[i].event)
		last = i
	}
	c.pages[last].next, c.spare = c.spare, first
	c.days[day] = noPage
	c.busy[day/64] &^= 1 << (day % 64)
}

// tune chooses the length of a day and writes all anew.
func (c *calendar) tune() {
	all := c.gather()
	first := slices.MinFunc(all, func(a, b event) int { return cmp.Compare(a.at, b.at) }).at
	week := min(max(1<<bits.Len(uint(len(all))), 64), weekMost)
	shift := uint8(bits.Len64(uint64(c.gap(all, first)) * 4)) // some six events a day
	if shift == c.shift && week == len(c.days) {
		c.patience *= 2 // it was no better for it
	} else {
		c.patience = 2*len(all) + 64
	}
	c.shift, c.today = shift, int64(first>>shift)
	if week != len(c.days) {
		c.days, c.busy = make([]int32, week), make([]uint64, week/64)
	}
	for i := range c.days {
		c.days[i] = noPage
	}
	clear(c.busy)
	for _, e := range all {
		c.write(e)
	}
	c.misfits, c.popped, c.tuned = 0, 0, first
}

// gap is the mean time from one event to the next: as it was since the last
// tuning, which tells apart what comes due again and again from what is
// pending for long; or, if that says little, as it is among what is pending.
func (c *calendar) gap(pending []event, first time.Duration) time.Duration {
	if c.popped > len(pending)/2 {
		return max(first-c.tuned, 0) / time.Duration(c.popped)
	}
	var some []time.Duration
	for i := 0; i < len(pending); i += len(pending)/512 + 1 {
		some = append(some, pending[i].at)
	}
	slices.Sort(some)
	return (some[len(some)*3/4] - first) / time.Duration(len(pending))
}

// gather takes all events out.
func (c *calendar) gather() []event {
	all := slices.Concat(c.front, c.crowd, c.later)
	for _, first := range c.days {
		for i := first; i != noPage; i = c.pages[i].next {
			all = append(all, c.pages[i].event)
		}
	}
	c.front, c.crowd, c.later = c.front[:0], c.crowd[:0], c.later[:0]
	c.pages, c.spare = c.pages[:0], noPage
	return all
}
