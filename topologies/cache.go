package topologies

import (
	"time"

	"trafficlab/components/policy"
)

// Cache is a shared cache (RFC 9111).
type Cache struct {
	Capacity int64         // bytes of stored bodies and heads
	Evict    policy.Choice // of policy.Evictions
	Collapse bool          // one fetch for all who miss the same key at once
	Stale    Stale
	// Negative is how long answers of 404 and 410 that give themselves no
	// lifetime are kept; 0: not at all. Failures (5xx) are never kept: they
	// would outlive their cause. NGINX and Varnish keep none either unless
	// told to.
	Negative time.Duration
	// Cookies lets answers be stored that set cookies, and gives the cookies
	// to all who are answered by them. RFC 9111 section 7.3 allows it; NGINX
	// and Varnish do not, unless told to.
	Cookies bool
}

// Stale says for how long after its lifetime an answer that does not say so
// itself may still be given (RFC 5861); 0: not at all.
type Stale struct {
	WhileRevalidate time.Duration // at once, while one fetch in the background renews it
	IfError         time.Duration // instead of a failure to renew it
}
