package bench

import (
	"slices"
	"time"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
)

// Estimate is what a run of a scenario would take, and whether it can answer.
type Estimate struct {
	Runs     int
	Takes    time.Duration
	Variants []VariantEstimate
}

// VariantEstimate is what one variant would take.
type VariantEstimate struct {
	Variant   string
	Requests  int           // expected in one repetition after warm-up
	AtMost    bool          // closed streams and sessions send that many only if nothing queues
	Load      time.Duration // how long load lasts in one repetition, warm-up included
	Quantiles []QuantileEstimate
}

// QuantileEstimate says whether a quantile that is asked for (to judge by, or
// by an expectation) can be told.
type QuantileEstimate struct {
	Metric   measure.Metric
	Needed   int // successes in each repetition, if all of them are made
	Expected int // requests of its class in a repetition: at most so many can succeed
	Enough   bool
}

// EstimateOf says what running a scenario in the given worlds would take.
func EstimateOf(s *scenarios.Scenario, worlds []string) Estimate {
	plan := &Plan{Scenario: s, Worlds: worlds}
	steps := plan.Steps()
	e := Estimate{Runs: len(steps), Takes: newForecast(steps).left()}
	for i := range s.Variants {
		e.Variants = append(e.Variants, estimateVariant(s, &s.Variants[i]))
	}
	return e
}

func estimateVariant(s *scenarios.Scenario, v *scenarios.Variant) VariantEstimate {
	expected := func(class string) int {
		return int(v.Estimate(v.Warmup, v.Load.Duration(), class))
	}
	e := VariantEstimate{Variant: v.Name, Requests: expected(""), AtMost: v.Load.Closed() || v.Load.Sessions(), Load: v.Load.Duration()}
	for _, m := range asked(s, v.Name) {
		n, need := expected(m.Class), m.Needed(s.Repeat)
		e.Quantiles = append(e.Quantiles, QuantileEstimate{Metric: m, Needed: need, Expected: n, Enough: n >= need})
	}
	return e
}

// asked lists the quantiles that the scenario needs of a variant, each once.
func asked(s *scenarios.Scenario, variant string) []measure.Metric {
	wanted := []measure.Metric{s.JudgeBy}
	for _, e := range s.Expect {
		if e.Variant == "all" || e.Variant == variant || e.Relative && variant == s.Baseline {
			wanted = append(wanted, e.Metric)
		}
	}
	var quantiles []measure.Metric
	for _, m := range wanted {
		if m.Needed(s.Repeat) > 0 && !slices.Contains(quantiles, m) {
			quantiles = append(quantiles, m)
		}
	}
	return quantiles
}
