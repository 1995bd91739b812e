package policy

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	ms  = time.Millisecond
	sec = time.Second
)

// TestLimitersByInstants are tables of instants; a wait of 0 is an admission
// at once, one with go is an admission with a delay.
func TestLimitersByInstants(t *testing.T) {
	type ask struct {
		at   time.Duration
		key  string
		wait time.Duration
	}
	burst := func(at time.Duration, n int, wait time.Duration) (asks []ask) {
		for range n {
			asks = append(asks, ask{at, "a", wait})
		}
		return asks
	}
	bucket := map[string][]ask{
		"burst, then one per gap": {
			{0, "a", 0}, {0, "a", 0}, {0, "a", 100 * ms}, {99 * ms, "a", 1 * ms}, {100 * ms, "a", 0}, {100 * ms, "a", 100 * ms}},
		"idle time fills no more than the depth": {
			{time.Hour, "a", 0}, {time.Hour, "a", 0}, {time.Hour, "a", 100 * ms}},
		"keys are on their own": {
			{0, "a", 0}, {0, "a", 0}, {0, "b", 0}, {0, "a", 100 * ms}, {0, "b", 0}, {0, "b", 100 * ms}},
		"a refusal costs nothing": {
			{0, "a", 0}, {0, "a", 0}, {50 * ms, "a", 50 * ms}, {60 * ms, "a", 40 * ms}, {100 * ms, "a", 0}},
		"before the run": {
			{-sec, "a", 0}, {-sec, "a", 0}, {-950 * ms, "a", 50 * ms}, {-900 * ms, "a", 0}},
		"a straggler from a little before": {
			{100 * ms, "a", 0}, {100 * ms, "a", 0}, {90 * ms, "a", 110 * ms}, {200 * ms, "a", 0}},
	}
	for name, asks := range bucket {
		for limiter, l := range map[string]Limiter{"token bucket": NewTokenBucket(10, 2, 10), "gcra": NewGCRA(10, 2, 10)} {
			t.Run(limiter+": "+name, func(t *testing.T) {
				for i, a := range asks {
					wait, ok := l.Take(a.at, a.key, 1)
					require.Equal(t, a.wait, wait, "ask %d", i)
					require.Equal(t, a.wait == 0, ok, "ask %d", i)
				}
			})
		}
	}
	for name, tt := range map[string]struct {
		limiter Limiter
		asks    []ask
	}{
		"a depth below one still lets one pass": {NewTokenBucket(10, 0, 10), []ask{{0, "a", 0}, {0, "a", 100 * ms}}},
		// E4: Kong, second=5: 10 pass within 20 ms; a true sliding window passes 5.
		"Kong's windows": {NewFixedWindow(5, sec, 10), append(append(append(
			burst(990*ms, 5, 0), burst(990*ms, 1, 10*ms)...), burst(1010*ms, 5, 0)...), burst(1010*ms, 1, 990*ms)...)},
		"a log of the same": {NewSlidingLog(5, sec, 10), append(append(
			burst(990*ms, 5, 0), burst(1010*ms, 5, 980*ms)...), burst(1990*ms, 5, 0)...)},
		"windows before the run": {NewFixedWindow(1, sec, 10), []ask{
			{-1500 * ms, "a", 0}, {-1400 * ms, "a", 400 * ms}, {-sec, "a", 0}, {-1, "a", 1}, {0, "a", 0}}},
		"a window of a minute": {NewFixedWindow(2.0/60, time.Minute, 10), []ask{
			{0, "a", 0}, {30 * sec, "a", 0}, {59 * sec, "a", sec}, {time.Minute, "a", 0}}},
		"the share of the last window": {NewSlidingCounter(10, sec, 10), append(append(append(
			burst(500*ms, 10, 0), burst(sec, 1, 1)...), burst(1100*ms, 1, 0)...), burst(1100*ms, 1, 1)...)},
		"a full window blocks into the next": {NewSlidingCounter(10, sec, 10), append(
			burst(500*ms, 10, 0), burst(600*ms, 1, 400*ms+1)...)},
		"a window long ago counts no more": {NewSlidingCounter(2, sec, 10), append(
			burst(0, 2, 0), burst(2*sec, 2, 0)...)},
		// E5: NGINX, 10r/s burst=0.
		"NGINX 10r/s": {NewLeakyBucket(10, 0, 10), []ask{
			{0, "a", 0}, {99 * ms, "a", ms}, {100 * ms, "a", 0}, {150 * ms, "a", 50 * ms}, {200 * ms, "a", 0}}},
		// E5: 1r/m is 16 thousandths a second: one in 62.5 s.
		"NGINX 1r/m": {NewLeakyBucket(1.0/60, 0, 10), []ask{
			{0, "a", 0}, {time.Minute, "a", 2500 * ms}, {62500 * ms, "a", 0}}},
		"NGINX 10r/s burst=20 nodelay": {NewLeakyBucket(10, 20, 10), append(
			burst(0, 21, 0), burst(0, 9, 100*ms)...)},
		"whole milliseconds": {NewLeakyBucket(10, 0, 10), []ask{
			{900 * time.Microsecond, "a", 0}, {50*ms + 1, "a", 50*ms - 1}, {100 * ms, "a", 0}}},
	} {
		t.Run(name, func(t *testing.T) {
			for i, a := range tt.asks {
				wait, ok := tt.limiter.Take(a.at, a.key, 1)
				require.Equal(t, a.wait, wait, "ask %d", i)
				require.Equal(t, a.wait == 0, ok, "ask %d", i)
			}
		})
	}
}

