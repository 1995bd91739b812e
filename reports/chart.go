package reports

import (
	"bytes"
	"fmt"
	"html/template"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// chartWidth suits half of a desktop page and a whole phone: the page scales
// charts between 0.9 and 1.2, at which their text stays legible.
const chartWidth = 360

// textSize is that of all text in charts.
const textSize = 11.5

// panel is a group of figures that share a legend.
type panel struct {
	ID, Title, Intro string
	Legend           []legendEntry
	Figures          []figure
}

// name names the files behind the charts.
func (p *panel) name(scenario string) {
	for i := range p.Figures {
		f := &p.Figures[i]
		f.Data.call(p.Title+": "+f.Title, scenario, p.ID, fmt.Sprint(i+1))
	}
}

// figure is a chart with its words and its numbers.
type figure struct {
	Title string
	SVG   template.HTML
	Data  grid
}

// drawn is an SVG element of the given size in user units, which scales to its
// container. label is its text for those who cannot see it; without one it is
// decoration.
func drawn(label string, width, height vg.Length, paint func(draw.Canvas)) template.HTML {
	c := &canvas{Canvas: vgsvg.New(width, height)}
	paint(draw.New(c))
	var b bytes.Buffer
	c.WriteTo(&b) // a buffer takes everything
	_, body, _ := strings.Cut(b.String(), "xlink\">\n")
	body = strings.TrimSuffix(themed(strings.TrimSpace(body)), "</svg>") + c.svg(height) + "</svg>"
	return svgElement(label, float64(width), float64(height), body)
}

// svgElement opens an SVG element around body, which ends it.
func svgElement(label string, width, height float64, body string) template.HTML {
	role := `aria-hidden="true"`
	if label != "" {
		role = fmt.Sprintf(`role="img" aria-label="%s"`, template.HTMLEscapeString(label))
	}
	return template.HTML(fmt.Sprintf(`<svg viewBox="0 0 %g %g" width="%g" height="%g" %s>%s`,
		width, height, width, height, role, body))
}

func typeset(size font.Length, k ink, x text.XAlignment, y text.YAlignment) text.Style {
	return text.Style{
		Color: k.solid(), Font: font.Font{Typeface: "Liberation", Variant: "Sans", Size: size},
		XAlign: x, YAlign: y, Handler: plot.DefaultTextHandler,
	}
}

// axis is the range of one axis and its ticks.
type axis struct {
	min, max float64
	ticks    []plot.Tick
}

func (a axis) set(to *plot.Axis) {
	to.Min, to.Max = a.min, a.max
	to.Tick.Marker = plot.ConstantTicks(a.ticks)
}

// newPlot is an empty plot in the house's style: a faint grid, no frame.
func newPlot(x, y axis, bottom string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	p.X.Label.Text = bottom
	p.X.Label.TextStyle = typeset(textSize, muted, text.XCenter, text.YBottom)
	p.X.Tick.Label = typeset(textSize, muted, text.XCenter, text.YTop)
	p.Y.Tick.Label = typeset(textSize, muted, text.XRight, text.YCenter)
	thin := draw.LineStyle{Color: rule.solid(), Width: 0.7}
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.LineStyle, a.Tick.LineStyle = thin, thin
		a.Tick.Length, a.Padding = 4, 0
	}
	p.X.Padding = 4
	p.Y.LineStyle.Width = 0
	p.Y.Tick.LineStyle.Width = 0
	lines := plotter.NewGrid()
	lines.Vertical = draw.LineStyle{Color: rule.tint(0.5), Width: 0.5}
	lines.Horizontal = draw.LineStyle{Color: rule.solid(), Width: 0.5}
	p.Add(lines)
	// After the grid, which would widen them.
	x.set(&p.X)
	y.set(&p.Y)
	return p
}

// titled is a plot with what its vertical axis shows written above it.
type titled struct {
	title string
	plot  *plot.Plot
}

// stacked draws plots above each other, their data aligned.
func stacked(label string, height vg.Length, plots ...titled) template.HTML {
	return drawn(label, chartWidth, height, func(c draw.Canvas) {
		column := make([][]*plot.Plot, len(plots))
		for i := range plots {
			column[i] = []*plot.Plot{plots[i].plot}
		}
		const head = 20
		tiles := draw.Tiles{Rows: len(plots), Cols: 1, PadTop: head, PadY: head + 4, PadRight: 6, PadBottom: 2}
		for i, row := range plot.Align(column, tiles, c) {
			plots[i].plot.Draw(row[0])
			c.FillText(typeset(textSize, muted, text.XLeft, text.YBottom),
				vg.Point{X: c.Min.X, Y: row[0].Max.Y + 7}, plots[i].title)
		}
	})
}

// band fills between the low and the high values of a line.
func band(h hand, xs, low, high []float64) plot.Plotter {
	var edge plotter.XYs
	for i := range xs {
		edge = append(edge, plotter.XY{X: xs[i], Y: high[i]})
	}
	for i := len(xs) - 1; i >= 0; i-- {
		edge = append(edge, plotter.XY{X: xs[i], Y: low[i]})
	}
	return &plotter.Polygon{XYs: []plotter.XYs{edge}, Color: h.tint(0.16)}
}
