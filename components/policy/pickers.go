package policy

import "math/rand/v2"

// PickerKind is an entry of the registry of pickers.
type PickerKind struct {
	About string // one line, for lists and help
	New   func(n int, random *rand.Rand) Picker
}

// Pickers is the registry: the names that `pick:` takes in a topology.
var Pickers = map[string]PickerKind{}
