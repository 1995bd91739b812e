package measure

import "time"

// Format is the version of stored runs. A reader refuses any other.
const Format = 4

// Run is all samples of a case, with what the nodes counted and where it came
// from.
type Run struct {
	Format     int
	Scenario   string
	Variant    string
	World      string // "live" or "sim"
	Repetition int
	Seed       uint64
	Case       string // a digest of all that was asked: system, load, faults

	Warmup   time.Duration // samples that began earlier are left out of figures
	Duration time.Duration // of the load
	Deadline time.Duration // successes later than this are not goodput
	Target   float64       // requests per second that the load intends after warm-up
	Loops    []Loop        `json:",omitempty"` // the closed parts of the load
	Faults   []Fault       `json:",omitempty"` // what was made to go wrong, in order of time

	Nodes    []NodeUse
	Courses  []Course    `json:",omitempty"` // of places, or of nodes where there are too many
	Modelled *Processors `json:",omitempty"` // of the simulator's machine, if all places share one
	Warnings []Warning
	Machine  Provenance
	Spoiled  bool // by the generator or the machine, and run again: kept for the record, in no figure

	// Latency and Service are those of successes after warm-up, from when they
	// were meant to be sent, and from when they were: zero if none was late.
	Latency Histogram `json:",omitzero"`
	Service Histogram `json:",omitzero"`

	Samples []Sample `json:"-"` // in order, if they are in memory: they have a file of their own
	shelf   *shelf   // of the others: see Load
}

// Processors is those of a machine, and for how long they were busy between
// warm-up and the end of the load, added up.
type Processors struct {
	Cores int
	Busy  time.Duration
}

// Fault is what went wrong at some places for a time.
type Fault struct {
	Name     string
	From, To time.Duration // the same if it was over at once
	Places   []string      // in the order in which it came to them
	Stagger  time.Duration `json:",omitempty"` // how much later it came to each than to the one before
}

// NodeUse is what one place did between warm-up and the end; its series begin
// with the run.
type NodeUse struct {
	Place    string
	Kind     string
	Requests int64            // received, health checks and probes aside
	Reasons  map[string]int64 // of what it answered
	Refused  map[string]int64 `json:",omitempty"` // refused or cut off, by what was wrong: "body too long"
	Cache    map[string]int64 // decision word ("hit", "miss", "collapsed", "updating"…) → requests
	Asked    map[string]int64 // upstream place → attempts made there
	Checks   int64            // health checks received
	Probes   int64            `json:",omitempty"` // questions received how busy it is
	Usage    []Usage          // of gateways
	Received Series           `json:",omitzero"` // Requests by time
	// Sent is the attempts by time at places that faults befall: their callers
	// know of those too that a dead one cannot count.
	Sent map[string]Series `json:",omitempty"`
	// Worked is the time that a backend's workers spent on what they finished,
	// Wasted that of it which was for callers who had gone.
	Worked, Wasted time.Duration `json:",omitempty"`
	// Keys is how many keys were asked for while another place than theirs was
	// out, where picks depend on a key; Moved those of them that went elsewhere.
	Keys, Moved int64         `json:",omitempty"`
	CPU         time.Duration // user and system time of its process; 0 in the simulator
	Memory      int64         // peak resident bytes; 0 in the simulator

	Course *Course `json:",omitempty"` // on its way into the run's; nil in a stored run
}

// Usage is what one consumer did on one route.
type Usage struct {
	Consumer string
	Route    string
	Requests int64
	Errors   int64 // 5xx
	Limited  int64
	Bytes    int64 // of answers

	// Latency is that of successes, from the request's coming to the end of
	// its answer.
	Latency Histogram `json:",omitzero"`
	// Used is for how long the tightest limit on it would have had to let
	// requests in to admit these: its share of the limit times the time. 0:
	// none of its limits is for consumers, routes or all together.
	Used time.Duration `json:",omitempty"`
}

// Merge adds what another has counted so many times: -1 takes it away.
func (u *Usage) Merge(other Usage, times int64) {
	u.Requests += times * other.Requests
	u.Errors += times * other.Errors
	u.Limited += times * other.Limited
	u.Bytes += times * other.Bytes
	u.Used += time.Duration(times) * other.Used
	u.Latency.Merge(other.Latency, times)
}

// Clone shares nothing with u.
func (u Usage) Clone() Usage {
	u.Latency = u.Latency.Clone()
	return u
}

// Provenance says where a run came from, as far as it bears on its figures.
// It is empty in the simulator but for Version and Calibration: the same bytes
// come from any machine.
type Provenance struct {
	Version string
	// Calibration names what the simulator charged for the machinery.
	Calibration string `json:",omitempty"`

	Go      string
	System  string // kernel and architecture
	CPU     string
	Cores   int
	Started time.Time `json:",omitzero"`
	// LateP50 is how late the generator sent its requests, and
	// GeneratorCPU its CPU time per request. Of a result they are the worst of
	// its live runs, and their mean.
	LateP50, LateP99 time.Duration
	GeneratorCPU     time.Duration
	// Others is the processor time that went to none of ours between warm-up
	// and the end, Stolen what the machine's host gave to other machines. 0 if
	// they cannot be told.
	Others time.Duration `json:",omitempty"`
	Stolen time.Duration `json:",omitempty"`
	// ClockStep is by how much the calendar's clock went ahead of the steady one.
	ClockStep time.Duration `json:",omitempty"`
}

// Warning travels with a result that should not be taken at face value.
type Warning struct {
	Kind   string // what it is about: "late", "rate", "cpu", "samples", "drift", "partial"
	Severe bool   // the figures cannot be trusted: exit status 3
	Text   string // a sentence: what is wrong, and what to do

	// World and Variant are those that it is about, filled in by Fold: each is
	// "" if the warning stands for several, or for the result as a whole.
	// Severe warnings of runs always name both: those figures, and no others,
	// cannot be trusted. In a stored run they are "".
	World   string `json:",omitempty"`
	Variant string `json:",omitempty"`
}
