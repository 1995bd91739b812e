package measure

import (
	"strings"
	"time"
)

// What callers made of the places that faults befell, from the attempts that
// they counted. Shares are attempts at a place for each request that its
// callers received, so that neither load nor other places bear on them.

const (
	enoughSent = 20  // attempts that a share before is to bring into a window…
	shunned    = 0.1 // …of which so few say that the place is noticed to be ill…
	trusted    = 0.5 // …and so many that it is trusted again
)

// regard is what callers made of one fault at one place. Each is unknown, -1,
// where it cannot be told, and may be never.
type regard struct {
	noticed float64 // after the beginning
	last    float64 // attempt while it lasted, after the beginning
	again   float64 // trusted, after the end
	herd    float64 // the highest rate of attempts after the end over that before the first fault
}

// gaze looks at the attempts at one place.
type gaze struct {
	tick           time.Duration
	sent, received Series // attempts there; requests to those who made them
	share          float64
	rate           float64 // attempts a tick
	wide           int     // a window: so many ticks
}

// gazeAt is not ok if too little was sent to the place before the first fault.
// Of a link it is what the one end sent to the other.
func (r *Run) gazeAt(place string) (g gaze, ok bool) {
	g.tick = Tick(r.Duration)
	from, to, link := ends(place)
	for i := range r.Nodes {
		if link && r.Nodes[i].Place != from {
			continue
		}
		if sent, asks := r.Nodes[i].Sent[to]; asks {
			g.sent, g.received = g.sent.Plus(sent), g.received.Plus(r.Nodes[i].Received)
		}
	}
	first, beyond := r.quiet()
	sent, received := g.sent.sum(first, beyond), g.received.sum(first, beyond)
	if sent < enoughSent || received == 0 {
		return g, false
	}
	g.share = float64(sent) / float64(received)
	g.rate = float64(sent) / float64(beyond-first)
	g.wide = max(1, int((enoughSent+g.rate-1)/g.rate))
	return g, true
}

// ends are those of a link; of another place it is to.
func ends(place string) (from, to string, link bool) {
	from, to, link = strings.Cut(place, " > ")
	if !link {
		to = place
	}
	return from, to, link
}

// part is the share in a window over that before; not ok without requests.
func (g *gaze) part(t int) (part float64, ok bool) {
	received := g.received.sum(t, t+g.wide)
	return float64(g.sent.sum(t, t+g.wide)) / (g.share * float64(max(received, 1))), received > 0
}

// first is the first tick of a window between two instants whose part is as
// wanted, past those ticks at its beginning that are not. It is never if there
// is none, and unknown if no window fits in.
func (g *gaze) first(from, to time.Duration, wanted func(part float64) bool, not func(sent uint32) bool) float64 {
	t, end := g.ticks(from, to)
	if t+g.wide > end {
		return -1
	}
	for ; t+g.wide <= end; t++ {
		if part, ok := g.part(t); ok && wanted(part) {
			for k := 0; k < g.wide-1 && not(g.sent.at(t)); k++ {
				t++
			}
			return max(0, (time.Duration(t)*g.tick - from).Seconds())
		}
	}
	return never
}

// ticks are the whole ones between two instants.
func (g *gaze) ticks(from, to time.Duration) (first, beyond int) {
	return int((from + g.tick - 1) / g.tick), int(to / g.tick)
}

// at is what callers made of a fault that befell the place between two
// instants, of which nothing else followed until a third.
func (g *gaze) at(from, to, until time.Duration) regard {
	r := regard{again: -1, herd: -1}
	r.noticed = g.first(from, to, func(part float64) bool { return part < shunned }, func(sent uint32) bool { return sent > 0 })
	for t := int(from / g.tick); t < int((to+g.tick-1)/g.tick); t++ {
		if g.sent.at(t) > 0 {
			r.last = (min(time.Duration(t+1)*g.tick, to) - from).Seconds()
		}
	}
	if to >= until {
		return r
	}
	r.again = g.first(to, until, func(part float64) bool { return part >= trusted }, func(sent uint32) bool { return sent == 0 })
	for t, end := g.ticks(to, until); t+g.wide <= end; t++ {
		r.herd = max(r.herd, float64(g.sent.sum(t, t+g.wide))/(g.rate*float64(g.wide)))
	}
	return r
}

// regards enters the worst of what callers made of all faults at all places.
func (r *Run) regards(t *Tally) {
	gazes := map[string]*gaze{}
	note := func(name string, value float64) {
		m := Metric{Name: name}
		if worst, known := t.figures[m]; value >= 0 && (!known || value > worst) {
			t.figures[m] = value
		}
	}
	for i, f := range r.Faults {
		if f.From == f.To {
			continue
		}
		for n, place := range f.Places {
			g, seen := gazes[place]
			if !seen {
				if made, ok := r.gazeAt(place); ok {
					g = &made
				}
				gazes[place] = g
			}
			if g == nil {
				continue
			}
			from, to := f.at(n)
			got := g.at(from, min(to, r.Duration), r.nextAt(place, i, to))
			note("detection", got.noticed)
			note("last-use", got.last)
			note("idle", got.again)
			note("herd", got.herd)
		}
	}
}

// at is when a fault is at the nth of its places.
func (f *Fault) at(nth int) (from, to time.Duration) {
	from = f.From + time.Duration(nth)*f.Stagger
	return from, f.To - time.Duration(len(f.Places)-1-nth)*f.Stagger
}

// nextAt is when something else goes wrong at the place than the ith fault,
// which ends there at an instant; or else when the load ends.
func (r *Run) nextAt(place string, i int, end time.Duration) time.Duration {
	next := r.Duration
	for k, f := range r.Faults {
		for n, p := range f.Places {
			if from, to := f.at(n); k != i && p == place && to > end {
				next = min(next, max(from, end))
			}
		}
	}
	return next
}
