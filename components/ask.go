package components

import (
	"time"

	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// budget is a policy.Budget that many requests share. Nil is without bounds.
type budget struct {
	mu     lock
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

// ask tries upstreams until one has given an answer that stands.
func (p *proxy) ask(v *visit) (Pause, bool) {
	if v.route.sends != nil && !p.rewrite(v) {
		return over()
	}
	now := v.x.Now()
	v.avoid = v.tried[:0]
	if v.route.pool.keyed {
		v.key = p.keyOf(v.route.pool.source, v.req)
	}
	if v.deadline == 0 { // else it waited at the gate
		v.deadline = v.deadlineOf(now)
	}
	if v.deadline <= now {
		p.fallBack(v, noResponse)
		return over()
	}
	p.budget.deposit(now)
	return p.try(v)
}

// try begins an attempt, if there is a place to be had.
func (p *proxy) try(v *visit) (Pause, bool) {
	v.tries++
	if !p.begin(v, &v.attempt) {
		return p.conclude(v)
	}
	return p.listen(v)
}

// answered takes the end of the one attempt under way.
func (p *proxy) answered(v *visit, woken int) (Pause, bool) {
	if a := &v.attempt; woken < 0 && a.putOff(v) {
		return v.pause(asking, a.until, a.call, v.x.Canceled())
	}
	v.attempt.end(woken)
	if p.hedge != nil && v.rival != nil && v.rival.open { // it has lost: see decided
		v.rival.lose(v.x.Now(), v.rival.reason)
	}
	return p.heard(v)
}

// heard decides whether there is to be another try.
func (p *proxy) heard(v *visit) (Pause, bool) {
	if p.hedge != nil {
		p.learn(v)
	}
	if v.attempt.long {
		v.beyond(longAnswer)
	}
	if v.attempt.reason == policy.OK || !p.mayRepeat(v) {
		return p.conclude(v)
	}
	now := v.x.Now()
	v.attempt.done(now, v.attempt.reason)
	rest := p.rest(v)
	if rest == 0 {
		return p.try(v)
	}
	v.attempt.call.Cancel() // who rests holds on to nothing
	v.attempt = attempt{}
	return v.pause(resting, now+rest, v.x.Canceled())
}

// conclude ends the tries: with an answer to hand on, or with our own.
func (p *proxy) conclude(v *visit) (Pause, bool) {
	a := &v.attempt
	if a.answer && !p.fallsBack(a.reason) {
		return p.handOn(v)
	}
	a.done(v.x.Now(), a.reason)
	switch {
	case a.call == nil:
		p.fallBack(v, v.route.pool.refusal())
	case a.reason != policy.Canceled:
		var said Response
		a.say(&said)
		p.fallBack(v, said)
	}
	return over()
}

// mayRepeat asks the retrier about a failure, and pays for a retry. A body that
// may have been sent is gone: it is not kept for a second time.
func (p *proxy) mayRepeat(v *visit) bool {
	a := &v.attempt
	last := policy.Attempt{Reason: a.reason, Status: a.status, Sent: a.sent}
	last.Safe = safe(v.req.Method) && (v.req.Size == 0 || !a.sent)
	if !v.route.retrier.Again(int(v.tries), last) {
		return false
	}
	now := v.x.Now()
	return now+p.rest(v) < v.deadline && p.budget.withdraw(now)
}

// rest is how long to wait before the next try. It depends on the request
// alone, so that it is the same in both worlds.
func (p *proxy) rest(v *visit) time.Duration {
	retrier := &v.route.retrier
	if retrier.Base == 0 {
		return 0
	}
	jitter := scenarios.Mix(scenarios.Mix(p.pauses, v.req.Number), scenarios.Mix(v.req.Attempt, uint64(v.tries)))
	return retrier.Pause(int(v.tries), scenarios.Unit(jitter))
}

// safe tells whether a method asks for no change (RFC 9110 section 9.2.1).
func safe(method string) bool {
	switch method {
	case "GET", "HEAD", "OPTIONS", "TRACE":
		return true
	}
	return false
}
