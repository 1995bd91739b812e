package policy

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPowerOfDDrawsDistinctBackends: with one idle among n, d distinct draws
// find it with chance d/n exactly.
func TestPowerOfDDrawsDistinctBackends(t *testing.T) {
	const n, rounds = 8, 40_000
	for d := 1; d <= n; d++ {
		p := told("power-of-d", Params{"d": {Number: float64(d)}}, equal(n), uint64(d))
		for i := range n - 1 {
			p.Started(i)
		}
		found := 0
		for range rounds {
			if i, _ := p.Pick(0, 0, nil); i == n-1 {
				found++
			}
		}
		share := float64(d) / n
		require.InDelta(t, share, float64(found)/rounds, 5*math.Sqrt(share*(1-share)/rounds), "d = %d", d)
	}
}

func TestJoinIdleQueueTakesTheLongestIdle(t *testing.T) {
	p := newPool("join-idle-queue", 4, 1)
	var order []int
	for range 4 {
		i, _ := p.Pick(0, 0, nil)
		p.start(i)
		order = append(order, i)
	}
	require.ElementsMatch(t, []int{0, 1, 2, 3}, order)
	for _, i := range []int{2, 0, 3} {
		p.finish(i)
	}
	p.setUp(0, false)
	for _, want := range []int{2, 3} {
		i, _ := p.Pick(0, 0, nil)
		require.Equal(t, want, i)
		p.start(i)
	}
	seen := map[int]bool{}
	for range 100 { // nobody is idle: any that is up
		i, _ := p.Pick(0, 0, nil)
		seen[i] = true
	}
	require.Equal(t, map[int]bool{1: true, 2: true, 3: true}, seen)
}

func TestFirstAvailable(t *testing.T) {
	p := &pool{told("first-available", Params{"most": {Number: 2}}, equal(3), 1), []bool{true, true, true}, make([]int, 3)}
	for _, want := range []int{0, 0, 1, 1, 2, 2} {
		i, _ := p.Pick(0, 0, nil)
		require.Equal(t, want, i)
		p.start(i)
	}
	p.start(0)
	i, _ := p.Pick(0, 0, []int{1})
	require.Equal(t, 2, i, "all are full: the least busy that was not tried")
	p.finish(1)
	i, _ = p.Pick(0, 0, nil)
	require.Equal(t, 1, i)
	p.setUp(1, false)
	p.finish(0)
	p.finish(0)
	i, _ = p.Pick(0, 0, nil)
	require.Equal(t, 0, i)
}

// TestSubsetsAreEven: where the size divides the backends, each has the same
// number of proxies once a round is full; elsewhere it differs by chance.
func TestSubsetsAreEven(t *testing.T) {
	load := func(n, proxies, size int) (least, most float64) {
		counts := make([]float64, n)
		for proxy := range proxies {
			chosen := Subset(n, proxy, size, 5)
			require.Len(t, chosen, size)
			for _, i := range chosen {
				counts[i]++
			}
		}
		mean := float64(proxies*size) / float64(n)
		least, most = math.Inf(1), 0
		for _, c := range counts {
			least, most = min(least, c/mean), max(most, c/mean)
		}
		return least, most
	}
	least, most := load(300, 300, 30)
	require.Equal(t, []float64{1, 1}, []float64{least, most})
	least, most = load(300, 300, 90)
	require.InDelta(t, .878, least, .05)
	require.InDelta(t, 1.089, most, .05)
	require.Len(t, Subset(5, 3, 0, 1), 5)
	require.Len(t, Subset(5, 3, 9, 1), 5)
}