// TestLeakyQueueAsNGINX: E5, limit_req with its delays.
func TestLeakyQueueAsNGINX(t *testing.T) {
	delays := func(l Limiter, n int) (delays []time.Duration) {
		for range n {
			if wait, ok := l.Take(0, "a", 1); ok {
				delays = append(delays, wait)
			}
		}
		return delays
	}
	every100 := delays(NewLeakyQueue(10, 20, 0, 10), 30)
	require.Len(t, every100, 21)
	for i, d := range every100 {
		require.Equal(t, time.Duration(i)*100*ms, d)
	}
	require.Equal(t, []time.Duration{0, 0, 0, 0, 0, 0, 0, 0, 0, 200 * ms, 400 * ms, 600 * ms, 800 * ms},
		delays(NewLeakyQueue(5, 12, 8, 10), 15))
	l := NewLeakyQueue(10, 1, 0, 10)
	require.Equal(t, []time.Duration{0, 100 * ms}, delays(l, 5))
	wait, ok := l.Take(30*ms, "a", 1)
	require.False(t, ok)
	require.Equal(t, 70*ms, wait)
	wait, ok = l.Take(100*ms, "a", 1)
	require.True(t, ok)
	require.Equal(t, 100*ms, wait)
}

// TestLeakyQueueShapes: what it lets go on is never closer together than the
// rate says, and nobody waits longer than the queue is.
func TestLeakyQueueShapes(t *testing.T) {
	random := newRandom(5)
	l := NewLeakyQueue(100, 7, 0, 10)
	var now, last time.Duration = 0, -time.Hour
	refused := 0
	for range 20_000 {
		now += time.Duration(random.ExpFloat64() * float64(8*ms))
		wait, ok := l.Take(now, "k", 1)
		if !ok {
			refused++
			continue
		}
		require.LessOrEqual(t, wait, 70*ms)
		require.GreaterOrEqual(t, now+wait-last, 10*ms-1)
		last = now + wait
	}
	require.Greater(t, refused, 1000)
}

