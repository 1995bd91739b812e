package policy

import (
	"maps"
	"time"
)

// Kind is what every entry of a registry of policies says of itself.
type Kind struct {
	About      string      // one line, for lists and help
	Parameters []Parameter // what it may be told in a file
}

// Describe returns the kind itself. Entries of registries embed Kind, and are
// read through this.
func (k Kind) Describe() Kind { return k }

// Form is how a parameter is written in a file.
type Form uint8

// The forms. In Params all but Word, Source and Else are numbers.
const (
	Count  Form = iota // a whole number: 160
	Number             // 1.25
	Span               // a duration, 250ms; in Params in nanoseconds
	Share              // 30%; in Params from 0 to 1
	Word               // one of Parameter.Words
	Source             // what of a request is hashed: address, path, header X-User
	Rate               // 100/s; in Params in events per second
	Size               // 64KiB; in Params in bytes
	Flag               // true or false; in Params 1 or 0
	Else               // of a form of its own, which its reader knows; Words are examples, and Params have none
)

// Parameter is one thing that a policy may be told.
type Parameter struct {
	Name  string
	About string // one line
	Form  Form

	// Of numbers, as in Params. With Off the word off may stand for 0.
	Default, Low, High float64
	Off                bool
	Words              []string // of a Word; the first is the default. Of Else: how it may be written
	Usually            string   // says so where the default depends on something else
}

// Choice is a policy by its name in a registry, and what it is told.
type Choice struct {
	Name   string
	Params Params `json:",omitempty"`
}

// Params are values of parameters by name.
type Params map[string]Param

// Param is a value: a number, or a word.
type Param struct {
	Number float64 `json:",omitempty"`
	Word   string  `json:",omitempty"`
}

// Usual is the parameter's value where nothing is said.
func (p Parameter) Usual() Param {
	switch p.Form {
	case Word:
		return Param{Word: p.Words[0]}
	case Source:
		return Param{Word: "address"}
	}
	return Param{Number: p.Default}
}

// Params completes given values by the defaults of the rest. It is nil for a
// kind without parameters.
func (k Kind) Params(given Params) Params {
	if len(k.Parameters) == 0 {
		return nil
	}
	all := Params{}
	for _, p := range k.Parameters {
		if p.Form != Else {
			all[p.Name] = p.Usual()
		}
	}
	maps.Copy(all, given)
	return all
}

// Int is the value of a Count.
func (p Params) Int(name string) int { return int(p[name].Number) }

// True is the value of a Flag.
func (p Params) True(name string) bool { return p[name].Number != 0 }

// Number is the value of a Number or a Share.
func (p Params) Number(name string) float64 { return p[name].Number }

// Duration is the value of a Span.
func (p Params) Duration(name string) time.Duration { return time.Duration(p[name].Number) }

// Word is the value of a Word or a Source.
func (p Params) Word(name string) string { return p[name].Word }
