package reports

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
)

// bearing is a capacity made by hand: one variant whose knee was found, one
// before which the machine gave out, and one that was never tried.
func bearing() (*scenarios.Scenario, *measure.Capacity) {
	p99, up := measure.Metric{Name: "p99"}, measure.Metric{Name: "availability"}
	c := &measure.Capacity{Scenario: "bearing", Question: "Which bears most?", Answer: "p99 < 100ms can be held up to between 141/s and 148/s with one.",
		Bounds:  []measure.Expectation{{Variant: "all", Metric: p99, Less: true, Bound: .1, Text: "< 100ms"}, {Variant: "all", Metric: up, Bound: .99, Text: "> 99%"}},
		Implied: true, Precision: .05, Worlds: []string{"live"}, Variants: []string{"one", "two", "three"}, Baseline: "one", Repeat: 3, Seed: 7,
		Warmup: time.Second, Duration: 10 * time.Second, Command: "trafficlab capacity bearing"}
	for i, name := range c.Variants[:2] {
		s := measure.Search{World: "live", Variant: name, Met: 141, NotMet: 148, Text: "The capacity is between 141/s (met) and 148/s (not met)."}
		if i == 1 {
			s.GaveOut, s.Text = "The generator was late.", "The machine, not the system, gave out at 148/s."
		}
		for _, load := range []float64{100, 141, 148, 200} {
			value := measure.Figure{Value: 4 / (190 - min(load, 185)), N: 3, Known: true}
			value.Low, value.High = value.Value*.9, value.Value*1.1
			level := measure.Level{Factor: load / 100, Load: load, Repetitions: 3, Met: measure.IsMet,
				Figures: []measure.MetricFigure{{Metric: p99, Figure: value}, {Metric: up, Figure: measure.Figure{Value: 1, Low: 1, High: 1, N: 3, Known: true}}}}
			if load > 145 {
				level.Met = measure.NotMet
			}
			s.Levels = append(s.Levels, level)
		}
		c.Searches = append(c.Searches, s)
	}
	c.Searches = append(c.Searches, measure.Search{World: "live", Variant: "three", Text: "No load was tried."})
	return &scenarios.Scenario{Name: "bearing"}, c
}

func TestCapacityPage(t *testing.T) {
	s, c := bearing()
	var b, again bytes.Buffer
	require.NoError(t, WriteCapacity(&b, s, c))
	require.NoError(t, WriteCapacity(&again, s, c))
	require.Equal(t, b.String(), again.String())
	page := b.String()
	for _, want := range []string{
		"How much load can it bear with p99", "<b>two, live: not known.</b>", "148/s (the machine)",
		`aria-label="p99 against the load offered, live, one line for each variant: one met at 141/s not met at 148/s, two met at 141/s not met at 148/s, three"`,
		`aria-label="availability against the load offered, live, one line for each variant: one met at 141/s not met at 148/s, two met at 141/s not met at 148/s, three"`,
		"availability &gt; 99% was added", "trafficlab capacity bearing", "not met", "<th scope=\"row\">three</th><td>live</td><td>–</td><td>–</td>",
	} {
		require.Contains(t, page, want)
	}
	page = bare(t, page)
	for _, not := range []string{"NaN", "Inf", "http://", "https://", "<script"} {
		require.NotContains(t, page, not)
	}
}