// TestAWSBurst: E1, the vendor's own arithmetic at 10,000/s with a burst of
// 5,000.
func TestAWSBurst(t *testing.T) {
	type part struct {
		n        int
		from, to time.Duration
	}
	for name, tt := range map[string]struct {
		parts []part
		pass  int
	}{
		"evenly over 1 s":                    {[]part{{10_000, 0, sec}}, 10_000},
		"all in the first ms":                {[]part{{10_000, 0, 0}}, 5_000},
		"half at once, half at ms 101":       {[]part{{5_000, 0, 0}, {5_000, 100 * ms, 100 * ms}}, 6_000},
		"half at once, half over the rest":   {[]part{{5_000, 0, 0}, {5_000, ms, sec}}, 10_000},
		"half, a tenth at ms 101, then even": {[]part{{5_000, 0, 0}, {1_000, 100 * ms, 100 * ms}, {4_000, 101 * ms, sec}}, 10_000},
	} {
		l, pass := NewTokenBucket(10_000, 5_000, 1), 0
		for _, p := range tt.parts {
			for i := range p.n {
				at := p.from + (p.to-p.from)*time.Duration(i)/time.Duration(p.n)
				if _, ok := l.Take(at, "account", 1); ok {
					pass++
				}
			}
		}
		require.Equal(t, tt.pass, pass, name)
	}
}

// TestLimitersUnderPoisson: A13. A limit of 100/s, random load: what is
// admitted each second, and the most in any second. The table's runs are 20 000
// s long; these are shorter, so the worst second is a little milder.
func TestLimitersUnderPoisson(t *testing.T) {
	const run = 2000
	offered := []float64{90, 100, 150, 300}
	for name, tt := range map[string]struct {
		limiter func() Limiter
		rates   [4]float64
		worst   [4]int
		bound   int
	}{
		"fixed window":        {func() Limiter { return NewFixedWindow(100, sec, 1) }, [4]float64{89.2, 96.0, 100, 100}, [4]int{136, 140, 145, 150}, 200},
		"sliding log":         {func() Limiter { return NewSlidingLog(100, sec, 1) }, [4]float64{87.6, 92.4, 98.2, 99.5}, [4]int{100, 100, 100, 100}, 100},
		"sliding counter":     {func() Limiter { return NewSlidingCounter(100, sec, 1) }, [4]float64{88.5, 94.0, 99.3, 99.9}, [4]int{117, 119, 114, 106}, 150},
		"token bucket, b=100": {func() Limiter { return NewTokenBucket(100, 100, 1) }, [4]float64{90.0, 99.5, 100, 100}, [4]int{140, 151, 167, 199}, 200},
		"token bucket, b=10":  {func() Limiter { return NewTokenBucket(100, 10, 1) }, [4]float64{88.5, 94.9, 100, 100}, [4]int{109, 109, 109, 109}, 110},
		"gcra, b=10":          {func() Limiter { return NewGCRA(100, 10, 1) }, [4]float64{88.5, 94.9, 100, 100}, [4]int{109, 109, 109, 109}, 110},
		"leaky bucket, b=9":   {func() Limiter { return NewLeakyBucket(100, 9, 1) }, [4]float64{88.5, 94.9, 100, 100}, [4]int{109, 109, 109, 109}, 110},
	} {
		t.Run(name, func(t *testing.T) {
			for i, rate := range offered {
				admitted := admittedOf(tt.limiter(), arrivals(rate, run))
				// 4 standard errors of what arrives, at most.
				noise := 4 * math.Sqrt(min(rate, 100)/run)
				require.InDelta(t, tt.rates[i], float64(len(admitted))/run, noise, "offered %v", rate)
				worst := worstSecond(admitted)
				require.InDelta(t, tt.worst[i], worst, 0.08*float64(tt.worst[i]), "offered %v", rate)
				require.LessOrEqual(t, worst, tt.bound)
			}
		})
	}
}

