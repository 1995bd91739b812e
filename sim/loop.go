package sim

import "trafficlab/scenarios"

// loop is a client of a closed stream, and what it will send once it has
// thought.
type loop struct {
	client *scenarios.Client
	next   scenarios.Arrival
}

// openLoops lets the clients of closed streams begin.
func (w *world) openLoops() {
	for i, client := range w.c.Clients() {
		w.checkSlot(i)
		w.clients.loops = append(w.clients.loops, loop{client: client})
		next, more := client.First()
		w.plan(i, next, more)
	}
}

// think lets a client that has its outcome think about its next request.
func (w *world) think(i int) {
	next, more := w.clients.loops[i].client.Next(w.clock.now)
	w.plan(i, next, more)
}

func (w *world) plan(i int, next scenarios.Arrival, more bool) {
	if more {
		w.clients.loops[i].next = next
		w.clock.at(next.At, asked, i)
	}
}

// ask sends what a client has thought of.
func (w *world) ask(i int) { w.arrive(w.clients.loops[i].next) }
