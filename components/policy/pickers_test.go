package policy

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func newRandom(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// newPicker makes a picker with its default parameters over backends of equal
// weight.
func newPicker(name string, n int, seed uint64) Picker {
	return told(name, nil, equal(n), seed)
}

// told makes a picker with some parameters given.
func told(name string, given Params, pool Pool, seed uint64) Picker {
	kind := Pickers[name]
	return kind.New(pool, kind.Params(given), newRandom(seed))
}

// equal is a pool of n backends of equal weight.
func equal(n int) Pool {
	pool := Pool{Names: make([]string, n)}
	for i := range pool.Names {
		pool.Names[i] = fmt.Sprintf("api[%d]", i)
	}
	return pool
}

// weighted is a pool of backends with the given weights.
func weighted(weights ...int) Pool {
	pool := equal(len(weights))
	pool.Weights = weights
	return pool
}

// pool is a dumb account of what a picker was told.
type pool struct {
	Picker
	up       []bool
	inFlight []int
}

func newPool(name string, n int, seed uint64) *pool {
	p := &pool{newPicker(name, n, seed), make([]bool, n), make([]int, n)}
	for i := range p.up {
		p.up[i] = true
	}
	return p
}

func (p *pool) setUp(i int, up bool) {
	p.up[i] = up
	p.SetUp(i, up)
}

func (p *pool) start(i int) {
	p.inFlight[i]++
	p.Started(i)
}

func (p *pool) finish(i int) {
	p.inFlight[i]--
	p.Done(0, i, Outcome{})
}

func (p *pool) anyUp(but []int) bool {
	for i, up := range p.up {
		if up && !slices.Contains(but, i) {
			return true
		}
	}
	return false
}

// TestPickersKeepTheRules drives every picker through random changes
// and holds each pick against the rules that all share.
func TestPickersKeepTheRules(t *testing.T) {
	for name := range Pickers {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(30) {
				random := newRandom(seed + 1000)
				n := 1 + random.IntN(8)
				p := newPool(name, n, seed)
				for range 500 {
					disturb(p, random)
					avoid := random.Perm(n)[:random.IntN(n+1)]
					i, ok := p.Pick(0, random.Uint64(), avoid)
					require.Equal(t, p.anyUp(nil), ok)
					if !ok {
						continue
					}
					require.True(t, p.up[i], "picked %d, which is down", i)
					if slices.Contains(avoid, i) {
						require.False(t, p.anyUp(avoid), "picked %d in spite of %v", i, avoid)
					}
					p.start(i)
				}
			}
		})
	}
}

// disturb changes one backend: up or down, or one attempt more or less.
func disturb(p *pool, random *rand.Rand) {
	i := random.IntN(len(p.up))
	switch random.IntN(4) {
	case 0:
		p.setUp(i, !p.up[i])
	case 1:
		p.start(i)
	default:
		if p.inFlight[i] > 0 {
			p.finish(i)
		}
	}
}

func TestPickersOfAnEmptyPool(t *testing.T) {
	for name := range Pickers {
		_, ok := newPool(name, 0, 1).Pick(0, 7, nil)
		require.False(t, ok, name)
	}
}

// uneven names the pickers whose shares are not equal by their nature.
var uneven = map[string]bool{"first-available": true, "ring-hash": true}

// TestSharesAreUniform picks often with one backend down and the rest idle.
func TestSharesAreUniform(t *testing.T) {
	const n, rounds = 10, 90_000
	for name := range Pickers {
		if uneven[name] {
			continue
		}
		t.Run(name, func(t *testing.T) {
			p := newPool(name, n, 3)
			p.setUp(4, false)
			counts := make([]float64, n)
			for k := range uint64(rounds) {
				i, _ := p.Pick(0, k, nil)
				counts[i]++
				p.start(i)
				p.finish(i)
			}
			require.Zero(t, counts[4])
			for i, c := range counts {
				if i != 4 { // 10,000 expected, standard deviation below 100
					require.InDelta(t, rounds/(n-1), c, 500, "backend %d", i)
				}
			}
		})
	}
}

