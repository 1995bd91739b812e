package reports

import (
	"slices"
	"strings"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
)

// cachesOverTime draws what caches answered and what they left to backends,
// second by second: a chart a world, a line a variant. It is nil if nobody has
// a cache.
func cachesOverTime(s *scenarios.Scenario, r *measure.Result) *panel {
	p := &panel{ID: "cache", Title: "What caches take off the backends",
		Intro:  "Second by second: the share of requests that the first cache on their way answered, and the requests that came to backends, retries and revalidations included; means of the repetitions.",
		Legend: variantLegend(r)}
	for _, world := range r.Worlds {
		if sums := worldSums(r, world); cached(sums) {
			p.Figures = append(p.Figures, cacheFigure(s, r, world, sums))
		}
	}
	if len(p.Figures) == 0 {
		return nil
	}
	return p
}

// worldSums are the summaries of a world.
func worldSums(r *measure.Result, world string) []*measure.Summary {
	var sums []*measure.Summary
	for _, name := range r.Variants {
		if s := summaryOf(r, world, name); s != nil {
			sums = append(sums, s)
		}
	}
	return sums
}

var (
	hitTrace   = trace{name: "from the cache", of: func(s measure.Second) float64 { return s.Hits }, text: share}
	reachTrace = trace{name: "to backends", of: func(s measure.Second) float64 { return s.Reached }, text: rate}
)

func cacheFigure(s *scenarios.Scenario, r *measure.Result, world string, sums []*measure.Summary) figure {
	most, end := 0., r.Duration.Seconds()
	for _, sum := range sums {
		for _, second := range sum.Series {
			most, end = max(most, second.Reached), max(end, second.At)
		}
	}
	spells := sharedSpells(s, r)
	c := overTime(end, spells, linearAxis(1, 4, share), linearAxis(most*1.05, 4, rate))
	data := grid{Head: []heading{{"Variant", ""}, {"At", "s"}, {"Answered from the cache", ""}, {"Came to backends", "/s"}}}
	var seen []string
	for _, sum := range sums {
		h := handOf(slices.Index(r.Variants, sum.Variant))
		h.shape = nil
		c.upper.Add(hitTrace.by(sum.Variant, h).lines(sum.Series, false)...)
		c.lower.Add(reachTrace.by(sum.Variant, h).lines(sum.Series, false)...)
		for _, second := range sum.Series {
			data.Rows = append(data.Rows, []datum{said(sum.Variant), clocked(second.At), shared(second.Hits), rated(second.Reached)})
		}
		seen = append(seen, sum.Variant+" "+share(sum.Figure(measure.Metric{Name: "cache-hits"}).Value)+" from the cache")
	}
	label := "Over time, " + worldName(world) + ": share answered from the cache above, requests per second to backends below. In all: " + strings.Join(seen, ", ") + c.faults
	return figure{Title: title(worldName(world)), Data: data, SVG: c.svg(label, "answered from the cache", "requests per second to backends")}
}

// sharedSpells are warm-up and the faults of all variants, each once.
func sharedSpells(s *scenarios.Scenario, r *measure.Result) []spell {
	var all []spell
	for i := range s.Variants {
		for _, sp := range spellsOf(s.Variants[i].Faults, r) {
			if !slices.Contains(all, sp) {
				all = append(all, sp)
			}
		}
	}
	return all
}
