package bench

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// station is one queue before so many workers of 100 requests a second each.
func station(t *testing.T, workers int, load string) *scenarios.Scenario {
	api := &topologies.Node{Name: "api", Kind: topologies.Backend, Replicas: 1, Workers: workers, Queue: 100_000,
		ServiceTime: topologies.Distribution{Law: "exponential", Mean: 10 * time.Millisecond}}
	s, err := scenarios.Read("station.yaml", []byte("name: station\nquestion: How much?\ntopology: direct\nworlds: [sim]\nwarmup: 50ms\ntimeout: 1m\nload: "+load), scenarios.Options{})
	require.NoError(t, err)
	s.Variants[0].Topology = &topologies.Topology{Name: "station", Entry: "api", Nodes: []*topologies.Node{api}}
	return s
}

func capacityOf(t *testing.T, s *scenarios.Scenario, slo string) measure.Search {
	bounds, err := s.ReadSLO(slo)
	require.NoError(t, err)
	c, err := FindCapacity(t.Context(), s, CapacityOptions{Options: Options{Worlds: []string{"sim"}, Budget: time.Hour, Calibration: &Calibration{}}, Bounds: bounds, Precision: .05})
	require.NoError(t, err)
	require.Len(t, c.Searches, 1)
	t.Log(c.Searches[0].Text)
	return c.Searches[0]
}

// hold wants the capacity that theory knows between a load that met the bounds
// and one that did not, and where the repetitions cross them.
func hold(t *testing.T, s measure.Search, want float64) {
	require.True(t, s.Known())
	assert.Less(t, s.Met, want)
	assert.Greater(t, s.NotMet, want)
	assert.Less(t, s.NotMet/s.Met, 1.15)
	assert.Less(t, s.Knee.Low, want)
	assert.Greater(t, s.Knee.High, want)
	assert.InDelta(t, want, s.Knee.Value, .03*want)
}

// The p99 of M/M/1 is ln(100)/(µ-λ): it is 100 ms at λ = µ - 46.05.
func TestCapacityOfOneWorker(t *testing.T) {
	s := station(t, 1, "{poisson: 20/s, for: 80s, mix: [{get: /}]}")
	hold(t, capacityOf(t, s, "p99 < 100ms"), 100-math.Log(100)/.1)
}

// The law of M/M/c's time is that of Erlang C.
func TestCapacityOfFourWorkers(t *testing.T) {
	if testing.Short() {
		t.Skip("plays many requests")
	}
	want := 0.
	for beyond := func(rate float64) float64 {
		const c, mu, at = 4, 100., .06
		b, a := 1., rate/mu
		for k := 1.; k <= c; k++ {
			b = a * b / (k + a*b)
		}
		wait, theta := b/(1-rate/c/mu*(1-b)), c*mu-rate
		return (1-wait)*math.Exp(-mu*at) + wait*(mu*math.Exp(-theta*at)-theta*math.Exp(-mu*at))/(mu-theta)
	}; beyond(want+.5) < .01; {
		want += .5
	}
	s := station(t, 4, "{poisson: 150/s, for: 20s, mix: [{get: /}]}")
	hold(t, capacityOf(t, s, "p99 < 60ms, availability > 99%"), want)
}

// A closed loop is scaled by its clients, of whom there are no halves.
func TestCapacityInClients(t *testing.T) {
	s := station(t, 1, "{closed: {clients: 2, think: {exponential: 100ms}}, for: 30s, mix: [{get: /}]}")
	found := capacityOf(t, s, "p50 < 30ms")
	require.True(t, found.Clients)
	require.Equal(t, found.Met, math.Round(found.Met))
	require.Greater(t, found.Met, 5.)
	require.Less(t, found.NotMet, 20.)
	require.Contains(t, found.Text, "clients (met)")
}

// threshold is a world in which every request takes a time that grows with the
// load, or in which the machine gives out.
func threshold(latency func(rate float64) time.Duration, gives float64) executor {
	return func(ctx context.Context, s *scenarios.Scenario, o Options) (*Outcome, error) {
		w := &scripted{name: o.Worlds[0], width: 1, on: func(c *scenarios.Case, run *measure.Run) error {
			rate, _ := c.Variant.Offered()
			for i := range run.Samples {
				run.Samples[i].Latency, run.Samples[i].Reason = latency(rate), policy.OK
			}
			if rate > gives {
				run.Warnings = append(run.Warnings, measure.Warning{Kind: "late", Severe: true, Text: "The generator was late."})
			}
			return nil
		}}
		return execute(ctx, s, o, map[string]world{w.name: w})
	}
}

// sought is what is found of a scripted world whose latency in milliseconds is
// its load.
func sought(t *testing.T, load string, gives float64, bound string, budget time.Duration) measure.Search {
	s := station(t, 1, load)
	s.Variants[0].Warmup = 0
	s.Repeat = 2
	bounds, err := s.ReadSLO(bound)
	require.NoError(t, err)
	c, err := findCapacity(t.Context(), s, CapacityOptions{Options: Options{Worlds: []string{"live"}, Budget: budget}, Bounds: bounds, Precision: .05},
		threshold(func(rate float64) time.Duration { return time.Duration(rate * float64(time.Millisecond)) }, gives))
	require.NoError(t, err)
	return c.Searches[0]
}

const evenly = "{constant: 100/s, for: 2s, mix: [{get: /}]}"

func TestSearchNarrowsDown(t *testing.T) {
	for _, want := range []float64{40, 63, 99, 101, 230, 1000} {
		s := sought(t, evenly, math.Inf(1), fmt.Sprintf("p50 < %gms", want), time.Hour)
		require.LessOrEqual(t, s.Met, want)
		require.GreaterOrEqual(t, s.NotMet, want)
		require.LessOrEqual(t, s.NotMet/s.Met, 1.05+1e-9)
		require.Less(t, len(s.Levels), 12, "it takes few loads")
		require.InDelta(t, want, s.Knee.Value, .001*want, "a straight line is interpolated exactly")
	}
}

func TestSearchThatCannotEnd(t *testing.T) {
	gone := sought(t, evenly, 300, "p50 < 1s", time.Hour)
	require.Contains(t, gone.Text, "the machine, not the system, gave out at")
	require.Contains(t, gone.Text, "The generator was late.")
	require.False(t, gone.Known())
	require.LessOrEqual(t, gone.Met, 300.)
	require.LessOrEqual(t, gone.NotMet/gone.Met, 1.05+1e-9)
	require.False(t, gone.Knee.Known)

	require.Contains(t, sought(t, evenly, 10, "p50 < 1s", time.Hour).Text, "The machine, not the system, gave out at")

	low := sought(t, evenly, math.Inf(1), "p50 < 1ms", time.Hour)
	require.Contains(t, low.Text, "The bounds are not met at")
	require.Contains(t, low.Text, "p50 was")
	require.True(t, low.Known())
	require.Zero(t, low.Met)

	short := sought(t, evenly, math.Inf(1), "p50 < 1s", -time.Second)
	require.Contains(t, short.Text, "No load was tried")
	require.False(t, short.Known())

	few := sought(t, "{constant: 100/s, for: 100ms, mix: [{get: /}]}", math.Inf(1), "p50 < 10us", time.Hour)
	require.Zero(t, few.Met)
}
