package policy

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"testing"

	"github.com/stretchr/testify/require"
)

// zipf is a popularity law: key k of n is asked for with a share in proportion
// to 1/k^skew, each request on its own (the independent reference model).
type zipf struct {
	shares, upTo []float64
	keys         []string
}

func newZipf(n int, skew float64) zipf {
	z := zipf{make([]float64, n), make([]float64, n), make([]string, n)}
	sum := 0.0
	for i := range n {
		z.shares[i] = math.Pow(float64(i+1), -skew)
		sum += z.shares[i]
		z.keys[i] = fmt.Sprint("/products/", i)
	}
	cumulated := 0.0
	for i := range n {
		z.shares[i] /= sum
		cumulated += z.shares[i]
		z.upTo[i] = cumulated
	}
	return z
}

func (z zipf) draw(random *rand.Rand) string {
	i := sort.SearchFloat64s(z.upTo, random.Float64())
	return z.keys[min(i, len(z.keys)-1)]
}

// hits is the hit ratio of a cache of c items, of size 1, once it is warm.
func (z zipf) hits(c int64, e Eviction, requests int) float64 {
	random := newRandom(21)
	cache := NewCache[struct{}](c, e)
	hits := 0
	for i := range requests {
		key := z.draw(random)
		_, ok := cache.Lookup(key)
		if !ok {
			cache.Put(key, struct{}{}, 1)
		}
		if ok && i >= requests/4 {
			hits++
		}
	}
	return float64(hits) / float64(requests-requests/4)
}

// cheLRU and cheFIFO are the shares of time that a key of rate q is in the
// cache, t being the cache's characteristic time.
func cheLRU(q, t float64) float64  { return 1 - math.Exp(-q*t) }
func cheFIFO(q, t float64) float64 { return q * t / (1 + q*t) }

// che is the hit ratio by the approximation of Che, Tung and Wang (2002).
func (z zipf) che(c float64, in func(q, t float64) float64) float64 {
	low, high := 0.0, 1e9
	for range 200 {
		t := (low + high) / 2
		sum := 0.0
		for _, q := range z.shares {
			sum += in(q, t)
		}
		if sum < c {
			low = t
		} else {
			high = t
		}
	}
	hit := 0.0
	for _, q := range z.shares {
		hit += q * in(q, low)
	}
	return hit
}

// TestHitRatiosByChe: LRU and FIFO under Zipf. The test's own theory is held
// against printed values, and the caches against the theory. Che's
// approximation has a bias that shrinks as the cache grows: within 0.005 here,
// of which the sampling takes 0.002.
func TestHitRatiosByChe(t *testing.T) {
	for _, tt := range []struct {
		n         int
		skew      float64
		c         int64
		lru, fifo float64
	}{
		{1000, .8, 10, .0816, .0741},
		{1000, .8, 100, .3778, .3337},
		{1000, 1, 10, .2095, .1789},
		{1000, 1, 100, .5765, .5202},
		{10000, .8, 100, .1566, .1336},
		{10000, .8, 500, .3312, .2938},
		{10000, .8, 1000, .4367, .3942},
		{10000, 1, 100, .3905, .3423},
		{10000, 1, 1000, .6756, .6309},
	} {
		t.Run(fmt.Sprint(tt.n, " keys, skew ", tt.skew, ", room for ", tt.c), func(t *testing.T) {
			t.Parallel()
			z := newZipf(tt.n, tt.skew)
			require.InDelta(t, tt.lru, z.che(float64(tt.c), cheLRU), 1e-4)
			require.InDelta(t, tt.fifo, z.che(float64(tt.c), cheFIFO), 1e-4)
			lru, fifo := z.hits(tt.c, NewLRU(), 400_000), z.hits(tt.c, NewFIFO(), 400_000)
			t.Logf("LRU %.4f (Che %.4f), FIFO %.4f (Che %.4f)", lru, tt.lru, fifo, tt.fifo)
			require.InDelta(t, tt.lru, lru, .005)
			require.InDelta(t, tt.fifo, fifo, .005)
		})
	}
}

// TestReductionsOverFIFO: how much lower than FIFO's each policy's miss ratio
// is under Zipf 0.8 with 10,000 keys and room for 1000, and so their order.
// The reference W-TinyLFU counts exactly; ours asks a sketch.
func TestReductionsOverFIFO(t *testing.T) {
	want := map[string]float64{"lru": .070, "sieve": .257, "s3-fifo": .222, "w-tinylfu": .254}
	z := newZipf(10_000, .8)
	misses := func(name string) float64 { return 1 - z.hits(1000, newEviction(name, 1000), 1_000_000) }
	fifo := misses("fifo")
	require.InDelta(t, 1-.3942, fifo, .004)
	got := map[string]float64{}
	for name, reduction := range want {
		got[name] = 1 - misses(name)/fifo
		t.Logf("%s: %.1f%%, reference %.1f%%", name, 100*got[name], 100*reduction)
		require.InDelta(t, reduction, got[name], .01, name)
	}
	require.Less(t, got["lru"], got["s3-fifo"])
	require.Less(t, got["s3-fifo"], got["w-tinylfu"])
	require.Less(t, got["s3-fifo"], got["sieve"])

	optimum := 0.0
	for _, q := range z.shares[:1000] {
		optimum += q
	}
	require.InDelta(t, .5706, optimum, 1e-4)
	for name := range Evictions {
		require.Less(t, 1-misses(name), optimum+.002, "%s: nothing beats the optimum", name)
	}
}

// BenchmarkCacheHit is a use of what is there; nothing is allocated.
func BenchmarkCacheHit(b *testing.B) {
	for name := range Evictions {
		b.Run(name, func(b *testing.B) {
			z := newZipf(1000, .8)
			c := NewCache[int](1000, newEviction(name, 1000))
			for _, key := range z.keys {
				c.Put(key, 0, 1)
			}
			asked := z.asked()
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				c.Lookup(asked[i%len(asked)])
			}
		})
	}
}

// BenchmarkCacheZipf is a request that finds its key about every other time,
// and else puts it.
func BenchmarkCacheZipf(b *testing.B) {
	for name := range Evictions {
		b.Run(name, func(b *testing.B) {
			c := NewCache[int](1000, newEviction(name, 1000))
			asked := newZipf(10_000, .8).asked()
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				key := asked[i%len(asked)]
				if _, ok := c.Lookup(key); !ok {
					c.Put(key, i, 1)
				}
			}
		})
	}
}

func (z zipf) asked() []string {
	random := newRandom(1)
	asked := make([]string, 1<<16)
	for i := range asked {
		asked[i] = z.draw(random)
	}
	return asked
}

func TestHitsAllocateNothing(t *testing.T) {
	for name := range Evictions {
		c := NewCache[int](100, newEviction(name, 100))
		for i := range 90 {
			c.Put(fmt.Sprint(i), i, 1)
		}
		keys := newZipf(90, 1)
		random := newRandom(3)
		for i := range keys.keys {
			keys.keys[i] = fmt.Sprint(i)
		}
		for range 10_000 {
			c.Lookup(keys.draw(random)) // LFU has made its lists then
		}
		require.Zero(t, testing.AllocsPerRun(1000, func() { c.Lookup(keys.draw(random)) }), name)
	}
}
