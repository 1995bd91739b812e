package reports

import (
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
)

// capacityPage is what the template of a capacity sees.
type capacityPage struct {
	*measure.Capacity
	Rows   []capacityRow
	Panels []*panel
	Place  []fact
}

// capacityRow is what was found of one variant in one world.
type capacityRow struct {
	Variant, World, Met, NotMet, Knee, Against, Text string
	Doubt                                            bool
}

// WriteCapacity draws what was found of the load that scenario s bears. It is
// the error of w, if any.
func WriteCapacity(w io.Writer, s *scenarios.Scenario, c *measure.Capacity) error {
	on := c.Machine // but for the generator, which was another at each load
	on.LateP50, on.LateP99, on.GeneratorCPU = 0, 0, 0
	p := capacityPage{Capacity: c, Place: append(machine(&measure.Result{Seed: c.Seed, Machine: on, Calibration: on.Calibration}),
		fact{"Data", "under every chart, as CSV and JSON; all loads tried in capacity.json, beside this page"})}
	for i := range c.Searches {
		f := &c.Searches[i]
		row := capacityRow{Variant: f.Variant, World: f.World, Met: dash, NotMet: dash, Knee: dash, Against: dash, Text: f.Text, Doubt: !f.Known()}
		if f.Met > 0 {
			row.Met = f.LoadText(f.Met)
		}
		if f.NotMet > 0 {
			row.NotMet = f.LoadText(f.NotMet)
		}
		if f.GaveOut != "" {
			row.NotMet += " (the machine)"
		}
		if text := f.KneeText(); text != "" {
			row.Knee = text
		}
		if text := f.AgainstText(c.Baseline); text != "" {
			row.Against = text
		} else if f.Variant == c.Baseline {
			row.Against = "baseline"
		}
		p.Rows = append(p.Rows, row)
	}
	for _, world := range c.Worlds {
		found := knees(c, world)
		found.name(s.Name + "-capacity")
		p.Panels = append(p.Panels, found)
	}
	return write(w, "capacity.html", s.Name, p)
}

// knees draws every bounded figure against the load in a world, one line a
// variant.
func knees(c *measure.Capacity, world string) *panel {
	p := &panel{ID: "load-" + world, Title: title(worldName(world)) + ": against the load offered",
		Intro: "Each mark is a load that was tried, bands are 95% intervals over repetitions. The dashed line is the bound; between the highest load that met all bounds and the lowest that did not, the ground is shaded."}
	for i, name := range c.Variants {
		p.Legend = append(p.Legend, handOf(i).entry(name))
	}
	p.Legend = append(p.Legend, boundHand.entry("bound"), legendEntry{Swatch: shade(), Name: "between met and not met"})
	seen := map[measure.Metric]bool{}
	for _, b := range c.Bounds {
		if !seen[b.Metric] {
			p.Figures = append(p.Figures, kneeFigure(c, world, b.Metric))
		}
		seen[b.Metric] = true
	}
	return p
}

var boundHand = hand{ink: words, dash: []vg.Length{4, 3}, width: 1.3}

// shade is the ground of a knee for a legend.
func shade() template.HTML {
	return drawn("", 34, 10, func(c draw.Canvas) {
		c.FillPolygon(words.tint(kneeTint), []vg.Point{{X: 8, Y: 0}, {X: 26, Y: 0}, {X: 26, Y: 10}, {X: 8, Y: 10}})
	})
}

const kneeTint = 0.2

func kneeFigure(c *measure.Capacity, world string, m measure.Metric) figure {
	x := loadAxis(c, world)
	y, up := capacityAxis(c, world, m)
	chart := newPlot(x, y, loadName(c, world))
	data := grid{Head: []heading{{"Variant", ""}, {"Load", ""}, {m.String(), unitOf(m)}, {"Bounds", ""}, {"Repetitions", ""}}}
	var ends []string
	for i, name := range c.Variants {
		for j := range c.Searches {
			if s := &c.Searches[j]; s.World == world && s.Variant == name {
				chart.Add(kneeLine(s, m, handOf(i), y, up)...)
				data.Rows = append(data.Rows, levelRows(s, m)...)
				ends = append(ends, loadEnds(s))
			}
		}
	}
	for _, b := range c.Bounds {
		if b.Metric == m {
			at := up(b.Bound)
			chart.Add(&plotter.Line{XYs: plotter.XYs{{X: x.min, Y: at}, {X: x.max, Y: at}}, LineStyle: boundHand.line()})
		}
	}
	x.set(&chart.X) // what was added has widened them
	y.set(&chart.Y)
	label := fmt.Sprintf("%s against the load offered, %s, one line for each variant: %s", m, worldName(world), strings.Join(ends, ", "))
	return figure{Title: m.String(), Data: data, SVG: stacked(label, 270, titled{measure.Metrics[m.Name].About, chart})}
}

