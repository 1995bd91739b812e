package scenarios

import "trafficlab/topologies/strict"

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

// yes reads true, the only value that says something.
func yes(v strict.Value) bool {
	if !v.Bool(true) {
		v.Wrong("says nothing", "true, or leave the fault out")
	}
	return true
}
