package components

import (
	"sync"

	"trafficlab/components/policy"
	"trafficlab/topologies"
)

// limitedKeys bounds how many consumers or addresses a limit remembers.
const limitedKeys = 1 << 16

// limit admits requests by rate.
type limit struct {
	by string

	mu     sync.Mutex
	bucket policy.Limiter
}

func newLimit(l *topologies.Limit) *limit {
	return &limit{by: l.By, bucket: policy.NewTokenBucket(l.Rate, l.Burst, limitedKeys)}
}

// withinLimit takes the request's token; if there is none it answers so and is
// false.
func (p *proxy) withinLimit(v *visit) bool {
	l := p.limit
	if l == nil {
		return true
	}
	key := p.limitKey(v)
	l.mu.Lock()
	wait, ok := l.bucket.Take(v.x.Now(), key)
	l.mu.Unlock()
	if !ok {
		v.reply(retryLater(wait))
	}
	return ok
}

// limitKey is whom the request counts for. All who give no name share one
// bucket.
func (p *proxy) limitKey(v *visit) string {
	switch p.limit.by {
	case "consumer":
		return v.consumer
	case "address":
		return p.trust.client(&v.req).String()
	}
	return ""
}
