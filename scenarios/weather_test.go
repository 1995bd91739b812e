package scenarios

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/topologies"
)

func on(places ...topologies.Place) []topologies.Place { return places }

var storm = []Fault{
	{At: 5 * second, For: 8 * second, On: on("api[2]"), Slow: 5},
	{At: 10 * second, For: 5 * second, On: on("api[2]", "api[1]"), Slow: 2},
	{At: 6 * second, For: 2 * second, On: on("api[2]"), Rule: Erring(0.3)},
	{At: 7 * second, For: 2 * second, On: on("api[2]"), Rule: Rule{Share: 1, Delay: second}},
	{At: 1 * second, For: 3 * second, On: on("lb"), Crash: true},
	{At: 4 * second, For: 2 * second, On: on("lb"), Crash: true},
	{At: 5 * second, For: 3 * second, On: on("lb"), Freeze: true},
	{At: 9 * second, For: 1 * second, On: on("lb"), Freeze: true},
}

func TestWeather(t *testing.T) {
	w := NewWeather(1, storm)
	erring, late := Erring(0.3), Rule{Share: 1, Delay: second}
	for _, c := range []struct {
		place topologies.Place
		at    time.Duration
		want  Effect
	}{
		{"api[2]", -second, Effect{Slow: 1}},
		{"api[2]", 0, Effect{Slow: 1}},
		{"api[2]", 5*second - 1, Effect{Slow: 1}},
		{"api[2]", 5 * second, Effect{Slow: 5}},
		{"api[2]", 6 * second, Effect{Slow: 5, Rules: []Rule{erring}}},
		{"api[2]", 7 * second, Effect{Slow: 5, Rules: []Rule{erring, late}}},
		{"api[2]", 8 * second, Effect{Slow: 5, Rules: []Rule{late}}},
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
		require.Equal(t, c.want, bare(w.At(c.place, c.at)), "%s at %s", c.place, c.at)
	}
}

// bare is an effect without what the weather notes in its rules.
func bare(e Effect) Effect {
	e.Rules = slices.Clone(e.Rules)
	for i := range e.Rules {
		e.Rules[i].Fault, e.Rules[i].salt = 0, 0
	}
	return e
}

func TestWhenFaultsAreThere(t *testing.T) {
	for name, c := range map[string]struct {
		fault Fault
		times map[topologies.Place][]Spell // in which it is seen
		all   []Spell
	}{
		"once":     {Fault{At: second, For: second, On: on("a")}, map[topologies.Place][]Spell{"a": {{second, 2 * second}}}, []Spell{{second, 2 * second}}},
		"for good": {Fault{At: second, For: ForGood, On: on("a")}, map[topologies.Place][]Spell{"a": {{second, second + ForGood}}}, []Spell{{second, second + ForGood}}},
		"now and then": {Fault{At: second, For: second, Every: 3 * second, Times: 2, On: on("a")},
			map[topologies.Place][]Spell{"a": {{second, 2 * second}, {4 * second, 5 * second}}}, []Spell{{second, 2 * second}, {4 * second, 5 * second}}},
		"one after the other": {Fault{At: second, For: second, Stagger: 2 * second, On: on("a", "b")},
			map[topologies.Place][]Spell{"a": {{second, 2 * second}}, "b": {{3 * second, 4 * second}}}, []Spell{{second, 4 * second}}},
	} {
		t.Run(name, func(t *testing.T) {
			c.fault.Drain = true
			w := NewWeather(1, []Fault{c.fault})
			require.Equal(t, c.all, c.fault.Spells())
			for place, spells := range c.times {
				for _, s := range spells {
					require.False(t, w.At(place, s.From-1).Drains)
					require.True(t, w.At(place, s.From).Drains)
					require.True(t, w.At(place, s.To-1).Drains)
					require.False(t, w.At(place, s.To).Drains)
				}
			}
		})
	}
}

func TestRampsGrowToTheFullMeasure(t *testing.T) {
	ramped := Fault{At: 10 * second, For: 10 * second, Ramp: 4 * second, On: on("a")}
	slow, erring, late := ramped, ramped, ramped
	slow.Slow, erring.Rule, late.Rule = 5, Erring(.5), Rule{Share: 1, Delay: second}
	w := NewWeather(1, []Fault{slow, erring, late})
	half := w.At("a", 12*second)
	require.InDelta(t, 3, half.Slow, .11)
	require.InDelta(t, .25, half.Rules[0].Share, .02)
	require.InDelta(t, .5, half.Rules[1].Delay.Seconds(), .03)
	require.Equal(t, 1.0, half.Rules[1].Share, "all are delayed, by less")
	before := calm
	for at := 10 * second; at < 14*second; at += second / 10 {
		now := w.At("a", at)
		require.GreaterOrEqual(t, now.Slow, before.Slow)
		before = now
	}
	require.Equal(t, Effect{Slow: 5, Rules: []Rule{erring.Rule, late.Rule}}, bare(w.At("a", 14*second)))
	require.Equal(t, calm, w.At("a", 20*second))
}

func TestWhomARuleIsMeantFor(t *testing.T) {
	header := func(name string) string { return map[string]string{"X-Canary": "yes"}[name] }
	for name, c := range map[string]struct {
		of   Match
		want bool
	}{
		"all":             {Match{}, true},
		"method":          {Match{Methods: []string{"GET", "PUT"}}, true},
		"another method":  {Match{Methods: []string{"PUT"}}, false},
		"path":            {Match{Path: "/a/b"}, true},
		"beginning":       {Match{Path: "/a/*"}, true},
		"another path":    {Match{Path: "/a"}, false},
		"longer path":     {Match{Path: "/a/b/*"}, false},
		"header":          {Match{Header: &HeaderField{"X-Canary", "yes"}}, true},
		"another value":   {Match{Header: &HeaderField{"X-Canary", "no"}}, false},
		"not all of them": {Match{Methods: []string{"GET"}, Path: "/b"}, false},
	} {
		require.Equal(t, c.want, c.of.Fits("GET", "/a/b", header), name)
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

func TestRulesFallOnTheirShareOfRequests(t *testing.T) {
	w := NewWeather(1, []Fault{{For: second, On: on("api[0]", "api[1]"), Rule: Erring(.3)},
		{For: second, On: on("api[0]"), Rule: Erring(.3)}})
	here, there := w.At("api[0]", 0).Rules, w.At("api[1]", 0).Rules
	const n = 100_000
	fails, places, rules := 0.0, 0.0, 0.0
	for i := range uint64(n) {
		a := here[0].Falls(i, 0)
		require.Equal(t, a, here[0].Falls(i, 0))
		if !a {
			continue
		}
		fails++
		if there[0].Falls(i, 0) {
			places++
		}
		if here[1].Falls(i, 0) {
			rules++
		}
	}
	require.InDelta(t, 0.3*n, fails, 5*math.Sqrt(0.21*n))
	require.InDelta(t, 0.09*n, places, 5*math.Sqrt(0.09*n), "places fail independently")
	require.InDelta(t, 0.09*n, rules, 5*math.Sqrt(0.09*n), "and faults")
	require.False(t, (&Rule{}).Falls(1, 1))
	require.True(t, (&Rule{Share: 1}).Falls(1, 1))
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
