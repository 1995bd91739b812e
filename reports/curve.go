package reports

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"trafficlab/bench/measure"
)

// curves draws latency by quantile, one chart a world, one line a variant.
func curves(r *measure.Result) *panel {
	var latencies, quantiles span
	for _, s := range r.Summaries {
		for _, p := range known(s.Curve) {
			latencies.add(p.Latency.Value, p.Latency.Low, p.Latency.High)
			quantiles.add(p.Quantile)
		}
	}
	if quantiles.lo == quantiles.hi {
		return nil
	}
	p := &panel{ID: "latency", Title: "Latency by quantile",
		Intro:  "Latency that a share of the successes stayed below. Each further nine takes the same room; bands are 95% intervals over repetitions. Lower is better.",
		Legend: variantLegend(r)}
	for _, world := range r.Worlds {
		p.Figures = append(p.Figures, curveFigure(r, world, quantiles, latencies))
	}
	return p
}

func curveFigure(r *measure.Result, world string, quantiles, latencies span) figure {
	chart := newPlot(ninesAxis(quantiles.lo, quantiles.hi), latencies.logAxis(latency), "share of successes")
	data := grid{Head: []heading{{"Quantile", ""}}}
	var seen []string
	for i, name := range r.Variants {
		s := summaryOf(r, world, name)
		if s == nil {
			continue
		}
		points := known(s.Curve)
		chart.Add(curveLine(name, points, handOf(i))...)
		data.column(name, points)
		if n := len(points); n > 0 {
			seen = append(seen, fmt.Sprintf("%s %s at %s", name, latency(points[n-1].Latency.Value), quantileName(points[n-1])))
		}
	}
	label := "Latency by quantile, " + worldName(world) + ", one line for each variant: " + strings.Join(seen, ", ")
	return figure{Title: title(worldName(world)), Data: data,
		SVG: stacked(label, 270, titled{"latency of successes", chart})}
}

// known drops the points that too few samples stand behind.
func known(points []measure.Point) []measure.Point {
	return slices.DeleteFunc(slices.Clone(points), func(p measure.Point) bool {
		return !p.Latency.Known || !(p.Latency.Value > 0) || !(p.Quantile > 0 && p.Quantile < 1)
	})
}

// curveMarks are the quantiles that carry the variant's marker.
var curveMarks = []float64{0.5, 0.9, 0.99, 0.999, 0.9999}

func curveLine(name string, points []measure.Point, h hand) []plot.Plotter {
	if len(points) == 0 {
		return nil
	}
	var xs, low, high []float64
	var line, marks plotter.XYs
	for _, p := range points {
		at := plotter.XY{X: nines(p.Quantile), Y: math.Log10(p.Latency.Value)}
		line = append(line, at)
		if slices.Contains(curveMarks, p.Quantile) {
			marks = append(marks, at)
		}
		if p.Latency.Low > 0 {
			xs = append(xs, at.X)
			low, high = append(low, math.Log10(p.Latency.Low)), append(high, math.Log10(p.Latency.High))
		}
	}
	return []plot.Plotter{band(h, xs, low, high),
		&plotter.Line{XYs: line, LineStyle: h.line()},
		&plotter.Scatter{XYs: marks, GlyphStyle: h.glyph()},
		values{line, h.who, func(i int) (where, what string) {
			return quantileName(points[i]) + " of successes", name + " " + withRange(points[i].Latency)
		}}}
}

// quantileName is "99.9%".
func quantileName(p measure.Point) string { return fmt.Sprintf("%g%%", math.Round(p.Quantile*1e7)/1e5) }

// column adds a variant's curve to a table by quantile.
func (g *grid) column(name string, points []measure.Point) {
	g.Head = append(g.Head, heading{name, "s"})
	for _, p := range points {
		i := slices.IndexFunc(g.Rows, func(row []datum) bool { return row[0].numbers[0] == p.Quantile })
		if i < 0 {
			i = len(g.Rows)
			g.Rows = append(g.Rows, []datum{number(p.Quantile, quantileName(p))})
		}
		g.Rows[i] = append(pad(g.Rows[i], len(g.Head)-1), figured(p.Latency, withRange(p.Latency)))
	}
	for i := range g.Rows {
		g.Rows[i] = pad(g.Rows[i], len(g.Head))
	}
}

// pad fills a row up to n cells with dashes.
func pad(row []datum, n int) []datum {
	for len(row) < n {
		row = append(row, nothing)
	}
	return row
}

// withRange is a latency and its interval, if there is one.
func withRange(f measure.Figure) string {
	if between := f.Range(measure.Metric{Name: "mean"}); between != "" {
		return latency(f.Value) + " (" + between + ")"
	}
	return latency(f.Value)
}

// variantLegend shows how each variant is drawn.
func variantLegend(r *measure.Result) []legendEntry {
	var entries []legendEntry
	for i, name := range r.Variants {
		entries = append(entries, handOf(i).entry(name))
	}
	return entries
}

// whiskers are the interval of a dot in a row.
func whiskers(c *draw.Canvas, style draw.LineStyle, low, high, y vg.Length) {
	style.Dashes = nil
	c.StrokeLine2(style, low, y, high, y)
	c.StrokeLine2(style, low, y-3, low, y+3)
	c.StrokeLine2(style, high, y-3, high, y+3)
}
