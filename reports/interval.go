package reports

import (
	"html/template"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"trafficlab/bench/measure"
)

// worldHands draw the worlds where they stand side by side.
var worldHands = map[string]hand{
	"live": {who: 1, ink: series, width: 1.5, shape: draw.CircleGlyph{}},
	"sim":  {who: 2, ink: series + 1, width: 1.5, shape: hollow{draw.CircleGlyph{}}},
	theory: {who: 3, ink: series + 2, width: 1.5, shape: draw.PyramidGlyph{}},
}

// theory is what formulas say, where it stands beside worlds.
const theory = "theory"

// voices are the worlds, and theory where there is a formula.
func voices(r *measure.Result) []string {
	if len(r.Theory) == 0 {
		return r.Worlds
	}
	return append(slices.Clone(r.Worlds), theory)
}

// sideBySide draws the judged metric and the median of every variant, the
// simulator beside the live world and queueing theory.
func sideBySide(r *measure.Result) *panel {
	all := voices(r)
	if len(all) < 2 {
		return nil
	}
	p := &panel{ID: "worlds", Title: "Simulated beside live", Intro: "With 95% intervals over repetitions."}
	if len(r.Worlds) > 1 {
		p.Intro = "The same scenario in both worlds, with 95% intervals over repetitions. The simulator charges what a hop was measured to cost, and the processors that all share; what still lies between the two is what it does not model. " + agreement(r)
	}
	if len(r.Theory) > 0 {
		p.Title = "Simulated beside theory"
		if len(r.Worlds) > 1 {
			p.Title = "Simulated beside live and theory"
		}
		p.Intro += " Triangles are what queueing theory says of the simulated system in the long run, where it has a formula."
	}
	for _, world := range all {
		p.Legend = append(p.Legend, worldHands[world].entry(worldName(world)))
	}
	for _, m := range beside(r.JudgeBy) {
		if f, ok := intervalFigure(r, m); ok {
			p.Figures = append(p.Figures, f)
		}
	}
	if len(p.Figures) == 0 {
		return nil
	}
	return p
}

// agreement says how far the simulator is off in absolute time.
func agreement(r *measure.Result) string {
	if text := measure.ApartText(r.Apart); text != "" {
		return text + "."
	}
	return "Medians agree within 10% and p99 within 20%, or lie inside the live interval, wherever both can be told."
}

// beside are the metrics shown for both worlds.
func beside(judged measure.Metric) []measure.Metric {
	if judged.Name == "p50" {
		return []measure.Metric{judged, {Name: "p99", Class: judged.Class}}
	}
	return []measure.Metric{judged, {Name: "p50", Class: judged.Class}}
}

func intervalFigure(r *measure.Result, m measure.Metric) (figure, bool) {
	chart, ok := intervalChart(r, m)
	data := grid{Head: []heading{{"Variant", ""}}}
	for _, world := range voices(r) {
		data.Head = append(data.Head, heading{worldName(world), unitOf(m)})
	}
	for _, name := range r.Variants {
		row := []datum{said(name)}
		for _, world := range voices(r) {
			f := figureOf(r, world, name, m)
			row = append(row, figured(f, worded(f, m)))
		}
		data.Rows = append(data.Rows, row)
	}
	return figure{Title: m.String(), SVG: chart, Data: data}, ok
}

// worded is a figure with its interval in words.
func worded(f measure.Figure, m measure.Metric) string {
	if between := f.Range(m); between != "" && between != f.Text(m) {
		return f.Text(m) + " (" + between + ")"
	}
	return f.Text(m)
}

// intervalChart draws one metric of all variants, a dot with its interval for
// each world. It is false if no value is known.
func intervalChart(r *measure.Result, m measure.Metric) (template.HTML, bool) {
	x, logarithmic, ok := intervalAxis(r, m)
	if !ok {
		return "", false
	}
	rows := len(r.Variants)
	var found []string
	for _, world := range voices(r) {
		for _, name := range r.Variants {
			if f := figureOf(r, world, name, m); f.Known {
				found = append(found, name+" "+worldName(world)+" "+worded(f, m))
			}
		}
	}
	chart := newPlot(x, axis{min: 0, max: float64(rows)}, "")
	chart.Add(intervalRows{r, m, logarithmic})
	row := 22 + 8*len(voices(r))
	label := m.String() + " of each variant, with its 95% interval: " + strings.Join(found, ", ")
	return stacked(label, vg.Length(rows*row+46), titled{measure.Metrics[m.Name].About, chart}), true
}

// intervalAxis spans a metric's values: by logarithm if all are positive and
// far apart, else from a round value below the smallest.
func intervalAxis(r *measure.Result, m measure.Metric) (a axis, logarithmic, ok bool) {
	var s span
	zero := false
	for _, world := range voices(r) {
		for _, name := range r.Variants {
			if f := figureOf(r, world, name, m); f.Known {
				ok = true
				s.add(f.Value, f.Low, f.High)
				zero = zero || f.Low <= 0
			}
		}
	}
	name := func(v float64) string { return measure.Text(m, v) }
	if !zero && s.hi > 4*s.lo {
		return s.logAxis(name), true, ok
	}
	if zero || s.lo < 0.5*s.hi {
		a = linearAxis(s.hi*1.03, 5, name)
		a.min = -0.035 * a.max // room for the first tick's name
		return a, false, ok
	}
	return closeAxis(s, measure.Metrics[m.Name].Unit, name), false, ok
}

// closeAxis spans values that lie close together, without 0.
func closeAxis(s span, u measure.Unit, name func(float64) string) axis {
	step := roundStep(max((s.hi-s.lo)/3, s.hi*1e-4))
	a := axis{min: math.Floor(s.lo/step)*step - step*0.15, max: math.Ceil(s.hi/step)*step + step*0.1}
	if u == measure.Share {
		a.max = min(a.max, 1+step*0.1)
	}
	for i := math.Ceil(a.min / step); i*step <= a.max; i++ {
		a.ticks = append(a.ticks, plot.Tick{Value: i * step, Label: name(i * step)})
	}
	return a
}

// intervalRows draws a row for each variant: its name above its dots.
type intervalRows struct {
	r           *measure.Result
	m           measure.Metric
	logarithmic bool
}

// Plot implements plot.Plotter.
func (rows intervalRows) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	at := func(v float64) vg.Length {
		if rows.logarithmic {
			v = math.Log10(max(v, 1e-300))
		}
		return max(c.Min.X, min(c.Max.X, x(v)))
	}
	for i, name := range rows.r.Variants {
		top := float64(len(rows.r.Variants) - i)
		c.FillText(typeset(textSize, words, text.XLeft, text.YTop), vg.Point{X: c.Min.X, Y: y(top) - 1}, name)
		for j, world := range voices(rows.r) {
			f := figureOf(rows.r, world, name, rows.m)
			if !f.Known {
				continue
			}
			h, line := worldHands[world], y(top)-vg.Length(20+8*j)
			if f.N > 1 {
				whiskers(&c, h.line(), at(f.Low), at(f.High), line)
			}
			c.DrawGlyphNoClip(h.glyph(), vg.Point{X: at(f.Value), Y: line})
			tell(c, vg.Point{X: at(f.Value), Y: line}, h.who, name, worldName(world)+" "+worded(f, rows.m))
		}
	}
}
