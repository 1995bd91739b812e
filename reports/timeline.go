package reports

import (
	"fmt"
	"html/template"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// trace is one line of a time line chart.
type trace struct {
	name string
	hand hand
	of   func(measure.Second) float64
	text func(float64) string
}

var (
	latencyTraces = []trace{
		{"p99", hand{who: 1, ink: series, width: 1.8}, func(s measure.Second) float64 { return s.P99 }, latency},
		{"median", hand{who: 2, ink: series + 5, width: 1.4, dash: dashes[1]}, func(s measure.Second) float64 { return s.P50 }, latency},
	}
	rateTraces = []trace{
		{"offered", hand{who: 3, ink: muted, width: 1.2, dash: dashes[2]}, func(s measure.Second) float64 { return s.Offered }, rate},
		{"answered well", hand{who: 4, ink: series + 2, width: 1.8}, func(s measure.Second) float64 { return s.Good }, rate},
		{"refused by policy", hand{who: 5, ink: series + 4, width: 1.4, dash: dashes[1]}, func(s measure.Second) float64 { return s.Refused }, rate},
		{"failed", hand{who: 6, ink: series + 1, width: 1.8, dash: dashes[3]}, func(s measure.Second) float64 { return s.Failed }, rate},
	}
)

// timelines draws latency and throughput over time: a row of charts for each
// variant, one a world, all on the same scales.
func timelines(s *scenarios.Scenario, r *measure.Result) *panel {
	var latencies, rates span
	for _, sum := range r.Summaries {
		for _, second := range sum.Series {
			latencies.add(second.P50, second.P99)
			rates.add(second.Offered, second.Good, second.Failed, second.Refused)
		}
	}
	if rates.hi == 0 {
		return nil
	}
	p := &panel{ID: "time", Title: "Over time",
		Intro: "Second by second, by the instant at which requests were meant to be sent; rates are means of the repetitions, quantiles are of all of them together, and a second with fewer than 100 successes has no p99. All charts share their scales."}
	for _, t := range append(append([]trace{}, latencyTraces...), rateTraces...) {
		p.Legend = append(p.Legend, t.hand.entry(t.name))
	}
	for _, v := range s.Variants {
		for _, world := range r.Worlds {
			if sum := summaryOf(r, world, v.Name); sum != nil && len(sum.Series) > 0 {
				p.Figures = append(p.Figures, timeFigure(r, &v, sum, latencies, rates))
			}
		}
	}
	return p
}

func timeFigure(r *measure.Result, v *scenarios.Variant, sum *measure.Summary, latencies, rates span) figure {
	end := max(r.Duration.Seconds(), sum.Series[len(sum.Series)-1].At)
	c := overTime(end, spellsOf(v.Faults, r), latencies.logAxis(latency).thinned(4), linearAxis(rates.hi*1.05, 4, rate))
	for _, t := range latencyTraces {
		c.upper.Add(t.lines(sum.Series, true)...)
	}
	for _, t := range rateTraces {
		c.lower.Add(t.lines(sum.Series, false)...)
	}
	title := v.Name + ", " + worldName(sum.World)
	label := "Over time, " + title + ": latency above, requests per second below; " + peaks(sum.Series) + c.faults
	return figure{Title: title, Data: secondsGrid(sum.Series), SVG: c.svg(label, "latency of successes", "requests per second")}
}

// peaks says in words how far the lines go.
func peaks(series []measure.Second) string {
	var said []string
	for _, t := range append(append([]trace{}, latencyTraces...), rateTraces...) {
		most, at := 0., 0.
		for _, s := range series {
			if v := t.of(s); v > most {
				most, at = v, s.At
			}
		}
		if most > 0 {
			said = append(said, fmt.Sprintf("%s up to %s, at %s", t.name, t.text(most), clock(at)))
		}
	}
	return strings.Join(said, "; ")
}

// timeChart is two plots above each other over the same time, with what
// befell whom and when.
type timeChart struct {
	upper, lower *plot.Plot
	extra        float64 // height, for more rows of names
	faults       string  // in words, for a label
}

func overTime(end float64, spells []spell, high, low axis) timeChart {
	time := linearAxis(end, 5, clock)
	rows := nameRows(spells, end)
	c := timeChart{extra: nameRow * float64(max(0, rows-1))}
	used := (nameRow*float64(rows) + 2) / (dataHeight + c.extra)
	high.max += used / (1 - used) * (high.max - high.min)
	c.upper, c.lower = newPlot(time, high, ""), newPlot(time, low, "")
	blank(c.upper)
	c.upper.Add(spellBands{spells, true})
	c.lower.Add(spellBands{spells, false})
	if len(spells) > 0 {
		c.faults = "; " + strings.Join(names(spells), ", ")
	}
	return c
}

func (c timeChart) svg(label, upper, lower string) template.HTML {
	return stacked(label, vg.Length(timeHeight+2*c.extra), titled{upper, c.upper}, titled{lower, c.lower})
}

// blank keeps the ticks of the time axis and drops their names, which the chart
// below repeats.
func blank(p *plot.Plot) {
	var ticks []plot.Tick
	for _, t := range p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max) {
		ticks = append(ticks, plot.Tick{Value: t.Value, Label: " "})
	}
	p.X.Tick.Marker = plot.ConstantTicks(ticks)
	p.X.Tick.Label.Font.Size = 1
	p.X.Tick.Length = 0
}