// TestLimitersAtABoundary: A13, 100 requests in the tenth of a second before a
// window's end and 100 in the one after.
func TestLimitersAtABoundary(t *testing.T) {
	var burst []time.Duration
	for i := range 200 {
		burst = append(burst, 900*ms+time.Duration(i)*ms)
	}
	for name, tt := range map[string]struct {
		limiter Limiter
		pass    int
	}{
		"fixed window":        {NewFixedWindow(100, sec, 1), 200},
		"sliding log":         {NewSlidingLog(100, sec, 1), 100},
		"sliding counter":     {NewSlidingCounter(100, sec, 1), 109},
		"token bucket, b=100": {NewTokenBucket(100, 100, 1), 118},
		"token bucket, b=10":  {NewTokenBucket(100, 10, 1), 28},
	} {
		require.InDelta(t, tt.pass, len(admittedOf(tt.limiter, burst)), 1, name)
	}
}

func arrivals(rate, seconds float64) (at []time.Duration) {
	random := newRandom(uint64(rate))
	for t := random.ExpFloat64() / rate; t < seconds; t += random.ExpFloat64() / rate {
		at = append(at, time.Duration(t*1e9))
	}
	return at
}

func admittedOf(l Limiter, at []time.Duration) (admitted []time.Duration) {
	for _, t := range at {
		if _, ok := l.Take(t, "k", 1); ok {
			admitted = append(admitted, t)
		}
	}
	return admitted
}

// worstSecond is the most instants within any second.
func worstSecond(at []time.Duration) (worst int) {
	from := 0
	for i, t := range at {
		for t-at[from] >= sec {
			from++
		}
		worst = max(worst, i-from+1)
	}
	return worst
}

// anyLimiter is a limiter of each kind with random parameters.
func anyLimiter(name string, random *rand.Rand) Limiter {
	p := Params{
		"rate":   {Number: 0.01 + random.ExpFloat64()*3000},
		"burst":  {Number: 1 + random.Float64()*20},
		"delay":  {Number: random.Float64() * 4},
		"window": {Number: float64(1 + random.Int64N(int64(3*sec)))},
	}
	if strings.Contains(name, "window") || strings.Contains(name, "sliding") {
		p["rate"] = Param{Number: (1 + 30*random.Float64()) / p.Duration("window").Seconds()}
	}
	return Limiters[name].New(p, 10)
}

// TestWaitsAreExact: after the wait a limiter admits, a nanosecond earlier it
// does not, whatever the kind, the rate and the cost.
func TestWaitsAreExact(t *testing.T) {
	for name := range Limiters {
		t.Run(name, func(t *testing.T) {
			random, refusals := newRandom(4), 0
			for k := range 200 {
				l := anyLimiter(name, random)
				now := time.Duration(random.Int64N(int64(time.Hour))) - time.Minute
				if late := k % 4; late > 0 {
					now += []time.Duration{0, 5, 23, 2000}[late] * time.Hour // loads last long, nodes longer
				}
				step := random.ExpFloat64() * 1e8
				for range 150 {
					cost := float64(1 + random.IntN(3))
					wait, ok := l.Take(now, "k", cost)
					if ok {
						now += time.Duration(random.ExpFloat64() * step)
						continue
					}
					refusals++
					require.Positive(t, wait)
					_, early := l.Ask(now+wait-1, "k", cost)
					require.False(t, early, "wait %v", wait)
					_, ok = l.Take(now+wait, "k", cost)
					require.True(t, ok, "refused after the wait it named: %v", wait)
					now += wait
				}
			}
			require.Greater(t, refusals, 500)
		})
	}
}

// TestAskTakesNothing: however often one asks, it says what Take then says,
// and changes nothing for later.
func TestAskTakesNothing(t *testing.T) {
	for name := range Limiters {
		asked, quiet := anyLimiter(name, newRandom(2)), anyLimiter(name, newRandom(2))
		random := newRandom(3)
		var now time.Duration
		for range 2000 {
			now += time.Duration(random.ExpFloat64() * 3e6)
			first, ok := asked.Ask(now, "k", 1)
			again, okAgain := asked.Ask(now, "k", 1)
			require.Equal(t, ok, okAgain, name)
			require.Equal(t, first, again, name)
			wait, taken := asked.Take(now, "k", 1)
			require.Equal(t, ok, taken, name)
			require.Equal(t, first, wait, name)
			wait, taken = quiet.Take(now, "k", 1)
			require.Equal(t, ok, taken, name)
			require.Equal(t, first, wait, name)
		}
	}
}

