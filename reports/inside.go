package reports

import (
	"fmt"
	"slices"
	"strings"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
)

// aspect is one thing that places are like over time.
type aspect struct {
	title       string
	short, unit string
	text        func(float64) string
	of          func(*measure.CourseSummary) []float64
}

var aspects = []aspect{
	{"requests that wait", "Waiting", "", plainNumber, func(c *measure.CourseSummary) []float64 { return c.Queue }},
	{"requests in hand", "In hand", "", plainNumber, func(c *measure.CourseSummary) []float64 { return c.InFlight }},
	{"connections of callers", "Connections", "", plainNumber, func(c *measure.CourseSummary) []float64 { return c.Connections }},
	{"processors used", "Processors", "", plainNumber, func(c *measure.CourseSummary) []float64 { return c.CPU }},
	{"memory in MiB", "Memory", "MiB", plainNumber, func(c *measure.CourseSummary) []float64 { return mebibytes(c.Memory) }},
}

func plainNumber(v float64) string { return fmt.Sprintf("%.3g", v) }

func mebibytes(bytes []float64) (all []float64) {
	for _, n := range bytes {
		all = append(all, n/(1<<20))
	}
	return all
}

// mostInside is how many lines a chart of the insides has: where there are more
// places, the replicas of a node are added up.
const mostInside = 7

// insides draws what places are like over time: a figure for each variant and
// world.
func insides(s *scenarios.Scenario, r *measure.Result) *panel {
	p := &panel{ID: "inside", Title: "Inside the nodes",
		Intro: "What stands and waits at each place over time, as read at the end of each tick, in the mean of the repetitions. In hand is all that has come and is not answered; of that, what waits for a worker, for its turn or for a connection. The simulator’s nodes use no processors and no memory. Each chart has scales of its own."}
	var legend []string
	for _, v := range s.Variants {
		for _, world := range r.Worlds {
			sum := summaryOf(r, world, v.Name)
			if sum == nil || len(sum.Courses) == 0 {
				continue
			}
			lines := tiered(sum.Courses)
			for _, c := range lines {
				if !slices.Contains(legend, c.Place) {
					legend = append(legend, c.Place)
				}
			}
			p.Figures = append(p.Figures, insideFigure(r, &v, sum, lines, legend))
		}
	}
	if len(p.Figures) == 0 {
		return nil
	}
	for i, name := range legend {
		p.Legend = append(p.Legend, handOf(i).entry(name))
	}
	return p
}

// tiered is as many courses as can be told apart: those of nodes where there
// are too many places, and of these the first.
func tiered(courses []measure.CourseSummary) []measure.CourseSummary {
	if len(courses) <= mostInside {
		return courses
	}
	var nodes []measure.CourseSummary
	at := map[string]int{}
	for _, c := range courses {
		name := nodeOf(c.Place)
		i, seen := at[name]
		if !seen {
			at[name] = len(nodes)
			c.Place = name
			nodes = append(nodes, c)
			continue
		}
		n := &nodes[i]
		n.Connections, n.InFlight, n.Queue = added(n.Connections, c.Connections), added(n.InFlight, c.InFlight), added(n.Queue, c.Queue)
		n.CPU, n.Memory = added(n.CPU, c.CPU), added(n.Memory, c.Memory)
	}
	return nodes[:min(len(nodes), mostInside)]
}

func added(a, b []float64) []float64 {
	sum := slices.Clone(a)
	for i := range min(len(a), len(b)) {
		sum[i] += b[i]
	}
	return sum
}

// insideHeight is that of one of the charts of a figure.
const insideHeight = 92

func insideFigure(r *measure.Result, v *scenarios.Variant, sum *measure.Summary, lines []measure.CourseSummary, legend []string) figure {
	spells := spellsOf(v.Faults, r)
	end := r.Duration.Seconds()
	rows := float64(nameRows(spells, end))
	var plots []titled
	var most []string
	for _, a := range aspects {
		high := span{}
		for i := range lines {
			high.add(a.of(&lines[i])...)
		}
		if high.hi == 0 {
			continue
		}
		y := linearAxis(high.hi*1.05, 3, a.text)
		if len(plots) == 0 {
			y.max *= 1 + .2*rows // for the names of faults
		}
		chart := newPlot(linearAxis(end, 5, clock), y, "")
		chart.Add(spellBands{spells, len(plots) == 0})
		for i := range lines {
			c := &lines[i]
			var points plotter.XYs
			for k, y := range a.of(c) {
				points = append(points, plotter.XY{X: min((float64(k)+1)*c.Span.Seconds(), end), Y: y})
			}
			if len(points) > 0 {
				hand := handOf(slices.Index(legend, c.Place))
				chart.Add(&plotter.Line{XYs: points, LineStyle: hand.line()}, values{points, hand.who, func(k int) (where, what string) {
					return "at " + clock(points[k].X), c.Place + ": " + a.title + " " + a.text(points[k].Y)
				}})
			}
		}
		plots = append(plots, titled{a.title, chart})
		most = append(most, a.title+" up to "+a.text(high.hi))
	}
	for i := range len(plots) - 1 {
		blank(plots[i].plot)
	}
	title := v.Name + ", " + worldName(sum.World)
	label := "Inside the nodes over time, " + title + ": " + strings.Join(most, ", ")
	if len(v.Faults) > 0 {
		label += "; faults: " + strings.Join(names(spells), ", ")
	}
	return figure{Title: title, Data: insideGrid(lines), SVG: stacked(label, vg.Length(insideHeight*len(plots)+20), plots...)}
}

// insideGrid is the lines of a figure in numbers.
func insideGrid(lines []measure.CourseSummary) grid {
	g := grid{Head: []heading{{"At", "s"}, {"Place", ""}}}
	for _, a := range aspects {
		g.Head = append(g.Head, heading{a.short, a.unit})
	}
	for i := range lines {
		c := &lines[i]
		for k := 0; k < len(c.InFlight); k++ {
			row := []datum{clocked((float64(k) + 1) * c.Span.Seconds()), said(c.Place)}
			for _, a := range aspects {
				if values := a.of(c); k < len(values) {
					row = append(row, number(values[k], a.text(values[k])))
				} else {
					row = append(row, nothing)
				}
			}
			g.Rows = append(g.Rows, row)
		}
	}
	return g
}
