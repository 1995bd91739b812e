package reports

import (
	"fmt"
	"html/template"
	"math"
	"strings"
)

// way is a direction in which a flow is drawn.
type way interface {
	place(s *sketch)                   // gives every box its place and size
	ends(a *arrow) (from, to point)    // where an arrow leaves and arrives
	bend(from, to point) string        // the curve between, as path data
	pass(b *box) point                 // through which point an arrow bends
	head(tip point) string             // the arrow's head, as path data
	caption(a *arrow, tip point) label // where its words go
}

type point struct{ x, y float64 }

type label struct {
	point
	anchor string
}

var (
	across way = horizontal{}
	down   way = vertical{}
)

const (
	lineHeight = 15.0
	headLength = 8.0
)

// height is that of a box's words, or of a bend.
func (b *box) height() float64 {
	if b.title == "" {
		return 24
	}
	return max(22+lineHeight*float64(len(b.lines))+8, 16*float64(len(b.in)+1))
}

// port is where the arrow arrives along the side of its box: arrows share it
// evenly.
func (a *arrow) port(side float64) float64 {
	for i, other := range a.to.in {
		if other == a {
			return side * float64(i+1) / float64(len(a.to.in)+1)
		}
	}
	return side / 2
}

// last is where the arrow comes from on its last stretch.
func (a *arrow) last() *box {
	if n := len(a.bends); n > 0 {
		return a.bends[n-1]
	}
	return a.from
}

// horizontal draws nodes from left to right.
type horizontal struct{}

const (
	wideBox = 132.0
	wideGap = 84.0
	edgeGap = 14.0
)

func (horizontal) place(s *sketch) {
	for _, layer := range s.layers {
		s.height = max(s.height, stackHeight(layer))
	}
	x := 1.0
	for i, layer := range s.layers {
		width := wideBox
		if i == 0 {
			width = 62
		}
		y := 4 + (s.height-stackHeight(layer))/2
		for _, b := range layer {
			b.x, b.y, b.w, b.h = x, y, width, b.height()
			y += b.h + edgeGap
		}
		x += width + wideGap
	}
	s.width, s.height = x-wideGap+8, s.height+14
}

// stackHeight is the height of a layer.
func stackHeight(layer []*box) float64 {
	sum := -edgeGap
	for _, b := range layer {
		sum += b.height() + edgeGap
	}
	return sum
}

func (horizontal) ends(a *arrow) (from, to point) {
	return point{a.from.x + a.from.w, a.from.y + a.from.h/2}, point{a.to.x - 2, a.to.y + a.port(a.to.h)}
}

func (horizontal) pass(b *box) point { return point{b.x + b.w/2, b.y + b.h/2} }

func (horizontal) bend(from, to point) string {
	half := (to.x - from.x) / 2
	return fmt.Sprintf("C%.1f,%.1f %.1f,%.1f %.1f,%.1f", from.x+half, from.y, to.x-half, to.y, to.x, to.y)
}

func (horizontal) head(tip point) string {
	return fmt.Sprintf("M%.1f,%.1fl-%g,-4v8z", tip.x, tip.y, headLength)
}

// caption stands on the side from which the arrow does not come.
func (horizontal) caption(a *arrow, tip point) label {
	from := a.last()
	if from.y+from.h/2 < tip.y-2 {
		return label{point{tip.x - headLength - 2, tip.y + 15}, "end"}
	}
	return label{point{tip.x - headLength - 2, tip.y - 7}, "end"}
}

// vertical draws nodes from top to bottom.
type vertical struct{}

const (
	tallWidth = 326.0
	tallGap   = 42.0
	sideGap   = 12.0
)

func (vertical) place(s *sketch) {
	s.width = tallWidth
	for _, layer := range s.layers {
		s.width = max(s.width, float64(len(layer))*(100+sideGap)-sideGap+2)
	}
	y := 1.0
	for i, layer := range s.layers {
		n := float64(len(layer))
		width, height := min(150, (s.width-2-sideGap*(n-1))/n), 0.0
		for _, b := range layer {
			height = max(height, b.height())
		}
		if i == 0 {
			width = 70
		}
		x := (s.width - n*width - (n-1)*sideGap) / 2
		for _, b := range layer {
			b.x, b.y, b.w, b.h = x, y, width, b.height()
			x += width + sideGap
		}
		y += height + tallGap
	}
	s.height = y - tallGap + 10
}

