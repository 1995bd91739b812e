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
