// Package sim is the world without machines: it plays a case through the same
// handlers as package live, on a virtual clock and without sockets, and gives
// the same samples for the same case on any machine.
//
//	arrivals ──► client ─► call ─► pool ─► place ─► frame        one request
//	                        ▲      waits   visit    steps, or a stack
//	                        │     or dials  cost    Handle(x)
//	                        │                          │ Start
//	                        └──────────────────────────┘
//
//	          ┌──────────── next instant ◄───────────┐
//	          ▼                                      │
//	clock: events by date ─► dispatch ─► ready ─► frame runs until it waits
//	       ▲    (lines of constant       (FIFO:      │
//	       │     delay compete by         one        │
//	       │     their heads)             instant)   │
//	       └────────── until, dial, visit ◄──────────┘
//
// A frame is one exchange at one place. A handler that can be played in steps
// (components.Stepper: backends) is; any other runs on a stack, a coroutine to
// which to wait is to yield to the loop. Frames, stacks, calls and signals are
// pooled over the whole world, so that what was used last, and is warm, is
// used next. All happens on one goroutine at a time, in an order given by the
// instants and, among equal ones, by the sequence in which events were
// scheduled.
//
// Beside a run, Trace tells the stories of single requests, and TheoryOf what
// queueing theory says where it has a formula.
//
// What is modelled: connections (bounded pools, dialling, TLS handshakes as a
// cost), what a visit to a component costs, the processors that all components
// share (Costs.Cores), cancellation from the client down, crash, freeze and
// everything that handlers do. What is not: bandwidth (a body is a size and
// takes no time), loss, how an operating system slices the time of its
// processors, and nodes of kind external.
package sim
