package policy

import "math/rand/v2"

// PickerKind is an entry of the registry of pickers.
type PickerKind struct {
	About string // one line, for lists and help
	// Keyed says that picks depend on the key: whoever asks has to work out
	// the client's address first.
	Keyed bool
	New   func(n int, random *rand.Rand) Picker
}

// Pickers is the registry: the names that `pick:` takes in a topology.
var Pickers = map[string]PickerKind{
	"round-robin": {
		About: "each backend in turn",
		New:   func(n int, random *rand.Rand) Picker { return NewRoundRobin(n, random) },
	},
	"least-connections": {
		About: "the backend with the fewest requests of this proxy in flight",
		New:   func(n int, random *rand.Rand) Picker { return NewLeastConnections(n, random) },
	},
	"ip-hash": {
		About: "always the same backend for the same client address",
		Keyed: true,
		New:   func(n int, _ *rand.Rand) Picker { return NewIPHash(n) },
	},
	"random": {
		About: "any backend, with equal chances",
		New:   func(n int, random *rand.Rand) Picker { return NewRandom(n, random) },
	},
	"p2c": {
		About: "the less busy of two backends drawn at random (power of two choices)",
		New:   func(n int, random *rand.Rand) Picker { return NewP2C(n, random) },
	},
}
