package components

import (
	"sync"
	"time"

	"trafficlab/components/policy"
	"trafficlab/scenarios"
)

// probing is what a pool needs to know to probe.
type probing struct {
	prober   policy.Prober // nil: nobody is probed
	patience time.Duration
	id       uint64 // what the numbers of probes are made of
	sent     uint64
}

// probe asks some places of the pool how busy they are, for the sake of later
// requests: nobody waits for it.
func (p *pool) probe(x Exchange) {
	if p.prober == nil {
		return
	}
	r := rounds.Get().(*round)
	p.mu.Lock()
	r.pool, r.to, r.first = p, p.prober.Probes(r.room[:0]), p.sent
	p.sent += uint64(len(r.to))
	p.mu.Unlock()
	if len(r.to) == 0 {
		r.close()
		return
	}
	x.Background(r.open)
}

// probed takes a place's answer.
func (p *pool) probed(now time.Duration, i int, load policy.Load) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.prober.Probed(now, i, load)
}

// round is the probes sent on behalf of one request. They leave a nanosecond
// after it and after each other: what happens at one instant is in no order in
// the live world, and a place would or would not count the request as well.
type round struct {
	pool  *pool
	x     Exchange
	to    []int // places
	first uint64
	began time.Duration
	sent  int
	calls []Call // not heard of yet, by probe; nil: heard

	open    func(Exchange) Steps // begin, made a value once
	room    [policy.MostProbes]int
	asked   [policy.MostProbes]Call
	waiting [1 + policy.MostProbes]Event
}

var rounds = sync.Pool{New: func() any {
	r := new(round)
	r.open = r.begin
	return r
}}

func (r *round) begin(x Exchange) Steps {
	r.x, r.began, r.calls = x, x.Now(), r.asked[:0]
	return r
}

// close makes the round fit for another.
func (r *round) close() {
	*r = round{open: r.open}
	rounds.Put(r)
}

// Step implements Steps: it hears who has answered, and asks who is next.
func (r *round) Step(int) (p Pause, over bool) {
	now := r.x.Now()
	left := r.hear(now)
	if r.sent < len(r.to) && r.next() <= now {
		r.ask()
		left++
	}
	until := r.next()
	if r.sent == len(r.to) {
		until += r.pool.patience
		over = left == 0 || until <= now
	}
	if over || r.x.Canceled().Fired() {
		r.close()
		return Pause{}, true
	}
	return Pause{until, r.events()}, false
}

// next is when the next probe is to leave.
func (r *round) next() time.Duration { return r.began + time.Duration(r.sent+1) }

func (r *round) ask() {
	to := r.pool.places[r.to[r.sent]]
	number := scenarios.Mix(r.pool.id, r.first+uint64(r.sent)) | checkBit
	h := r.x.Hop()
	*h = Hop{
		To:      to,
		Request: Request{Number: number, Method: "GET", Host: to.Node(), Path: ProbePath},
	}
	r.calls = append(r.calls, r.x.Start(h))
	r.sent++
}

// hear tells the pool of those who have answered, and counts those who have
// not.
func (r *round) hear(now time.Duration) (left int) {
	for k, call := range r.calls {
		switch {
		case call == nil:
		case !call.Fired():
			left++
		default:
			head, reason := call.Head()
			call.Cancel()
			r.calls[k] = nil
			if load, ok := loadOf(head.Header); ok && reason == policy.OK && head.Status == 200 {
				r.pool.probed(now, r.to[k], load)
			}
		}
	}
	return left
}

// events is what may happen before the next probe, or the end.
func (r *round) events() []Event {
	on := append(r.waiting[:0], r.x.Canceled())
	for _, call := range r.calls {
		if call != nil {
			on = append(on, call)
		}
	}
	return on
}
