package scenarios

import (
	"time"

	"trafficlab/topologies"
	"trafficlab/topologies/strict"
)

// What befalls a process as a whole.

var crash = FaultKind{
	About:   "the process is killed, with all it has in hand; a new one starts at the end",
	Example: "true",
	process: true,
	read:    func(v strict.Value, f *Fault) { f.Crash = yes(v) },
	is:      func(f *Fault) bool { return f.Crash },
	lay:     func(_ *Fault, _ float64, e *Effect) { e.Down = true },
	word:    func(*Fault) string { return "crash" },
}

var freeze = FaultKind{
	About:   "the process stands still, and its connections stay open",
	Example: "true",
	process: true,
	read:    func(v strict.Value, f *Fault) { f.Freeze = yes(v) },
	is:      func(f *Fault) bool { return f.Freeze },
	lay:     func(_ *Fault, _ float64, e *Effect) { e.Frozen = true },
	word:    func(*Fault) string { return "freeze" },
}

var drain = FaultKind{
	About:   "health checks are refused and all else is served: it wants no more work",
	Example: "true",
	read:    func(v strict.Value, f *Fault) { f.Drain = yes(v) },
	is:      func(f *Fault) bool { return f.Drain },
	lay:     func(_ *Fault, _ float64, e *Effect) { e.Drains = true },
	word:    func(*Fault) string { return "drain" },
}

// leaving is the measure of a restart while the process is there still.
const leaving = .5

// longestGrace is how long a node that is told to end gives itself.
const longestGrace = 10 * time.Second

var restart = FaultKind{
	About: "the process takes nobody new and ends what it has in hand, within a grace (half of for); it is gone then, " +
		"and a new one starts at the end",
	Example: "{grace: 1s}",
	read: func(v strict.Value, f *Fault) {
		f.Grace = max(min(f.For/2, longestGrace), 1)
		if f.For == ForGood {
			v.Wrong("does not say when it is back", "for: 2s beside it, or crash: true for a process that is gone for good")
		}
		if v.IsText() {
			yes(v)
			return
		}
		if !v.Fields("grace") {
			return
		}
		f.Grace = v.Get("grace").Duration(f.Grace, time.Millisecond, longestGrace)
		if f.Grace >= f.For && !v.Get("grace").Noted() {
			v.Get("grace").Wrong("leaves no time to start again", "less than its for, which is "+forWords(f.For))
		}
	},
	is: func(f *Fault) bool { return f.Grace > 0 },
	lay: func(_ *Fault, measure float64, e *Effect) {
		if measure < 1 {
			e.Drains, e.Leaves = true, true
		} else {
			e.Down = true
		}
	},
	word: func(*Fault) string { return "restart" },
}

var certificate = FaultKind{
	About:   "connections to come are shown a certificate that has expired; those that stand go on",
	Example: "expired",
	read:    func(v strict.Value, f *Fault) { f.Expired = v.Word("", "expired") != "" },
	is:      func(f *Fault) bool { return f.Expired },
	fits: func(n *topologies.Node) (wrong, right string) {
		if n.TLS == nil {
			return "shows no certificate", "a node with tls"
		}
		return "", ""
	},
	lay:  func(_ *Fault, _ float64, e *Effect) { e.Expired = true },
	word: func(*Fault) string { return "expired certificate" },
}

// yes reads true, the only value that says something.
func yes(v strict.Value) bool {
	if !v.Bool(true) {
		v.Wrong("says nothing", "true, or leave the fault out")
	}
	return true
}
