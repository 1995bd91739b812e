package components

import (
	"time"

	"trafficlab/components/policy"
	"trafficlab/scenarios"
)

// attempt is one try at a request.
type attempt struct {
	pool    *pool
	i       int
	pass    policy.Pass // of the place's breaker
	open    bool        // its end has not been told to the pool yet
	started time.Duration
	until   time.Duration // when patience with it ends
	call    Call
	head    Response
	answer  bool // head is an upstream's; else it is our own word for the failure
	reason  policy.Reason
	sent    bool // some of the request may have reached the upstream
}

// done tells the pool how the attempt ended. Only the first call counts.
func (a *attempt) done(now time.Duration, reason policy.Reason) {
	if a.open {
		a.open = false
		a.pool.done(now, a.i, a.pass, policy.Outcome{Reason: reason, Latency: now - a.started})
	}
}

// hear takes what the call came to.
func (a *attempt) hear() {
	a.head, a.reason = a.call.Head()
	switch a.reason {
	case policy.OK:
		a.answer, a.sent = true, true
		a.reason = ReasonOf(a.head.Status, a.head.Header)
	case policy.Refused:
		a.head = refused
	case policy.Timeout: // of the connection
		a.head = noConnection
	case policy.Reset:
		a.head, a.sent = terminated, true
	}
}

// giveUp ends an attempt that is still under way.
func (a *attempt) giveUp() {
	a.call.Cancel()
	a.reason = policy.Canceled
}

// runOut ends an attempt for want of patience.
func (a *attempt) runOut() {
	a.call.Cancel()
	a.reason, a.head, a.sent = policy.Timeout, noResponse, true
}

// end takes what a wait for the call, or for the caller to go away, came to.
func (a *attempt) end(woken int) {
	switch woken {
	case 0:
		a.hear()
	case 1:
		a.giveUp()
	default:
		a.runOut()
	}
}

// lose ends an attempt that another has beaten.
func (a *attempt) lose(now time.Duration, reason policy.Reason) {
	a.call.Cancel()
	a.done(now, reason)
}

// begin starts an attempt at a place of the route's pool, in a. It is false,
// and a stays as it is, if there is no place to be had.
func (p *proxy) begin(v *visit, a *attempt) bool {
	now, pool := v.x.Now(), v.route.pool
	i, pass, ok := pool.start(now, v.key, pool.sticky.home(v.req), v.avoid)
	if !ok {
		return false
	}
	if a.call != nil {
		a.call.Cancel()
	}
	if v.begun > 0 {
		v.hop.Request.Attempt = scenarios.Mix(v.req.Attempt, uint64(v.begun))
	}
	v.begun++
	v.avoid = append(v.avoid, i)
	v.hop.To = pool.places[i]
	p.expire(v, now)
	*a = attempt{pool: pool, i: i, pass: pass, open: true, started: now, until: v.deadline}
	if patience := p.node.Timeout.Response; patience > 0 {
		a.until = min(a.until, now+patience)
	}
	a.call = v.x.Start(&v.hop)
	return true
}
