package reports

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
)

func TestCachesOnThePage(t *testing.T) {
	s, r := small()
	require.Nil(t, cachesOverTime(s, r), "nobody has a cache")
	one := &r.Summaries[0] // live
	one.Nodes[0].CacheHits = measure.Figure{Value: .8, Known: true}
	one.Series[1].Hits, one.Series[1].Reached = .75, 25
	p := cachesOverTime(s, r)
	require.Len(t, p.Figures, 1, "one world has one")
	require.Equal(t, "[one 1.5 s 75% 25/s]", fmt.Sprint(p.Figures[0].Data.Rows[1]))
	require.Contains(t, p.Figures[0].SVG, "crash api[1]", "what befell whom is told")
	require.Contains(t, p.Figures[0].SVG, "<title>at 1.5 s\none, from the cache 75%</title>")
	require.Contains(t, p.Figures[0].SVG, "<title>at 1.5 s\none, to backends 25/s</title>")
	require.NotContains(t, p.Figures[0].SVG, "two, to backends", "a line of nothing")
	require.Equal(t, 1, len(sharedSpells(s, r)), "the fault of both variants, once")
}

func TestAdmissionOnThePage(t *testing.T) {
	_, r := small()
	for i := range r.Summaries {
		if r.Summaries[i].Variant == "two" {
			r.Summaries[i].Series[1].Refused = 0
		}
	}
	p := admissions(r)
	require.Equal(t, []string{"one", "all let in"}, []string{p.Legend[0].Name, p.Legend[1].Name})
	require.Len(t, p.Figures, 2)
	require.Equal(t, "[one 1.5 s 100/s 95/s 5/s]", fmt.Sprint(p.Figures[0].Data.Rows[1]))
	require.Contains(t, p.Figures[0].SVG, "<title>at 1.5 s\none let in 95/s of 100/s</title>")
	for i := range r.Summaries {
		r.Summaries[i].Series[1].Refused = 0
	}
	require.Nil(t, admissions(r), "nothing was refused")
}

// What theory says stands beside what was simulated, in one picture.
func TestTheoryBesideWorlds(t *testing.T) {
	_, r := small()
	require.NotContains(t, sideBySide(r).Title, "theory")
	p99 := measure.Metric{Name: "p99"}
	r.Theory = []measure.Theory{{Variant: "two", Model: "M/M/1", Figures: []measure.MetricFigure{{Metric: p99, Figure: measure.Figure{Value: .5, Low: .5, High: .5, Known: true}}}}}
	p := sideBySide(r)
	require.Equal(t, "Simulated beside live and theory", p.Title)
	require.Equal(t, "[two 10 ms (9.5 ms to 10.5 ms) 10 ms (9.5 ms to 10.5 ms) 500 ms]", fmt.Sprint(p.Figures[0].Data.Rows[1]))
	require.Contains(t, p.Figures[0].SVG, "<title>two\nby formula 500 ms</title>")
	require.Contains(t, p.Figures[0].SVG, ">500 ms</text>", "the axis goes so far")
	r.Worlds = r.Worlds[1:]
	require.Equal(t, "Simulated beside theory", sideBySide(r).Title)
}