// by is the trace as one of several variants.
func (t trace) by(variant string, h hand) trace {
	t.name, t.hand = variant+", "+t.name, h
	return t
}

// lines draws a trace, in pieces where it has no value. On a logarithmic
// scale 0 is none.
func (t trace) lines(series []measure.Second, logarithmic bool) []plot.Plotter {
	if !logarithmic && never(series, t.of) {
		return nil
	}
	var pieces []plot.Plotter
	var piece, all plotter.XYs
	var seconds []measure.Second
	end := func() {
		if len(piece) == 1 { // a lone second is a dash of its length
			x, y := piece[0].X, piece[0].Y
			piece = plotter.XYs{{X: x - 0.5, Y: y}, {X: x + 0.5, Y: y}}
		}
		if piece != nil {
			pieces = append(pieces, &plotter.Line{XYs: piece, LineStyle: t.hand.line()})
		}
		piece = nil
	}
	for _, s := range series {
		v := t.of(s)
		if logarithmic {
			if v <= 0 {
				end()
				continue
			}
			v = math.Log10(v)
		}
		piece = append(piece, plotter.XY{X: s.At, Y: v})
		all, seconds = append(all, plotter.XY{X: s.At, Y: v}), append(seconds, s)
	}
	end()
	return append(pieces, values{all, t.hand.who, func(i int) (where, what string) {
		return "at " + clock(seconds[i].At), t.name + " " + t.text(t.of(seconds[i]))
	}})
}

// never tells that a rate is 0 all the time: its line would hide the axis.
func never(series []measure.Second, of func(measure.Second) float64) bool {
	for _, s := range series {
		if of(s) != 0 {
			return false
		}
	}
	return true
}

// spell is a stretch of a run in which something is not as usual.
type spell struct {
	from, to float64
	name     string
	ink      ink
	brief    bool // over at once: to is there to be seen only
}

// spellsOf lists warm-up and faults.
func spellsOf(faults []scenarios.Fault, r *measure.Result) []spell {
	var spells []spell
	if r.Warmup > 0 {
		spells = append(spells, spell{to: r.Warmup.Seconds(), name: "warm-up", ink: muted})
	}
	for _, f := range faults {
		for _, at := range f.Spells() {
			to, brief := min(at.To, r.Duration), at.From == at.To
			if brief {
				to = at.From + r.Duration/200 // and yet to be seen
			}
			spells = append(spells, spell{at.From.Seconds(), to.Seconds(), faultName(f), fault, brief})
		}
	}
	return spells
}

