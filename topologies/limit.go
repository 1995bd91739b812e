package topologies

import (
	"slices"
	"time"

	"trafficlab/components/policy"
)

// Limit bounds the rate of requests. A node's limits admit a request together,
// or refuse it and take nothing, as far as they are kept in the same place.
type Limit struct {
	Name      string        // as callers are told of it; "": by what it counts by
	By        string        // "consumer", "address", "route", "all" or "header NAME": who has a limit of their own
	Algorithm policy.Choice // of policy.Limiters, or policy.Quota
	Costs     []Cost        // nil: each request costs 1
	Shared    *Shared       // nil: each replica counts alone
}

// Cost is what matching requests cost. The most specific path wins; there, a
// cost with the method before one without.
type Cost struct {
	Method string // "": any
	Path   string // exact, or a prefix that ends in "*"
	Cost   float64
}

// Shared says where the replicas of a node keep a limit together: in a Redis
// live, in memory in the simulator.
type Shared struct {
	Redis   string        // host:port
	Open    bool          // without Redis everything is admitted; else all is refused with a 503
	Timeout time.Duration // of one question to Redis
	Keep    string        // a name under which quotas outlive the run; "": they end with it
}

// Redis is where faults befall what shared limits are counted in, all of them.
// No node can have the name.
const Redis Place = "Redis"

// Redises lists where limits are shared, as host:port, each once.
func (t *Topology) Redises() []string {
	var all []string
	add := func(limits []Limit) {
		for _, l := range limits {
			if l.Shared != nil && !slices.Contains(all, l.Shared.Redis) {
				all = append(all, l.Shared.Redis)
			}
		}
	}
	for _, n := range t.Nodes {
		add(n.Limits)
		for _, p := range n.Plans {
			add(p.Limits)
		}
	}
	return all
}

// Plan is what some consumers may take, beside the limits of their node.
type Plan struct {
	Name      string
	Consumers []string
	Groups    []string // neither: everybody who is in no other plan
	Limits    []Limit
}

// The fields by which callers may be told of limits.
const (
	RateLimitFields  = "ratelimit"   // RateLimit-Policy and RateLimit
	XRateLimitFields = "x-ratelimit" // X-RateLimit-Limit, -Remaining and -Reset
)
