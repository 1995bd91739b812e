package measure

import (
	"slices"

	"trafficlab/components/policy"
)

// Summarise puts together the repetitions of one variant in one world, and
// their time line. They must not be empty.
func Summarise(tallies []*Tally, line []Second) Summary {
	first := tallies[0].Run
	s := Summary{Variant: first.Variant, World: first.World, Runs: len(tallies), Reasons: map[string]int64{}, Trusted: true}
	for _, t := range tallies {
		s.Classes = union(s.Classes, t.Classes)
		s.Trusted = s.Trusted && !t.Run.Severe()
		s.Samples += int(t.samples)
		for reason, n := range t.reasons {
			if n > 0 {
				s.Reasons[policy.Reason(reason).String()] += n
			}
		}
	}
	s.Latency, s.Service = histograms(tallies)
	slices.Sort(s.Classes)
	for _, m := range metricsOf(s.Classes) {
		s.Figures = append(s.Figures, MetricFigure{m, figure(tallies, m)})
	}
	s.Curve = curveOf(tallies)
	s.Series = line
	s.Nodes = nodesOf(tallies)
	s.Usage = usageOf(tallies)
	s.Courses = coursesOf(tallies)
	s.Waterfall = waterfall(tallies)
	s.Aftermath = verdict(tallies)
	return s
}

// histograms adds up those of repetitions.
func histograms(tallies []*Tally) (latency, service Histogram) {
	late := false
	for _, t := range tallies {
		latency.Merge(t.latency, 1)
		if late = late || t.service.Counts != nil; t.service.Counts != nil {
			service.Merge(t.service, 1)
		} else {
			service.Merge(t.latency, 1)
		}
	}
	if !late {
		service = Histogram{}
	}
	return latency, service
}

// metricsOf lists the metrics of a summary: the registry, then again for each
// class what a sample can tell.
func metricsOf(classes []string) []Metric {
	var all []Metric
	for _, class := range append([]string{""}, classes...) {
		for _, name := range MetricNames() {
			if class == "" || !Metrics[name].Whole {
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
	if slices.Contains(values, never) {
		return Figure{Value: never, Low: slices.Min(values), High: never, N: len(values), Known: true}
	}
	return estimate(values, Metrics[m.Name].Unit, confidence)
}

// Figure is the summary's figure of a metric, unknown if it has none.
func (s *Summary) Figure(m Metric) Figure { return figureIn(s.Figures, m) }

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
