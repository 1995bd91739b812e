// Package policy holds the decisions of the request path: which backend, may
// it pass, is it healthy, does it fit in the queue.
//
// A policy is told the time and hands back a decision or a wait; somebody else
// sleeps. Nothing here reads a clock, draws from a global source, opens a
// socket, starts a goroutine or takes a lock: the component that owns a policy
// guards it. That is why the same decisions run against real sockets and in
// the simulator, and why their tests are tables of instants.
//
// Instants are durations since the run began.
package policy

import "time"

// Reason says what befell a request or one attempt at it. A failed request is
// a reason, not an error.
type Reason uint8

// The reasons, in the order reports list them.
const (
	OK       Reason = iota // answered with a status below 400
	Limited                // refused by a rate limit (429)
	Denied                 // refused by any other rule: another 4xx
	Shed                   // turned away by a full queue
	Open                   // refused by open circuit breakers
	Failed                 // answered with a status of 500 or above, for any other cause
	Timeout                // no answer within the deadline
	Refused                // the connection was refused: nobody listens
	Reset                  // the connection broke before the answer was whole
	Corrupt                // the answer came whole, and was not what its digest says
	Canceled               // the caller gave up first
	reasons
)

var reasonNames = [reasons]string{"ok", "limited", "denied", "shed", "open", "failed", "timeout", "refused", "reset", "corrupt", "canceled"}

// Reasons lists every reason, in the order reports show them.
func Reasons() []Reason {
	all := make([]Reason, reasons)
	for i := range all {
		all[i] = Reason(i)
	}
	return all
}

// String is the reason's word in files, tables and metrics.
func (r Reason) String() string {
	if r < reasons {
		return reasonNames[r]
	}
	return "unknown"
}

// MarshalText and UnmarshalText make a reason its word in stored runs.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the word that String writes.
func (r *Reason) UnmarshalText(text []byte) error {
	for i, name := range reasonNames {
		if name == string(text) {
			*r = Reason(i)
			return nil
		}
	}
	return unknownReason(text)
}

type unknownReason string

func (u unknownReason) Error() string { return "unknown reason " + string(u) }

// Broke says that the attempt ended without an answer: the connection was
// refused or reset, or time ran out.
func (r Reason) Broke() bool { return r == Refused || r == Reset || r == Timeout }

// Fault says that the upstream failed; all else is an answer, or the request's
// own doing.
func (r Reason) Fault() bool { return r.Broke() || r == Shed || r == Open || r == Failed }

// Outcome is how one attempt at a backend ended, as its caller saw it.
type Outcome struct {
	Reason  Reason
	Latency time.Duration // to the last byte, from the start or when the request's body had been sent; below 0: not known
}

// Picker chooses a backend of a pool for each attempt. Backends are known by
// their index in the pool, which does not change during a run.
//
// A picker is not safe for concurrent use; its owner guards it.
type Picker interface {
	// SetUp tells that backend i may be picked (or may not, from now on).
	// All backends start up.
	SetUp(i int, up bool)

	// Pick chooses an up backend. key is the affinity hash of the request
	// (its client's address, say); avoid lists backends already tried for
	// it, which are picked again only if no other is up. ok is false if none
	// is up.
	Pick(now time.Duration, key uint64, avoid []int) (i int, ok bool)

	// Started and Done frame every attempt at backend i, whoever chose it.
	Started(i int)
	Done(now time.Duration, i int, o Outcome)
}
