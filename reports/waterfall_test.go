package reports

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
)

func told(of string, latency float64, parts ...measure.Part) measure.Breakdown {
	return measure.Breakdown{Of: of, Samples: 480, Latency: measure.Figure{Value: latency, Low: latency, High: latency, N: 5, Known: true}, Parts: parts}
}

func spent(node string, stage measure.Stage, seconds float64) measure.Part {
	return measure.Part{Node: node, Stage: stage, Time: measure.Figure{Value: seconds, Low: seconds * .9, High: seconds * 1.1, N: 5, Known: true}}
}

func TestWaterfallOnThePage(t *testing.T) {
	s, r := pickers(t)
	require.Nil(t, waterfalls(r), "nobody told")
	for i := range r.Summaries {
		r.Summaries[i].Waterfall = []measure.Breakdown{
			told("median", .005, spent("lb", measure.Network, .001), spent("api", measure.Service, .004)),
			told("slowest 1%", .05, spent("lb", measure.Tries, .04), spent("api", measure.Queue, .0099999), spent("api", measure.Itself, 1e-7)),
		}
	}
	p := waterfalls(r)
	require.Len(t, p.Figures, 4, "two worlds, and no failures")
	require.Equal(t, "Median request, live", p.Figures[0].Title)
	require.Contains(t, p.Figures[0].SVG, `aria-label="Where time went, Median request, live: round-robin 5 ms, least-connections 5 ms, ip-hash 5 ms, p2c 5 ms"`)
	require.Equal(t, "[round-robin everywhere all of it 5 ms 5 ms 100% 480]", fmt.Sprint(p.Figures[0].Data.Rows[0]))
	require.Equal(t, "[round-robin api service 4 ms 3.6 ms to 4.4 ms 80% ]", fmt.Sprint(p.Figures[0].Data.Rows[2]))
	require.Len(t, p.Figures[1].Data.Rows, 4*3, "what rounding left is no row")
	var names []string
	for _, e := range p.Legend {
		names = append(names, e.Name)
	}
	require.Equal(t, []string{"network, and what nobody accounts for", "tries that came to nothing, and rests", "backend queue", "service"}, names)

	var page bytes.Buffer
	require.NoError(t, Write(&page, s, r))
	require.Equal(t, 1, strings.Count(page.String(), `<section id="waterfall">`))
	require.Contains(t, page.String(), `<a href="#waterfall">Where time goes</a>`)
}

// TestEveryStageIsDrawn, once, and has words.
func TestEveryStageIsDrawn(t *testing.T) {
	drawn := map[measure.Stage]int{}
	for _, s := range hues {
		for _, stage := range s.stages {
			drawn[stage]++
		}
	}
	for _, stage := range measure.Stages {
		require.Equal(t, 1, drawn[stage], stage)
		require.NotEmpty(t, stageWords[stage], stage)
	}
	require.Len(t, drawn, len(measure.Stages))
}
