package components

import (
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

	mu       lock
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

// hedges tells whether a request may be sent twice at once.
func (p *proxy) hedges(v *visit) bool {
	return v.req.Size == 0 && safe(v.req.Method)
}

// listen waits for the answer to the attempt that has begun; if hedges are to
// be had, not for long alone.
func (p *proxy) listen(v *visit) (Pause, bool) {
	a := &v.attempt
	if p.hedge != nil && p.hedges(v) {
		v.first = a.started
		if v.tries == 1 { // a request pays in once, however often it is tried
			p.hedge.budget.deposit(a.started)
		}
		if patience, ok := p.hedge.patience(a.started); ok && a.started+patience < a.until {
			return v.pause(alone, a.started+patience, a.call, v.x.Canceled())
		}
	}
	return v.pause(asking, a.until, a.call, v.x.Canceled())
}

// hedged sends a second attempt beside the first, if that has no answer yet.
func (p *proxy) hedged(v *visit, woken int) (Pause, bool) {
	a := &v.attempt
	if woken >= 0 {
		return p.answered(v, woken)
	}
	b := new(attempt)
	if !p.hedge.budget.withdraw(v.x.Now()) || !p.begin(v, b) {
		return v.pause(asking, a.until, a.call, v.x.Canceled())
	}
	v.rival = b
	return v.pause(racing, min(a.until, b.until), a.call, v.x.Canceled(), b.call)
}

// decided takes the first end of two attempts. A good answer wins; after a
// failure it is for the other to say.
func (p *proxy) decided(v *visit, woken int) (Pause, bool) {
	a, b := &v.attempt, v.rival
	if woken == 2 || woken < 0 && b.until < a.until {
		*a, *b = *b, *a
	}
	if woken == 2 {
		woken = 0
	}
	a.end(woken)
	if a.reason.Fault() {
		*a, *b = *b, *a
		return v.pause(asking, a.until, a.call, v.x.Canceled())
	}
	b.lose(v.x.Now(), policy.Canceled)
	return p.heard(v)
}

// learn tells the hedge how long an answer took from the first attempt on.
func (p *proxy) learn(v *visit) {
	if p.hedges(v) && v.attempt.answer {
		now := v.x.Now()
		p.hedge.learn(now, now-v.first)
	}
}
