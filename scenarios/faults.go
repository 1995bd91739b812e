package scenarios

import (
	"maps"
	"slices"

	"trafficlab/topologies"
	"trafficlab/topologies/strict"
)

// FaultKind is one way in which things go wrong.
type FaultKind struct {
	About   string // in a line
	Example string // of its value

	instant bool // it is over at once
	process bool // it befalls a process as such, whatever it does
	links   bool // it befalls links, and nothing else does
	graded  bool // there is less and more of it, so that it may grow
	read    func(v strict.Value, f *Fault)
	is      func(f *Fault) bool
	fits    func(n *topologies.Node) (wrong, right string) // wrong is "" where it may befall the node; nil: anywhere
	lay     func(f *Fault, measure float64, e *Effect)     // lays it over what ails a place already
	word    func(f *Fault) string                          // "5× slow"
}

// Faults is the registry: every key that a fault in a file may have.
var Faults = map[string]FaultKind{
	"answers":     answers,
	"certificate": certificate,
	"crash":       crash,
	"cut":         cutting,
	"freeze":      freeze,
	"drain":       drain,
	"restart":     restart,
	"slow":        slow,
	"errors":      erring,
	"delay":       delay,
	"link":        linking,
	"purge":       purging,
}

// FaultNames lists the registry.
func FaultNames() []string { return slices.Sorted(maps.Keys(Faults)) }

// Word says in a word or two what a fault does: "5× slow".
func (f *Fault) Word() string {
	if kind, known := Faults[f.Kind()]; known {
		return kind.word(f)
	}
	return "fault"
}
