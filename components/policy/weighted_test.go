package policy

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// scanned is NGINX's smooth weighted round robin as NGINX writes it: a scan.
type scanned struct {
	weights, current []int
	up               []bool
}

func (s *scanned) pick(avoid []int) int {
	if !slices.ContainsFunc(s.all(), func(i int) bool { return s.up[i] && !slices.Contains(avoid, i) }) {
		avoid = nil
	}
	best, total := nobody, 0
	for i := range s.weights {
		if !s.up[i] || slices.Contains(avoid, i) {
			continue
		}
		s.current[i] += s.weights[i]
		total += s.weights[i]
		if best == nobody || s.current[i] > s.current[best] {
			best = i
		}
	}
	if best != nobody {
		s.current[best] -= total
	}
	return best
}

func (s *scanned) all() []int { return ascending(len(s.weights), func(int) bool { return true }) }

func TestWeightedRoundRobinIsSmooth(t *testing.T) {
	p := told("weighted-round-robin", nil, weighted(5, 1, 1), 1)
	sequence := ""
	for range 14 {
		i, _ := p.Pick(0, 0, nil)
		sequence += string(rune('a' + i))
	}
	require.Equal(t, "aabacaaaabacaa", sequence)
}

// TestWeightedRoundRobinAgainstNGINX holds the tournament against the scan,
// turn by turn, with backends that come and go and retries that avoid some.
func TestWeightedRoundRobinAgainstNGINX(t *testing.T) {
	for seed := range uint64(60) {
		random := newRandom(seed)
		n := 1 + random.IntN(40)
		oracle := &scanned{make([]int, n), make([]int, n), make([]bool, n)}
		for i := range n {
			oracle.weights[i], oracle.up[i] = 1+random.IntN(1+int(seed)*3), true
		}
		p := told("weighted-round-robin", nil, weighted(oracle.weights...), seed)
		for turn := range 3000 {
			if random.IntN(50) == 0 {
				i := random.IntN(n)
				oracle.up[i] = !oracle.up[i]
				p.SetUp(i, oracle.up[i])
			}
			var avoid []int
			for range random.IntN(8) / 5 * random.IntN(4) {
				avoid = append(avoid, random.IntN(n))
			}
			want := oracle.pick(avoid)
			i, ok := p.Pick(0, 0, avoid)
			require.Equal(t, want != nobody, ok)
			if ok {
				require.Equal(t, want, i, "seed %d, turn %d, weights %v, avoid %v", seed, turn, oracle.weights, avoid)
			}
		}
	}
}

func TestEveryRoundHoldsTheWeights(t *testing.T) {
	weights := []int{7, 3, 2, 1, 1}
	p := told("weighted-round-robin", nil, weighted(weights...), 1)
	var picks []int
	for range 14 * 5 {
		i, _ := p.Pick(0, 0, nil)
		picks = append(picks, i)
	}
	for from := range len(picks) - 14 {
		counts := make([]int, len(weights))
		for _, i := range picks[from : from+14] {
			counts[i]++
		}
		require.Equal(t, weights, counts)
	}
}

// TestSharesFollowWeights picks often, with one backend down.
func TestSharesFollowWeights(t *testing.T) {
	weights := []int{5, 1, 4, 9, 1}
	const rounds, down = 110_000, 3
	for _, name := range []string{"weighted-round-robin", "weighted-random", "rendezvous", "maglev"} {
		t.Run(name, func(t *testing.T) {
			p := told(name, nil, weighted(weights...), 2)
			p.SetUp(down, false)
			counts := make([]float64, len(weights))
			for k := range uint64(rounds) {
				i, _ := p.Pick(0, k, nil)
				counts[i]++
			}
			for i, w := range weights {
				want := rounds / 11 * float64(w)
				if i == down {
					want = 0
				}
				require.InDelta(t, want, counts[i], 5*math.Sqrt(rounds*0.25), "backend %d", i)
			}
		})
	}
}

// TestWeightedLeastConnectionsAgainstAScan holds every pick against the least
// of a scan, and ties against chance.
func TestWeightedLeastConnectionsAgainstAScan(t *testing.T) {
	weights := []int{3, 1, 1, 2, 6, 1, 1}
	random := newRandom(4)
	p := &pool{told("least-connections", nil, weighted(weights...), 4), make([]bool, 7), make([]int, 7)}
	for i := range p.up {
		p.up[i] = true
	}
	for range 20_000 {
		disturb(p, random)
		avoid := random.Perm(7)[:random.IntN(3)]
		i, ok := p.Pick(0, 0, avoid)
		if !ok || slices.Contains(avoid, i) {
			continue
		}
		for j, up := range p.up {
			if up && !slices.Contains(avoid, j) {
				require.LessOrEqual(t, (p.inFlight[i]+1)*weights[j], (p.inFlight[j]+1)*weights[i])
			}
		}
		p.start(i)
	}
}

func TestTiesGoToAnyWithEqualChances(t *testing.T) {
	const rounds = 30_000
	p := told("least-connections", nil, weighted(2, 1, 1, 1), 1)
	for range 3 {
		p.Started(0) // (3+1)/2 = 2: behind the others' 1
	}
	counts := make([]float64, 4)
	for range rounds {
		i, _ := p.Pick(0, 0, nil)
		counts[i]++
	}
	require.Zero(t, counts[0])
	for _, c := range counts[1:] {
		require.InDelta(t, rounds/3, c, 5*math.Sqrt(rounds*2/9.0))
	}
}

// BenchmarkWeightedPick picks among backends of a thousand different weights.
func BenchmarkWeightedPick(b *testing.B) {
	for _, name := range []string{"weighted-round-robin", "weighted-random", "least-connections", "ring-hash", "maglev"} {
		for _, n := range []int{10, 1000, 10_000} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				pool := equal(n)
				for i := range n {
					pool.Weights = append(pool.Weights, 1+int(scramble(uint64(i))%1000))
				}
				p := told(name, nil, pool, 1)
				b.ReportAllocs()
				for k := 0; b.Loop(); k++ {
					i, _ := p.Pick(0, uint64(k), nil)
					p.Started(i)
					p.Done(0, i, Outcome{})
				}
			})
		}
	}
}
