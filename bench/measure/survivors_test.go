package measure

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// crowds are repetitions of which a latency and the availability are known.
func crowds(variant string, m Metric, latency, availability []float64) Group {
	g := repetitions(variant, "sim", m, latency...)
	for i := range g {
		g[i].figures[Metric{"availability", m.Class}] = availability[i]
	}
	return g
}

// Who fails most requests at once looks fast on those that are left: that is
// no gain, whichever side it is on.
func TestFailuresFlatter(t *testing.T) {
	fast, slow := []float64{.001, .0011, .001}, []float64{.003, .0031, .003}
	all, few, level := []float64{1, 1, 1}, []float64{.02, .019, .018}, []float64{.995, .995, .995}
	unsure := []float64{1, .5, .9}
	less, more := Expectation{Variant: "b", Less: true, Bound: 1, Relative: true}, Expectation{Variant: "b", Bound: 1, Relative: true}
	for _, c := range []struct {
		name             string
		base, own        []float64
		answered, served []float64 // availability of base and own
		verdict          Verdict
		text             string
		less, more       Met
	}{
		{"few are fast", slow, fast, all, few, Different, "66% shorter (63% to 69%, but only of the 1.9% that succeeded; baseline 100%)", Undecided, Undecided},
		{"few are slow", fast, slow, all, few, Worse, "2.9 times as long (2.7 to 3.2, and only of the 1.9% that succeeded; baseline 100%)", NotMet, IsMet},
		{"the baseline's few are fast", fast, slow, few, all, Different, "2.9 times as long (2.7 to 3.2, but of the 100% that succeeded; baseline only 1.9%)", Undecided, Undecided},
		{"the baseline's few are slow", slow, fast, few, all, Better, "66% shorter (63% to 69%, and of the 100% that succeeded; baseline only 1.9%)", IsMet, NotMet},
		{"less than a point apart", slow, fast, all, level, Better, "66% shorter (63% to 69%)", IsMet, NotMet},
		{"perhaps apart", slow, fast, all, unsure, Better, "66% shorter (63% to 69%)", IsMet, NotMet},
	} {
		for _, m := range []Metric{{Name: "p50"}, {"p50", "alice"}} {
			base, own := crowds("a", m, c.base, c.answered), crowds("b", m, c.own, c.served)
			base[0].Classes, own[0].Classes = []string{"alice"}, []string{"alice"}
			got := judged(base, own, m)
			assert.Equal(t, c.verdict, got.Verdict, c.name)
			assert.Equal(t, c.text, got.Text, c.name)

			less.Metric, more.Metric = m, m
			checks := Judge(Question{Expect: []Expectation{less, more}, Baseline: "a", JudgeBy: m, Variants: []string{"a", "b"}}, []Group{base, own})
			assert.Equal(t, c.less, checks[0].Met, c.name)
			assert.Equal(t, c.more, checks[1].Met, c.name)
			assert.Equal(t, checks[0].Met == Undecided, checks[0].Reason != "", c.name)

			warned := flattery([]Comparison{got}, []Metric{m})
			assert.Equal(t, c.verdict == Different, len(warned) == 1, c.name)
			assert.Empty(t, flattery([]Comparison{got}, []Metric{{Name: "p99"}}), c.name)
		}
	}
}

// A class fares by its own availability, not by that of all.
func TestSurvivorsAreOfTheClass(t *testing.T) {
	m := Metric{"p50", "alice"}
	base, own := crowds("a", m, []float64{3, 3}, []float64{1, 1}), crowds("b", m, []float64{1, 1}, []float64{1, 1})
	for i := range own {
		base[i].figures[Metric{Name: "availability"}], own[i].figures[Metric{Name: "availability"}] = 1, .1
	}
	assert.Nil(t, survivors(base, own, m))
	assert.NotNil(t, survivors(crowds("a", m, []float64{3, 3}, []float64{1, 1}), crowds("b", m, []float64{1, 1}, []float64{.1, .1}), m))
}

func TestAnswerSaysWhoseLatencyItIs(t *testing.T) {
	m := Metric{Name: "p50"}
	all, few := []float64{1, 1, 1}, []float64{.02, .019, .018}
	base := crowds("ok", m, []float64{.003, .0031, .003}, all)
	for _, c := range []struct {
		latency []float64
		want    string
	}{
		{[]float64{.001, .0011, .001}, "In simulation, against ok (3.03 ms), the median latency was 66% shorter with dead (63% to 69%, but only of the 1.9% that succeeded; baseline 100%)."},
		{[]float64{.0031, .003, .003}, "In simulation, no difference in the median latency could be detected: 3.03 ms with ok and 3.03 ms with dead (8.5% would have shown); " +
			"but it is of successes alone: 1.9% of requests with dead (baseline 100%)."},
	} {
		r := Result{Worlds: []string{"sim"}, Variants: []string{"ok", "dead"}, Baseline: "ok", JudgeBy: m}
		dead := crowds("dead", m, c.latency, few)
		r.Summaries = []Summary{Summarise(base, nil), Summarise(dead, nil)}
		r.Comparisons = Compare(base, dead, m, 1)
		assert.Equal(t, c.want, Answer(&r))
	}
}

// What the answer calls no difference is no expectation met, however many
// variants the level is shared by.
func TestExpectationsKeepToTheLevelOfTheAnswer(t *testing.T) {
	m := Metric{Name: "p90"}
	base := repetitions("a", "sim", m, .0160, .0170, .0164)
	own := repetitions("b", "sim", m, .0125, .0111, .0119)
	e := Expectation{Variant: "b", Metric: m, Less: true, Bound: 1, Relative: true}
	q := Question{Expect: []Expectation{e}, Baseline: "a", JudgeBy: m, Variants: []string{"a", "b"}}
	alone := Judge(q, []Group{base, own})[0]
	require.Equal(t, IsMet, alone.Met)
	for range 40 {
		q.Variants = append(q.Variants, "other")
	}
	among := Judge(q, []Group{base, own})[0]
	assert.Equal(t, Undecided, among.Met)
	for _, c := range Compare(base, own, m, len(q.Variants)-1) {
		if c.Metric == m {
			assert.Equal(t, NoDiff, c.Verdict)
			assert.Equal(t, c.Ratio, among.Figure, "both speak of one interval")
		}
	}
	q.JudgeBy = Metric{Name: "p50"}
	assert.Equal(t, IsMet, Judge(q, []Group{base, own})[0].Met, "what nothing else is chosen by needs no stricter level")
}
