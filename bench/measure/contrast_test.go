package measure

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Welch's own kind of example, worked by hand: variances 1 and 16 of four
// values each, so that df = (.25+4)²/(.25²/3+4²/3) = 3.38, of which 3 is used.
func TestWelch(t *testing.T) {
	wide := math.Sqrt(12) // ±wide twice: variance 16
	small := math.Sqrt(.75)
	a, b := []float64{-small, -small, small, small}, []float64{-wide, -wide, wide, wide}
	assert.InDelta(t, 3.1824*math.Sqrt(4.25), welch(a, b, .95), 1e-3)
	assert.Zero(t, welch([]float64{.1, .1, .1}, []float64{.3, .3}, .95))
	assert.InDelta(t, student(.95, 3)*.5, welch(a, []float64{1, 1}, .95), 1e-9, "where one side does not vary, the other's freedom is all")

	one := apartBy(logs, []float64{6}, []float64{3, 3}, .95)
	assert.Equal(t, 1, one.N)
	assert.InDelta(t, 2, one.Value, 1e-9)
	assert.InDelta(t, 2, one.Low, 1e-9)
	assert.False(t, apartBy(logs, []float64{0, 1}, []float64{1, 2}, .95).Known, "there is no ratio to nothing")
	assert.True(t, apartBy(plain, []float64{0, 1}, []float64{1, 2}, .95).Known)
}

// How often the interval leaves out the truth, by how the two groups vary and
// how many each has.
func TestIntervalsOfContrastsHold(t *testing.T) {
	for _, n := range [][2]int{{3, 3}, {5, 5}, {5, 10}, {10, 3}, {20, 20}} {
		for _, wild := range []float64{1, 3} {
			for _, level := range levels {
				rng := rand.New(rand.NewPCG(11, uint64(n[0]*100+n[1])))
				over, under := make([]float64, n[0]), make([]float64, n[1])
				draw := func(into []float64, about, sigma float64) {
					for i := range into {
						into[i] = about * math.Exp(sigma*rng.NormFloat64())
					}
				}
				got := missed(2, func() Figure {
					draw(over, 2, .1)
					draw(under, 1, .1*wild)
					return apartBy(logs, over, under, level)
				})
				assert.LessOrEqual(t, got, 1-level+.01+allowed(level), "of %v, spread %v, level %v", n, wild, level)

				shares := missed(.05, func() Figure {
					for i := range over {
						over[i] = .95 + .01*rng.NormFloat64()
					}
					for i := range under {
						under[i] = .9 + .01*wild*rng.NormFloat64()
					}
					return apartBy(plain, over, under, level)
				})
				assert.LessOrEqual(t, shares, 1-level+.01+allowed(level), "shares of %v, spread %v, level %v", n, wild, level)
			}
		}
	}
}