func names(spells []spell) []string {
	var all []string
	for _, s := range spells {
		if s.brief {
			all = append(all, fmt.Sprintf("%s at %s", s.name, clock(s.from)))
			continue
		}
		all = append(all, fmt.Sprintf("%s from %s to %s", s.name, clock(s.from), clock(s.to)))
	}
	return all
}

// faultName is "crash api[1]", "5x slow api[0]".
func faultName(f scenarios.Fault) string {
	return strings.TrimSpace(f.Word() + " " + fewPlaces(f.On))
}

// fewPlaces names two places, or of more the first.
func fewPlaces(all []topologies.Place) string {
	var places []string
	for _, p := range all {
		places = append(places, string(p))
	}
	if len(places) > 2 {
		return fmt.Sprintf("%s and %d more", places[0], len(places)-1)
	}
	return strings.Join(places, ", ")
}

// spellBands shades spells and, where they are to be named, says so at the
// top.
type spellBands struct {
	spells []spell
	named  bool
}

// Plot implements plot.Plotter.
func (b spellBands) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	for _, s := range b.spells {
		from, to := max(c.Min.X, x(s.from)), min(c.Max.X, x(s.to))
		if to > from {
			c.FillPolygon(s.ink.tint(0.15), []vg.Point{{X: from, Y: c.Min.Y}, {X: to, Y: c.Min.Y}, {X: to, Y: c.Max.Y}, {X: from, Y: c.Max.Y}})
		}
	}
	if !b.named {
		return
	}
	for i, n := range nameplates(b.spells, func(at float64) vg.Length { return x(at) - c.Min.X }, c.Max.X-c.Min.X) {
		c.FillText(spellStyle(b.spells[i].ink), vg.Point{X: c.Min.X + n.x, Y: c.Max.Y - 2 - nameRow*vg.Length(n.row)}, b.spells[i].name)
	}
}

const (
	timeHeight = 290.0 // of a time line chart with one row of names…
	dataHeight = 92.0  // …and of each of its halves, about
	nameRow    = 12.0
)

func spellStyle(k ink) text.Style { return typeset(10.5, k, text.XLeft, text.YTop) }

// nameplate is where the name of a spell stands.
type nameplate struct {
	x   vg.Length
	row int
}

// nameplates puts names where their spells begin, within the width, each in
// the first row where it meets no other.
func nameplates(spells []spell, x func(float64) vg.Length, width vg.Length) []nameplate {
	var plates []nameplate
	var ends []vg.Length // of the rows
	for _, s := range spells {
		long := spellStyle(s.ink).Width(s.name)
		p := nameplate{x: max(2, min(x(s.from)+3, width-long-2))}
		for p.row < len(ends) && ends[p.row] > p.x {
			p.row++
		}
		if p.row == len(ends) {
			ends = append(ends, 0)
		}
		ends[p.row] = p.x + long + 5
		plates = append(plates, p)
	}
	return plates
}

// nameRows is how many rows the names of spells will take.
func nameRows(spells []spell, end float64) int {
	const width = chartWidth - 60 // of the data, about
	rows := 0
	for _, p := range nameplates(spells, func(at float64) vg.Length { return vg.Length(at / end * width) }, width) {
		rows = max(rows, p.row+1)
	}
	return rows
}

func secondsGrid(series []measure.Second) grid {
	g := grid{Head: []heading{{"At", "s"}, {"Offered", "/s"}, {"Answered well", "/s"}, {"Refused", "/s"}, {"Failed", "/s"}, {"Median", "s"}, {"p99", "s"}}}
	for _, s := range series {
		row := []datum{clocked(s.At), rated(s.Offered), rated(s.Good), rated(s.Refused), rated(s.Failed)}
		for _, v := range []float64{s.P50, s.P99} {
			if v > 0 {
				row = append(row, timed(v))
			} else {
				row = append(row, nothing)
			}
		}
		g.Rows = append(g.Rows, row)
	}
	return g
}