// loadEnds says between which loads the bounds are crossed.
func loadEnds(s *measure.Search) string {
	words := s.Variant
	if s.Met > 0 {
		words += " met at " + s.LoadText(s.Met)
	}
	if s.NotMet > 0 {
		words += " not met at " + s.LoadText(s.NotMet)
	}
	return words
}

// levelRows are the loads tried, in numbers.
func levelRows(s *measure.Search, m measure.Metric) [][]datum {
	var rows [][]datum
	for i := range s.Levels {
		l := &s.Levels[i]
		rows = append(rows, []datum{said(s.Variant), number(l.Load, s.LoadText(l.Load)), figured(l.Figure(m), worded(l.Figure(m), m)), said(fared(l)), counted(int64(l.Repetitions))})
	}
	return rows
}

// fared says what came of a load.
func fared(l *measure.Level) string {
	if l.GaveOut != "" {
		return "the machine gave out"
	}
	return string(l.Met)
}

func loadName(c *measure.Capacity, world string) string {
	for _, s := range c.Searches {
		if s.World == world && s.Clients {
			return "clients"
		}
	}
	return "requests per second offered"
}

// beyondKnee is how far beyond the highest load that failed first the chart
// goes: what was tried farther out is in the data.
const beyondKnee = 1.25

func loadAxis(c *measure.Capacity, world string) axis {
	most := 0.
	for _, s := range c.Searches {
		if s.World == world {
			most = max(most, s.NotMet*beyondKnee)
			if s.NotMet == 0 && len(s.Levels) > 0 {
				most = max(most, s.Levels[len(s.Levels)-1].Load*1.05)
			}
		}
	}
	return linearAxis(most, 5, func(v float64) string { return fmt.Sprintf("%.4g", v) })
}

// capacityAxis spans a figure, by logarithm if it is a latency, and tells where
// on it a value lies.
func capacityAxis(c *measure.Capacity, world string, m measure.Metric) (axis, func(float64) float64) {
	var s span
	within := loadAxis(c, world).max
	for _, f := range c.Searches {
		for i := range f.Levels {
			if l := &f.Levels[i]; f.World == world && l.Load <= within && l.Figure(m).Known {
				s.add(l.Figure(m).Value, l.Figure(m).Low, l.Figure(m).High)
			}
		}
	}
	for _, b := range c.Bounds {
		if b.Metric == m {
			s.add(b.Bound)
		}
	}
	name := func(v float64) string { return measure.Text(m, v) }
	unit := measure.Metrics[m.Name].Unit
	switch {
	case unit == measure.Seconds:
		return s.logAxis(name), func(v float64) float64 { return math.Log10(max(v, 1e-9)) }
	case unit == measure.Share && s.lo > .5*s.hi:
		return closeAxis(s, unit, name), func(v float64) float64 { return v }
	}
	return linearAxis(s.hi*1.05, 5, name), func(v float64) float64 { return v }
}

// kneeLine is a variant's figure against the load, and the ground of its knee.
func kneeLine(s *measure.Search, m measure.Metric, h hand, y axis, up func(float64) float64) []plot.Plotter {
	var xs, low, high []float64
	var line plotter.XYs
	var levels []*measure.Level
	for i := range s.Levels {
		f := s.Levels[i].Figure(m)
		if !f.Known {
			continue
		}
		line, levels = append(line, plotter.XY{X: s.Levels[i].Load, Y: up(f.Value)}), append(levels, &s.Levels[i])
		xs, low, high = append(xs, s.Levels[i].Load), append(low, up(f.Low)), append(high, up(f.High))
	}
	if len(line) == 0 {
		return nil
	}
	var all []plot.Plotter
	if s.Met > 0 && s.NotMet > 0 {
		all = append(all, &plotter.Polygon{Color: h.tint(kneeTint), XYs: []plotter.XYs{{
			{X: s.Met, Y: y.min}, {X: s.NotMet, Y: y.min}, {X: s.NotMet, Y: y.max}, {X: s.Met, Y: y.max}}}})
	}
	return append(all, band(h, xs, low, high),
		&plotter.Line{XYs: line, LineStyle: h.line()},
		&plotter.Scatter{XYs: line, GlyphStyle: h.glyph()},
		values{line, h.who, func(i int) (where, what string) {
			return "at " + s.LoadText(levels[i].Load), s.Variant + " " + worded(levels[i].Figure(m), m) + ", " + fared(levels[i])
		}})
}
