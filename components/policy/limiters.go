package policy

import (
	"math"
	"time"
)

// LimiterKind is an entry of the registry of limiters. Its parameters are
// fields of `limit:` beside by, cost and shared.
type LimiterKind struct {
	Kind
	New func(p Params, bound int) Limiter
	// Most is the largest cost that a request can ever pay.
	Most func(p Params) float64
}

// DefaultLimiter limits where nothing is said.
const DefaultLimiter = "token-bucket"

// Limiters is the registry: the names that `algorithm:` of a limit takes in a
// topology. The script that keeps them in Redis knows the same names.
var Limiters = map[string]LimiterKind{
	"token-bucket": {
		Kind: Kind{About: "limit: a bucket of tokens that fills at a steady rate; a request takes one", Parameters: []Parameter{rateParameter, burstParameter}},
		New:  func(p Params, bound int) Limiter { return NewTokenBucket(p.Number("rate"), p.Number("burst"), bound) },
		Most: func(p Params) float64 { return max(p.Number("burst"), 1) },
	},
	"gcra": {
		Kind: Kind{About: "limit: one instant, when the next request is due, and how early one may be: a token bucket by other means", Parameters: []Parameter{rateParameter, burstParameter}},
		New:  func(p Params, bound int) Limiter { return NewGCRA(p.Number("rate"), p.Number("burst"), bound) },
		Most: func(p Params) float64 { return max(p.Number("burst"), 1) },
	},
	"fixed-window": {
		Kind: Kind{About: "limit: a count that starts anew with every window", Parameters: []Parameter{rateParameter, windowParameter}},
		New: func(p Params, bound int) Limiter {
			return NewFixedWindow(p.Number("rate"), p.Duration("window"), bound)
		},
		Most: perWindow,
	},
	"sliding-log": {
		Kind: Kind{About: "limit: all that was admitted within the last window, each with its instant: exact", Parameters: []Parameter{rateParameter, windowParameter}},
		New:  func(p Params, bound int) Limiter { return NewSlidingLog(p.Number("rate"), p.Duration("window"), bound) },
		Most: perWindow,
	},
	"sliding-counter": {
		Kind: Kind{About: "limit: the count of this window, and the share of the last one's that still overlaps", Parameters: []Parameter{rateParameter, windowParameter}},
		New: func(p Params, bound int) Limiter {
			return NewSlidingCounter(p.Number("rate"), p.Duration("window"), bound)
		},
		Most: perWindow,
	},
	"leaky-bucket": {
		Kind: Kind{About: "limit: a meter that leaks at a steady rate, as in NGINX limit_req nodelay", Parameters: []Parameter{rateParameter, {
			Name: "burst", About: "requests beyond the rate that may pass at once", Form: Number, High: mostBurst}}},
		New:  func(p Params, bound int) Limiter { return NewLeakyBucket(p.Number("rate"), p.Number("burst"), bound) },
		Most: func(p Params) float64 { return p.Number("burst") + 1 },
	},
	"leaky-queue": {
		Kind: Kind{About: "limit: a queue that lets requests go on at a steady rate; it delays them, and refuses who would wait too long", Parameters: []Parameter{rateParameter, {
			Name: "burst", About: "requests that may wait", Form: Number, High: mostBurst, Usually: aSecondsWorth}, {
			Name: "delay", About: "of these, how many go on without a wait, as delay= in NGINX limit_req", Form: Number, High: mostBurst}}},
		New: func(p Params, bound int) Limiter {
			return NewLeakyQueue(p.Number("rate"), p.Number("burst"), p.Number("delay"), bound)
		},
		Most: func(Params) float64 { return math.Inf(1) },
	},
}

const (
	mostBurst     = 1e6
	aSecondsWorth = "as many as come in 1s"
)

// The parameters that several kinds take.
var (
	rateParameter   = Parameter{Name: "rate", About: "admitted in the long run", Form: Rate, Low: 0.01, High: 1e6, Usually: "has to be given"}
	burstParameter  = Parameter{Name: "burst", About: "requests that may pass at once after a pause", Form: Number, Low: 1, High: mostBurst, Usually: aSecondsWorth}
	windowParameter = Parameter{Name: "window", About: "over which the rate holds: 100/s within 1m is 6000 in each minute", Form: Span,
		Default: float64(time.Second), Low: float64(time.Millisecond), High: float64(24 * time.Hour)}
)

// perWindow is how much a window holds.
func perWindow(p Params) float64 { return quota(p.Number("rate"), p.Duration("window")) }

// quota is what a rate makes in a window. Rates per minute are not whole in
// binary; their quotas are.
func quota(rate float64, window time.Duration) float64 {
	return math.Round(rate*window.Seconds()*1e6) / 1e6
}
