package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"trafficlab/bench/measure"
)

func TestExpectationInWords(t *testing.T) {
	p90 := measure.Expectation{Metric: measure.Metric{Name: "p90"}, Relative: true, Text: "< baseline"}
	for _, c := range []struct {
		figure measure.Figure
		reason string
		want   string
	}{
		{measure.Figure{}, "", "but too few samples to tell"},
		{measure.Figure{Value: .685, Low: .353, High: 1.33, N: 2, Known: true}, "", "was 0.69 times the baseline's (0.35 to 1.33)"},
		{measure.Figure{Value: 1.00001, Low: .99998, High: 1.00004, N: 4, Known: true}, "", "was 1.00001 times the baseline's (0.99998 to 1.00004)"},
		{measure.Figure{Value: 1, Low: 1, High: 1, N: 4, Known: true}, "", "was the same as the baseline's"},
		{measure.Figure{Value: 2, Low: 2, High: 2, N: 4, Known: true}, "", "was 2 times the baseline's"},
		{measure.Figure{Value: .7, Low: .7, High: .7, N: 1, Known: true}, "", "was 0.7 times the baseline's"},
		{measure.Figure{Value: .3, Low: .2, High: .4, N: 4, Known: true}, "but only of the 1.9% that succeeded; baseline 100%",
			"was 0.30 times the baseline's (0.20 to 0.40), but only of the 1.9% that succeeded; baseline 100%"},
	} {
		check := measure.Check{Variant: "p2c", World: "sim", Expectation: p90, Figure: c.figure, Reason: c.reason}
		assert.Equal(t, "p2c (sim): p90 < baseline, "+c.want, expectation(check))
	}
}

// What cannot be trusted, or is not whole, is neither met nor failed.
func TestOutcome(t *testing.T) {
	check := func(all ...measure.Met) (checks []measure.Check) {
		for _, m := range all {
			checks = append(checks, measure.Check{Met: m})
		}
		return checks
	}
	mild, severe := []measure.Warning{{Kind: "late"}}, []measure.Warning{{Kind: "late"}, {Kind: "cpu", Severe: true}}
	for _, c := range []struct {
		result measure.Result
		want   status
	}{
		{measure.Result{}, met},
		{measure.Result{Checks: check(measure.IsMet, measure.Undecided), Warnings: mild}, met},
		{measure.Result{Checks: check(measure.NotMet, measure.IsMet), Warnings: mild}, unmet},
		{measure.Result{Checks: check(measure.NotMet), Warnings: severe}, incomplete},
		{measure.Result{Warnings: severe}, incomplete},
		{measure.Result{Partial: true}, incomplete},
	} {
		assert.Equal(t, c.want, outcome(&c.result), "%+v", c.result)
	}
}
