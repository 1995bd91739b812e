package policy

import "time"

// LineRule is who of a line is served next, and for how long one may wait.
type LineRule struct {
	Newest           bool          // serve the newest first
	NewestIfStanding bool          // but only while the line stands
	Drops            bool          // who waits too long leaves
	Standing         time.Duration // a line that has not been empty for so long stands
	Target           time.Duration // how long who joins a standing line may wait; else Standing
}

// LineKind is an entry of the registry of orders.
type LineKind struct {
	Kind
	Rule func(p Params) LineRule
}

var standing = Parameter{
	Name: "standing", About: "a line that has not been empty for so long stands", Form: Span,
	Default: 100e6, Low: 1e6, High: float64(time.Minute),
}

// Working is the registry of how a backend takes work, by the word that stands
// for it in a topology.
var Working = map[string]Kind{
	"queue": {
		About: "requests that wait for a worker: queue: 64, or with an order",
		Parameters: []Parameter{
			{Name: "bound", About: "most who wait; one more is shed", Form: Count, Default: 64, High: 1e6},
			{Name: "order", About: "one of those that begin with queue order: below", Form: Else, Usually: DefaultLine, Words: []string{"lifo", "{codel: {target: 5ms}}"}},
		},
	},
	"sharing":      {About: "sharing: true has all workers share all work evenly (processor sharing), instead of one request each and a line; false unless set"},
	"drop-expired": {About: "drop-expired: true begins no work that nobody waits for any more (grpc-timeout); false unless set"},
}

// DefaultLine is the order where nothing is said.
const DefaultLine = "fifo"

// Lines is the registry: the names that `order:` of a backend's queue takes in
// a topology.
//
// Source: Maurer, "Fail at Scale" (ACM Queue 2015): CoDel for servers,
// adaptive LIFO; Nichols and Jacobson, CoDel (2012), which they simplify.
// Cost: O(1).
// Weak spot: the newest first starves the oldest, whose callers may well be
// gone; CoDel turns away work that could have been done in time.
var Lines = map[string]LineKind{
	"fifo": {
		Kind: Kind{About: "queue order: first come, first served"},
		Rule: func(Params) LineRule { return LineRule{} },
	},
	"lifo": {
		Kind: Kind{About: "queue order: the newest first"},
		Rule: func(Params) LineRule { return LineRule{Newest: true} },
	},
	"adaptive-lifo": {
		Kind: Kind{About: "queue order: first come, first served, but the newest first while the line stands", Parameters: []Parameter{standing}},
		Rule: func(p Params) LineRule {
			return LineRule{NewestIfStanding: true, Standing: p.Duration("standing")}
		},
	},
	"codel": {
		Kind: Kind{
			About: "queue order: first come, first served; who waits longer than standing is shed, and who joins a standing line may wait for target only",
			Parameters: []Parameter{standing, {
				Name: "target", About: "longest wait in a standing line", Form: Span, Default: 5e6, Low: 1e5, High: float64(time.Minute)}},
		},
		Rule: func(p Params) LineRule {
			return LineRule{Drops: true, Standing: p.Duration("standing"), Target: p.Duration("target")}
		},
	},
}
