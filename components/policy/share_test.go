package policy

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestPartsAreExact holds every whole percentage of up to 2000 things against
// integers: whether a count reaches it, and how many it allows.
func TestPartsAreExact(t *testing.T) {
	for percent := range 101 {
		for n := range 2001 {
			part := Part(float64(percent)/100, n)
			least := (percent*n + 99) / 100
			require.GreaterOrEqual(t, float64(least), part, "%d%% of %d", percent, n)
			require.Less(t, float64(least-1), part, "%d%% of %d", percent, n)
			require.Equal(t, percent*n/100, int(part), "%d%% of %d", percent, n)
		}
	}
	require.Less(t, Part(.3333, 3), 1.0, "what is not whole stays so")
}

// TestSharesThatBinaryMisses: in each the product of share and count is a hair
// beside a whole number.
func TestSharesThatBinaryMisses(t *testing.T) {
	t.Run("full at a bound", func(t *testing.T) {
		o := newOccupancy(equal(10), 1.1)
		for i := range 10 {
			for range 10 {
				o.Started(i)
			}
		}
		o.change(1, -1) // 99 in flight, and one to come: 11 each
		o.change(0, 1)
		o.change(2, -1)
		require.True(t, o.full(0))
	})
	t.Run("quantile", func(t *testing.T) {
		q := NewQuantile(.07, time.Hour, 1)
		for i := range 100 {
			q.Observe(0, time.Duration(1<<min(i, 20))*time.Microsecond)
		}
		d, _ := q.Value(0)
		require.InEpsilon(t, 64*time.Microsecond, d, .03, "the seventh of a hundred")
	})
	t.Run("quantile of a few", func(t *testing.T) {
		r := newRecent[int](100)
		for i := range 100 {
			r.add(0, i+1)
		}
		require.Equal(t, 7, r.quantile(.07))
	})
	t.Run("zone", func(t *testing.T) {
		own := 0.0
		for range 3 {
			own += .1 // three of ten proxies
		}
		of := []int{0, 0, 0, 1, 1, 1, 1, 1, 1, 1}
		z := NewZoneAware(equal(10), of, ZoneRule{Traffic: []float64{own, .7}, Hosts: 1},
			func() Picker { return newPicker("round-robin", 10, 1) }, newRandom(1))
		z.divide()
		require.Equal(t, 1.0, z.shares[0], "nothing has to leave")
	})
	t.Run("back-off", func(t *testing.T) {
		a := AIMD{limit: 100, min: 1, max: 100, backoff: .58, timeout: time.Hour}
		a.Observe(0, 1, true)
		require.Equal(t, 58, a.Limit())
		a = AIMD{limit: 100, min: 1, max: 100, backoff: .57, timeout: time.Hour}
		a.Observe(0, 1, true)
		require.Equal(t, 57, a.Limit())
	})
}
