package components

import (
	"strconv"

	"trafficlab/components/policy"
	"trafficlab/topologies"
)

// newFallback is the answer in the place of failures.
func newFallback(f *topologies.Fallback) *Response {
	if f == nil {
		return nil
	}
	r := local(f.Status, "", f.Body)
	r.ours = false // but the file's
	return &r
}

// fallsBack tells whether an upstream's answer is not to be handed on.
func (p *proxy) fallsBack(reason policy.Reason) bool {
	return p.fallback != nil && reason.Fault()
}

// fallBack answers a request that has failed: with what the cache may give
// then, or with the fallback answer, if there is one, which says in
// Proxy-Status what it stands for.
func (p *proxy) fallBack(v *visit, failure Response) {
	if p.rescued(v, failure.Status, ReasonOf(failure.Status, failure.Header)) {
		return
	}
	if !p.fallsBack(ReasonOf(failure.Status, failure.Header)) {
		p.refuse(v, failure)
		return
	}
	if p.store != nil {
		p.store.release(v, true)
	}
	cause := failure.Header.Get("Proxy-Status")
	if cause == "" {
		cause = "trafficlab; received-status=" + strconv.Itoa(failure.Status)
	}
	p.refuse(v, withField(*p.fallback, "Proxy-Status", cause))
}
