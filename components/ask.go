package components

import (
	"sync"
	"time"

	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// budget is a policy.Budget that many requests share. Nil is without bounds.
type budget struct {
	mu     sync.Mutex
	policy *policy.Budget
}

func newBudget(b *topologies.Budget) *budget {
	if b == nil {
		return nil
	}
	return &budget{policy: policy.NewBudget(b.Share, b.Reserve, b.Window)}
}

func (b *budget) deposit(now time.Duration) {
	if b != nil {
		b.mu.Lock()
		b.policy.Deposit(now)
		b.mu.Unlock()
	}
}

func (b *budget) withdraw(now time.Duration) bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.policy.Withdraw(now)
}

func newRetrier(r topologies.Retry) policy.Retrier {
	on, _ := policy.ParseConditions(r.On) // the topology's check has refused all else
	return policy.Retrier{Tries: r.Tries, On: on, Base: r.Base, Cap: r.Cap}
}

// ask tries upstreams until one has given an answer that stands, which it
// leaves in v.attempt. If there is none it answers so and is false.
func (p *proxy) ask(v *visit) bool {
	now := v.x.Now()
	v.hop, v.avoid = p.hop(v), v.tried[:0]
	if v.route.pool.keyed {
		v.key = p.keyOf(v.route.pool.source, &v.req)
	}
	if v.deadline == 0 { // else it waited at the gate
		v.deadline = p.deadline(&v.req, now)
	}
	if v.deadline <= now {
		p.fallBack(v, noResponse)
		return false
	}
	p.budget.deposit(now)
	for tries := 1; p.begin(v, &v.attempt); tries++ {
		p.race(v)
		if !p.mayRepeat(v, tries) {
			break
		}
		v.attempt.done(v.x.Now(), v.attempt.reason)
		if !p.rest(v, tries) {
			return false
		}
	}
	return p.stands(v)
}

// stands ends the tries: with an answer to hand on, or with our own.
func (p *proxy) stands(v *visit) bool {
	a := &v.attempt
	if a.answer && !p.fallsBack(a.reason) {
		return true
	}
	a.done(v.x.Now(), a.reason)
	switch {
	case a.call == nil:
		p.fallBack(v, v.route.pool.refusal())
	case a.reason != policy.Canceled:
		p.fallBack(v, a.head)
	}
	return false
}

// mayRepeat asks the retrier and pays for a retry. A body that may have been
// sent is gone: it is not kept for a second time.
func (p *proxy) mayRepeat(v *visit, tries int) bool {
	a := &v.attempt
	last := policy.Attempt{Reason: a.reason, Sent: a.sent}
	last.Safe = safe(v.req.Method) && (v.req.Size == 0 || !a.sent)
	if a.answer {
		last.Status = a.head.Status
	}
	if !p.retrier.Again(tries, last) {
		return false
	}
	now := v.x.Now()
	return now+p.pause(v, tries) < v.deadline && p.budget.withdraw(now)
}

// pause is how long to wait before a retry. It depends on the request alone,
// so that it is the same in both worlds.
func (p *proxy) pause(v *visit, retry int) time.Duration {
	if p.retrier.Base == 0 {
		return 0
	}
	jitter := scenarios.Mix(scenarios.Mix(p.pauses, v.req.Number), scenarios.Mix(v.req.Attempt, uint64(retry)))
	return p.retrier.Pause(retry, scenarios.Unit(jitter))
}

// rest waits before a retry, holding on to nothing. It is false if the caller
// went away.
func (p *proxy) rest(v *visit, retry int) bool {
	pause := p.pause(v, retry)
	if pause == 0 {
		return true
	}
	v.attempt.call.Cancel()
	v.attempt = attempt{}
	v.events = [3]Event{v.x.Canceled()}
	return v.x.Wait(v.x.Now()+pause, v.events[:1]...) < 0
}

// safe tells whether a method asks for no change (RFC 9110 section 9.2.1).
func safe(method string) bool {
	switch method {
	case "GET", "HEAD", "OPTIONS", "TRACE":
		return true
	}
	return false
}