func TestSameSeedSamePicks(t *testing.T) {
	for name := range Pickers {
		a, b := newPool(name, 7, 5), newPool(name, 7, 5)
		for k := range uint64(200) {
			i, _ := a.Pick(0, k, nil)
			j, _ := b.Pick(0, k, nil)
			require.Equal(t, i, j, name)
			a.start(i)
			b.start(j)
		}
	}
}

func TestRoundRobinTakesTurns(t *testing.T) {
	p := newPool("round-robin", 4, 1)
	first, _ := p.Pick(0, 0, nil)
	for k := 1; k < 12; k++ {
		i, _ := p.Pick(0, 0, nil)
		require.Equal(t, (first+k)%4, i)
	}
}

func TestRoundRobinStartsAnywhere(t *testing.T) {
	starts := map[int]bool{}
	for seed := range uint64(64) {
		i, _ := newPool("round-robin", 4, seed).Pick(0, 0, nil)
		starts[i] = true
	}
	require.Len(t, starts, 4)
}

// TestLeastConnectionsAgainstAScan holds every pick against the least of a
// scan over all.
func TestLeastConnectionsAgainstAScan(t *testing.T) {
	random := newRandom(9)
	p := newPool("least-connections", 12, 9)
	for range 20_000 {
		disturb(p, random)
		avoid := random.Perm(12)[:random.IntN(4)]
		i, ok := p.Pick(0, 0, avoid)
		if !ok || slices.Contains(avoid, i) {
			continue
		}
		for j, up := range p.up {
			if up && !slices.Contains(avoid, j) && p.inFlight[j] < p.inFlight[i] {
				t.Fatalf("picked %d with %d in flight, and not %d with %d", i, p.inFlight[i], j, p.inFlight[j])
			}
		}
		p.start(i)
	}
}

func TestP2CTakesTheLessBusy(t *testing.T) {
	p := newPool("p2c", 2, 1) // of two, both are always drawn
	p.start(0)
	for range 50 {
		i, _ := p.Pick(0, 0, nil)
		require.Equal(t, 1, i)
	}
	p.start(1)
	p.start(1)
	for range 50 {
		i, _ := p.Pick(0, 0, nil)
		require.Equal(t, 0, i)
	}
}

func TestIPHashMovesNobodyElse(t *testing.T) {
	const n, clients = 5, 2000
	p := newPool("ip-hash", n, 1)
	home := make([]int, clients)
	for c := range home {
		home[c], _ = p.Pick(0, uint64(c), nil)
	}
	p.setUp(2, false)
	refuge := map[int]int{}
	for c, was := range home {
		is, _ := p.Pick(0, uint64(c), nil)
		if was != 2 {
			require.Equal(t, was, is, "client %d moved though its backend is up", c)
		} else {
			refuge[is]++
		}
	}
	require.Len(t, refuge, n-1, "the clients of the lost one spread over all others")
	p.setUp(2, true)
	for c, was := range home {
		is, _ := p.Pick(0, uint64(c), nil)
		require.Equal(t, was, is, "client %d did not come home", c)
	}
}

func TestIPHashFindsTheLastOneUp(t *testing.T) {
	p := newPool("ip-hash", 1000, 1)
	for i := range 1000 {
		p.setUp(i, i == 777)
	}
	for key := range uint64(50) {
		i, ok := p.Pick(0, key, []int{777})
		require.True(t, ok)
		require.Equal(t, 777, i)
	}
}

func BenchmarkPick(b *testing.B) {
	for _, name := range slices.Sorted(maps.Keys(Pickers)) {
		for _, n := range []int{10, 10_000} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) { benchmarkPick(b, name, n) })
		}
	}
}

// benchmarkPick keeps two attempts per backend in flight.
func benchmarkPick(b *testing.B, name string, n int) {
	p := newPicker(name, n, 1)
	flying := make([]int, 2*n)
	for k := range flying {
		flying[k], _ = p.Pick(0, uint64(k), nil)
		p.Started(flying[k])
	}
	b.ReportAllocs()
	b.ResetTimer()
	for k := range b.N {
		slot := k % len(flying)
		p.Done(time.Duration(k), flying[slot], Outcome{})
		flying[slot], _ = p.Pick(time.Duration(k), uint64(k), nil)
		p.Started(flying[slot])
	}
}
