package scenarios

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"trafficlab/topologies"
)

// Weather is what ails each place at each instant: all faults of a case
// compiled into one pure function. It is safe for concurrent use, and a child
// process needs nothing but the case and the start instant to see the same.
type Weather struct {
	spells map[topologies.Place]Forecast
	purges map[topologies.Place][]DatedPurge
}

// spell is an effect that holds from an instant until the next spell's.
type spell struct {
	from   time.Duration
	effect Effect
}

// Turn is a change in the life of a place's process: from At on it is down,
// frozen, leaving, or (none of these) up. Who leaves is down next.
type Turn struct {
	At      time.Duration
	Down    bool
	Frozen  bool
	Leaving bool // it takes nobody new, ends what it has in hand, and itself then
}

// Effect is what ails a place at an instant. The zero Effect is none, but for
// Slow, which is 1 in good weather.
type Effect struct {
	Down    bool
	Frozen  bool
	Drains  bool
	Leaves  bool
	Expired bool
	Slow    float64
	Rules   []Rule   // in the order of the file; not to be changed
	Links   []Strain // likewise, of a link
}

var calm = Effect{Slow: 1}

// NewWeather compiles faults. The seed decides which requests they befall.
func NewWeather(seed uint64, faults []Fault) *Weather {
	byPlace := map[topologies.Place][]ailing{}
	w := &Weather{map[topologies.Place]Forecast{}, map[topologies.Place][]DatedPurge{}}
	for i := range faults {
		f := &faults[i]
		for nth, place := range f.On {
			for _, s := range f.bouts(nth) {
				if f.Purge != (Purge{}) {
					w.purges[place] = append(w.purges[place], DatedPurge{s.From, f.Purge})
				} else {
					byPlace[place] = append(byPlace[place], ailing{s, f, i, Mix(Mix(seed, Hash(string(place))), uint64(i))})
				}
			}
		}
	}
	for place, list := range byPlace {
		w.spells[place] = compile(list)
	}
	for _, list := range w.purges {
		slices.SortStableFunc(list, func(a, b DatedPurge) int { return cmp.Compare(a.At, b.At) })
	}
	return w
}

// ailing is a bout of a fault at a place.
type ailing struct {
	bout
	fault  *Fault
	number int // of the fault
	salt   uint64
}

// Purges lists what the place's cache is told to forget, in order of time.
func (w *Weather) Purges(place topologies.Place) []DatedPurge { return w.purges[place] }

// compile cuts time wherever a fault begins, ends or changes its measure.
func compile(list []ailing) Forecast {
	var cuts []time.Duration
	for _, a := range list {
		cuts = append(cuts, a.From, a.To)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	spells := make(Forecast, len(cuts))
	for i, from := range cuts {
		spells[i] = spell{from, overlay(list, from)}
	}
	return spells
}

// overlay is the joint effect at an instant: slowness multiplies, rules fall
// independently of each other, and a dead process is not frozen.
func overlay(list []ailing, now time.Duration) Effect {
	e := calm
	for _, a := range list {
		if now < a.From || now >= a.To {
			continue
		}
		rules, links := len(e.Rules), len(e.Links)
		Faults[a.fault.Kind()].lay(a.fault, a.measure, &e)
		if len(e.Rules) > rules {
			e.Rules[rules].Fault, e.Rules[rules].salt = a.number, a.salt
		}
		if len(e.Links) > links {
			e.Links[links].salt = a.salt
		}
	}
	e.Frozen = e.Frozen && !e.Down
	e.Leaves = e.Leaves && !e.Down
	return e
}

// At is what ails the place at an instant. A fault holds from its At until
// just before its end.
func (w *Weather) At(place topologies.Place, now time.Duration) Effect { return w.Of(place).At(now) }

// Forecast is the weather of one place.
type Forecast []spell

// Of is the weather of a place.
func (w *Weather) Of(place topologies.Place) Forecast { return w.spells[place] }

// At is what ails the place at an instant.
func (f Forecast) At(now time.Duration) Effect {
	if len(f) == 0 {
		return calm
	}
	i := sort.Search(len(f), func(i int) bool { return f[i].from > now })
	if i == 0 {
		return calm
	}
	return f[i-1].effect
}

// Any tells whether anything of a kind ails the place at any time.
func (f Forecast) Any(is func(Effect) bool) bool {
	return slices.ContainsFunc(f, func(s spell) bool { return is(s.effect) })
}

// Turns lists the changes of the place's process in order of time, so that a
// world can schedule kills, stops and starts.
func (w *Weather) Turns(place topologies.Place) []Turn {
	var turns []Turn
	var was Effect
	for _, s := range w.spells[place] {
		if is := s.effect; is.Down != was.Down || is.Frozen != was.Frozen || is.Leaves != was.Leaves {
			turns = append(turns, Turn{s.from, is.Down, is.Frozen, is.Leaves})
			was = is
		}
	}
	return turns
}
