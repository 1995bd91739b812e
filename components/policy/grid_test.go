package policy

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestGridWithoutJitter(t *testing.T) {
	g := Grid{Every: 10 * ms, Phase: 3 * ms}
	for now, want := range map[time.Duration]time.Duration{0: 3, 2: 3, 3: 13, 12: 13, 13: 23, -8: -7, -7: 3} {
		k, at := g.Next(now*ms, nil)
		require.Equal(t, want*ms, at, "after %d ms", now)
		require.Equal(t, int64((want-3)/10), k)
	}
}

// TestGridWithJitter: no instant is left out or comes twice, whatever the
// jitter, and each is within its part of the interval.
func TestGridWithJitter(t *testing.T) {
	draws := func(k int64) float64 { return float64(scramble(uint64(k))>>11) / (1 << 53) }
	for _, jitter := range []float64{.1, .5, 1} {
		g := Grid{Every: 10 * ms, Phase: 3 * ms, Jitter: jitter}
		now, sum := g.Phase-1, 0.0
		for want := int64(0); want < 2000; want++ {
			k, at := g.Next(now, draws)
			require.Equal(t, want, k)
			late := float64(at-g.Phase-time.Duration(k)*g.Every) / float64(g.Every)
			require.True(t, late >= 0 && late <= jitter, "%g", late)
			sum += late
			now = at
		}
		require.InDelta(t, jitter/2, sum/2000, jitter/20)
	}
}
