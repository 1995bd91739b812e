package reports

import (
	"html/template"
	"slices"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"trafficlab/bench/measure"
)

// hue is how stages that belong together are drawn.
type hue struct {
	name   string
	stages []measure.Stage
	fill   paint
}

// hues are in the order of bars and legends.
var hues = []hue{
	{"client queue: sent late", []measure.Stage{measure.Late}, stageTint(6, 1)},
	{"network, and what nobody accounts for", []measure.Stage{measure.Network}, paint{muted, 0.35, 2}},
	{"proxies and backends themselves", []measure.Stage{measure.Itself}, stageTint(5, 3)},
	{"delayed by a fault", []measure.Stage{measure.Delayed}, paint{fault, 0.9, 4}},
	{"held by a limit or another’s fetch", []measure.Stage{measure.Held, measure.Shared}, stageTint(4, 5)},
	{"queue at a proxy", []measure.Stage{measure.Gate}, stageTint(3, 6)},
	{"tries that came to nothing, and rests", []measure.Stage{measure.Rest, measure.Tries}, stageTint(1, 7)},
	{"backend queue", []measure.Stage{measure.Queue}, stageTint(0, 8)},
	{"service", []measure.Stage{measure.Service}, stageTint(2, 9)},
	{"no answer", []measure.Stage{measure.NoAnswer}, paint{words, 0.55, 10}},
}

// stageTint is the i-th ink of series, light enough for words on it.
func stageTint(i, who int) paint { return paint{series + ink(i), 0.6, who} }

// stageWords say what time went by with, after the name of a node.
var stageWords = map[measure.Stage]string{
	measure.Late: "sent late", measure.Network: "on the way to it and back", measure.Itself: "itself",
	measure.Delayed: "delayed by a fault", measure.Held: "held back by a limit", measure.Shared: "waiting for another’s fetch",
	measure.Gate: "in line for its gate", measure.Rest: "rests between tries", measure.Tries: "tries that came to nothing",
	measure.Queue: "in line for a worker", measure.Service: "service", measure.NoAnswer: "waiting for an answer that never came",
}

// whose are the requests of a breakdown, as a title.
var whose = map[string]string{"median": "Median request", "slowest 1%": "Slowest 1%", "failed": "Failed requests"}

// waterfalls draws where the time of requests went. It is nil if nobody told.
func waterfalls(r *measure.Result) *panel {
	p := &panel{ID: "waterfall", Title: "Where time goes",
		Intro: "Each bar is the mean latency of some requests in parts, as every hop told them (Server-Timing): of the tenth around the median, of the slowest hundredth, and of those that failed. What lies between two hops’ accounts is network: sockets, the kernel, waking up and the body after the head, named after the node that it leads to."}
	used := map[string]bool{}
	for _, world := range r.Worlds {
		for _, of := range []string{"median", "slowest 1%", "failed"} {
			if bars := timeBarsOf(r, world, of); len(bars) > 0 {
				label := "Where time went, " + whose[of] + ", " + worldName(world) + ": "
				for i, b := range bars {
					if i > 0 {
						label += ", "
					}
					label += b.name + " " + latency(b.Latency.Value)
				}
				p.Figures = append(p.Figures, figure{Title: whose[of] + ", " + worldName(world),
					SVG: barsOfTime(label, bars), Data: timeGrid(bars)})
				for _, b := range bars {
					b.use(used)
				}
			}
		}
	}
	if len(p.Figures) == 0 {
		return nil
	}
	for _, s := range hues {
		if used[s.name] {
			p.Legend = append(p.Legend, legendEntry{s.swatch(), s.name, s.fill.who})
		}
	}
	return p
}

// timeBar is one variant's breakdown.
type timeBar struct {
	name string
	*measure.Breakdown
}

func timeBarsOf(r *measure.Result, world, of string) []timeBar {
	var bars []timeBar
	for _, name := range r.Variants {
		s := summaryOf(r, world, name)
		if s == nil {
			continue
		}
		if i := slices.IndexFunc(s.Waterfall, func(b measure.Breakdown) bool { return b.Of == of }); i >= 0 {
			bars = append(bars, timeBar{name, &s.Waterfall[i]})
		}
	}
	return bars
}

