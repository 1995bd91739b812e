package measure

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// group makes repetitions of which only one metric is known.
func repetitions(variant, world string, m Metric, values ...float64) Group {
	var g Group
	for i, v := range values {
		g = append(g, &Tally{
			Run:     &Run{Variant: variant, World: world, Repetition: i},
			figures: map[Metric]float64{m: v},
			good:    map[string]int{m.Class: 30000},
		})
	}
	return g
}

func judged(base, other Group, m Metric) Comparison {
	for _, c := range Compare(base, other, Metric{}, 1) {
		if c.Metric == m {
			return c
		}
	}
	return Comparison{}
}

func TestComparisonInWords(t *testing.T) {
	for _, c := range []struct {
		metric      string
		base, other []float64
		verdict     Verdict
		text        string
	}{
		{"p99", []float64{1, 1.1, .9}, []float64{2.1, 2.2, 1.95}, Worse, "2.1 times as long (1.9 to 2.3)"},
		{"p99", []float64{1, 1.1, .9}, []float64{1.12, 1.23, 1.01}, Worse, "12% longer (12% to 13%)"},
		{"p99", []float64{1, 1.1, .9}, []float64{.43, .45, .4}, Better, "57% shorter (53% to 61%)"},
		{"p99", []float64{1, 1.1, .9}, []float64{.004, .004, .004}, Better, "99.6% shorter (99.5% to 99.7%)"},
		{"p99", []float64{1, 1.1, .9}, []float64{1.01, 1.08, .91}, NoDiff, "no detectable difference (could have seen 4.2%)"},
		{"p99", []float64{1, 1}, []float64{2, 8}, NoDiff, "no detectable difference (too few repetitions to see any but a huge one)"},
		{"p99", []float64{1, 1, 1}, []float64{1, 1.5, 2}, NoDiff, "no detectable difference (could have seen a factor of 2.4)"},
		{"p99", []float64{1, 1.1}, []float64{1, 1.1}, NoDiff, "no difference: the same in every repetition"},
		{"p99", []float64{1}, []float64{2}, Unknowable, "2 times as long (one repetition: no interval)"},
		{"p99", nil, nil, "", ""},
		{"throughput", []float64{100, 102, 101}, []float64{80, 81.5, 81}, Worse, "20% lower (19.6% to 20.3%)"},
		{"throughput", []float64{100, 102, 101}, []float64{200, 203, 203}, Better, "2 times as high (1.98 to 2.02)"},
		{"offered", []float64{100, 102, 101}, []float64{200, 203, 203}, Different, "2 times as high (1.98 to 2.02)"},
		{"throughput", []float64{0, 102, 101}, []float64{200, 203, 203}, Unknowable, "cannot be told"},
		{"availability", []float64{.95, .96, .95}, []float64{.99, .99, .99}, Better, "3.7 points higher (2.2 to 5.1 points)"},
		{"failed", []float64{.05, .04, .05}, []float64{.01, .01, .01}, Better, "3.7 points lower (2.2 to 5.1 points)"},
		{"availability", []float64{1, 1, 1}, []float64{1, 1, 1}, NoDiff, "no difference: the same in every repetition"},
		{"availability", []float64{.99, 1, 1}, []float64{1, 1, 1}, NoDiff, "no detectable difference (could have seen 1.4 points)"},
		{"availability", []float64{1, 1}, []float64{.9, .1}, NoDiff, "no detectable difference (too few repetitions to see any but a huge one)"},
		{"limited", []float64{0, 0, 0}, []float64{.4, .41, .4}, Different, "40 points higher (39 to 42 points)"},
	} {
		m := Metric{Name: c.metric}
		got := judged(repetitions("a", "live", m, c.base...), repetitions("b", "live", m, c.other...), m)
		assert.Equal(t, c.verdict, got.Verdict, "%s: %v against %v", c.metric, c.other, c.base)
		assert.Equal(t, c.text, got.Text, "%s: %v against %v", c.metric, c.other, c.base)
	}
}

// Repetitions are paired by number: one that is missing on a side is left out.
func TestComparisonsArePaired(t *testing.T) {
	m := Metric{Name: "p99"}
	base := repetitions("a", "live", m, 1, 10, 100)
	other := repetitions("b", "live", m, 2, 20, 200)
	c := judged(base, other[1:], m)
	assert.Equal(t, Figure{2, 2, 2, 2, true}, c.Ratio)
	assert.Equal(t, Worse, c.Verdict, "they differ by a factor of 10 among themselves, and by 2 exactly in each pair")
}

