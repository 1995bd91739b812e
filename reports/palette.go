package reports

import (
	"fmt"
	"html/template"
	"image/color"
	"regexp"
	"strconv"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// ink is a colour that the style sheet decides, by the reader's theme. Charts
// are drawn in marker colours, one an ink, which themed turns into the ink's
// CSS variable.
type ink int

const (
	words ink = iota
	muted
	rule
	paper
	fault
	good
	bad
	series // the first of seriesInks in a row
)

const seriesInks = 8

var inkNames = []string{"ink", "muted", "rule", "paper", "fault", "good", "bad"}

// variable is the ink's name in the style sheet.
func (k ink) variable() string {
	if k >= series {
		return "s" + strconv.Itoa(int(k-series)+1)
	}
	return inkNames[k]
}

// paint is an ink with an opacity, and the series that is drawn with it.
type paint struct {
	ink     ink
	opacity float64
	who     int
}

// RGBA gives the marker colour #01SSNN, of series and ink. The half step keeps the SVG canvas,
// which divides by the opacity and truncates, from landing one below.
func (p paint) RGBA() (r, g, b, a uint32) {
	a = uint32(p.opacity * 0xffff)
	channel := func(v int) uint32 { return uint32((float64(v) + 0.5) * float64(a) / 255) }
	return channel(1), channel(p.who), channel(int(p.ink)), a
}

func (k ink) solid() color.Color               { return paint{k, 1, 0} }
func (k ink) tint(opacity float64) color.Color { return paint{k, opacity, 0} }

var (
	marker   = regexp.MustCompile(`\sstyle="([^"]*)(fill|stroke):#01([0-9A-F]{2})([0-9A-F]{2})`)
	typeface = regexp.MustCompile(`font-family:[^;"]*;font-variant:[^;"]*;`)
	plain    = regexp.MustCompile(`font-weight:normal;|font-style:normal;`)
)

// themed lets the style sheet choose colours and typeface of a drawn chart, and
// names the series that each piece belongs to.
func themed(svg string) string {
	svg = marker.ReplaceAllStringFunc(svg, func(m string) string {
		parts := marker.FindStringSubmatch(m)
		who, _ := strconv.ParseInt(parts[3], 16, 0)
		k, _ := strconv.ParseInt(parts[4], 16, 0)
		return fmt.Sprintf(`%s style="%s%s:var(--%s)`, belongs(int(who)), parts[1], parts[2], ink(k).variable())
	})
	return plain.ReplaceAllString(typeface.ReplaceAllString(svg, ""), "")
}

// hand is how one series is drawn: told apart by colour, dash and marker. who
// is its number in its legend, from 1 on: 0 is nobody's, and cannot be hidden.
type hand struct {
	who   int
	ink   ink
	dash  []vg.Length
	shape draw.GlyphDrawer
	width vg.Length
}

var dashes = [][]vg.Length{nil, {6, 2.5}, {2, 2}, {8, 2, 2, 2}}

var shapes = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{}, hollow{draw.CircleGlyph{}},
	hollow{draw.BoxGlyph{}}, hollow{draw.PyramidGlyph{}}, draw.CrossGlyph{}}

// hollow is a filled shape with paper inside.
type hollow struct{ shape draw.GlyphDrawer }

// DrawGlyph implements draw.GlyphDrawer.
func (h hollow) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	c.SetColor(style.Color)
	h.shape.DrawGlyph(c, style, at)
	style.Color, style.Radius = paper.solid(), style.Radius-1.3
	c.SetColor(style.Color)
	h.shape.DrawGlyph(c, style, at)
}

// handOf is the i-th variant's hand, the same in every chart of a page. With
// 8, 4 and 7 to choose from, 56 variants differ.
func handOf(i int) hand {
	return hand{(i + 1) % mostSeries, series + ink(i%seriesInks), dashes[i%len(dashes)], shapes[i%len(shapes)], 1.6}
}

// mostSeries is how many numbers of series a marker colour has room for.
const mostSeries = 256

func (h hand) solid() color.Color               { return paint{h.ink, 1, h.who} }
func (h hand) tint(opacity float64) color.Color { return paint{h.ink, opacity, h.who} }

func (h hand) line() draw.LineStyle {
	return draw.LineStyle{Color: h.solid(), Width: h.width, Dashes: h.dash}
}

func (h hand) glyph() draw.GlyphStyle {
	return draw.GlyphStyle{Color: h.solid(), Radius: 3.2, Shape: h.shape}
}

// swatch draws the hand for a legend.
func (h hand) swatch() template.HTML {
	return drawn("", 34, 10, func(c draw.Canvas) {
		c.StrokeLine2(h.line(), 1, 5, 33, 5)
		if h.shape != nil {
			c.DrawGlyph(h.glyph(), vg.Point{X: 17, Y: 5})
		}
	})
}

// legendEntry is a swatch, what it stands for, and its series.
type legendEntry struct {
	Swatch template.HTML
	Name   string
	Who    int
}

// entry is the hand's, under a name.
func (h hand) entry(name string) legendEntry { return legendEntry{h.swatch(), name, h.who} }
