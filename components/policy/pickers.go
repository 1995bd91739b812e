package policy

import (
	"math/rand/v2"
	"time"
)

// Pool is what a picker picks from: backends known by their index.
type Pool struct {
	Names   []string // which hashing pickers place their points by
	Weights []int    // shares of work, at least 1; nil: all alike
	Ramps   bool     // weights may change: pickers that heed them are told by Ramp
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
	Keyed  bool
	Probes bool // its pickers are Probers; the parameter timeout says how long an answer may take
	Weighs bool // its shares follow the weights of the pool
	Ramps  bool // and even while they change: its pickers are Rampers, if the pool says that they may
	New    func(pool Pool, params Params, random *rand.Rand) Picker
}

// Parameters that several pickers take.
var (
	keyParameter = Parameter{Name: "key", About: "what of a request keeps it with its backend", Form: Source}

	boundParameter = Parameter{Name: "bound", About: "most that a backend may have of its share of what is in flight",
		Form: Number, Low: 1.01, High: 100, Off: true}

	decayParameter = Parameter{Name: "decay", About: "time constant with which a response time fades", Form: Span,
		Default: float64(10 * time.Second), Low: float64(time.Millisecond), High: float64(time.Hour)}
)

// prequalParameters are the paper's operating point.
var prequalParameters = []Parameter{
	{Name: "probes", About: "backends asked for each request, on average", Form: Number, Default: 3, Low: .01, High: MostProbes},
	{Name: "timeout", About: "for an answer", Form: Span, Default: float64(3 * time.Millisecond),
		Low: float64(10 * time.Microsecond), High: float64(time.Minute)},
	{Name: "pool", About: "answers kept at most", Form: Count, Default: 16, Low: 2, High: 1000},
	{Name: "age", About: "at which an answer is dropped", Form: Span, Default: float64(time.Second),
		Low: float64(time.Millisecond), High: float64(time.Hour)},
	{Name: "remove", About: "answers dropped for each request, the oldest and the worst in turn", Form: Number, Default: 1, High: 16},
	{Name: "surplus", About: "δ of the budget of reuse: by how much more answers come than go", Form: Number, Default: 1, High: 100},
	{Name: "quantile", About: "of requests in flight above which a backend is hot; 0% goes by them alone, 100% by latency alone",
		Form: Share, Default: .84, High: 1},
}

// DefaultPicker picks where nothing is said.
const DefaultPicker = "round-robin"

