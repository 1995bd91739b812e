package topologies

import (
	"time"

	"trafficlab/components/policy"
)

// Retry bounds the attempts at one request. A further attempt is made after
// one that ended in a condition of On, if the method is safe or nothing was
// sent; on another backend, if there is one.
type Retry struct {
	Tries     int           // attempts in all, at least 1
	On        []string      // as policy.ParseConditions reads them; nil: the usual ones
	Base, Cap time.Duration // of exponential back-off with full jitter; 0: no pause
	Budget    *Budget       // nil: no bounds
}

// Budget bounds extra attempts by a share of the requests of the last Window,
// and a reserve of so many a second beside it.
type Budget struct {
	Share   float64
	Reserve float64 // per second
	Window  time.Duration
}

// Breaker is the circuit breaker before each upstream place; Consecutive or
// Ratio may be 0, for none.
type Breaker struct {
	Consecutive int           // failures in a row that open it
	Ratio       float64       // share of failures that opens it
	Window      time.Duration // that Ratio looks back
	Least       int           // attempts in the window, or Ratio says nothing
	OpenFor     time.Duration
	Probes      int
}

// Hedge sends a second attempt beside one that takes long: longer than After,
// or if that is 0 than the given quantile of the attempts of late.
type Hedge struct {
	After    time.Duration
	Quantile float64
	Budget   *Budget // nil: no bounds
}

// Fallback is the answer in the place of a failure.
type Fallback struct {
	Status int
	Body   string
}

// Timeouts bound the attempts at a request; 0 is no bound.
type Timeouts struct {
	Connect  time.Duration // until a connection is there
	Response time.Duration // from start of an attempt until the answer's head
	Total    time.Duration // until the head that stands: all attempts, pauses and the wait to be let in
	// Propagate tells upstreams how much time is left, and keeps to what a
	// caller tells (grpc-timeout).
	Propagate bool
}

// Concurrency bounds the requests that a proxy has upstream at once, and those
// that wait for that.
type Concurrency struct {
	Limit policy.Choice // of policy.Concurrencies
	Queue int           // most who wait
	By    string        // what classes are known by: "header NAME", "consumer", "route"; empty: there are none
	Order []string      // of classes, the most important first; all others come last
}