func TestUnknownFiguresAreNotCompared(t *testing.T) {
	m := Metric{Name: "p99"}
	base, other := repetitions("a", "live", m, 1, 1), repetitions("b", "live", m, 2, 2)
	delete(other[1].figures, m)
	c := judged(base, other, m)
	assert.Equal(t, Unknowable, c.Verdict)
	assert.Equal(t, "too few samples to tell", c.Text)
}

// Of many comparisons of a variant with itself, one in twenty may find a
// difference; and of many scenarios of four variants all alike, one in twenty
// may find any.
func TestAgainstItself(t *testing.T) {
	const scenarios = 200
	bound := scenarios*.05 + 3*math.Sqrt(scenarios*.05*.95)
	for _, rivals := range []int{1, 3} {
		for _, n := range []int{3, 5} {
			rng := rand.New(rand.NewPCG(10, uint64(n)))
			found := 0
			for range scenarios {
				if anyDifference(rng, n, rivals) {
					found++
				}
			}
			t.Logf("%d rivals, n=%d: %d of %d", rivals, n, found, scenarios)
			assert.LessOrEqual(t, float64(found), bound, "%d rivals, n=%d", rivals, n)
		}
	}
}

// anyDifference compares variants alike; the load of a repetition, which all
// share, spreads more than what is their own.
func anyDifference(rng *rand.Rand, n, rivals int) bool {
	m := Metric{Name: "p99"}
	load := make([]float64, n)
	for i := range load {
		load[i] = rng.NormFloat64()
	}
	draw := func(name string) Group {
		values := make([]float64, n)
		for i := range values {
			values[i] = .02 * math.Exp(.3*load[i]+.1*rng.NormFloat64())
		}
		return repetitions(name, "live", m, values...)
	}
	base := draw("base")
	for range rivals {
		for _, c := range Compare(base, draw("rival"), m, rivals) {
			if c.Verdict == Better || c.Verdict == Worse {
				return true
			}
		}
	}
	return false
}

func TestJudge(t *testing.T) {
	p99, failed := Metric{Name: "p99"}, Metric{Name: "failed"}
	for _, c := range []struct {
		name string
		e    Expectation
		base []float64
		got  []float64
		want Met
	}{
		{"below the interval's end", Expectation{Metric: p99, Less: true, Bound: .2}, nil, []float64{.1, .1, .11}, IsMet},
		{"above it", Expectation{Metric: p99, Less: true, Bound: .05}, nil, []float64{.1, .1, .11}, NotMet},
		{"inside it", Expectation{Metric: p99, Less: true, Bound: .105}, nil, []float64{.1, .1, .11}, Undecided},
		{"one repetition: the value decides", Expectation{Metric: p99, Less: true, Bound: .105}, nil, []float64{.1}, IsMet},
		{"one repetition: it decides the other way", Expectation{Metric: p99, Bound: .105}, nil, []float64{.1}, NotMet},
		{"more than", Expectation{Metric: p99, Bound: .05}, nil, []float64{.1, .1, .11}, IsMet},
		{"less than the baseline, pair by pair", Expectation{Metric: p99, Less: true, Bound: 1, Relative: true},
			[]float64{.1, .2, .4}, []float64{.09, .18, .36}, IsMet},
		{"half the baseline it is not", Expectation{Metric: p99, Less: true, Bound: .5, Relative: true},
			[]float64{.1, .2, .4}, []float64{.09, .18, .36}, NotMet},
		{"shares may be 0", Expectation{Metric: failed, Less: true, Bound: .5, Relative: true},
			[]float64{.02, .03, .02}, []float64{0, 0, 0}, IsMet},
		{"nothing against nothing", Expectation{Metric: failed, Less: true, Bound: .5, Relative: true},
			[]float64{0, 0, 0}, []float64{0, 0, 0}, Undecided},
		{"no baseline was run", Expectation{Metric: p99, Less: true, Bound: 1, Relative: true}, nil, []float64{1, 1}, Undecided},
		{"not known", Expectation{Metric: Metric{Name: "p50"}, Less: true, Bound: 1}, nil, []float64{.1}, Undecided},
	} {
		m := c.e.Metric
		if m.Name == "p50" {
			m = p99
		}
		c.e.Variant = "all"
		groups := []Group{repetitions("b", "live", m, c.got...)}
		if c.base != nil {
			groups = append(groups, repetitions("base", "live", m, c.base...))
		}
		checks := Judge(Question{Expect: []Expectation{c.e}, Baseline: "base"}, groups)
		assert.Equal(t, c.want, checks[0].Met, c.name)
	}
}

