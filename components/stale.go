package components

import (
	"slices"
	"time"

	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// grace is for how long after its lifetime an answer may still be given (RFC
// 5861): while it is renewed, and instead of a failure to renew it.
type grace struct{ whileRevalidate, ifError time.Duration }

// grace is what the answer says, or else the node. An answer that must be
// revalidated is never given stale (RFC 9111 section 4.2.4); s-maxage forbids
// what the answer does not itself allow.
func (d *directives) graceOr(usual topologies.Stale) grace {
	g := grace{d.staleWhileRevalidate, d.staleIfError}
	if d.mustRevalidate {
		return grace{}
	}
	if d.sharedMaxAge >= 0 {
		usual = topologies.Stale{}
	}
	if g.whileRevalidate < 0 {
		g.whileRevalidate = usual.WhileRevalidate
	}
	if g.ifError < 0 {
		g.ifError = usual.IfError
	}
	return g
}

// strict tells whether an answer must not be given stale, whatever a request
// would take (RFC 9111 section 4.2.4); s-maxage has proxy-revalidate in it.
func (d *directives) strict() bool {
	return d.mustRevalidate || d.noCache || d.sharedMaxAge >= 0
}

// staleness is how long ago the entry's lifetime was over.
func (e *stored) staleness(now time.Duration) time.Duration { return e.age(now) - e.lifetime }

// whileRenewed tells whether a request may be given the stale entry at once.
// One that sets bounds on age of its own has to wait.
func (a *cacheAsk) whileRenewed(e *stored, now time.Duration) bool {
	return !e.always && e.staleness(now) < e.grace.whileRevalidate && a.bounds(e, now)
}

// insteadOfFailure tells whether a request may be given the entry, stale or
// older than it asked for, because there is no better answer. What the request
// says goes before what the entry says, unless that must be revalidated.
func (a *cacheAsk) insteadOfFailure(e *stored, now time.Duration) bool {
	allowed := e.grace.ifError
	if a.staleIfError >= 0 && !e.strict {
		allowed = a.staleIfError
	}
	return allowed > 0 && e.staleness(now) < allowed
}

// isFailure tells whether a status stands for an error in the sense of RFC
// 5861.
func isFailure(status int) bool {
	return status == 500 || status == 502 || status == 503 || status == 504
}

// rescued answers from the store in the place of a failure, if there is
// something that may be given.
func (p *proxy) rescued(v *visit, status int, why policy.Reason) bool {
	if p.store == nil || !v.ask.fromStore || !isFailure(status) {
		return false
	}
	e := p.store.spare(v)
	if e == nil {
		return false
	}
	p.store.release(v, true)
	v.word = stale
	if v.attempt.answer {
		v.told = status
	} else {
		v.lack = why
	}
	p.replyStored(v, e)
	return true
}

// spare is what is stored and may be given instead of a failure, or nil.
func (s *store) spare(v *visit) *stored {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := v.x.Now()
	s.catchUp(now)
	r, _ := s.kept.PeekBytes(v.ask.key)
	e := r.pick(v)
	if e == nil || !v.ask.insteadOfFailure(e, now) {
		return nil
	}
	return e
}

// renew fetches the answer anew, beside the visit, which has been given the
// stale one. It is a request of its own: the first one's attempt, changed.
func (p *proxy) renew(v *visit, e *stored) {
	f := v.renews
	v.renews = nil
	at, route, consumer, ask := v.at, v.route, v.consumer, *v.ask.wish
	req := renewal(*v.req)
	v.x.Background(func(x Exchange) Steps {
		v := &visit{detour: new(detour)}
		v.open(at, x, &req)
		v.aside, v.stage = true, renewing
		v.route, v.consumer, v.leads = route, consumer, f
		v.ask = cacheAsk{wish: &ask, key: []byte(f.key), toStore: true}
		if e.validates() {
			v.validates = e
		}
		return v
	})
}

// renewalMark tells the work of a renewal from its request's own.
var renewalMark = scenarios.Hash("renewal")

// renewal is the request that renews what was asked for: unconditional, without
// the caller's patience.
func renewal(req Request) Request {
	req.Method, req.Size = "GET", 0
	req.Attempt = scenarios.Mix(req.Attempt, renewalMark)
	if req.Lasting && !slices.ContainsFunc(req.Header, isMomentary) {
		return req
	}
	// The header is the host's, who may write to it when the visit is over.
	req.Header, req.Lasting = slices.DeleteFunc(req.Header.Clone(), isMomentary), false
	return req
}

// isMomentary tells whether a field is about what its caller has, or about how
// long it will wait.
func isMomentary(f Field) bool {
	return oneOf(preconditions, f.Name) || equalName(f.Name, timeoutField)
}
