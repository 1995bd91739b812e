package components

import (
	"slices"
	"strings"
	"time"

	"trafficlab/components/policy"
	"trafficlab/topologies"
)

// gate is a limit of the requests that a proxy has upstream at once, with a
// line by class before it.
type gate struct {
	by    string // what a request's class is known by
	order []string

	mu     lock
	policy *policy.Gate[*visit]
}

func newGate(c *topologies.Concurrency) *gate {
	if c == nil {
		return nil
	}
	kind := policy.Concurrencies[c.Limit.Name]
	limit := kind.New(kind.Params(c.Limit.Params))
	return &gate{by: c.By, order: c.Order, policy: policy.NewGate[*visit](limit, c.Queue, len(c.Order)+1)}
}

// class is the request's place in the order of classes; who has none is last.
func (g *gate) class(v *visit) int {
	var name string
	switch {
	case g.by == "consumer":
		name = v.consumer
	case g.by == "route":
		name = v.route.pattern
	case g.by != "":
		name = v.req.Header.Get(strings.TrimPrefix(g.by, "header "))
	}
	if i := slices.Index(g.order, name); i >= 0 {
		return i
	}
	return len(g.order)
}

// admit lets the request go on upstream, once the gate does.
func (p *proxy) admit(v *visit) (Pause, bool) {
	if p.gate == nil {
		return p.ask(v)
	}
	v.class, v.deadline = p.gate.class(v), v.deadlineOf(v.x.Now())
	if p.gate.enter(v) == policy.Waits {
		return v.pause(atGate, v.deadline, v.turn, v.x.Canceled())
	}
	return p.let(v)
}

// called ends the wait before the gate.
func (p *proxy) called(v *visit, woken int) (Pause, bool) {
	if woken != 0 && p.gate.giveUp(v) {
		if woken < 0 {
			p.fallBack(v, tooLate)
		}
		return over()
	}
	v.x.Recycle(v.turn)
	return p.let(v)
}

// let goes on as the gate has decided.
func (p *proxy) let(v *visit) (Pause, bool) {
	if v.entry == policy.TurnedAway {
		p.fallBack(v, queueFull)
		return over()
	}
	v.inside, v.entered = true, v.x.Now()
	return p.ask(v)
}

func (g *gate) enter(v *visit) policy.Entry {
	g.mu.Lock()
	defer g.mu.Unlock()
	entry, out, pushed := g.policy.Enter(v.class, v)
	v.entry = entry
	if entry == policy.Waits {
		v.turn = v.x.NewSignal()
	}
	if pushed {
		out.entry = policy.TurnedAway
		out.turn.Fire()
	}
	return entry
}

// giveUp takes a request out of the line. It is false if the gate has decided
// about it meanwhile.
func (g *gate) giveUp(v *visit) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.policy.Leave(v.class, v)
}

// leave learns from a request that was let in, but for the time that its caller
// took to send a body, and lets in who waits.
func (g *gate) leave(v *visit, now time.Duration) {
	reason := v.attempt.reason
	sending, sent := v.attempt.sending()
	took := now - v.entered - sending
	if v.reason == policy.Canceled || reason == policy.Canceled || reason == policy.Failed || v.attempt.call == nil || v.attempt.letDown(reason) || !sent {
		took = -1 // says nothing of the room there is
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.policy.Done(took, reason.Fault())
	for next, ok := g.policy.Next(); ok; next, ok = g.policy.Next() {
		next.entry = policy.Admitted
		next.turn.Fire()
	}
}
