package components

import (
	"time"

	"trafficlab/components/policy"
)

// visit is one exchange on its way through a node, and what is to be counted
// of it. It is used again and again: what its course leaves is wiped away, the
// rest is room. With many under way each cache line that is looked at has to be
// fetched: one at a backend looks at the first two of six, the first above all.
type visit struct {
	at     *Component
	x      Exchange
	req    *Request
	timing *timing // nil: nobody wants to know
	course
	woken [2]Event // by what, in the pause that follows
	onwards

	avoid   []int         // where attempts went
	tried   [2]int        // room for avoid
	began   time.Duration // if that matters
	passes  *passage      // an answer that takes its time; nil: none
	*detour               // nil: none
	_       [40]byte      // to whole cache lines
}

// course is what becomes of a visit at any node.
type course struct {
	ending *proxy // has the last word on the answer; nil: nobody
	stage  stage
	check  bool          // a health check
	probe  bool          // likewise asks the node itself: how busy it is
	aside  bool          // work of our own, which is not counted
	bound  bound         // that it was beyond
	ended  bool          // of shared work: it is
	word   word          // of the cache
	reason policy.Reason // of the answer, as are its
	work   time.Duration

	status   int
	bytes    int64
	ill      *illness      // nil: nothing befalls it
	deadline time.Duration // of all attempts, or of work
	turn     Signal        // its place in the line (or at a gate's); of shared work, that there is news
	route    *route
	tag      int32  // in the node's gauge; 0: not in it
	tries    uint16 // without hedges
	begun    uint16 // attempts
}

// onwards is what only a visit at a proxy has.
type onwards struct {
	attempt  attempt // the one that counts
	consumer string
	key      uint64 // of affinity
}

// detour is the part of a visit that only some proxies need: it is kept apart,
// so that the others carry less.
type detour struct {
	// Beside a hedge.
	rival *attempt      // the hedge
	first time.Duration // when the first of the two began
	race  [3]Event      // woken, by one more

	// Before limits.
	counted int           // tallies asked
	taken   Taken         // what the latest said
	held    time.Duration // back
	asks    [2]policy.Ask // room for what they are asked
	plan    *plan         // of the consumer; nil: none

	sends int64 // length of the body that was made of the request's; 0: it goes on as it came

	// What the answer is to tell of them.
	tightest string // the limit that is nearest to its end; empty: not known
	level    policy.Level

	// At a cache.
	ask       cacheAsk
	room      []byte        // for its key; kept for the next visit
	wished    *wish         // likewise for what it asks
	why       cause         // it goes on nevertheless
	keeps     bool          // the answer is to be stored
	told      int           // the status that is not handed on, since what is stored is better; 0: none
	lack      policy.Reason // likewise why there is no answer
	validates *stored       // what the upstream is asked to confirm
	waits     *fetch        // another's, to wait for
	leads     *fetch        // its own, that others may wait for
	renews    *fetch        // to be begun beside it

	// At a gate.
	class   int
	entry   policy.Entry
	inside  bool
	entered time.Duration
}

// stage is what a visit waits for.
type stage uint8

const (
	arriving stage = iota // nothing yet
	delayed               // for a fault that delays it

	// At a proxy.
	learning  // for the keys of tokens
	counting  // for a tally that is a trip away
	held      // for a limit that delays it
	following // for another's fetch
	renewing  // likewise nothing yet: a fetch beside the visit that wants it
	atGate    // to be let in
	asking    // for the answer to the one attempt under way
	alone     // likewise, until it is time for a hedge
	racing    // for the first of two answers
	resting   // before the next try
	passing   // for a body that takes its time, here or at a backend

	// At a backend.
	inLine  // for a worker
	atWork  // for the worker to finish
	sharing // for its share of the workers to be enough
)

// waits says what a visit does at a stage; where it waits for an upstream, its
// attempts say it.
var waits = [...]string{
	delayed:  "is delayed by a fault",
	learning: "waits for the keys of tokens", counting: "asks what it counts together with others",
	held: "is held back by a limit", following: "waits for the fetch of another request",
	atGate: "waits to be let in", resting: "rests before the next try", passing: "passes a body on that takes its time",
	inLine: "waits for a worker", atWork: "works", sharing: "shares the workers",
}

// Waiting says what the visit waits for, for stories; "" for what its attempts
// say.
func (v *visit) Waiting() string { return waits[v.stage] }

func (v *visit) open(at *Component, x Exchange, req *Request) {
	v.at, v.x, v.req, v.reason = at, x, req, policy.Canceled
}

// pause makes a visit wait at a stage.
func (v *visit) pause(at stage, until time.Duration, on ...Event) (Pause, bool) {
	v.stage = at
	if v.timing != nil {
		v.timing.paused = v.x.Now()
	}
	room := v.woken[:]
	if len(on) > len(room) {
		room = v.race[:]
	}
	return Pause{until, room[:copy(room, on)]}, false
}

// turnOff makes room for what a detour notes.
func (v *visit) turnOff() {
	if v.detour == nil {
		v.detour = new(detour)
		return
	}
	*v.detour = detour{room: v.room[:0], wished: v.wished}
}

// reply answers with a body of our own.
func (v *visit) reply(r Response) {
	if v.ending != nil {
		v.ending.end(v, &r)
	}
	if v.timing != nil {
		r.Header = v.timed(r.Header)
	}
	if !v.gone() {
		v.answered(&r, ReasonOf(r.Status, r.Header))
	}
	v.x.Reply(r)
}

func (v *visit) answered(r *Response, reason policy.Reason) {
	v.status, v.reason = r.Status, reason
	v.bytes = max(r.Body.Size, int64(len(r.Body.Bytes)))
}

// gone tells whether the caller went away.
func (v *visit) gone() bool { return v.x.Canceled().Fired() }
