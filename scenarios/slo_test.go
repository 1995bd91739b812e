package scenarios

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/topologies"
)

func TestReadSLO(t *testing.T) {
	s, err := Open("flood", Options{})
	require.NoError(t, err)
	bounds, err := s.ReadSLO("p99 < 100ms, availability > 99.9%,limited<1%")
	require.NoError(t, err)
	bounds[1].Bound = math.Round(bounds[1].Bound*1e9) / 1e9
	require.Equal(t, []measure.Expectation{
		{Variant: "all", Metric: measure.Metric{Name: "p99"}, Less: true, Bound: .1, Text: "< 100ms"},
		{Variant: "all", Metric: measure.Metric{Name: "availability"}, Bound: .999, Text: "> 99.9%"},
		{Variant: "all", Metric: measure.Metric{Name: "limited"}, Less: true, Bound: .01, Text: "< 1%"},
	}, bounds)
	require.True(t, SpeaksOfFailures(bounds))
	require.False(t, SpeaksOfFailures(bounds[:1]))

	for text, wrong := range map[string]string{
		"":                       "no bound",
		"p99":                    "no bound",
		"p98 < 1s":               `unknown metric "p98"`,
		"p99 < fast":             `"p99 < fast": `,
		"p99 > 1s":               "the wrong way round",
		"availability < 99%":     "the wrong way round",
		"p99 < 0.5x baseline":    "held against a baseline",
		"throughput > 100/s":     "throughput grows with the load",
		"p99 of nobody < 1s":     `unknown class "nobody"`,
		"cache-hits > 10%":       "has no cache",
		"p99 < 1s, failed ~ 3":   "failed ~ 3",
		"p98 < 1s, limited > 1%": "wrong way round",
	} {
		_, err := s.ReadSLO(text)
		require.ErrorContains(t, err, wrong, text)
	}
}

func TestScaledLoad(t *testing.T) {
	open := Stream{At: time.Second, Poisson: true, Rate: []Leg{{From: 10, To: 30, For: 4 * time.Second}, {From: 30, To: 30, For: time.Second}}, Mix: []Ask{{Share: 1}}}
	closed := Stream{Closed: &Closed{Clients: 3, Think: topologies.Distribution{}, For: 5 * time.Second}, Mix: []Ask{{Share: 1}}}
	v := Variant{Load: Load{Streams: []Stream{open, closed}}, Warmup: time.Second}
	was, clients := v.Offered()
	require.False(t, clients, "open streams are what is offered")
	require.InDelta(t, 110./5, was, 1e-9)

	twice := v
	twice.Load = v.Load.Scaled(2)
	is, _ := twice.Offered()
	require.InDelta(t, 2*was, is, 1e-9)
	require.Equal(t, 6, twice.Load.Streams[1].Closed.Clients)
	require.Equal(t, 3, v.Load.Streams[1].Closed.Clients, "the load itself stays as it is")
	require.Equal(t, v.Load.Duration(), twice.Load.Duration())

	little := Variant{Load: Load{Streams: []Stream{closed}}.Scaled(.01)}
	amount, clients := little.Offered()
	require.True(t, clients)
	require.EqualValues(t, 1, amount, "one client is the least")
	require.LessOrEqual(t, v.MostScaled()*3, float64(clientsPerClass))
}
