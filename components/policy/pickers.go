package policy

import "math/rand/v2"

// Pool is what a picker picks from: backends known by their index.
type Pool struct {
	Names   []string // which hashing pickers place their points by
	Weights []int    // shares of work, at least 1; nil: all alike
}

// Size is the number of backends.
func (p Pool) Size() int { return len(p.Names) }

// Weight is the share of work that backend i is meant to take.
func (p Pool) Weight(i int) int {
	if p.Weights == nil {
		return 1
	}
	return p.Weights[i]
}

// PickerKind is an entry of the registry of pickers.
type PickerKind struct {
	Kind
	// Keyed says that picks depend on the key: whoever asks has to work it
	// out first, from what the parameter key names or else from the client's
	// address.
	Keyed bool
	New   func(pool Pool, params Params, random *rand.Rand) Picker
}

// Pickers is the registry: the names that `pick:` takes in a topology.
var Pickers = map[string]PickerKind{
	"round-robin": {
		Kind: Kind{About: "each backend in turn"},
		New:  func(pool Pool, _ Params, random *rand.Rand) Picker { return NewRoundRobin(pool.Size(), random) },
	},
	"least-connections": {
		Kind: Kind{About: "the backend with the fewest requests of this proxy in flight"},
		New: func(pool Pool, _ Params, random *rand.Rand) Picker {
			return NewLeastConnections(pool.Size(), random)
		},
	},
	"ip-hash": {
		Kind:  Kind{About: "always the same backend for the same client address"},
		Keyed: true,
		New:   func(pool Pool, _ Params, _ *rand.Rand) Picker { return NewIPHash(pool.Size()) },
	},
	"random": {
		Kind: Kind{About: "any backend, with equal chances"},
		New:  func(pool Pool, _ Params, random *rand.Rand) Picker { return NewRandom(pool.Size(), random) },
	},
	"p2c": {
		Kind: Kind{About: "the less busy of two backends drawn at random (power of two choices)"},
		New:  func(pool Pool, _ Params, random *rand.Rand) Picker { return NewP2C(pool.Size(), random) },
	},
}
