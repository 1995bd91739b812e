package measure

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestHistogramTellsQuantilesWithinABucket(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, scale := range []time.Duration{time.Microsecond, time.Millisecond, time.Second} {
		var h Histogram
		var all []time.Duration
		for range 10_000 {
			d := time.Duration(rng.ExpFloat64() * float64(scale))
			h.Add(d)
			all = append(all, d)
		}
		slices.Sort(all)
		require.EqualValues(t, len(all), h.Count())
		for _, q := range []float64{.01, .5, .9, .99} {
			got, ok := h.Quantile(q)
			require.True(t, ok)
			want := all[int(q*float64(len(all)))-1]
			require.InEpsilon(t, want, got, .0157, "%v of %v", q, scale)
		}
		_, ok := h.Quantile(.999)
		require.False(t, ok, "10 are too few beyond")
	}
}

func TestHistogramBucketsAreInOrderAndHoldTheirMiddle(t *testing.T) {
	for bucket := range 58 << fine {
		require.Equal(t, bucket, bucketOf(middleOf(bucket)))
	}
	require.Zero(t, bucketOf(-1))
	var h Histogram
	h.Add(1<<63 - 1)
	require.EqualValues(t, 1, h.Count())
}

// What was merged and taken away again leaves no trace, in whatever order.
func TestHistogramsAddAndSubtract(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var a, b, both Histogram
	for i := range 1000 {
		d := time.Duration(rng.ExpFloat64() * 1e6)
		both.Add(d)
		if i%3 == 0 {
			a.Add(d)
		} else {
			b.Add(d * 1)
		}
	}
	before := b.Clone()
	sum := a.Clone()
	sum.Merge(b, 1)
	require.Equal(t, both, sum)
	require.Equal(t, before, b)
	sum.Merge(a, -1)
	b.trim()
	require.Equal(t, b, sum)
	sum.Merge(b, -1)
	require.Equal(t, Histogram{}, sum)
}

// Runs that were stored before usage knew latency and limits are read as ever,
// and what knows neither is written as it was.
func TestOldUsageIsRead(t *testing.T) {
	const old = `{"Consumer":"a","Route":"/x","Requests":3,"Errors":1,"Limited":1,"Bytes":20}`
	var u Usage
	require.NoError(t, json.Unmarshal([]byte(old), &u))
	require.Equal(t, Usage{Consumer: "a", Route: "/x", Requests: 3, Errors: 1, Limited: 1, Bytes: 20}, u)
	again, err := json.Marshal(u)
	require.NoError(t, err)
	require.Equal(t, old, string(again))
}
