package policy

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// ties are the up backends with the fewest in flight, found by looking at all:
// of those not avoided, or of all if no other is up.
func (p *pool) ties(avoid []int) []int {
	for _, but := range [][]int{avoid, nil} {
		var ties []int
		for i, up := range p.up {
			if !up || slices.Contains(but, i) {
				continue
			}
			if len(ties) > 0 && p.inFlight[i] < p.inFlight[ties[0]] {
				ties = ties[:0]
			}
			if len(ties) == 0 || p.inFlight[i] == p.inFlight[ties[0]] {
				ties = append(ties, i)
			}
		}
		if len(ties) > 0 {
			return ties
		}
	}
	return nil
}

// TestLeastConnectionsDrawsFromTheTies: whatever happened before, a pick is one
// of those that a scan finds, and each of them as often as the others.
func TestLeastConnectionsDrawsFromTheTies(t *testing.T) {
	const n = 9
	var drawn [n + 1][n]float64 // by how many ties there were, and which of them it was
	for seed := range uint64(20) {
		random := newRandom(seed)
		p := newPool("least-connections", n, seed)
		for range 10_000 {
			if disturb(p, random); random.IntN(20) == 0 {
				p.rest() // or there would seldom be many ties
			}
			avoid := random.Perm(n)[:max(0, random.IntN(n+4)-3)]
			if random.IntN(10) == 0 {
				avoid = append(avoid, avoid...) // somebody was tried twice
			}
			ties := p.ties(avoid)
			i, ok := p.Pick(0, 0, avoid)
			require.Equal(t, len(ties) > 0, ok)
			if !ok {
				continue
			}
			which := slices.Index(ties, i)
			require.GreaterOrEqual(t, which, 0, "%d is none of %v", i, ties)
			drawn[len(ties)][which]++
			if random.IntN(3) > 0 {
				p.start(i)
			}
		}
	}
	for k := 2; k <= n; k++ {
		requireEven(t, drawn[k][:k])
	}
}

// rest lets all that is in flight end, and all come up.
func (p *pool) rest() {
	for i := range p.inFlight {
		p.setUp(i, true)
		for p.inFlight[i] > 0 {
			p.finish(i)
		}
	}
}

// requireEven holds counts against equal chances (chi squared, beyond five standard
// deviations).
func requireEven(t *testing.T, counts []float64) {
	t.Helper()
	sum := 0.0
	for _, c := range counts {
		sum += c
	}
	require.Greater(t, sum, 200.0, "too few with %d ties", len(counts))
	want, chi, free := sum/float64(len(counts)), 0.0, float64(len(counts)-1)
	for _, c := range counts {
		chi += (c - want) * (c - want) / want
	}
	require.Less(t, chi, free+5*math.Sqrt(2*free)+5, "%v", counts)
}
