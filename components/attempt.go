package components

import (
	"time"

	"trafficlab/components/policy"
)

// attempt is one try at a request.
type attempt struct {
	pool    *pool
	call    Call
	i       int32
	open    bool // its end has not been told to the pool yet
	answer  bool // an upstream's
	sent    bool // some of the request may have reached the upstream
	sends   bool // a body
	long    bool // the answer is longer than it may be
	reason  policy.Reason
	number  int32       // that timing counts it under
	timing  *timing     // nil: nobody counts it
	pass    policy.Pass // of the place's breaker
	started time.Duration
	until   time.Duration // when patience with it ends
	failure *Response     // our own word in its place; nil: none
	status  int           // of the answer
	most    int64         // bytes of its body; 0: any number
}

// done tells the pool how the attempt ended. Only the first call counts. What
// the caller did wrong with its body says nothing of the upstream.
func (a *attempt) done(now time.Duration, reason policy.Reason) {
	if a.open {
		a.open = false
		if a.timing != nil {
			a.noteEnd(now, reason)
		}
		if a.letDown(reason) {
			reason = policy.Canceled
		}
		a.pool.done(now, int(a.i), a.pass, policy.Outcome{Reason: reason, Latency: a.took(now)})
	}
}

// letDown tells whether an attempt ended by the caller's doing: the body did
// not come, or was not what it may be.
func (a *attempt) letDown(reason policy.Reason) bool {
	return reason == policy.Denied && !a.answer
}

// hear takes what the call came to.
func (a *attempt) hear() {
	head, reason := a.call.Head()
	if reason == policy.OK && a.tooLong(head) {
		reason, a.long = policy.Reset, true
	}
	a.reason = reason
	switch reason {
	case policy.OK:
		a.answer, a.sent, a.status = true, true, head.Status
		a.reason = ReasonOf(head.Status, head.Header)
	case policy.Refused:
		a.failure = &refused
	case policy.Timeout: // of the connection
		a.failure = &noConnection
	case policy.Denied: // for its body
		a.failure, a.sent = &bodyTooLong, true
	case policy.Reset:
		a.failure, a.sent = &terminated, true
	}
}

// say writes the head of the answer, or our own word for the want of one.
func (a *attempt) say(r *Response) {
	if a.failure != nil {
		*r = *a.failure
		return
	}
	head, _ := a.call.Head()
	*r = head.Response()
}

// giveUp ends an attempt that is still under way.
func (a *attempt) giveUp() {
	a.call.Cancel()
	a.reason = policy.Canceled
}

// runOut ends an attempt for want of patience: with the upstream, or with a
// caller that does not send on.
func (a *attempt) runOut() {
	_, owed := a.owed()
	a.call.Cancel()
	a.reason, a.failure, a.sent = policy.Timeout, &noResponse, true
	if !owed {
		a.reason, a.failure = policy.Denied, &bodyTooSlow
	}
}

// owed tells since when the upstream alone has been waited for. It is not ok
// while it is for the caller to send on.
func (a *attempt) owed() (since time.Duration, ok bool) {
	if d, knows := a.call.(Debtor); knows {
		return d.Owed()
	}
	return a.started, true
}

// took is how long the upstream took: its time begins when it has all of the
// body. It is below 0 if the caller still owes some.
func (a *attempt) took(now time.Duration) time.Duration {
	sending, ok := a.sending()
	if !ok {
		return -1
	}
	return now - a.started - sending
}

// sending is how long it took for the body to be sent. It is not ok if that has
// not come to an end.
func (a *attempt) sending() (took time.Duration, ok bool) {
	if !a.sends {
		return 0, true
	}
	since, ok := a.owed()
	return max(since-a.started, 0), ok
}

// putOff puts the end of patience off, and tells whether there is any left.
// Patience with an upstream begins anew with every piece of the body that it is
// sent, and while the caller is waited for it does not.
func (a *attempt) putOff(v *visit) bool {
	patience := v.route.timeout.Response
	if v.req.Size == 0 || patience == 0 {
		return false
	}
	now := v.x.Now()
	since, owed := a.owed()
	if !owed {
		since = now
	}
	a.until = min(v.deadline, since+patience)
	return now < a.until
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
	hop := v.x.Hop()
	hop.To, hop.Way = pool.places[i], &pool.met[i].way
	hop.Request = *v.req
	hop.Body, hop.MostBody, hop.Connect = v.req.Size != 0, 0, v.route.timeout.Connect
	p.edit(hop, v, now)
	v.begun++
	v.avoid = append(v.avoid, i)
	if a.pool != nil {
		*a = attempt{}
	}
	a.pool, a.i, a.pass, a.open, a.sends, a.started, a.until = pool, int32(i), pass, true, hop.Body, now, v.deadline
	a.most = p.mostBody(v.req)
	if v.timing != nil {
		a.note(v)
	}
	if patience := v.route.timeout.Response; patience > 0 {
		a.until = min(a.until, now+patience)
	}
	a.call = v.x.Start(hop)
	pool.probe(v.x)
	return true
}