// TestTokenBucketIsGCRA: the same answers to the same questions, whatever the
// rate, burst, costs and instants.
func TestTokenBucketIsGCRA(t *testing.T) {
	random := newRandom(9)
	for range 300 {
		rate, burst := 0.01+random.ExpFloat64()*2000, 1+float64(random.IntN(60))*random.Float64()
		bucket, gcra := NewTokenBucket(rate, burst, 4), NewGCRA(rate, burst, 4)
		now := time.Duration(random.Int64N(int64(2000 * time.Hour)))
		for range 300 {
			if random.IntN(3) > 0 {
				now += time.Duration(random.ExpFloat64() / rate * 2e9)
			}
			key, cost := fmt.Sprint(random.IntN(3)), float64(random.IntN(4))
			wait, ok := bucket.Take(now, key, cost)
			same, too := gcra.Take(now, key, cost)
			require.Equal(t, ok, too)
			require.Equal(t, wait, same)
			if !ok && random.IntN(2) == 0 {
				now += wait // the very instant
			}
		}
	}
}

// TestBucketsBound: in every window [s, t] at most rate·(t-s) + burst are
// admitted.
func TestBucketsBound(t *testing.T) {
	const rate = 700.0
	for _, burst := range []float64{1, 2.5, 30} {
		for name, l := range map[string]Limiter{
			"token bucket": NewTokenBucket(rate, burst, 10),
			"gcra":         NewGCRA(rate, burst, 10),
			"leaky bucket": NewLeakyBucket(rate, burst-1, 10),
		} {
			admitted := admittedOf(l, arrivals(3*rate, 2))
			require.Greater(t, len(admitted), 900, name)
			for s := range admitted {
				for e := s; e < len(admitted); e++ {
					most := rate*(admitted[e]-admitted[s]).Seconds() + burst
					if name == "leaky bucket" {
						most += rate / 1000 // its clock's tick
					}
					if float64(e-s+1) > most+1e-4 {
						t.Fatalf("%s, burst %v: %d admitted between %v and %v", name, burst, e-s+1, admitted[s], admitted[e])
					}
				}
			}
		}
	}
}

// TestWindowsAgainstAList holds windows against a plain list of all that was
// ever admitted.
func TestWindowsAgainstAList(t *testing.T) {
	type entry struct {
		at   time.Duration
		cost float64
	}
	const window, limit = 100 * ms, 12
	in := func(list []entry, from, to time.Duration) (sum float64) { // after from, up to to
		for _, e := range list {
			if e.at > from && e.at <= to {
				sum += e.cost
			}
		}
		return sum
	}
	for name, tt := range map[string]struct {
		limiter Limiter
		used    func(list []entry, now time.Duration) float64
	}{
		"fixed window": {NewFixedWindow(120, window, 9), func(list []entry, now time.Duration) float64 {
			return in(list, now.Truncate(window)-1, now)
		}},
		"sliding log": {NewSlidingLog(120, window, 9), func(list []entry, now time.Duration) float64 {
			return in(list, now-window, now)
		}},
		"sliding counter": {NewSlidingCounter(120, window, 9), func(list []entry, now time.Duration) float64 {
			start := now.Truncate(window)
			return math.Floor(in(list, start-window-1, start-1)*float64(start+window-now)/float64(window)) + in(list, start-1, now)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			random := newRandom(6)
			var list []entry
			var now time.Duration
			for range 8000 {
				now += time.Duration(random.ExpFloat64() * 3e6)
				cost := float64(random.IntN(4))
				_, ok := tt.limiter.Take(now, "k", cost)
				require.Equal(t, tt.used(list, now)+cost <= limit, ok, "at %v", now)
				if ok {
					list = append(list, entry{now, cost})
				}
				if len(list) > 100 {
					list = list[50:]
				}
			}
		})
	}
}

