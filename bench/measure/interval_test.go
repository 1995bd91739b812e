package measure

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Tables of Student's t, two-sided.
func TestStudent(t *testing.T) {
	for _, c := range []struct {
		level float64
		df    int
		want  float64
	}{
		{.95, 1, 12.7062}, {.95, 2, 4.3027}, {.95, 3, 3.1824}, {.95, 4, 2.7764}, {.95, 9, 2.2622},
		{.95, 30, 2.0423}, {.95, 120, 1.9799}, {.99, 2, 9.9248}, {.99, 5, 4.0321}, {.5, 1, 1},
	} {
		assert.InDelta(t, c.want, student(c.level, c.df), 1e-4, "%v with %d", c.level, c.df)
	}
}

func TestEstimate(t *testing.T) {
	for _, c := range []struct {
		name   string
		values []float64
		unit   Unit
		want   Figure
	}{
		{"one repetition has no interval", []float64{7}, Seconds, Figure{7, 7, 7, 1, true}},
		{"none is unknown", nil, Seconds, Figure{}},
		// ln: 0, ln 4; mean ln 2, deviation of the mean ln 2; t = 12.7062
		{"latencies by their logs", []float64{1, 4}, Seconds, Figure{2, 2 * math.Exp(-12.70620*math.Ln2), 2 * math.Exp(12.70620*math.Ln2), 2, true}},
		{"an interval that says nothing has an end", []float64{1, 1e12}, Seconds, Figure{1e6, 1, 1e12, 2, true}},
		{"equal values leave no doubt", []float64{3, 3, 3}, PerSec, Figure{3, 3, 3, 3, true}},
		{"a rate of 0 has no log", []float64{0, 2}, PerSec, Figure{1, 0, 1 + 12.7062, 2, true}},
		// arcsines: π/2 twice and 1.39671; deviation of the mean .05803; t = 4.3027
		{"shares stay shares", []float64{1, 1, .97}, Share, Figure{.99, .90827, 1, 3, true}},
		{"all is all", []float64{1, 1, 1}, Share, Figure{1, 1, 1, 3, true}},
	} {
		got := estimate(c.values, c.unit, confidence)
		assert.InDelta(t, c.want.Value, got.Value, 1e-9*math.Max(1, c.want.Value), c.name)
		assert.InDelta(t, c.want.Low, got.Low, 1e-4*math.Max(1, c.want.Low), c.name)
		assert.InDelta(t, c.want.High, got.High, 1e-4*math.Max(1, c.want.High), c.name)
		assert.Equal(t, c.want.N, got.N, c.name)
		assert.Equal(t, c.want.Known, got.Known, c.name)
	}
}

// The ends of Fieller's interval are where a - r·b is as far from 0 as t
// deviations of its mean.
func TestFieller(t *testing.T) {
	assert.False(t, fieller([]float64{2, 4}, []float64{1, 3}, confidence).Known, "the denominator could be 0")
	assert.False(t, fieller([]float64{2, 4}, []float64{0, 0}, confidence).Known)

	got := fieller([]float64{0, 0, 0}, []float64{.02, .03, .02}, confidence)
	assert.Equal(t, Figure{0, 0, 0, 3, true}, got, "nothing of something is nothing")

	over, under := []float64{.01, .012, .011}, []float64{.02, .021, .022}
	got = fieller(over, under, confidence)
	tt := student(confidence, 2)
	for _, r := range []float64{got.Low, got.High} {
		left := math.Pow(mean(over)-r*mean(under), 2)
		right := tt * tt / 3 * (variance(over) - 2*r*covariance(over, under) + r*r*variance(under))
		assert.InDelta(t, right, left, 1e-12)
	}
	assert.InDelta(t, .011/.021, got.Value, 1e-9)
	assert.Less(t, got.Low, got.Value)
	assert.Greater(t, got.High, got.Value)
}

const trials = 2000

// allowed is how far a coverage of p may be off in so many trials: four
// deviations of the sampling error.
func allowed(p float64) float64 { return 4 * math.Sqrt(p*(1-p)/trials) }

// How often the interval contains the truth, where run statistics spread as
// latencies do.
func TestIntervalsHold(t *testing.T) {
	for _, n := range []int{2, 3, 5, 10} {
		rng := rand.New(rand.NewPCG(7, uint64(n)))
		for _, sigma := range []float64{.02, .3, 1} {
			covered := 0
			for range trials {
				values := make([]float64, n)
				for i := range values {
					values[i] = .02 * math.Exp(sigma*rng.NormFloat64())
				}
				if f := estimate(values, Seconds, confidence); f.Low <= .02 && .02 <= f.High {
					covered++
				}
			}
			got := float64(covered) / trials
			t.Logf("lognormal σ=%v, n=%d: %.1f%%", sigma, n, got*100)
			assert.InDelta(t, confidence, got, allowed(confidence), "σ=%v, n=%d", sigma, n)
		}
	}
}

// Percentile bootstraps are a little too narrow at n = 20: 93% is what the
// books give.
func TestBootstrapNearlyHolds(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 20))
	const few = 200
	covered := 0
	for range few {
		values := make([]float64, 20)
		for i := range values {
			values[i] = .02 * math.Exp(.3*rng.NormFloat64())
		}
		if f := estimate(values, Seconds, confidence); f.Low <= .02 && .02 <= f.High {
			covered++
		}
	}
	t.Logf("bootstrap, n=20: %.1f%%", 100*float64(covered)/few)
	assert.InDelta(t, .93, float64(covered)/few, 4*math.Sqrt(.93*.07/few))
}

// Shares of 3000 requests that fail in dependent bursts, seen in 3 and in 5
// repetitions, must not be told apart from the truth too often.
func TestIntervalsOfSharesHold(t *testing.T) {
	for _, n := range []int{3, 5} {
		for _, p := range []float64{.5, .1, .99} {
			rng := rand.New(rand.NewPCG(9, uint64(n)))
			counts := map[string]int{}
			for range trials {
				values := make([]float64, n)
				for i := range values {
					values[i] = burstyShare(rng, p)
				}
				for name, s := range map[string]scale{"arcsine": arcs, "plain": plain} {
					if f := on(s, values, confidence); f.Low <= p && p <= f.High {
						counts[name]++
					}
				}
			}
			got := float64(counts["arcsine"]) / trials
			t.Logf("p=%v, n=%d: arcsine %.1f%%, plain %.1f%%", p, n, got*100, 100*float64(counts["plain"])/trials)
			assert.GreaterOrEqual(t, got, confidence-.015-allowed(confidence), "p=%v, n=%d", p, n)
		}
	}
}

// burstyShare draws 300 bursts of 10 requests that share their fate.
func burstyShare(rng *rand.Rand, p float64) float64 {
	good := 0
	for range 300 {
		if rng.Float64() < p {
			good++
		}
	}
	return float64(good) / 300
}
