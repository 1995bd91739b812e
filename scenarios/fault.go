package scenarios

import (
	"time"

	"trafficlab/topologies"
)

// Fault is one line of the timeline: what befalls which places, from when, for
// how long. It holds what exactly one kind of Faults has read.
type Fault struct {
	At  time.Duration
	For time.Duration // 0: over at once; ForGood: never over
	On  []topologies.Place

	// Every is how long after its beginning it begins again, Times how often
	// it comes in all: 0 and 0 for once.
	Every time.Duration `json:",omitempty"`
	Times int           `json:",omitempty"`
	// Stagger is how much later it comes to each place than to the one before.
	Stagger time.Duration `json:",omitempty"`
	// Ramp is how long it takes, of For, to grow to its full measure.
	Ramp time.Duration `json:",omitempty"`

	Crash  bool // the process is gone; a new one starts at the end
	Freeze bool // the process stands still
	Drain  bool // health checks are refused and all else is served: it wants no more work
	// Grace is how long it may end what it has in hand before its process does,
	// and a new one starts at the end; 0: it is not restarted.
	Grace   time.Duration `json:",omitempty"`
	Expired bool          `json:",omitempty"` // it shows a certificate that is no longer good
	Slow    float64       // service takes this many times as long; 0: as long
	Rule    Rule          `json:",omitzero"` // what befalls some of the requests; zero: nothing
	Link    Strain        `json:",omitzero"` // what befalls what passes over a link
	Purge   Purge         // the cache forgets answers, at one instant: For is 0
}

// ForGood is how long a fault lasts that is never over.
const ForGood = 10_000 * time.Hour

// Spell is a time for which a fault is there, somewhere.
type Spell struct{ From, To time.Duration }

// Spells lists when a fault is there, in order; a fault that is over at once
// has spells of no length.
func (f *Fault) Spells() []Spell {
	spells := make([]Spell, max(f.Times, 1))
	for i := range spells {
		from := f.At + time.Duration(i)*f.Every
		spells[i] = Spell{from, from + f.For + time.Duration(max(len(f.On)-1, 0))*f.Stagger}
	}
	return spells
}

// bout is a time for which a fault ails a place by one measure.
type bout struct {
	Spell
	measure float64 // up to 1
}

// slopes is how many measures a ramp has on its way to the full one.
const slopes = 20

// bouts lists when and by what measure a fault ails the nth of its places.
func (f *Fault) bouts(nth int) []bout {
	var all []bout
	for i := range max(f.Times, 1) {
		from := f.At + time.Duration(i)*f.Every + time.Duration(nth)*f.Stagger
		to := from + f.For
		for s := range slopes {
			if f.Ramp > 0 {
				next := from + f.Ramp/slopes
				all = append(all, bout{Spell{from, next}, (float64(s) + .5) / slopes})
				from = next
			}
		}
		if f.Grace > 0 { // it leaves, and then it is gone
			next := min(from+f.Grace, to)
			all = append(all, bout{Spell{from, next}, leaving})
			from = next
		}
		all = append(all, bout{Spell{from, to}, 1})
	}
	return all
}

// Kind is the name of a fault's kind in Faults.
func (f *Fault) Kind() string {
	for _, name := range FaultNames() {
		if Faults[name].is(f) {
			return name
		}
	}
	return ""
}
