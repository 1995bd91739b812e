// Package sim is the world without machines: it plays a case through the same
// handlers as package live, on a virtual clock and without sockets, and gives
// the same samples for the same case on any machine.
//
//	arrivals ──► client ─► call ─► pool ─► place ─► frame        one request
//	                        ▲      waits   visit    Open, Step ─┐
//	                        │     or dials  cost      ▲         │ Pause
//	                        │                         └─────────┤
//	                        └───────────────────────── Start ◄──┘
//
//	          ┌──────────── next instant ◄───────────┐
//	          ▼                                      │
//	clock: calendar of events ─► dispatch ─► ready ─► frame steps until it waits
//	       ▲        (lines of constant      (FIFO:   │
//	       │         delay compete by        one     │
//	       │         their heads)            instant)│
//	       └────────── until, dial, visit ◄──────────┘
//
// A frame is one exchange at one place: it holds the handler's steps
// (components.Steps) and what they wait for, so that an exchange that waits
// needs no stack. Frames, calls and signals are pooled over the whole world:
// what was used last, and is warm, is used next. All happens on one goroutine,
// in an order given by the instants and, among equal ones, by the sequence in
// which events were scheduled.
//
// Beside a run, Trace tells the stories of single requests, and TheoryOf what
// queueing theory says where it has a formula.
//
// What is modelled: connections (bounded pools, dialling, TLS handshakes as a
// cost; of HTTP/2 one that all calls share), what a visit to a component costs, the processors that all components
// share (Costs.Cores), cancellation from the client down, crash, freeze and
// everything that handlers do; and of links what faults do to them: delay,
// bandwidth, loss and cuts. What is not: the bandwidth of other links (a body is
// a size and takes no time), how an operating system slices the time of its
// processors, and nodes of kind external.
package sim
