package measure

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// draws are latencies of many kinds.
var draws = map[string]func(*rand.Rand) time.Duration{
	"spread":    func(rng *rand.Rand) time.Duration { return time.Duration(rng.ExpFloat64() * float64(10*ms)) },
	"crowded":   func(rng *rand.Rand) time.Duration { return time.Duration(rng.IntN(3)) },
	"the same":  func(*rand.Rand) time.Duration { return 5 * ms },
	"two heaps": func(rng *rand.Rand) time.Duration { return time.Duration(rng.IntN(2)) * time.Hour },
	"anything":  func(rng *rand.Rand) time.Duration { return time.Duration(rng.Uint64()) },
	"extremes": func(rng *rand.Rand) time.Duration {
		return []time.Duration{math.MinInt64, -1, 0, 1, math.MaxInt64}[rng.IntN(5)]
	},
}

// A pile is a sorted slice in less room.
func TestPileIsASortedSlice(t *testing.T) {
	for name, draw := range draws {
		for _, n := range []int{1, 2, 7, 1000, freshLeast, 3*freshLeast + 5, 20 * freshLeast} {
			rng := rand.New(rand.NewPCG(3, uint64(n)))
			var one, other pile
			var slice []time.Duration
			for i := range n {
				v := draw(rng)
				slice = append(slice, v)
				if i%3 == 0 {
					other.add(v)
				} else {
					one.add(v)
				}
			}
			one.plus(&other)
			slices.Sort(slice)
			require.Equal(t, slice, listed(&one), "%s, %d", name, n)
			require.Equal(t, n, one.n)
			for _, q := range []float64{0, .001, .5, .9, .99, .999, 1} {
				require.Equal(t, quantile(slice, q), one.quantile(q), "%s, %d, q %v", name, n, q)
			}
			for range 5 {
				rank := 1 + rng.IntN(n)
				this, next := one.at(rank)
				require.Equal(t, slice[rank-1], this, "%s, rank %d of %d", name, rank, n)
				require.Equal(t, slice[min(rank, n-1)], next, "%s, rank %d of %d", name, rank, n)
			}
		}
	}
}

func listed(p *pile) []time.Duration {
	var all []time.Duration
	for v, times := range p.all() {
		all = append(all, slices.Repeat([]time.Duration{v}, times)...)
	}
	return all
}

// A million latencies take a byte or two each; of few distinct ones any number
// takes next to nothing.
func TestPileIsSmall(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 0))
	var spread, crowded pile
	for range 1_000_000 {
		spread.add(draws["spread"](rng))
		crowded.add(draws["crowded"](rng))
	}
	spread.settle()
	crowded.settle()
	require.Less(t, len(spread.coded), 2_000_000)
	require.Less(t, len(crowded.coded), 30)
	require.LessOrEqual(t, cap(spread.fresh), 2*1_000_000/freshPart)
}

func BenchmarkPile(b *testing.B) {
	rng := rand.New(rand.NewPCG(5, 0))
	var p pile
	for b.Loop() {
		p.add(draws["spread"](rng))
	}
}