func TestCosts(t *testing.T) {
	l := NewTokenBucket(10, 5, 10)
	take := func(cost float64) time.Duration { wait, _ := l.Take(0, "k", cost); return wait }
	require.Zero(t, take(3))
	require.Equal(t, 100*ms, take(3))
	require.Zero(t, take(2))
	require.Zero(t, take(0), "what costs nothing always passes")
	require.Equal(t, 500*ms, take(7), "more than the depth counts as all of it")
}

func TestLimitersForgetTheStalest(t *testing.T) {
	l := NewTokenBucket(1, 1, 2)
	take := func(key string) bool { _, ok := l.Take(0, key, 1); return ok }
	require.True(t, take("a"))
	require.True(t, take("b"))
	require.False(t, take("a")) // used again: b is the stalest now
	require.True(t, take("c"))
	require.False(t, take("a"), "a is remembered")
	require.True(t, take("b"), "b was forgotten")
	for name := range Limiters {
		l := anyLimiter(name, newRandom(1))
		for k := range 1000 {
			l.Take(0, fmt.Sprint(k), 1)
		}
		require.Equal(t, 10, keysOf(l), name)
	}
}

func keysOf(l Limiter) int {
	switch l := l.(type) {
	case *keyed[credit, tokenBucket]:
		return l.states.len()
	case *keyed[instant, gcra]:
		return l.states.len()
	case *keyed[count, fixedWindow]:
		return l.states.len()
	case *keyed[stamps, slidingLog]:
		return l.states.len()
	case *keyed[counts, slidingCounter]:
		return l.states.len()
	case *keyed[meter, leakyBucket]:
		return l.states.len()
	case *keyed[instant, leakyQueue]:
		return l.states.len()
	}
	return -1
}

// TestLimitsAdmitTogether: of several limits any refuses, and then nothing is
// taken from the others.
func TestLimitsAdmitTogether(t *testing.T) {
	l := NewLimits([]Choice{
		{Name: "token-bucket", Params: Params{"rate": {Number: 10}, "burst": {Number: 3}}},
		{Name: "fixed-window", Params: Params{"rate": {Number: 2}}},
	}, 10)
	take := func(at time.Duration, a, b string) time.Duration {
		wait, ok := l.Take(at, []Ask{{Key: a, Cost: 1}, {Key: b, Cost: 1}})
		require.Equal(t, wait == 0, ok)
		return wait
	}
	require.Zero(t, take(0, "alice", "all"))
	require.Zero(t, take(0, "bob", "all"))
	require.Equal(t, sec, take(0, "alice", "all"))
	require.Equal(t, sec, take(0, "alice", "all"), "and alice's bucket still holds two")
	require.Zero(t, take(0, "alice", "other"))
	require.Zero(t, take(0, "alice", "other"))
	require.Equal(t, sec, take(0, "alice", "other"), "the longer of two waits")
	require.Equal(t, 100*ms, take(0, "alice", "third"))
}

func TestLimitersOfTheRegistry(t *testing.T) {
	for name, kind := range Limiters {
		require.NotEmpty(t, kind.About, name)
		require.Equal(t, "rate", kind.Parameters[0].Name, name)
		require.GreaterOrEqual(t, kind.Most(kind.Params(Params{"rate": {Number: 5}})), 1.0, name)
	}
}

func BenchmarkLimiters(b *testing.B) {
	keys := make([]string, 1000)
	for i := range keys {
		keys[i] = fmt.Sprint("consumer ", i)
	}
	for name := range Limiters {
		b.Run(name, func(b *testing.B) {
			l := Limiters[name].New(Params{"rate": {Number: 1000}, "burst": {Number: 10}, "window": {Number: 1e9}}, 1000)
			b.ReportAllocs()
			for i := range b.N {
				l.Take(time.Duration(i)*100, keys[i%len(keys)], 1)
			}
		})
	}
}
