package scenarios

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/topologies"
)

func on(places ...topologies.Place) []topologies.Place { return places }

var storm = []Fault{
	{At: 5 * second, For: 8 * second, On: on("api[2]"), Slow: 5},
	{At: 10 * second, For: 5 * second, On: on("api[2]", "api[1]"), Slow: 2},
	{At: 6 * second, For: 2 * second, On: on("api[2]"), Errors: 0.3},
	{At: 7 * second, For: 2 * second, On: on("api[2]"), Errors: 0.5},
	{At: 1 * second, For: 3 * second, On: on("lb"), Crash: true},
	{At: 4 * second, For: 2 * second, On: on("lb"), Crash: true},
	{At: 5 * second, For: 3 * second, On: on("lb"), Freeze: true},
	{At: 9 * second, For: 1 * second, On: on("lb"), Freeze: true},
}

func TestWeather(t *testing.T) {
	w := NewWeather(1, storm)
	for _, c := range []struct {
		place topologies.Place
		at    time.Duration
		want  Effect
	}{
		{"api[2]", -second, Effect{Slow: 1}},
		{"api[2]", 0, Effect{Slow: 1}},
		{"api[2]", 5*second - 1, Effect{Slow: 1}},
		{"api[2]", 5 * second, Effect{Slow: 5}},
		{"api[2]", 6 * second, Effect{Slow: 5, Errors: 0.3}},
		{"api[2]", 7 * second, Effect{Slow: 5, Errors: 0.65}},
		{"api[2]", 8 * second, Effect{Slow: 5, Errors: 0.5}},
		{"api[2]", 9 * second, Effect{Slow: 5}},
		{"api[2]", 10 * second, Effect{Slow: 10}},
		{"api[2]", 13 * second, Effect{Slow: 2}},
		{"api[2]", 15 * second, Effect{Slow: 1}},
		{"api[2]", time.Hour, Effect{Slow: 1}},
		{"api[1]", 14 * second, Effect{Slow: 2}},
		{"api[0]", 14 * second, Effect{Slow: 1}},
		{"lb", second, Effect{Slow: 1, Down: true}},
		{"lb", 5 * second, Effect{Slow: 1, Down: true}},
		{"lb", 6 * second, Effect{Slow: 1, Frozen: true}},
		{"lb", 8 * second, Effect{Slow: 1}},
	} {
		got := w.At(c.place, c.at)
		require.InDelta(t, c.want.Errors, got.Errors, 1e-12)
		got.Errors = c.want.Errors
		require.Equal(t, c.want, got, "%s at %s", c.place, c.at)
	}
}

func TestPurges(t *testing.T) {
	all, products := Purge{Path: "/*"}, Purge{Tag: "products"}
	w := NewWeather(1, []Fault{
		{At: 3 * second, On: on("cdn", "edge"), Purge: all},
		{At: 2 * second, On: on("cdn"), Purge: products},
		{At: 1 * second, For: 5 * second, On: on("cdn"), Slow: 3},
	})
	require.Equal(t, []DatedPurge{{2 * second, products}, {3 * second, all}}, w.Purges("cdn"))
	require.Equal(t, []DatedPurge{{3 * second, all}}, w.Purges("edge"))
	require.Empty(t, w.Purges("api"))
	require.Empty(t, w.Turns("cdn"))
	require.Equal(t, Effect{Slow: 3}, w.At("cdn", 3*second), "a purge ails nobody")
}

func TestTurns(t *testing.T) {
	w := NewWeather(1, storm)
	require.Equal(t, []Turn{
		{At: 1 * second, Down: true}, // two crashes that touch are one
		{At: 6 * second, Frozen: true},
		{At: 8 * second},
		{At: 9 * second, Frozen: true},
		{At: 10 * second},
	}, w.Turns("lb"))
	require.Empty(t, w.Turns("api[2]"), "slowness and errors leave the process alone")
	require.Empty(t, w.Turns("nobody"))
}

func TestErrorsFallOnTheirShareOfRequests(t *testing.T) {
	w := NewWeather(1, nil)
	const n = 100_000
	fails, both := 0.0, 0.0
	for i := range uint64(n) {
		a := w.Fails("api[0]", 0.3, i, 0)
		require.Equal(t, a, w.Fails("api[0]", 0.3, i, 0))
		if a {
			fails++
			if w.Fails("api[1]", 0.3, i, 0) {
				both++
			}
		}
	}
	require.InDelta(t, 0.3*n, fails, 5*math.Sqrt(0.21*n))
	require.InDelta(t, 0.09*n, both, 5*math.Sqrt(0.09*n), "places fail independently")
	require.False(t, w.Fails("api[0]", 0, 1, 1))
	require.True(t, w.Fails("api[0]", 1, 1, 1))
}

func TestUnitIsStrictlyInside(t *testing.T) {
	require.Positive(t, Unit(0))
	require.Less(t, Unit(math.MaxUint64), 1.0)
	require.NotEqual(t, Mix(1, 2), Mix(2, 1))
	require.NotEqual(t, Hash("api"), Hash("apj"))
	sum := 0.0
	for i := range uint64(100_000) {
		sum += Unit(Mix(Hash("api"), i))
	}
	require.InDelta(t, 0.5, sum/100_000, 0.005)
}
