package bench

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// TestNothingIsFoundWhereNothingIs holds a busy backend against itself, 200
// times: no figure may be called different more often than chance allows.
func TestNothingIsFoundWhereNothingIs(t *testing.T) {
	if testing.Short() {
		t.Skip("makes 2000 runs")
	}
	s := asking()
	s.Repeat = 5
	v := &s.Variants[0]
	v.Load.Streams[0].Poisson = true
	v.Load.Streams[0].Rate[0].For = 10 * time.Second
	v.Warmup, v.Timeout = time.Second, 5*time.Second
	v.Topology = &topologies.Topology{Name: "direct", Entry: "api", Nodes: []*topologies.Node{{
		Name: "api", Kind: topologies.Backend, Replicas: 1, Workers: 2, Queue: 8,
		ServiceTime: topologies.Distribution{Law: "exponential", Mean: 15 * time.Millisecond},
	}}}
	s.Variants = s.Variants[:1]
	alike, err := HoldAgainstItself(t.Context(), s, 200, Options{Worlds: []string{"sim"}}, nil)
	require.NoError(t, err)
	told := map[string]int{}
	for _, f := range alike.Figures {
		told[f.Metric.String()] = f.Told
		require.LessOrEqual(t, f.Called, f.Most(), f.Metric)
	}
	require.True(t, alike.Holds())
	for _, name := range []string{"p50", "p99", "availability", "throughput"} {
		require.Equal(t, 200, told[name], name)
	}
}

// TestWhatIsFoundTooOften: an A/A test that finds differences says so.
func TestWhatIsFoundTooOften(t *testing.T) {
	comparison := func(v measure.Verdict) []measure.Comparison {
		return []measure.Comparison{{Metric: measure.Metric{Name: "p99"}, Verdict: v}}
	}
	a := &Alike{}
	for i := range 100 {
		a.add(comparison(map[bool]measure.Verdict{true: measure.Better, false: measure.NoDiff}[i%10 == 0]))
	}
	require.Equal(t, AlikeFigure{measure.Metric{Name: "p99"}, 100, 10}, a.Figures[0])
	require.True(t, a.Holds(), "10 of 100 may be chance")
	for range 5 {
		a.add(comparison(measure.Different))
	}
	require.False(t, a.Holds())
	a.add(comparison(measure.Unknowable))
	require.Equal(t, 105, a.Figures[0].Told)
}

// By hand: .05 of one, .0025 of two; 3·.05²·.95 + .05³ = .00725 and .000125 of
// three. Of 200 and more it is close to three deviations above one in twenty.
func TestHowManyMayBeChance(t *testing.T) {
	for n, most := range map[int]int{0: 0, 1: 1, 2: 2, 3: 2} {
		require.Equal(t, most, AlikeFigure{Told: n}.Most(), n)
	}
	for _, n := range []int{200, 1000, 100_000} {
		normal := .05*float64(n) + 3*math.Sqrt(.05*.95*float64(n))
		require.InDelta(t, normal, AlikeFigure{Told: n}.Most(), 3, n)
	}
}

func TestBothSidesMeetOtherLoad(t *testing.T) {
	pair := twice(asking(), 3)
	cases := pair.Cases()
	require.Equal(t, []string{"one", "other"}, []string{cases[0].Variant.Name, cases[1].Variant.Name})
	require.NotEqual(t, cases[0].Seed, cases[1].Seed)
	require.NotEqual(t, cases[0].Seed, twice(asking(), 4).Cases()[0].Seed)
	one, other := cases[0].Variant, cases[1].Variant
	other.Name, other.Salt = one.Name, one.Salt
	require.Equal(t, one, other)
	var seeds []uint64
	for _, c := range (&scenarios.Scenario{Repeat: 1, Variants: asking().Variants}).Cases() {
		seeds = append(seeds, c.Seed)
	}
	require.Equal(t, seeds[0], seeds[2], "others share theirs")
}
