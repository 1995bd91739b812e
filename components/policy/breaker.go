package policy

import "time"

// Breaker stops attempts at a backend that fails, so that it can recover and
// callers fail at once.
//
//	closed ──failures──► open ──OpenFor──► half open ──Probes successes──► closed
//	                       ▲                    └──a failure──┐
//	                       └──────────────────────────────────┘
//
// Every change of state begins a generation. An attempt carries the Pass of
// the one that it was let in by, and a report with an older Pass changes
// nothing: what began before the breaker opened says nothing of now.
//
// Source: Nygard, Release It!; sony/gobreaker (generations, half-open rule);
// resilience4j (ratio over a window, least calls).
// Cost: O(1).
// Weak spot: each proxy learns for itself; one that is tuned too finely takes
// a busy spell for a fault and moves the load to the others.
type Breaker struct {
	rule       BreakerRule
	state      BreakerState
	generation uint64
	until      time.Duration // of an open one
	row        int           // failures in a row
	recent     window
	out, good  int // half open: probes let out, and those that came back well
}

// BreakerRule is when a breaker opens and how it closes again. Consecutive or
// Ratio may be 0: not a cause to open.
type BreakerRule struct {
	Consecutive int           // failures in a row
	Ratio       float64       // share of failures
	Window      time.Duration // that Ratio looks back
	Least       int           // attempts in the window, or Ratio says nothing
	OpenFor     time.Duration
	Probes      int // attempts let through when half open, all of which must succeed
}

// BreakerState is closed, open or half open.
type BreakerState uint8

// The states.
const (
	BreakerClosed BreakerState = iota
	BreakerOpen
	BreakerHalfOpen
)

// Pass is a breaker's leave for one attempt.
type Pass struct{ generation uint64 }

// NewBreaker returns a closed breaker.
func NewBreaker(rule BreakerRule) *Breaker {
	rule.Probes = max(rule.Probes, 1)
	return &Breaker{rule: rule, recent: newWindow(rule.Window)}
}

// State is the breaker's state at the instant.
func (b *Breaker) State(now time.Duration) BreakerState {
	if b.state == BreakerOpen && now >= b.until {
		b.turn(BreakerHalfOpen)
	}
	return b.state
}

// Ready tells whether Allow would let an attempt through.
func (b *Breaker) Ready(now time.Duration) bool {
	state := b.State(now)
	return state == BreakerClosed || state == BreakerHalfOpen && b.out < b.rule.Probes
}

// Until is when an open breaker will be half open.
func (b *Breaker) Until() time.Duration { return b.until }

// Allow lets an attempt through, or not. Who has a Pass reports.
func (b *Breaker) Allow(now time.Duration) (Pass, bool) {
	if !b.Ready(now) {
		return Pass{}, false
	}
	if b.state == BreakerHalfOpen {
		b.out++
	}
	return Pass{b.generation}, true
}

// Report takes the end of an attempt. One that was given up says nothing.
func (b *Breaker) Report(now time.Duration, p Pass, reason Reason) {
	state := b.State(now)
	switch {
	case p.generation != b.generation:
	case reason == Canceled:
		if state == BreakerHalfOpen {
			b.out--
		}
	case reason.Fault():
		b.failed(now)
	default:
		b.succeeded(now)
	}
}

func (b *Breaker) failed(now time.Duration) {
	b.row++
	b.recent.count(now, true)
	if b.state == BreakerHalfOpen || b.trips() {
		b.open(now)
	}
}

func (b *Breaker) succeeded(now time.Duration) {
	b.row = 0
	b.recent.count(now, false)
	if b.state == BreakerHalfOpen {
		if b.good++; b.good >= b.rule.Probes {
			b.turn(BreakerClosed)
		}
		return
	}
	if b.trips() { // a success may be what makes the attempts enough to tell
		b.open(now)
	}
}

func (b *Breaker) open(now time.Duration) {
	b.turn(BreakerOpen)
	b.until = now + b.rule.OpenFor
}

func (b *Breaker) trips() bool {
	if b.rule.Consecutive > 0 && b.row >= b.rule.Consecutive {
		return true
	}
	all, bad := b.recent.all, b.recent.bad
	return b.rule.Ratio > 0 && all >= max(b.rule.Least, 1) && float64(bad) >= Part(b.rule.Ratio, all)
}

func (b *Breaker) turn(to BreakerState) {
	b.state = to
	b.generation++
	b.row, b.out, b.good = 0, 0, 0
	b.recent = newWindow(b.rule.Window)
}

// window counts attempts and failures of late, in tenths of its length.
type window struct {
	slice    time.Duration
	at       int64
	parts    [windowParts]struct{ all, bad int32 }
	all, bad int
}

const windowParts = 10

func newWindow(length time.Duration) window {
	return window{slice: max(length/windowParts, 1)}
}

func (w *window) count(now time.Duration, bad bool) {
	w.forget(int64(now / w.slice))
	part := &w.parts[w.at%windowParts]
	part.all++
	w.all++
	if bad {
		part.bad++
		w.bad++
	}
}

// forget drops the parts that have left the window by slice number at.
func (w *window) forget(at int64) {
	if at-w.at >= windowParts {
		*w = window{slice: w.slice, at: at}
	}
	for w.at < at {
		w.at++
		old := &w.parts[w.at%windowParts]
		w.all -= int(old.all)
		w.bad -= int(old.bad)
		old.all, old.bad = 0, 0
	}
}
