package policy

import (
	"math"
	"time"
)

// Concurrency says how many requests may be upstream at once.
type Concurrency interface {
	// Limit is the most at once from now on, at least 1.
	Limit() int

	// Observe takes the end of a request: how long it took, how many were
	// upstream while it was, itself among them, and whether it was lost (timed
	// out, shed or broken) for want of capacity.
	Observe(took time.Duration, inFlight int, lost bool)
}

// ConcurrencyKind is an entry of the registry of concurrency limits.
type ConcurrencyKind struct {
	Kind
	New func(p Params) Concurrency
}

const mostConcurrent = 1e6

var (
	initialLimit = Parameter{Name: "initial", About: "first limit", Form: Count, Default: 20, Low: 1, High: mostConcurrent}
	lowestLimit  = Parameter{Name: "min", About: "lowest limit", Form: Count, Default: 20, Low: 1, High: mostConcurrent}
	highestLimit = Parameter{Name: "max", About: "highest limit", Form: Count, Default: 200, Low: 1, High: mostConcurrent}
)

// Concurrencies is the registry: the names that `limit:` of a proxy's
// concurrency takes in a topology.
var Concurrencies = map[string]ConcurrencyKind{
	"fixed": {
		Kind: Kind{About: "concurrency: always the same limit", Parameters: []Parameter{
			{Name: "limit", About: "most requests upstream at once", Form: Count, Default: 100, Low: 1, High: mostConcurrent}}},
		New: func(p Params) Concurrency { return Fixed(p.Int("limit")) },
	},
	"aimd": {
		Kind: Kind{About: "concurrency: one more after each success at more than half the limit, a tenth less after each loss", Parameters: []Parameter{
			initialLimit, lowestLimit, highestLimit,
			{Name: "backoff", About: "what is left of the limit after a loss", Form: Share, Default: .9, Low: .5, High: .99},
			{Name: "timeout", About: "who takes longer counts as lost", Form: Span, Default: 5e9, Low: 1e6, High: float64(time.Hour)}}},
		New: func(p Params) Concurrency {
			return &AIMD{
				limit: within(p, p.Number("initial")), min: p.Number("min"), max: p.Number("max"),
				backoff: p.Number("backoff"), timeout: p.Duration("timeout"),
			}
		},
	},
	"gradient2": {
		Kind: Kind{About: "concurrency: shrinks as requests take longer than they did in the long run", Parameters: []Parameter{
			initialLimit, lowestLimit, highestLimit,
			{Name: "queue", About: "requests that may wait upstream", Form: Count, Default: 4, Low: 0, High: 1000},
			{Name: "smoothing", About: "weight of the new limit", Form: Share, Default: .2, Low: .01, High: 1},
			{Name: "long", About: "requests in the long run", Form: Count, Default: 600, Low: 10, High: mostConcurrent},
			{Name: "tolerance", About: "how much longer than in the long run is still good", Form: Number, Default: 1, Low: 1, High: 10}}},
		New: func(p Params) Concurrency {
			return &Gradient2{
				limit: within(p, p.Number("initial")), min: p.Number("min"), max: p.Number("max"),
				queue: p.Number("queue"), smoothing: p.Number("smoothing"), tolerance: p.Number("tolerance"),
				long: average{window: p.Number("long")},
			}
		},
	},
}

func within(p Params, limit float64) float64 {
	return min(max(limit, p.Number("min")), p.Number("max"))
}

// Fixed is a limit that never changes.
//
// Source: bulkheads (Nygard, Release It!).
// Cost: O(1), no state.
// Weak spot: right for one pace of the upstreams only.
type Fixed int

// Limit implements Concurrency.
func (f Fixed) Limit() int { return int(f) }

// Observe implements Concurrency.
func (Fixed) Observe(time.Duration, int, bool) {}

// AIMD adds one to the limit after each request that did well while at least
// half of the limit was in use, and multiplies it by the back-off after each
// that was lost or took too long.
//
// Source: TCP's congestion control; Netflix concurrency-limits, AIMDLimit.
// Cost: O(1).
// Weak spot: it learns by losing requests.
type AIMD struct {
	limit, min, max float64
	backoff         float64
	timeout         time.Duration
}

// Limit implements Concurrency.
func (a *AIMD) Limit() int { return int(a.limit) }

// Observe implements Concurrency.
func (a *AIMD) Observe(took time.Duration, inFlight int, lost bool) {
	switch {
	case lost || took > a.timeout:
		a.limit = max(a.min, math.Floor(whole(a.limit*a.backoff)))
	case 2*float64(inFlight) >= a.limit:
		a.limit = min(a.max, a.limit+1)
	}
}

// Gradient2 multiplies the limit by the gradient long/short of response times,
// from a half to one, and adds room for a short queue. A long run that was
// measured in bad times is brought down once things go faster.
//
//	g = clamp(tolerance·long/short, 1/2, 1)
//	L ← (1-s)·L + s·(g·L + queue), if at least L/2 were in flight
//
// It settles where g·L + queue = L.
//
// Source: Netflix concurrency-limits, Gradient2Limit.
// Cost: O(1).
// Weak spot: a slow drift of response times becomes the long run; a law of
// service times that varies much keeps the gradient low.
type Gradient2 struct {
	limit, min, max  float64
	queue, smoothing float64
	tolerance        float64
	long             average
}

// Limit implements Concurrency.
func (g *Gradient2) Limit() int { return int(g.limit) }

// Observe implements Concurrency. A loss says nothing of how long requests
// take.
func (g *Gradient2) Observe(took time.Duration, inFlight int, lost bool) {
	if lost || took <= 0 {
		return
	}
	short := float64(took)
	long := g.long.add(short)
	if long/short > 2 {
		g.long.value *= .9
	}
	if float64(inFlight) < g.limit/2 {
		return
	}
	gradient := min(max(g.tolerance*long/short, .5), 1)
	next := g.limit*gradient + g.queue
	g.limit = min(max(g.limit*(1-g.smoothing)+next*g.smoothing, g.min), g.max)
}

// average is an exponential one; its first values count alike.
type average struct {
	window, value float64
	count         int
}

const averageWarmup = 10

func (a *average) add(x float64) float64 {
	if a.count < averageWarmup {
		a.count++
		a.value += (x - a.value) / float64(a.count)
	} else {
		a.value += (x - a.value) * 2 / (a.window + 1)
	}
	return a.value
}
