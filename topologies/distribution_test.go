package topologies

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTheLogarithmIsExactEnough: a table of columns is best tried at their
// borders and middles, at any scale, and at random.
func TestTheLogarithmIsExactEnough(t *testing.T) {
	check := func(x float64) { require.InDelta(t, math.Log(x), logarithm(x), 0x1p-51*max(1, -math.Log(x))) }
	for scale := range 60 {
		for column := range 2 << columnBits {
			border := math.Ldexp(1+float64(column)/(2<<columnBits), -scale-1)
			check(border)
			check(math.Nextafter(border, 0))
		}
	}
	check(1)
	random := rand.New(rand.NewPCG(1, 1))
	for range 100_000 {
		check(1 - random.Float64())
	}
}

func BenchmarkQuantile(b *testing.B) {
	for _, d := range []Distribution{
		{Law: "constant", Mean: time.Millisecond},
		{Law: "exponential", Mean: time.Millisecond},
		{Law: "uniform", Low: time.Millisecond, High: time.Second},
		{Law: "lognormal", Median: time.Millisecond, P99: time.Second},
	} {
		b.Run(d.Law, func(b *testing.B) {
			u := 0.0
			for b.Loop() {
				if u += 0.6180339887498949; u >= 1 {
					u--
				}
				d.Quantile(u)
			}
		})
	}
}

// TestMeansAreThoseOfTheDraws: mean and variance, summed over the quantiles, are
// what is told of the law.
func TestMeansAreThoseOfTheDraws(t *testing.T) {
	for _, d := range []Distribution{
		{Law: "constant", Mean: time.Second},
		{Law: "exponential", Mean: time.Second},
		{Law: "uniform", Low: time.Second, High: 9 * time.Second},
		{Law: "lognormal", Median: time.Second, P99: 4 * time.Second},
		{Law: "pareto", Low: time.Second, High: 100 * time.Second, Shape: 1.3},
		{Law: "pareto", Low: time.Second, High: 100 * time.Second, Shape: 1},
		{Law: "pareto", Low: time.Second, High: 100 * time.Second, Shape: 2},
		{Law: "pareto", Low: time.Second, High: time.Second, Shape: 1.5},
	} {
		const n = 1 << 20
		sum, squares, last := 0.0, 0.0, time.Duration(0)
		for i := range n {
			x := d.Quantile((float64(i) + .5) / n)
			require.GreaterOrEqual(t, x, last)
			last, sum, squares = x, sum+x.Seconds(), squares+x.Seconds()*x.Seconds()
		}
		mean := sum / n
		require.InEpsilon(t, mean, d.Expected().Seconds(), 1e-4, "%+v", d)
		require.InDelta(t, squares/n/mean/mean-1, d.Variation(), 2e-3*(1+d.Variation()), "%+v", d)
	}
}

// TestAParetoTailFallsAsItsShapeSays, up to its end.
func TestAParetoTailFallsAsItsShapeSays(t *testing.T) {
	sizes := Spread[int64]{Law: "pareto", Low: 1000, High: 1_000_000, Shape: 1.5}
	for _, x := range []float64{1000, 2000, 10_000, 500_000} {
		beyond := (math.Pow(1000/x, 1.5) - math.Pow(1e-3, 1.5)) / (1 - math.Pow(1e-3, 1.5))
		require.InEpsilon(t, x, sizes.Quantile(max(1-beyond, 1e-12)), 1e-3)
	}
	require.EqualValues(t, 1_000_000, sizes.Quantile(1-1e-16))
}

// TestGeometricCountsBeginAtOne: each further one comes with the same chance.
func TestGeometricCountsBeginAtOne(t *testing.T) {
	counts := Spread[int64]{Law: "geometric", Mean: 4}
	const n = 1 << 18
	sum, squares, beyond := 0., 0., map[int64]float64{}
	for i := range n {
		x := counts.Quantile((float64(i) + .5) / n)
		require.Positive(t, x)
		sum, squares = sum+float64(x), squares+float64(x*x)
		for k := range x {
			beyond[k]++
		}
	}
	for k := range int64(10) {
		require.InDelta(t, math.Pow(.75, float64(k)), beyond[k]/n, 1e-4)
	}
	mean := sum / n
	require.InDelta(t, 4, mean, 1e-3)
	require.InEpsilon(t, squares/n/mean/mean-1, counts.Variation(), 1e-3)
	require.EqualValues(t, 1, Spread[int64]{Law: "geometric", Mean: 1}.Quantile(.999))
}
