package measure

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheSimulatorsErrorIsTold(t *testing.T) {
	figure := func(value, low, high float64) Figure { return Figure{value, low, high, 5, true} }
	p50, p99 := Metric{Name: "p50"}, Metric{Name: "p99"}
	for _, c := range []struct {
		name      string
		m         Metric
		live, sim Figure
		off       bool
	}{
		{"p50 within a tenth", p50, figure(.010, .0099, .0101), figure(.0109, 0, 0), false},
		{"p50 beyond it", p50, figure(.010, .0099, .0101), figure(.0112, 0, 0), true},
		{"p50 below it", p50, figure(.010, .0099, .0101), figure(.0088, 0, 0), true},
		{"p99 within a fifth", p99, figure(.010, .0099, .0101), figure(.0119, 0, 0), false},
		{"p99 beyond it", p99, figure(.010, .0099, .0101), figure(.0121, 0, 0), true},
		{"inside live's interval", p99, figure(.010, .007, .015), figure(.014, 0, 0), false},
		{"nothing to compare", p99, figure(.010, .007, .015), Figure{}, false},
		{"one repetition has no interval", p50, Figure{.010, .010, .010, 1, true}, figure(.02, 0, 0), true},
	} {
		_, off := apartIn(c.m, c.live, c.sim)
		require.Equal(t, c.off, off, c.name)
	}
	a, _ := apartIn(p50, figure(.010, .0099, .0101), figure(.0088, 0, 0))
	a.Variant = "lb"
	require.Equal(t, "The simulator is off in absolute time: p50 of lb: simulated 8.8 ms, live 10 ms (-12%)", ApartText([]Apart{a}))
	require.Empty(t, ApartText(nil))
}
