package components

import (
	"time"

	"trafficlab/components/policy"
	"trafficlab/topologies"
)

// fit puts a circuit breaker before each place.
func (p *pool) fit(b *topologies.Breaker) {
	if b == nil {
		return
	}
	p.breakers = make([]*policy.Breaker, len(p.places))
	for i := range p.breakers {
		p.breakers[i] = policy.NewBreaker(policy.BreakerRule(*b))
	}
}

// letThrough asks the breaker of a place that was picked.
func (p *pool) letThrough(now time.Duration, i int) (policy.Pass, bool) {
	pass, ok := p.breakers[i].Allow(now)
	p.mark(i, tripped, !p.breakers[i].Ready(now))
	return pass, ok
}

// report tells the breaker of a place how an attempt ended.
func (p *pool) report(now time.Duration, i int, pass policy.Pass, reason policy.Reason) {
	b := p.breakers[i]
	before := b.State(now)
	b.Report(now, pass, reason)
	if b.State(now) == policy.BreakerOpen && before != policy.BreakerOpen {
		p.opened = append(p.opened, i)
	}
	p.mark(i, tripped, !b.Ready(now))
}

// reopen makes places pickable whose breakers are half open by now. All
// breakers of a pool stay open equally long, so the first to open is the first
// in line.
func (p *pool) reopen(now time.Duration) {
	for len(p.opened) > 0 {
		i := p.opened[0]
		if p.breakers[i].Until() > now {
			return
		}
		p.opened = p.opened[1:]
		p.mark(i, tripped, !p.breakers[i].Ready(now))
	}
}

// refusal is the answer when no place is to be had.
func (p *pool) refusal() Response {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, out := range p.out {
		if out&tripped != 0 {
			return allOpen
		}
	}
	return noBackend
}
