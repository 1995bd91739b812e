package main

import (
	"encoding/xml"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
)

// What is not to be trusted is an error, whatever it came to; what is undecided
// is skipped; and a scenario that came to nothing says so.
func TestJUnit(t *testing.T) {
	check := func(variant string, met measure.Met) measure.Check {
		return measure.Check{Expectation: measure.Expectation{Variant: "all", Metric: measure.Metric{Name: "p99"}, Less: true, Bound: .1, Text: "< 100ms"},
			World: "live", Variant: variant, Met: met, Figure: measure.Figure{Value: .2, Low: .1, High: .3, N: 3, Known: true}}
	}
	r := &measure.Result{Scenario: "s", Checks: []measure.Check{check("a", measure.IsMet), check("b", measure.NotMet), check("c", measure.Undecided), check("d", measure.IsMet)},
		Warnings: []measure.Warning{{Severe: true, World: "live", Variant: "d", Text: "It was late."}, {World: "live", Variant: "a", Text: "mild"}}}
	var all suites
	all.add("s", r, nil)
	all.add("broken", nil, errors.New("no <engine>"))
	all.add("cut", &measure.Result{Partial: true}, nil)
	path := filepath.Join(t.TempDir(), "junit.xml")
	require.NoError(t, all.write(path))

	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var read suites
	require.NoError(t, xml.Unmarshal(text, &read))
	require.Len(t, read.Suites, 3)
	s := read.Suites[0]
	require.Equal(t, [4]int{5, 1, 1, 1}, [4]int{s.Tests, s.Failures, s.Errors, s.Skipped})
	require.Equal(t, testcase{Class: "s.live", Name: "a: p99 < 100ms"}, s.Cases[0])
	require.Equal(t, "b (live): p99 < 100ms, was 200 ms (100 ms to 300 ms)", s.Cases[1].Failure.Message)
	require.NotNil(t, s.Cases[2].Skipped)
	require.Equal(t, "It was late.", s.Cases[3].Error.Message)
	require.Equal(t, "no <engine>", read.Suites[1].Cases[0].Error.Message)
	require.Contains(t, read.Suites[2].Cases[0].Error.Message, "interrupted")
}
