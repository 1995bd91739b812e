package reports

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/plot"
)

func labels(ticks []plot.Tick) []string {
	var all []string
	for _, t := range ticks {
		all = append(all, t.Label)
	}
	return all
}

func TestEachNineTakesTheSameRoom(t *testing.T) {
	require.Zero(t, nines(0.5))
	require.InDelta(t, 1, nines(0.999)-nines(0.99), 0.01)
	require.Equal(t, []string{"50%", "90%", "99%", "99.9%"}, labels(ninesAxis(0.5, 0.999).ticks))
}

func TestAxesHaveRoundTicks(t *testing.T) {
	for _, c := range []struct {
		axis axis
		want []string
	}{
		{logAxis(0.003, 0.04, latency), []string{"5 ms", "10 ms", "20 ms"}},
		{logAxis(0.00001, 3, latency), []string{"10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s"}},
		{logAxis(0.003, 0.3, latency).thinned(4), []string{"10 ms", "100 ms"}},
		{logAxis(0.02, 0.09, latency).thinned(1), []string{"20 ms", "50 ms"}},
		{linearAxis(312, 4, rate), []string{"0/s", "100/s", "200/s", "300/s"}},
		{linearAxis(0, 4, rate), []string{"0/s", "0.5/s", "1/s"}},
	} {
		require.Equal(t, c.want, labels(c.axis.ticks))
	}
	require.GreaterOrEqual(t, len(logAxis(0.007, 0.007, latency).ticks), 1, "equal values still have a scale")
}
