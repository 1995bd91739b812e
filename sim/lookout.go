package sim

import (
	"time"

	"trafficlab/bench/measure"
)

// lookout keeps what the places of a world are like, tick by tick, as long as the
// load lasts. To look costs a step for each place, connection pool and request
// under way; nothing is changed by it, and nothing is allocated.
type lookout struct {
	tick    time.Duration
	ticks   int // looked at
	courses []measure.Course
	of      []int // by place: its course
}

// observe has the world watched from its beginning.
func (w *world) observe() {
	duration := w.c.Duration()
	ticks := measure.Ticks(duration)
	if ticks == 0 {
		return
	}
	places := make([]string, len(w.places))
	for i, p := range w.places {
		places[i] = string(p.name)
	}
	k := &lookout{tick: measure.Tick(duration)}
	names, at := measure.CourseNames(places), map[string]int{}
	for _, place := range places {
		name := names[place]
		i, seen := at[name]
		if !seen {
			i = len(k.courses)
			at[name], k.courses = i, append(k.courses, measure.Course{Place: name,
				Connections: make(measure.Series, ticks), InFlight: make(measure.Series, ticks), Queue: make(measure.Series, ticks)})
		}
		k.of = append(k.of, i)
	}
	w.lookout = k
	w.clock.at(k.tick, looked, 0)
}

// look notes what all places are like at the end of a tick.
func (w *world) look() {
	k := w.lookout
	for slot := range w.frames.len {
		f := w.frames.at(slot)
		if f.place != nil && f.call != nil && !f.dead {
			k.courses[k.of[f.place.number]].InFlight[k.ticks]++
		}
	}
	for i, p := range w.places {
		c := &k.courses[k.of[i]]
		for _, in := range p.inbound {
			c.Connections[k.ticks] += uint32(in.standing())
		}
		c.Queue[k.ticks] += uint32(p.waiting())
	}
	if k.ticks++; k.ticks < len(k.courses[0].InFlight) {
		w.clock.at(time.Duration(k.ticks+1)*k.tick, looked, 0)
	}
}

// waiting is how many requests wait at the place, in its own line or for a
// connection.
func (p *place) waiting() (n int) {
	if l, ok := p.handler.(interface{ Waiting() int }); ok && !p.down {
		n = l.Waiting()
	}
	for out := range p.outbound {
		n += out.waiting.len
	}
	return n
}

// standing is how many connections there are, or are being made.
func (p *pool) standing() int {
	switch {
	case !p.shared:
		return int(p.busy + p.idle)
	case p.made:
		return 1
	}
	return 0
}