func (vertical) ends(a *arrow) (from, to point) {
	return point{a.from.x + a.from.w/2, a.from.y + a.from.h}, point{a.to.x + a.port(a.to.w), a.to.y - 2}
}

func (vertical) pass(b *box) point { return point{b.x + b.w/2, b.y + b.h/2} }

func (vertical) bend(from, to point) string {
	half := (to.y - from.y) / 2
	return fmt.Sprintf("C%.1f,%.1f %.1f,%.1f %.1f,%.1f", from.x, from.y+half, to.x, to.y-half, to.x, to.y)
}

func (vertical) head(tip point) string {
	return fmt.Sprintf("M%.1f,%.1fl-4,-%gh8z", tip.x, tip.y, headLength)
}

func (vertical) caption(a *arrow, tip point) label {
	from := a.last()
	if from.x+from.w/2 > tip.x+2 {
		return label{point{tip.x - 7, tip.y - 9}, "end"}
	}
	return label{point{tip.x + 7, tip.y - 9}, "start"}
}

// svg draws the sketch.
func (s *sketch) svg(label string) template.HTML {
	var b strings.Builder
	busiest := 0.0
	for _, a := range s.arrows {
		busiest = max(busiest, a.rate)
	}
	for _, a := range s.arrows {
		s.arrow(&b, a, busiest)
	}
	for _, layer := range s.layers {
		for _, box := range layer {
			if box.title != "" {
				box.draw(&b)
			}
		}
	}
	for _, a := range s.arrows {
		if len(a.to.in) <= mostLabels {
			_, tip := s.way.ends(a)
			at := s.way.caption(a, tip)
			fmt.Fprintf(&b, `<text class="rate" x="%.1f" y="%.1f" text-anchor="%s">%s</text>`, at.x, at.y, at.anchor, rate(a.rate))
		}
	}
	b.WriteString("</svg>")
	return svgElement(label, math.Ceil(s.width), math.Ceil(s.height), b.String())
}

// arrow draws a line as wide as its rate, next to the busiest.
func (s *sketch) arrow(b *strings.Builder, a *arrow, busiest float64) {
	at, tip := s.way.ends(a)
	line := tip
	if s.way == across {
		line.x -= headLength - 1
	} else {
		line.y -= headLength - 1
	}
	path := fmt.Sprintf("M%.1f,%.1f", at.x, at.y)
	for _, bend := range a.bends {
		next := s.way.pass(bend)
		path += s.way.bend(at, next)
		at = next
	}
	path += s.way.bend(at, line)
	class, width := "edge", 1.0
	switch {
	case a.rate <= 0:
		class = "edge idle"
	case busiest > 0:
		width += 5 * a.rate / busiest
	}
	if a.faulty {
		class += " faulty"
	}
	fmt.Fprintf(b, `<path class="%s" d="%s" stroke-width="%.1f"/><path class="tip" d="%s"/>`, class, path, width, s.way.head(tip))
}

// draw paints a box with its words; several replicas show as a stack.
func (b *box) draw(out *strings.Builder) {
	for i := min(2, len(b.places)-1); i > 0; i-- {
		fmt.Fprintf(out, `<rect class="box" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="5"/>`, b.x+3*float64(i), b.y+3*float64(i), b.w, b.h)
	}
	class := "box"
	for _, l := range b.lines {
		if l.class == "fault" {
			class = "box faulty"
		}
	}
	title := b.title
	for _, l := range b.lines { // which may be cut off below
		title += "\n" + l.text
	}
	fmt.Fprintf(out, `<g><title>%s</title><rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="5"/>`,
		template.HTMLEscapeString(title), class, b.x, b.y, b.w, b.h)
	middle := b.x + b.w/2
	y := b.y + b.h/2 - (lineHeight*float64(len(b.lines)))/2 + 5
	fmt.Fprintf(out, `<text class="name" x="%.1f" y="%.1f">%s</text>`, middle, y, template.HTMLEscapeString(clipped(b.title, int(b.w/7.6))))
	for _, l := range b.lines {
		y += lineHeight
		fmt.Fprintf(out, `<text class="%s" x="%.1f" y="%.1f">%s</text>`, strings.TrimSpace("fact "+l.class), middle, y,
			template.HTMLEscapeString(clipped(l.text, int(b.w/6))))
	}
	out.WriteString("</g>")
}

// clipped cuts text to n characters.
func clipped(text string, n int) string {
	runes := []rune(text)
	if len(runes) <= n {
		return text
	}
	return string(runes[:n-1]) + "…"
}
