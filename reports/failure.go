package reports

import (
	"fmt"
	"slices"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
)

// failures is what faults cost in one world.
type failures struct {
	*table
	Said  []fact // of each variant, whether all was as before in the end
	Terms []fact
}

// failureNames are the metrics of failures in the words of their table.
var failureNames = []struct {
	group   string
	metrics [][2]string
}{
	{"While it lasted", [][2]string{{"detection", "noticed after"}, {"last-use", "last used after"}, {"lost", "requests lost"}}},
	{"When it was gone", [][2]string{{"recovery", "recovered after"}, {"idle", "place idle for"}, {"herd", "returning herd"}}},
	{"In all", [][2]string{{"budget", "error budget burnt"}, {"wasted", "work in vain"}}},
}

// failuresOf is nil where nothing went wrong.
func failuresOf(s *scenarios.Scenario, r *measure.Result, t *table) *failures {
	ill := slices.ContainsFunc(s.Variants, func(v scenarios.Variant) bool { return len(v.Faults) > 0 })
	if !ill {
		return nil
	}
	f := &failures{table: &table{World: t.World, Baseline: t.Baseline, JudgeBy: t.JudgeBy, Columns: t.Columns}}
	var sums []*measure.Summary
	for _, column := range t.Columns {
		sum := summaryOf(r, t.World, column.Name)
		sums = append(sums, sum)
		if sum.Aftermath != "" {
			f.Said = append(f.Said, fact{column.Name, sum.Aftermath})
		}
	}
	for _, names := range failureNames {
		g := group{Name: names.group}
		for _, name := range names.metrics {
			m := measure.Metric{Name: name[0]}
			line := figureRow(r, sums, m, name[1])
			if slices.ContainsFunc(line.Cells, func(c cell) bool { return c.Value != dash }) {
				g.Rows = append(g.Rows, line)
				f.Terms = append(f.Terms, fact{title(name[1]), measure.Metrics[m.Name].About})
			}
		}
		f.Groups = append(f.Groups, g)
	}
	f.Groups = f.marked(append(f.Groups, placeGroup("Attempts per request received", sums, attemptsCell)))
	return f
}

func attemptsCell(n *measure.NodeSummary, _ string) (cell, bool) {
	if n.Amplified == 0 {
		return cell{Value: dash, Why: "asks nobody, or got no requests"}, false
	}
	return cell{Value: fmt.Sprintf("%.3g", n.Amplified)}, true
}
