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
	seed   uint64
	spells map[topologies.Place]Forecast
	purges map[topologies.Place][]DatedPurge
}

// spell is an effect that holds from an instant until the next spell's.
type spell struct {
	from   time.Duration
	effect Effect
}

// Turn is a change in the life of a place's process: from At on it is down,
// frozen, or (neither) up.
type Turn struct {
	At     time.Duration
	Down   bool
	Frozen bool
}

var calm = Effect{Slow: 1}

// NewWeather compiles faults. The seed decides which requests meet an error.
func NewWeather(seed uint64, faults []Fault) *Weather {
	byPlace := map[topologies.Place][]Fault{}
	w := &Weather{seed, map[topologies.Place]Forecast{}, map[topologies.Place][]DatedPurge{}}
	for _, f := range faults {
		for _, place := range f.On {
			if f.Purge != (Purge{}) {
				w.purges[place] = append(w.purges[place], DatedPurge{f.At, f.Purge})
			} else {
				byPlace[place] = append(byPlace[place], f)
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

// Purges lists what the place's cache is told to forget, in order of time.
func (w *Weather) Purges(place topologies.Place) []DatedPurge { return w.purges[place] }

// compile cuts time at every begin and end of a fault.
func compile(faults []Fault) Forecast {
	var cuts []time.Duration
	for _, f := range faults {
		cuts = append(cuts, f.At, f.At+f.For)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	spells := make(Forecast, len(cuts))
	for i, from := range cuts {
		spells[i] = spell{from, overlay(faults, from)}
	}
	return spells
}

// overlay is the joint effect at an instant: slowness multiplies, shares of
// errors combine as independent chances, and a dead process is not frozen.
func overlay(faults []Fault, now time.Duration) Effect {
	e := calm
	for _, f := range faults {
		if now < f.At || now >= f.At+f.For {
			continue
		}
		e.Down = e.Down || f.Crash
		e.Frozen = e.Frozen || f.Freeze
		e.Drains = e.Drains || f.Drain
		e.Errors = 1 - (1-e.Errors)*(1-f.Errors)
		if f.Slow > 0 {
			e.Slow *= f.Slow
		}
	}
	e.Frozen = e.Frozen && !e.Down
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

// Turns lists the changes of the place's process in order of time, so that a
// world can schedule kills, stops and starts.
func (w *Weather) Turns(place topologies.Place) []Turn {
	var turns []Turn
	var was Effect
	for _, s := range w.spells[place] {
		if is := s.effect; is.Down != was.Down || is.Frozen != was.Frozen {
			turns = append(turns, Turn{s.from, is.Down, is.Frozen})
			was = is
		}
	}
	return turns
}

// Fails decides whether a place with the given share of errors answers one
// attempt at a request with an error.
func (w *Weather) Fails(place topologies.Place, share float64, number, attempt uint64) bool {
	if share <= 0 {
		return false
	}
	return Unit(Mix(Mix(Mix(w.seed, Hash(string(place))), number), attempt)) < share
}
