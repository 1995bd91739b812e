package scenarios

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"trafficlab/bench/measure"
)

const sloExample = `such as "p99 < 100ms, availability > 99.9%"`

// ReadSLO reads the bounds that a load is to stay within, such as "p99 <
// 100ms, availability > 99.9%": those of expect, but for rates, which grow with
// the load, and for what is held against a baseline. The error tells every
// mistake.
func (s *Scenario) ReadSLO(text string) ([]measure.Expectation, error) {
	var bounds []measure.Expectation
	var wrong []error
	for part := range strings.SplitSeq(text, ",") {
		x, err := s.sloBound(strings.TrimSpace(part))
		if err != nil {
			wrong = append(wrong, err)
		}
		bounds = append(bounds, x)
	}
	return bounds, errors.Join(wrong...)
}

// sloBound reads "p99 < 100ms".
func (s *Scenario) sloBound(part string) (x measure.Expectation, err error) {
	slip := func(wrong, right string) { err = fmt.Errorf("--slo %q: %s (%s)", part, wrong, right) }
	at := strings.IndexAny(part, "<>")
	if at < 0 {
		slip("no bound", sloExample)
		return x, err
	}
	x = measure.Expectation{Variant: "all", Text: part[at:at+1] + " " + strings.TrimSpace(part[at+1:])}
	r := reader{s: s}
	if x.Metric = r.metric(strings.TrimSpace(part[:at]), slip); err != nil {
		return x, err
	}
	kind := measure.Metrics[x.Metric.Name]
	if wrong, right := readBound(&x, kind.Unit); wrong != "" {
		slip(wrong, right)
		return x, err
	}
	switch {
	case x.Relative:
		slip("is held against a baseline", "a load is held against bounds that stand alone, "+sloExample)
	case kind.Unit == measure.PerSec:
		slip(x.Metric.Name+" grows with the load", "a bound that a load can be too high for, "+sloExample)
	case x.Less == (kind.Sense == measure.MoreIsBetter):
		slip("is the wrong way round: more load would do no harm", sloExample)
	case x.Metric.Name == "cache-hits" && r.cacheless("all") != "":
		slip(r.cacheless("all")+" has no cache", sloExample)
	}
	return x, err
}

// SpeaksOfFailures tells whether any of the bounds would be broken by a system
// that fails most of its requests.
func SpeaksOfFailures(bounds []measure.Expectation) bool {
	return slices.ContainsFunc(bounds, func(x measure.Expectation) bool {
		return x.Metric.Name == "availability" || x.Metric.Name == "failed"
	})
}
