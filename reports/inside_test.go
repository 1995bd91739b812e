package reports

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

func TestInsides(t *testing.T) {
	s := &scenarios.Scenario{Variants: []scenarios.Variant{{Name: "a", Faults: []scenarios.Fault{{At: time.Second, For: time.Second, On: []topologies.Place{"api[1]"}, Crash: true}}}}}
	r := &measure.Result{Worlds: []string{"live", "sim"}, Variants: []string{"a"}, Duration: 3 * time.Second}
	course := func(place string, value float64, memory []float64) measure.CourseSummary {
		all := []float64{value, 2 * value, value}
		return measure.CourseSummary{Place: place, Span: time.Second, Connections: all, InFlight: all, Queue: []float64{0, 0, 0}, Memory: memory}
	}
	r.Summaries = []measure.Summary{{World: "live", Variant: "a"}, {World: "sim", Variant: "a"}}
	require.Nil(t, insides(s, r), "nothing was kept")

	r.Summaries[0].Courses = []measure.CourseSummary{course("lb", 3, []float64{1 << 20, 3 << 20, 1 << 20})}
	for i := range 9 {
		r.Summaries[1].Courses = append(r.Summaries[1].Courses, course("api["+string(rune('0'+i))+"]", 1, nil))
	}
	p := insides(s, r)
	require.Len(t, p.Figures, 2)
	require.Len(t, p.Legend, 2, "replicas too many to tell apart are drawn together")
	live, sim := p.Figures[0], p.Figures[1]
	require.Contains(t, live.SVG, "crash api[1] from 1 s to 2 s")
	require.Contains(t, live.SVG, "memory in MiB")
	require.NotContains(t, live.SVG, "requests that wait", "nobody ever does")
	require.NotContains(t, sim.SVG, "memory")
	row := func(g grid, i int) (words []string) {
		for _, d := range g.Rows[i] {
			words = append(words, d.text)
		}
		return words
	}
	require.Equal(t, "2 s lb 0 6 6 – 3", strings.Join(row(live.Data, 1), " "))
	require.Equal(t, "2 s api 0 18 18 – –", strings.Join(row(sim.Data, 1), " "))
}
