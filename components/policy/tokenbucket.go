package policy

import (
	"math"
	"time"
)

// TokenBucket is a Limiter: each key has a bucket of burst tokens that fills
// at a steady rate, and a request takes one.
//
// It is kept as the generic cell rate algorithm: a bucket is one instant, at
// which it will be full again; so a key costs a float and no timer ever runs.
// If Take says wait d, the same request at now+d is admitted.
//
// Keys are bounded: beyond the bound the one used longest ago is forgotten.
//
// Source: ITU-T I.371 (GCRA); the same law as golang.org/x/time/rate.
// Cost: O(1), one map look-up.
// Weak spot: a forgotten key comes back with a full bucket, so a flood of
// invented keys can buy bursts: limit by something that costs to invent.
type TokenBucket struct {
	gap     float64 // nanoseconds in which one token comes
	burst   float64 // depth in nanoseconds
	bound   int
	buckets recency[float64] // key → instant in ns at which the bucket is full
}

// NewTokenBucket returns a limiter of rate requests per second (above 0) for
// each key, that lets up to burst pass at once (at least 1), and remembers at
// most bound keys.
func NewTokenBucket(rate, burst float64, bound int) *TokenBucket {
	gap := float64(time.Second) / rate
	return &TokenBucket{
		gap:     gap,
		burst:   max(burst, 1) * gap,
		bound:   max(bound, 1),
		buckets: newRecency[float64](),
	}
}

// Take implements Limiter.
func (t *TokenBucket) Take(now time.Duration, key string) (wait time.Duration, ok bool) {
	full := t.bucket(now, key)
	next := max(*full, float64(now)) + t.gap
	if early := next - t.burst; early > float64(now) {
		// Instants are whole nanoseconds: the first one that is not too early.
		return time.Duration(math.Ceil(early)) - now, false
	}
	*full = next
	return 0, true
}

func (t *TokenBucket) bucket(now time.Duration, key string) *float64 {
	if full, ok := t.buckets.get(key); ok {
		return full
	}
	if t.buckets.len() == t.bound {
		t.buckets.remove(t.buckets.stalest())
	}
	return t.buckets.add(key, float64(now))
}
