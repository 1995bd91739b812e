package reports

import (
	"cmp"
	"html/template"
	"slices"
	"strings"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"trafficlab/bench/measure"
)

// bar is one row of the load share chart: a pool and how it divides.
type bar struct {
	name  string
	parts []measure.NodeSummary
}

// loadShares draws how each variant's load divides among the replicas of each
// pool. It is nil if there is no pool of more than one.
func loadShares(r *measure.Result) *panel {
	p := &panel{ID: "share", Title: "Load per backend",
		Intro: "Share of its pool's requests that each backend received, in the order of their numbers."}
	for _, world := range r.Worlds {
		if bars := barsOf(r, world); len(bars) > 0 {
			label := "Share of requests of each backend, " + worldName(world) + ": " + strings.Join(spreads(bars), ", ")
			p.Figures = append(p.Figures, figure{Title: title(worldName(world)), SVG: barChart(label, bars), Data: barGrid(bars)})
		}
	}
	if len(p.Figures) == 0 {
		return nil
	}
	return p
}

// spreads say of each bar how far apart its shares are.
func spreads(bars []bar) []string {
	var all []string
	for _, b := range bars {
		order := func(a, b measure.NodeSummary) int { return cmp.Compare(a.Share, b.Share) }
		all = append(all, b.name+" "+share(slices.MinFunc(b.parts, order).Share)+" to "+share(slices.MaxFunc(b.parts, order).Share))
	}
	return all
}

func barsOf(r *measure.Result, world string) []bar {
	var bars []bar
	for _, name := range r.Variants {
		s := summaryOf(r, world, name)
		if s == nil {
			continue
		}
		pools := poolsOf(s.Nodes)
		for _, pool := range pools {
			label := name
			if len(pools) > 1 {
				label += ", " + nodeOf(pool[0].Place)
			}
			bars = append(bars, bar{label, bundled(pool)})
		}
	}
	return bars
}

// poolsOf groups the places that are replicas of one node.
func poolsOf(nodes []measure.NodeSummary) [][]measure.NodeSummary {
	var pools [][]measure.NodeSummary
	for i := 0; i < len(nodes); {
		end := i + 1
		for end < len(nodes) && nodeOf(nodes[end].Place) == nodeOf(nodes[i].Place) {
			end++
		}
		if end-i > 1 {
			pools = append(pools, nodes[i:end])
		}
		i = end
	}
	return pools
}

func nodeOf(place string) string {
	name, _, _ := strings.Cut(place, "[")
	return name
}

// mostParts is how many parts a bar may have: more would be thinner than a
// hair.
const mostParts = 50

// bundled puts neighbours of a large pool together.
func bundled(pool []measure.NodeSummary) []measure.NodeSummary {
	if len(pool) <= mostParts {
		return pool
	}
	var parts []measure.NodeSummary
	for some := range slices.Chunk(pool, (len(pool)+mostParts-1)/mostParts) {
		part := measure.NodeSummary{Place: some[0].Place + "–" + replica(some[len(some)-1].Place)}
		for _, n := range some {
			part.Share, part.Rate = part.Share+n.Share, part.Rate+n.Rate
		}
		parts = append(parts, part)
	}
	return parts
}

func barChart(label string, bars []bar) template.HTML {
	const row = 42
	return drawn(label, chartWidth, vg.Length(len(bars)*row), func(c draw.Canvas) {
		for i, b := range bars {
			b.draw(c, c.Max.Y-vg.Length(i*row))
		}
	})
}

// draw paints the bar below top: its name, then its parts, each with its
// number and share if they fit.
func (b bar) draw(c draw.Canvas, top vg.Length) {
	c.FillText(typeset(textSize, words, text.XLeft, text.YTop), vg.Point{X: 0, Y: top}, b.name)
	small := typeset(10.5, words, text.XCenter, text.YCenter)
	high, low := top-17, top-37
	x := vg.Length(0)
	for i, part := range b.parts {
		end := x + vg.Length(part.Share)*chartWidth
		tellBox(c, vg.Point{X: x, Y: low}, end-x, high-low, 0, b.name+", "+part.Place, share(part.Share)+" of the requests, "+rate(part.Rate))
		if end-x > 1 {
			k := series.tint(0.22)
			if i%2 == 1 {
				k = series.tint(0.42)
			}
			c.FillPolygon(k, []vg.Point{{X: x, Y: low}, {X: end - 1, Y: low}, {X: end - 1, Y: high}, {X: x, Y: high}})
		}
		for _, label := range []string{replica(part.Place) + "  " + share(part.Share), replica(part.Place)} {
			if small.Width(label)+4 < end-x {
				c.FillText(small, vg.Point{X: (x + end) / 2, Y: (low + high) / 2}, label)
				break
			}
		}
		x = end
	}
}

// replica is the "[1]" of "api[1]".
func replica(place string) string { return strings.TrimPrefix(place, nodeOf(place)) }

func barGrid(bars []bar) grid {
	g := grid{Head: []heading{{"Variant", ""}, {"Backend", ""}, {"Share", ""}, {"Requests", "/s"}}}
	for _, b := range bars {
		for _, part := range b.parts {
			g.Rows = append(g.Rows, []datum{said(b.name), said(part.Place), shared(part.Share), rated(part.Rate)})
		}
	}
	return g
}
