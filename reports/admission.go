package reports

import (
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"

	"trafficlab/bench/measure"
)

// admissions draws what limits let in against what was asked for, a mark a
// second. It is nil if nothing was refused by policy.
func admissions(r *measure.Result) *panel {
	p := &panel{ID: "admission", Title: "What limits let in",
		Intro: "Each mark is a second of a variant that refused something by policy: how much was asked for, and how much of it was let in. On the dashed line all of it is; a limit is where marks leave it."}
	for i, name := range r.Variants {
		if slices.ContainsFunc(r.Summaries, func(s measure.Summary) bool { return s.Variant == name && refuses(s.Series) }) {
			p.Legend = append(p.Legend, handOf(i).entry(name))
		}
	}
	if len(p.Legend) == 0 {
		return nil
	}
	p.Legend = append(p.Legend, boundHand.entry("all let in"))
	for _, world := range r.Worlds {
		if f, ok := admissionFigure(r, world); ok {
			p.Figures = append(p.Figures, f)
		}
	}
	return p
}

func refuses(series []measure.Second) bool {
	return slices.ContainsFunc(series, func(s measure.Second) bool { return s.Refused > 0 })
}

func admissionFigure(r *measure.Result, world string) (figure, bool) {
	var sums []*measure.Summary
	most := 0.
	for _, s := range worldSums(r, world) {
		if refuses(s.Series) {
			sums = append(sums, s)
			for _, second := range s.Series {
				most = max(most, second.Offered)
			}
		}
	}
	x := linearAxis(most*1.05, 5, rate)
	chart := newPlot(x, linearAxis(most*1.05, 4, rate), "asked for")
	chart.Add(&plotter.Line{XYs: plotter.XYs{{}, {X: most, Y: most}}, LineStyle: boundHand.line()})
	data := grid{Head: []heading{{"Variant", ""}, {"At", "s"}, {"Asked for", "/s"}, {"Let in", "/s"}, {"Refused", "/s"}}}
	var seen []string
	for _, s := range sums {
		h := handOf(slices.Index(r.Variants, s.Variant))
		var at plotter.XYs
		high := 0.
		for _, second := range s.Series {
			in := second.Offered - second.Refused
			at, high = append(at, plotter.XY{X: second.Offered, Y: in}), max(high, in)
			data.Rows = append(data.Rows, []datum{said(s.Variant), clocked(second.At), rated(second.Offered), rated(in), rated(second.Refused)})
		}
		chart.Add(admitted(s, at, h)...)
		seen = append(seen, s.Variant+" let in at most "+rate(high))
	}
	label := "Requests let in against requests asked for, " + worldName(world) + ": " + strings.Join(seen, ", ")
	return figure{Title: title(worldName(world)), Data: data, SVG: stacked(label, 250, titled{"let in", chart})}, len(sums) > 0
}

// admitted is a variant's marks.
func admitted(s *measure.Summary, at plotter.XYs, h hand) []plot.Plotter {
	style := h.glyph()
	style.Radius = 2.4
	return []plot.Plotter{&plotter.Scatter{XYs: at, GlyphStyle: style}, values{at, h.who, func(i int) (where, what string) {
		return "at " + clock(s.Series[i].At), s.Variant + " let in " + rate(at[i].Y) + " of " + rate(at[i].X)
	}}}
}
