package measure

import (
	"slices"
	"time"

	"trafficlab/components/policy"
)

// Summarise puts together the repetitions of one variant in one world. They
// must not be empty.
func Summarise(tallies []*Tally) Summary {
	first := tallies[0].Run
	s := Summary{Variant: first.Variant, World: first.World, Runs: len(tallies), Reasons: map[string]int64{}, Trusted: true}
	for _, t := range tallies {
		s.Classes = union(s.Classes, t.Classes)
		s.Trusted = s.Trusted && !t.Run.Severe()
		for i := range t.Run.Samples {
			if sample := &t.Run.Samples[i]; sample.At >= t.Run.Warmup {
				s.Samples++
				s.Reasons[sample.Reason.String()]++
			}
		}
	}
	slices.Sort(s.Classes)
	for _, m := range metricsOf(s.Classes) {
		s.Figures = append(s.Figures, MetricFigure{m, figure(tallies, m)})
	}
	s.Curve = curveOf(tallies)
	s.Series = seriesOf(tallies)
	s.Nodes = nodesOf(tallies)
	s.Usage = usageOf(tallies)
	return s
}

// metricsOf lists the metrics of a summary: the registry, then again for each
// class what a sample can tell.
func metricsOf(classes []string) []Metric {
	var all []Metric
	for _, class := range append([]string{""}, classes...) {
		for _, name := range MetricNames() {
			if class == "" || name != "backend-load" {
				all = append(all, Metric{name, class})
			}
		}
	}
	return all
}

// figure is a metric over repetitions.
func figure(tallies []*Tally, m Metric) Figure {
	values, ok := told(tallies, m)
	if !ok {
		return Figure{}
	}
	return estimate(values, Metrics[m.Name].Unit, confidence)
}

// Figure is the summary's figure of a metric, unknown if it has none.
func (s *Summary) Figure(m Metric) Figure {
	for _, f := range s.Figures {
		if f.Metric == m {
			return f.Figure
		}
	}
	return Figure{}
}

// seriesP99 is how many successes a second must have, all repetitions
// together, before its p99 is more than its maximum.
const seriesP99 = 100

// seriesOf draws the time line, warm-up included. Quantiles of a second are
// of all repetitions together: one run has too few.
func seriesOf(tallies []*Tally) []Second {
	duration := tallies[0].Run.Duration
	bins := make([]count, (duration+time.Second-1)/time.Second)
	for _, t := range tallies {
		for i := range t.Run.Samples {
			s := &t.Run.Samples[i]
			if bin := int(s.At / time.Second); bin < len(bins) {
				bins[bin].add(s)
			}
		}
	}
	line := make([]Second, len(bins))
	for i := range bins {
		from := time.Duration(i) * time.Second
		line[i] = bins[i].second(from, min(from+time.Second, duration), len(tallies))
	}
	return line
}

// second turns the counts of several runs between two instants into rates.
func (c *count) second(from, to time.Duration, runs int) Second {
	per := func(n int64) float64 { return float64(n) / float64(runs) / (to - from).Seconds() }
	good, refused := c.reasons[policy.OK], c.reasons[policy.Limited]+c.reasons[policy.Denied]
	s := Second{
		At:      (from + to).Seconds() / 2,
		Offered: per(c.all),
		Good:    per(good),
		Failed:  per(c.all - good - refused),
		Refused: per(refused),
	}
	slices.Sort(c.latencies)
	if n := len(c.latencies); n > 0 {
		s.P50 = quantile(c.latencies, .5).Seconds()
		if n >= seriesP99 {
			s.P99 = quantile(c.latencies, .99).Seconds()
		}
	}
	return s
}

// Severe tells whether the run's figures cannot be trusted.
func (r *Run) Severe() bool {
	return slices.ContainsFunc(r.Warnings, func(w Warning) bool { return w.Severe })
}

func union(a, b []string) []string {
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(a, s)
		}
	}
	return a
}
