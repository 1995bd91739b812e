package reports

import (
	"fmt"
	"strings"

	"trafficlab/bench/measure"
)

// mostPlaces is how many replicas of one node have rows of their own.
const mostPlaces = 12

// placeGroup has a row for each place for which any variant has a figure.
func placeGroup(name string, sums []*measure.Summary, of func(*measure.NodeSummary, string) (cell, bool)) group {
	places, left := placesOf(sums)
	g := group{Name: name}
	if left > 0 {
		g.More = fmt.Sprintf("and %d more places: they are in the files under the flow", left)
	}
	for _, place := range places {
		line, any := row{Name: place}, false
		for _, s := range sums {
			c := cell{Why: "this variant has no " + place}
			if n := nodeSummary(s, place); n != nil {
				var ok bool
				c, ok = of(n, s.World)
				any = any || ok
			}
			line.Cells = append(line.Cells, c)
		}
		if any {
			g.Rows = append(g.Rows, line)
		}
	}
	return g
}

// placesOf lists the places of all variants, in order of first appearance, and
// counts those left out.
func placesOf(sums []*measure.Summary) (places []string, left int) {
	replicas := map[string]int{}
	seen := map[string]bool{}
	for _, s := range sums {
		for _, n := range s.Nodes {
			node := nodeOf(n.Place)
			switch {
			case seen[n.Place]:
			case replicas[node] < mostPlaces:
				replicas[node]++
				places = append(places, n.Place)
			default:
				left++
			}
			seen[n.Place] = true
		}
	}
	return places, left
}

func nodeSummary(s *measure.Summary, place string) *measure.NodeSummary {
	for i := range s.Nodes {
		if s.Nodes[i].Place == place {
			return &s.Nodes[i]
		}
	}
	return nil
}

func cpuCell(n *measure.NodeSummary, world string) (cell, bool) {
	why := "no process of ours, or no requests: nothing to measure"
	if world == "sim" {
		why = "the simulator spends no CPU time of its nodes"
	}
	return figureCell(n.CPU, measure.Metric{Name: "mean"}, why), n.CPU.Known
}

// shareCell says how much of its node's load the place had; a node of one
// place has all of it, which is no news.
func shareCell(n *measure.NodeSummary, _ string) (cell, bool) {
	return cell{Value: share(n.Share), Range: rate(n.Rate)}, strings.Contains(n.Place, "[") && n.Share < 1
}

func hitsCell(n *measure.NodeSummary, _ string) (cell, bool) {
	return figureCell(n.CacheHits, measure.Metric{Name: "cache-hits"}, "no cache here, or no requests"), n.CacheHits.Known
}

// nodesGrid is the flow of a drawing in numbers.
func nodesGrid(nodes []measure.NodeSummary) grid {
	g := grid{Head: []heading{{"Place", ""}, {"Kind", ""}, {"Requests", "/s"}, {"Share", ""}, {"CPU per request", "s"}, {"From cache", ""}, {"Failed", ""}, {"Refused", ""}, {"Attempts per request", ""}, {"Peak memory", "B"}}}
	for _, n := range nodes {
		limited := n.Reasons["limited"] + n.Reasons["denied"]
		failed := total(n.Reasons) - limited - n.Reasons["ok"]
		row := []datum{said(n.Place), said(n.Kind), rated(n.Rate), shared(n.Share), figured(n.CPU, n.CPU.Text(measure.Metric{Name: "mean"})),
			figured(n.CacheHits, n.CacheHits.Text(measure.Metric{Name: "cache-hits"})), counted(failed), counted(limited), nothing, nothing}
		if n.Amplified > 0 {
			row[8] = number(n.Amplified, fmt.Sprintf("%.3g", n.Amplified))
		}
		if n.Memory > 0 {
			row[9] = sized(n.Memory)
		}
		g.Rows = append(g.Rows, row)
	}
	return g
}