// Pickers is the registry: the names that `pick:` takes in a topology.
var Pickers = map[string]PickerKind{
	"round-robin": {
		Kind: Kind{About: "each backend in turn, whatever its weight"},
		New:  func(pool Pool, _ Params, random *rand.Rand) Picker { return NewRoundRobin(pool.Size(), random) },
	},
	"weighted-round-robin": {
		Kind:   Kind{About: "turns in proportion to weights, smoothly spread (NGINX's sequence)"},
		Weighs: true,
		Ramps:  true,
		New:    func(pool Pool, _ Params, _ *rand.Rand) Picker { return NewWeightedRoundRobin(pool) },
	},
	"random": {
		Kind: Kind{About: "any backend, with equal chances"},
		New:  func(pool Pool, _ Params, random *rand.Rand) Picker { return NewRandom(pool.Size(), random) },
	},
	"weighted-random": {
		Kind:   Kind{About: "any backend, with chances in proportion to weights"},
		Weighs: true,
		Ramps:  true,
		New:    func(pool Pool, _ Params, random *rand.Rand) Picker { return NewWeightedRandom(pool, random) },
	},
	"least-connections": {
		Kind:   Kind{About: "the backend with the fewest requests of this proxy in flight for its weight; ties at random"},
		Weighs: true,
		Ramps:  true,
		New:    newLeastConnections,
	},
	"least-response-time": {
		Kind: Kind{About: "of all, the least recent response time × (requests in flight + 1)", Parameters: []Parameter{decayParameter}},
		New: func(pool Pool, params Params, random *rand.Rand) Picker {
			return NewLeastResponseTime(pool.Size(), params.Duration("decay"), random)
		},
	},
	"p2c": {
		Kind: Kind{About: "the less busy of two distinct backends drawn at random (power of two choices)"},
		New:  func(pool Pool, _ Params, random *rand.Rand) Picker { return NewP2C(pool.Size(), random) },
	},
	"p2c-ewma": {
		Kind: Kind{About: "of two distinct ones drawn, the least recent response time × (requests in flight + 1) (Finagle's peak EWMA)",
			Parameters: []Parameter{decayParameter}},
		New: func(pool Pool, params Params, random *rand.Rand) Picker {
			return NewP2CEWMA(pool.Size(), params.Duration("decay"), random)
		},
	},
	"power-of-d": {
		Kind: Kind{About: "the least busy of d distinct backends drawn at random", Parameters: []Parameter{
			{Name: "d", About: "how many are drawn", Form: Count, Default: 3, Low: 1, High: 1000}}},
		New: func(pool Pool, params Params, random *rand.Rand) Picker {
			return NewPowerOfD(pool.Size(), params.Int("d"), random)
		},
	},
	"prequal": {
		Kind:   Kind{About: "asks a few backends how busy they are for each request, and picks among the last to answer (Prequal)", Parameters: prequalParameters},
		Probes: true,
		New:    newPrequal,
	},
	"join-idle-queue": {
		Kind: Kind{About: "the backend that has been idle longest, else any"},
		New:  func(pool Pool, _ Params, random *rand.Rand) Picker { return NewJoinIdleQueue(pool.Size(), random) },
	},
	"first-available": {
		Kind: Kind{About: "the first of the pool that is up and not full; the others are spares", Parameters: []Parameter{
			{Name: "most", About: "requests in flight at which a backend is full", Form: Count, Low: 1, High: 1e6, Off: true}}},
		New: func(pool Pool, params Params, random *rand.Rand) Picker {
			return NewFirstAvailable(pool.Size(), params.Int("most"), random)
		},
	},
	"ip-hash": {
		Kind:  Kind{About: "always the same backend for the same client address"},
		Keyed: true,
		New:   func(pool Pool, _ Params, _ *rand.Rand) Picker { return NewIPHash(pool.Size()) },
	},
	"ring-hash": {
		Kind: Kind{About: "consistent hashing on a ring of points, in proportion to weights (ketama)", Parameters: []Parameter{
			{Name: "vnodes", About: "points on the ring for a backend of mean weight", Form: Count, Default: 160, Low: 1, High: 10_000},
			keyParameter, boundParameter}},
		Weighs: true,
		Keyed:  true,
		New: func(pool Pool, params Params, _ *rand.Rand) Picker {
			return NewRingHash(pool, params.Int("vnodes"), params.Number("bound"))
		},
	},
	"maglev": {
		Kind: Kind{About: "consistent hashing by a table in which backends take turns, in proportion to weights", Parameters: []Parameter{
			{Name: "table", About: "least number of slots; the next prime is taken", Form: Count, Default: 65537, Low: 2, High: 5_000_011},
			keyParameter, boundParameter}},
		Weighs: true,
		Keyed:  true,
		New: func(pool Pool, params Params, _ *rand.Rand) Picker {
			return NewMaglev(pool, params.Int("table"), params.Number("bound"))
		},
	},
	"rendezvous": {
		Kind: Kind{About: "consistent hashing by the highest score of key and backend, in proportion to weights; O(n)",
			Parameters: []Parameter{keyParameter}},
		Weighs: true,
		Keyed:  true,
		New:    func(pool Pool, _ Params, _ *rand.Rand) Picker { return NewRendezvous(pool) },
	},
}

// newLeastConnections takes the faster form where no weight tells backends
// apart.
func newLeastConnections(pool Pool, _ Params, random *rand.Rand) Picker {
	if pool.Weights != nil || pool.Ramps {
		return NewWeightedLeastConnections(pool, random)
	}
	return NewLeastConnections(pool.Size(), random)
}
