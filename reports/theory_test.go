package reports

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
)

// TestFormulasStandWithTheSimulatedFigures, and with no others.
func TestFormulasStandWithTheSimulatedFigures(t *testing.T) {
	s, r := pickers(t)
	r.Worlds = []string{"live", "sim"}
	mean := measure.MetricFigure{Metric: measure.Metric{Name: "mean"}, Figure: measure.Figure{Value: .0123, N: 1, Known: true}}
	r.Theory = []measure.Theory{{Variant: "p2c", Model: "supermarket, d\u00a0=\u00a02", Bias: .031, Figures: []measure.MetricFigure{mean}}}
	groups := func(world string) map[string][]row {
		all := map[string][]row{}
		for _, g := range tableOf(s, r, world).Groups {
			all[g.Name] = g.Rows
		}
		return all
	}
	require.NotContains(t, groups("live"), "By formula")
	rows := groups("sim")["By formula"]
	require.Len(t, rows, 1+len(formulaRows))
	require.Equal(t, cell{Value: "supermarket, d\u00a0=\u00a02", Range: "to 3.1% in the long run"}, rows[0].Cells[3])
	require.Equal(t, "no formula holds", rows[0].Cells[0].Why)
	require.Equal(t, "12.3 ms", rows[2].Cells[3].Value)
	require.Equal(t, dash, rows[3].Cells[3].Value)
}

// TestThePageSaysWhatWasCharged: places apart share no cores.
func TestThePageSaysWhatWasCharged(t *testing.T) {
	s, r := pickers(t)
	for shared, worlds := range map[bool][]string{true: {"live", "sim"}, false: {"sim"}} {
		s.Worlds = worlds
		var page bytes.Buffer
		require.NoError(t, Write(&page, s, r))
		require.Equal(t, shared, bytes.Contains(page.Bytes(), []byte("on the cores that all components share")))
	}
}