func TestWhatAnExpectationStandsFor(t *testing.T) {
	m := Metric{Name: "p99"}
	groups := []Group{
		repetitions("base", "live", m, 1), repetitions("b", "live", m, 1),
		repetitions("base", "sim", m, 1), repetitions("b", "sim", m, 1),
	}
	for _, c := range []struct {
		e    Expectation
		want []string
	}{
		{Expectation{Variant: "all", Metric: m}, []string{"live base", "live b", "sim base", "sim b"}},
		{Expectation{Variant: "all", Metric: m, World: "sim"}, []string{"sim base", "sim b"}},
		{Expectation{Variant: "all", Metric: m, Relative: true}, []string{"live b", "sim b"}},
		{Expectation{Variant: "b", Metric: m, World: "live"}, []string{"live b"}},
		{Expectation{Variant: "c", Metric: m}, nil},
	} {
		var got []string
		for _, check := range Judge(Question{Expect: []Expectation{c.e}, Baseline: "base"}, groups) {
			got = append(got, check.World+" "+check.Variant)
		}
		assert.Equal(t, c.want, got)
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct {
		metric string
		value  float64
		want   string
	}{
		{"p99", .0123456, "12.3 ms"}, {"p99", .000043210, "43.2 µs"}, {"p99", 1.5, "1.5 s"}, {"p99", .9999, "1 s"},
		{"p99", .0009999, "1 ms"}, {"p99", .1, "100 ms"}, {"p99", 0, "0 ms"}, {"p99", 61.23, "61.2 s"},
		{"availability", .9995, "99.95%"}, {"availability", 1, "100%"}, {"availability", .99999999, "99.9999%"},
		{"availability", .999, "99.9%"}, {"availability", .9999994, "99.9999%"}, {"availability", .99996, "99.996%"},
		{"availability", .4567, "45.7%"}, {"availability", .03214, "3.21%"}, {"availability", 0, "0%"}, {"availability", .00012, "0.012%"},
		{"throughput", 812.4, "812/s"}, {"throughput", 51.23, "51.2/s"}, {"throughput", 12345, "12345/s"}, {"throughput", 0, "0/s"},
		{"throughput", 9.999, "10/s"}, {"throughput", math.NaN(), "–"}, {"p99", math.Inf(1), "–"},
	} {
		assert.Equal(t, c.want, Text(Metric{Name: c.metric}, c.value))
	}
	assert.Equal(t, "–", Figure{}.Text(Metric{Name: "p99"}))
	assert.Equal(t, "", Figure{Value: 1, Low: 1, High: 1, N: 1, Known: true}.Range(Metric{Name: "p99"}))
	assert.Equal(t, "11.9 ms to 12.8 ms", Figure{.0123, .01194, .01281, 3, true}.Range(Metric{Name: "p99"}))
}

// What a comparison says that it could have seen, it sees in about half of all
// cases, and twice as much nearly always.
func TestWhatCouldBeSeenIsSeen(t *testing.T) {
	const trials = 1000
	m := Metric{Name: "p99"}
	for _, n := range []int{3, 5, 10} {
		rng := rand.New(rand.NewPCG(12, uint64(n)))
		held := func(by float64) Comparison {
			base, other := make([]float64, n), make([]float64, n)
			for i := range base {
				base[i] = .02 * math.Exp(.3*rng.NormFloat64())
				other[i] = base[i] * by * math.Exp(.1*rng.NormFloat64())
			}
			return judged(repetitions("a", "live", m, base...), repetitions("b", "live", m, other...), m)
		}
		var could []float64
		for range trials {
			c := held(1)
			could = append(could, c.Detectable())
		}
		slices.Sort(could)
		half := 1 + could[trials/2]
		seen := func(by float64) float64 {
			times := 0
			for range trials {
				if held(by).Verdict == Worse {
					times++
				}
			}
			return float64(times) / trials
		}
		once, twice := seen(half), seen(half*half)
		t.Logf("n=%d: %.2f are seen in %.0f%%, %.2f in %.0f%%", n, half, once*100, half*half, twice*100)
		assert.InDelta(t, .5, once, .1, "n=%d", n)
		assert.Greater(t, twice, .85, "n=%d", n)
	}
}
