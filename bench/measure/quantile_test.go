package measure

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestQuantile(t *testing.T) {
	ten := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for _, c := range []struct{ q, want float64 }{
		{0, 1}, {.05, 1}, {.1, 1 + 11./30}, {.25, 2 + 11./12}, {.5, 5.5}, {.9, 9 + 19./30}, {.99, 10}, {1, 10},
	} {
		assert.InDelta(t, c.want, quantile(ten, c.q), 1e-9, "%v", c.q)
	}
	assert.Equal(t, 5*ms, quantile(slices.Repeat([]time.Duration{5 * ms}, 7), .9), "equal values leave nothing to estimate")
	assert.Equal(t, 30, beyond(3000, .99), "binary fractions must not make it 29")
}

// Half of the estimates lie below the quantile, whatever the distribution.
func TestQuantileIsMedianUnbiased(t *testing.T) {
	for name, law := range laws {
		rng := rand.New(rand.NewPCG(11, 0))
		below := 0
		for range trials {
			if law.p99Of(rng, 600) < law.truth {
				below++
			}
		}
		t.Logf("%s: %.1f%% below", name, 100*float64(below)/trials)
		assert.InDelta(t, .5, float64(below)/trials, allowed(.5), name)
	}
}

func TestQuantilesNeedSamplesBeyond(t *testing.T) {
	for _, c := range []struct {
		metric      string
		repetitions int
		want        int
	}{
		{"p50", 1, 60}, {"p90", 1, 300}, {"p99", 1, 3000}, {"p99.9", 1, 30000}, {"mean", 1, 0}, {"failed", 5, 0},
		{"p50", 5, 12}, {"p90", 5, 60}, {"p99", 5, 600}, {"p99.9", 5, 6000}, {"p99", 3, 1000}, {"p99", 0, 3000},
		{"p99", 6, 500}, {"p99", 20, 500}, {"p99", 7, 500}, {"p90", 4, 75},
	} {
		need := Metric{Name: c.metric}.Needed(c.repetitions)
		assert.Equal(t, c.want, need, "%s, %d times", c.metric, c.repetitions)
		if q, is := quantiles[c.metric]; is && c.repetitions > 0 {
			assert.True(t, enough(slices.Repeat([]int{need}, c.repetitions), q))
			assert.False(t, enough(slices.Repeat([]int{need - 1}, c.repetitions), q))
		}
	}
	assert.True(t, enough([]int{500, 2500}, .99))
	assert.False(t, enough([]int{499, 5000}, .99), "a run with hardly any tells nothing")
	assert.False(t, enough(nil, .5))
}

// What one run of many cannot tell, all of them together can.
func TestQuantileOverRepetitions(t *testing.T) {
	p99 := Metric{Name: "p99"}
	for repetitions, known := range map[int]bool{1: false, 4: false, 5: true} {
		var tallies []*Tally
		for range repetitions {
			run := &Run{}
			for i := range 600 {
				run.Samples = append(run.Samples, Sample{Latency: time.Duration(i+1) * ms})
			}
			tallies = append(tallies, counted(run))
		}
		f := figure(tallies, p99)
		assert.Equal(t, known, f.Known, repetitions)
		if known {
			assert.InDelta(t, .594667, f.Value, 1e-5)
		}
		assert.Equal(t, known, judged(tallies, tallies, p99).Verdict == NoDiff)
		s := Summarise(tallies, nil)
		assert.Equal(t, known, slices.ContainsFunc(s.Curve, func(p Point) bool { return p.Quantile == .99 }))
	}
}

// The interval over few repetitions, each with hardly more samples beyond the
// quantile than it must have, contains the truth as often as it says.
func TestIntervalOfAQuantileHolds(t *testing.T) {
	for name, law := range laws {
		for _, c := range []struct{ repetitions, requests int }{{5, 600}, {6, 500}, {3, 1000}} {
			assert.True(t, enough(slices.Repeat([]int{c.requests}, c.repetitions), .99))
			rng := rand.New(rand.NewPCG(12, uint64(c.requests)))
			covered := 0
			for range trials {
				values := make([]float64, c.repetitions)
				for i := range values {
					values[i] = law.p99Of(rng, c.requests)
				}
				if f := estimate(values, Seconds, confidence); f.Low <= law.truth && law.truth <= f.High {
					covered++
				}
			}
			got := float64(covered) / trials
			t.Logf("%s, %d of %d: %.1f%%", name, c.repetitions, c.requests, 100*got)
			assert.Greater(t, got, .93, name)
			assert.Less(t, got, .97, name)
		}
	}
}

// law is a distribution, with what is to be found out about it.
type law struct {
	draw  func(*rand.Rand) float64
	truth float64
}

var laws = map[string]law{
	"exponential":   {(*rand.Rand).ExpFloat64, -math.Log(.01)},
	"lognormal σ=1": {func(rng *rand.Rand) float64 { return math.Exp(rng.NormFloat64()) }, math.Exp(2.3263479)},
}

// p99Of estimates it from n draws.
func (l law) p99Of(rng *rand.Rand, n int) float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = l.draw(rng)
	}
	slices.Sort(values)
	return quantile(values, .99)
}
