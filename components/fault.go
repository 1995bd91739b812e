package components

import (
	"sync"
	"time"

	"trafficlab/scenarios"
)

// illness is what the weather does to one request at a place.
type illness struct {
	delay  time.Duration // before anything is done
	status int           // of the answer then; 0: the request is served
	factor float64       // of the service time
	added  time.Duration // to it
	answer scenarios.Answer
}

// firsts counts how many requests the rules that fall on the first few alone
// have met, by fault.
type firsts struct {
	mu  sync.Mutex
	met map[int]int
}

// more says whether a rule is good for one more request.
func (f *firsts) more(r *scenarios.Rule) bool {
	if r.First == 0 {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.met == nil {
		f.met = map[int]int{}
	}
	f.met[r.Fault]++
	return f.met[r.Fault] <= r.First
}

// illness is what befalls a request that has come, or nil: delays add up, and
// of several errors the first in the file is the answer.
func (c *Component) illness(v *visit, rules []scenarios.Rule) *illness {
	var ill *illness
	for i := range rules {
		r := &rules[i]
		own := v.check || v.probe
		if own && r.Spares || !r.Of.Fits(v.req.Method, v.req.Path, v.req.Header.Get) ||
			!r.Falls(v.req.Number, v.req.Attempt) || !c.firsts.more(r) {
			continue
		}
		if ill == nil {
			ill = &illness{factor: 1}
		}
		ill.delay += r.Delay
		ill.added += r.Added
		ill.answer = ill.answer.Also(r.Answer)
		if r.Factor > 0 {
			ill.factor *= r.Factor
		}
		if ill.status == 0 {
			ill.status = r.Status
		}
	}
	return ill
}

// Parting is how long an idle connection may bring one more request to a place
// that leaves.
const Parting = time.Second

// meet plays what befalls a request, or is asked of the place itself, before
// its server has it.
func (c *Component) meet(v *visit, woken int) (p Pause, over bool) {
	ail := c.forecast.At(v.x.Now())
	switch {
	case v.stage == arriving:
		if v.ill = c.illness(v, ail.Rules); v.ill != nil && v.ill.delay > 0 {
			return v.pause(delayed, v.x.Now()+v.ill.delay, v.x.Canceled())
		}
	case woken == 0: // nobody waits any more
		return Pause{}, true
	default:
		v.stage = arriving
	}
	switch {
	case v.ill != nil && v.ill.status > 0:
		c.server.greet(v) // whose word it is said in
		v.reply(broken(v.ill.status))
	case v.check && ail.Drains:
		v.reply(draining)
	case v.check:
		v.reply(healthy)
	case v.probe:
		v.reply(c.gauge.answer(v.x.Now()))
	default:
		return c.server.step(v, woken)
	}
	return Pause{}, true
}

// broken is the answer of a place on which an error has fallen.
func broken(status int) Response {
	r := brokenInside
	r.Status = status
	return r
}
