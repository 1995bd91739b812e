package sim

import "trafficlab/scenarios"

// loop is a client who waits for outcomes, and what it will send once it has
// thought.
type loop struct {
	client *scenarios.Client
	next   scenarios.Arrival
}

// nobody waits for an outcome.
const nobody = -1

// openLoops lets the clients of closed streams begin.
func (w *world) openLoops() {
	for _, client := range w.c.Clients() {
		i := w.newLoop(client)
		next, more := client.First()
		w.plan(i, next, more)
	}
}

// newLoop finds a place for a client; nobody's, for none.
func (w *world) newLoop(client *scenarios.Client) int {
	k := &w.clients
	if client == nil {
		return nobody
	}
	k.looped = true
	if n := len(k.idleLoops); n > 0 {
		i := k.idleLoops[n-1]
		k.idleLoops = k.idleLoops[:n-1]
		k.loops[i].client = client
		return i
	}
	checkSlot(len(k.loops))
	k.loops = append(k.loops, loop{client: client})
	return len(k.loops) - 1
}

// think lets a client that has its outcome think about its next request.
func (w *world) think(i int) {
	next, more := w.clients.loops[i].client.Next(w.clock.now)
	w.plan(i, next, more)
}

func (w *world) plan(i int, next scenarios.Arrival, more bool) {
	k := &w.clients
	if !more {
		k.loops[i] = loop{}
		k.idleLoops = append(k.idleLoops, i)
		return
	}
	k.loops[i].next = next
	w.clock.at(next.At, asked, i)
}

// ask sends what a client has thought of.
func (w *world) ask(i int) { w.arrive(&w.clients.loops[i].next, i) }