// of is how long a hue's stages took together, in seconds.
func (b timeBar) of(s hue) (sum float64) {
	for _, p := range b.Parts {
		if slices.Contains(s.stages, p.Stage) {
			sum += p.Time.Value
		}
	}
	return sum
}

// use notes the hues that can be seen.
func (b timeBar) use(used map[string]bool) {
	for _, s := range hues {
		used[s.name] = used[s.name] || b.of(s) > b.Latency.Value*visible
	}
}

// visible is the least part of a bar that can be seen.
const visible = 0.003

func (s hue) swatch() template.HTML {
	return drawn("", 16, 12, func(c draw.Canvas) { filled(c, s.fill, 0, 16, 0, 12) })
}

func filled(c draw.Canvas, fill paint, left, right, low, high vg.Length) {
	c.FillPolygon(fill, []vg.Point{{X: left, Y: low}, {X: right, Y: low}, {X: right, Y: high}, {X: left, Y: high}})
}

// barsOfTime draws bars on one scale.
func barsOfTime(label string, bars []timeBar) template.HTML {
	const row = 44
	longest := 0.0
	for _, b := range bars {
		longest = max(longest, b.Latency.Value)
	}
	return drawn(label, chartWidth, vg.Length(len(bars)*row), func(c draw.Canvas) {
		for i, b := range bars {
			b.draw(c, c.Max.Y-vg.Length(i*row), chartWidth/vg.Length(max(longest, 1e-12)))
		}
	})
}

// draw paints the bar below top: its name and length in words, then its parts,
// each with its node, its length or both, as they fit.
func (b timeBar) draw(c draw.Canvas, top, perSecond vg.Length) {
	c.FillText(typeset(textSize, words, text.XLeft, text.YTop), vg.Point{X: 0, Y: top}, b.name)
	c.FillText(typeset(textSize, muted, text.XRight, text.YTop), vg.Point{X: chartWidth, Y: top}, latency(b.Latency.Value))
	small := typeset(10.5, words, text.XCenter, text.YCenter)
	high, low := top-18, top-38
	x := vg.Length(0)
	for _, s := range hues {
		small.Color = paint{words, 1, s.fill.who}
		for _, p := range b.Parts {
			if !slices.Contains(s.stages, p.Stage) {
				continue
			}
			end := x + vg.Length(p.Time.Value)*perSecond
			if end-x > 0.3 {
				where, what := partWords(p)
				tellBox(c, vg.Point{X: x, Y: low}, end-x, high-low, s.fill.who, b.name, where+", "+what+": "+latency(p.Time.Value))
				filled(c, s.fill, x, max(end-0.8, x+0.3), low, high)
			}
			for _, label := range []string{p.Node + "  " + latency(p.Time.Value), latency(p.Time.Value), p.Node} {
				if small.Width(label)+4 < end-x {
					c.FillText(small, vg.Point{X: (x + end) / 2, Y: (low + high) / 2}, label)
					break
				}
			}
			x = end
		}
	}
}

// partWords say where a part of the time went, and with what.
func partWords(p measure.Part) (where, what string) {
	if p.Node == measure.ClientNode && p.Stage == measure.Network {
		return "unknown", "nobody accounts for it"
	}
	return p.Node, stageWords[p.Stage]
}

// tellable is the least time that hops tell, in seconds: less is what their
// rounding leaves.
const tellable = 1e-6

func timeGrid(bars []timeBar) grid {
	g := grid{Head: []heading{{"Variant", ""}, {"Where", ""}, {"What", ""}, {"Time", "s"}, {"95% interval", ""}, {"Share", ""}, {"Requests", ""}}}
	m := measure.Metric{Name: "mean"}
	for _, b := range bars {
		g.Rows = append(g.Rows, []datum{said(b.name), said("everywhere"), said("all of it"), figured(b.Latency, latency(b.Latency.Value)), said(b.Latency.Range(m)), shared(1), counted(int64(b.Samples))})
		for _, p := range b.Parts {
			if p.Time.Value < tellable {
				continue
			}
			where, what := partWords(p)
			g.Rows = append(g.Rows, []datum{said(b.name), said(where), said(what), figured(p.Time, latency(p.Time.Value)), said(p.Time.Range(m)), shared(p.Time.Value / max(b.Latency.Value, 1e-12)), said("")})
		}
	}
	return g
}
