package components

import (
	"time"

	"trafficlab/components/policy"
)

// Lingerer is an exchange of a world in which Reply, Forward and Take do not
// wait for bodies that take their time: its handlers do.
type Lingerer interface {
	// Lingers tells until when the body of a call's answer is on its way, or
	// with nil that of the exchange's own; end fires when it ends, by
	// breaking off too. It is not ok if the body has ended.
	Lingers(c Call) (until time.Duration, end Event, ok bool)

	// Pass hands the head of a call's answer on while its body comes. Forward
	// is to follow, when that has ended.
	Pass(c Call, head Response)
}

// passage is an upstream's answer on its way to the caller.
type passage struct {
	head  Response
	limit int64 // of what is kept
	keep  func(Body)
}

// pass makes an answer ready to be forwarded. It waits if the host does not.
func (v *visit) pass(p *passage) (pause Pause, waits bool) {
	if v.ending != nil {
		v.ending.end(v, &p.head)
	}
	if v.timing != nil {
		p.head.Header = v.timed(p.head.Header)
	}
	x, _ := v.x.(Lingerer)
	if x == nil {
		return Pause{}, false
	}
	if _, _, lingers := x.Lingers(v.attempt.call); !lingers {
		return Pause{}, false
	}
	x.Pass(v.attempt.call, p.head)
	kept := *p
	v.passes = &kept
	return v.await(v.attempt.call)
}

// forward hands on an upstream's body.
func (v *visit) forward(p *passage) {
	reason := v.x.Forward(v.attempt.call, p.head, p.limit, p.keep)
	if reason == policy.OK {
		reason = ReasonOf(p.head.Status, p.head.Header)
	}
	v.answered(&p.head, reason)
}

// await waits for the end of a body, where the host does not.
func (v *visit) await(c Call) (pause Pause, waits bool) {
	x, _ := v.x.(Lingerer)
	if x == nil {
		return Pause{}, false
	}
	until, end, lingers := x.Lingers(c)
	if !lingers {
		return Pause{}, false
	}
	pause, _ = v.pause(passing, until, v.x.Canceled(), end)
	return pause, true
}

// linger is the end of a visit whose answer may be on its way for long.
func (v *visit) linger() (Pause, bool) {
	pause, waits := v.await(nil)
	return pause, !waits
}
