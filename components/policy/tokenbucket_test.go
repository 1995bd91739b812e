package policy

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTokenBucketByInstants(t *testing.T) {
	const ms = time.Millisecond
	type ask struct {
		at   time.Duration
		key  string
		wait time.Duration // 0: admitted
	}
	for name, tt := range map[string]struct {
		rate, burst float64
		asks        []ask
	}{
		"burst, then one per gap": {10, 2, []ask{
			{0, "a", 0}, {0, "a", 0}, {0, "a", 100 * ms}, {99 * ms, "a", 1 * ms}, {100 * ms, "a", 0}, {100 * ms, "a", 100 * ms}}},
		"idle time fills no more than the depth": {10, 2, []ask{
			{time.Hour, "a", 0}, {time.Hour, "a", 0}, {time.Hour, "a", 100 * ms}}},
		"keys have buckets of their own": {10, 1, []ask{
			{0, "a", 0}, {0, "b", 0}, {0, "a", 100 * ms}, {0, "b", 100 * ms}}},
		"a refusal costs nothing": {10, 1, []ask{
			{0, "a", 0}, {50 * ms, "a", 50 * ms}, {60 * ms, "a", 40 * ms}, {100 * ms, "a", 0}}},
		"a depth below one still lets one pass": {10, 0, []ask{
			{0, "a", 0}, {0, "a", 100 * ms}}},
		"before the run": {10, 1, []ask{
			{-time.Second, "a", 0}, {-950 * ms, "a", 50 * ms}, {-900 * ms, "a", 0}}},
	} {
		t.Run(name, func(t *testing.T) {
			l := NewTokenBucket(tt.rate, tt.burst, 10)
			for i, a := range tt.asks {
				wait, ok := l.Take(a.at, a.key)
				require.Equal(t, a.wait, wait, "ask %d", i)
				require.Equal(t, a.wait == 0, ok, "ask %d", i)
			}
		})
	}
}

// TestTokenBucketWaitIsExact: after the wait it admits, a nanosecond earlier
// it does not, whatever the rate.
func TestTokenBucketWaitIsExact(t *testing.T) {
	random := newRandom(4)
	for range 300 {
		rate, burst := 0.01+random.ExpFloat64()*3000, 1+random.Float64()*20
		l := NewTokenBucket(rate, burst, 10)
		now := time.Duration(random.Int64N(int64(time.Hour)))
		for range 200 {
			wait, ok := l.Take(now, "k")
			if ok {
				now += time.Duration(random.ExpFloat64() / rate / 2 * float64(time.Second))
				continue
			}
			require.Positive(t, wait)
			_, early := l.Take(now+wait-1, "k")
			require.False(t, early)
			_, ok = l.Take(now+wait, "k")
			require.True(t, ok, "rate %v: refused after the wait it named", rate)
			now += wait
		}
	}
}

// TestTokenBucketBound: in every window [s, t] at most rate·(t-s) + burst are
// admitted.
func TestTokenBucketBound(t *testing.T) {
	random := newRandom(8)
	for _, burst := range []float64{1, 2.5, 30} {
		const rate = 700.0
		l := NewTokenBucket(rate, burst, 10)
		var admitted []time.Duration
		var now time.Duration
		for range 4000 {
			now += time.Duration(random.ExpFloat64() / 3 / rate * float64(time.Second))
			if _, ok := l.Take(now, "k"); ok {
				admitted = append(admitted, now)
			}
		}
		require.Greater(t, len(admitted), 800)
		for s := range admitted {
			for e := s; e < len(admitted); e++ {
				most := rate*(admitted[e]-admitted[s]).Seconds() + burst
				if float64(e-s+1) > most+1e-6 {
					t.Fatalf("%d admitted between %v and %v", e-s+1, admitted[s], admitted[e])
				}
			}
		}
	}
}

func TestTokenBucketForgetsTheStalest(t *testing.T) {
	l := NewTokenBucket(1, 1, 2)
	take := func(key string) bool { _, ok := l.Take(0, key); return ok }
	require.True(t, take("a"))
	require.True(t, take("b"))
	require.False(t, take("a")) // used again: b is the stalest now
	require.True(t, take("c"))
	require.False(t, take("a"), "a is remembered")
	require.True(t, take("b"), "b was forgotten")
	for k := range 1000 {
		take(fmt.Sprint(k))
	}
	require.Equal(t, 2, l.buckets.len())
}

func BenchmarkTokenBucket(b *testing.B) {
	l := NewTokenBucket(1000, 10, 1000)
	keys := make([]string, 1000)
	for i := range keys {
		keys[i] = fmt.Sprint("consumer ", i)
	}
	b.ReportAllocs()
	for i := range b.N {
		l.Take(time.Duration(i)*100, keys[i%len(keys)])
	}
}
