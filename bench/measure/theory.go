package measure

// Theory is what queueing theory says of a variant, beside what the simulator
// came to.
type Theory struct {
	Variant string
	Model   string         // "M/M/1"
	Figures []MetricFigure // those that there is a formula for
	Bias    float64        // how far latencies may be from the truth, as a share of the mean; 0: they are exact
}

// Figure is what theory says of a metric, unknown if it says nothing.
func (t *Theory) Figure(m Metric) Figure { return figureIn(t.Figures, m) }

// Exactness says in words how far the figures may be trusted.
func (t *Theory) Exactness() string {
	if t.Bias < 5e-4 {
		return "exact in the long run"
	}
	return "to " + digits(100*t.Bias, 2) + "% in the long run"
}

func figureIn(all []MetricFigure, m Metric) Figure {
	for _, f := range all {
		if f.Metric == m {
			return f.Figure
		}
	}
	return Figure{}
}
