package reports

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// canvas is a drawing that remembers which of its places stand for a value, so
// that a reader can ask for it.
type canvas struct {
	*vgsvg.Canvas
	marks []mark
}

// mark is such a place.
type mark struct {
	corner      vg.Point // the lower left one
	wide, high  vg.Length
	who         int // whose value it is: see hand
	where, what string
}

const markSize = 8 // of one that is a point

// tell marks a point of a drawing: at where, the value is what.
func tell(c draw.Canvas, at vg.Point, who int, where, what string) {
	const half = markSize / 2
	tellBox(c, vg.Point{X: at.X - half, Y: at.Y - half}, markSize, markSize, who, where, what)
}

// tellBox marks a rectangle.
func tellBox(c draw.Canvas, corner vg.Point, wide, high vg.Length, who int, where, what string) {
	switch to := c.Canvas.(type) {
	case *canvas:
		to.marks = append(to.marks, mark{corner, wide, high, who, where, what})
	case draw.Canvas: // of which this is a part
		tellBox(to, corner, wide, high, who, where, what)
	}
}

// svg is the marks as elements that cannot be seen. Their titles are what a
// browser shows of them by itself.
func (c *canvas) svg(height vg.Length) string {
	if len(c.marks) == 0 {
		return ""
	}
	short := func(l vg.Length) string { return strconv.FormatFloat(float64(l), 'f', 1, 64) }
	var b strings.Builder
	b.WriteString(`<g class="marks">`)
	for _, m := range c.marks {
		fmt.Fprintf(&b, "<rect%s x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\"><title>%s\n%s</title></rect>", belongs(m.who),
			short(m.corner.X), short(height-m.corner.Y-m.high), short(m.wide), short(m.high),
			template.HTMLEscapeString(m.where), template.HTMLEscapeString(m.what))
	}
	b.WriteString("</g>")
	return b.String()
}

// belongs is the attribute by which the script knows a series.
func belongs(who int) string {
	if who == 0 {
		return ""
	}
	return fmt.Sprintf(` data-s="%d"`, who)
}

// values are the marks of a line.
type values struct {
	at   plotter.XYs
	who  int
	tell func(i int) (where, what string)
}

// mostValues is how many values of one line can be pointed at apart.
const mostValues = 150

// Plot implements plot.Plotter.
func (v values) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for i := 0; i < len(v.at); i += len(v.at)/mostValues + 1 {
		if at := (vg.Point{X: x(v.at[i].X), Y: y(v.at[i].Y)}); c.Contains(at) {
			where, what := v.tell(i)
			tell(c, at, v.who, where, what)
		}
	}
}
