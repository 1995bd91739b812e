package components

import (
	"sync"
	"time"

	"trafficlab/components/policy"
	"trafficlab/topologies"
)

// hedge decides when an attempt takes so long that a second one is sent beside
// it.
//
// Source: Dean and Barroso, The Tail at Scale (2013).
// Cost: with delay d an extra load of the share of attempts that take longer.
// Weak spot: copies that meet in the same queue gain nothing, and when all are
// slow for want of capacity hedges take more of it: hence the budget.
type hedge struct {
	after  time.Duration // 0: measured
	budget *budget

	mu       sync.Mutex
	measured *policy.Quantile
}

// What a measured quantile rests on.
const (
	hedgeWindow = 10 * time.Second
	hedgeLeast  = 100
)

func newHedge(h *topologies.Hedge) *hedge {
	return &hedge{
		after:    h.After,
		budget:   newBudget(h.Budget),
		measured: policy.NewQuantile(h.Quantile, hedgeWindow, hedgeLeast),
	}
}

// patience is how long to wait for the first attempt alone.
func (h *hedge) patience(now time.Duration) (d time.Duration, ok bool) {
	if h.after > 0 {
		return h.after, true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.measured.Value(now)
}

// learn takes the time from the first attempt to an answer. If it was a
// hedge's, the first would have taken longer still; it counts as being beyond
// the quantile, as it is.
func (h *hedge) learn(now, d time.Duration) {
	if h.after > 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.measured.Observe(now, d)
}

// race waits for the answer to the attempt that has begun. If it takes long
// and the request may be sent twice, a second attempt runs beside it, and the
// first good answer wins.
func (p *proxy) race(v *visit) {
	if p.hedge == nil || v.req.Size != 0 || !safe(v.req.Method) {
		p.await(v)
		return
	}
	began := v.attempt.started
	p.hedge.budget.deposit(began)
	if p.slow(v) && p.hedge.budget.withdraw(v.x.Now()) && p.begin(v, &v.rival) {
		p.decide(v)
	} else {
		p.await(v)
	}
	if v.attempt.answer {
		p.hedge.learn(v.x.Now(), v.x.Now()-began)
	}
}

// slow waits for the attempt's head as long as it is alone. It is true if more
// patience is left, but not for it alone.
func (p *proxy) slow(v *visit) bool {
	a := &v.attempt
	alone, ok := p.hedge.patience(a.started)
	if !ok || a.started+alone >= a.until {
		return false
	}
	v.events = [3]Event{a.call, v.x.Canceled()}
	return v.x.Wait(a.started+alone, v.events[:2]...) < 0
}

// decide waits until one of two attempts has a good answer or both have
// failed. What counts is then v.attempt; the other is over.
func (p *proxy) decide(v *visit) {
	a, b := &v.attempt, &v.rival
	v.events = [3]Event{a.call, v.x.Canceled(), b.call}
	switch v.x.Wait(min(a.until, b.until), v.events[:]...) {
	case 0:
		a.hear()
	case 1:
		a.giveUp()
	case 2:
		*a, *b = *b, *a
		a.hear()
	default:
		if b.until < a.until {
			*a, *b = *b, *a
		}
		a.runOut()
	}
	loser := policy.Canceled
	if a.reason.Fault() {
		loser = a.reason
		*a, *b = *b, *a
		p.await(v)
	}
	b.call.Cancel()
	b.done(v.x.Now(), loser)
}
