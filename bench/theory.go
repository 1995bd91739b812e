package bench

import (
	"slices"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
	"trafficlab/sim"
)

// theories is what formulas say beside the simulator's figures, of each variant
// that there is one for.
func theories(s *scenarios.Scenario, worlds []string, c *Calibration) []measure.Theory {
	var all []measure.Theory
	for i := range s.Variants {
		v := &s.Variants[i]
		if t, ok := sim.TheoryOf(v, CostsOf(s, c)); ok && slices.Contains(worlds, "sim") {
			all = append(all, theory(v, t))
		}
	}
	return all
}

func theory(v *scenarios.Variant, t sim.Theory) measure.Theory {
	s := measure.Theory{Variant: v.Name, Model: t.Model, Bias: t.Bias}
	add := func(name string, value float64) {
		s.Figures = append(s.Figures, measure.MetricFigure{
			Metric: measure.Metric{Name: name},
			Figure: measure.Figure{Value: value, Low: value, High: value, N: 1, Known: true},
		})
	}
	add("offered", t.Rate)
	add("throughput", t.Rate*(1-t.Loss))
	add("availability", 1-t.Loss)
	add("mean", t.Mean.Seconds())
	if t.P99 > 0 {
		add("p50", t.P50.Seconds())
		add("p99", t.P99.Seconds())
	}
	return s
}
