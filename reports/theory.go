package reports

import (
	"slices"

	"trafficlab/bench/measure"
)

// formulaRows are what formulas may say, in the words of the table.
var formulaRows = []string{"availability", "mean", "p50", "p99"}

// formulas is what queueing theory says of the simulated variants.
func formulas(r *measure.Result, sums []*measure.Summary) group {
	g := group{Name: "By formula"}
	if len(r.Theory) == 0 || len(sums) == 0 || sums[0].World != "sim" {
		return g
	}
	g.Rows = append(g.Rows, formulaRow(r, sums, "model", func(t *measure.Theory) cell {
		return cell{Value: unbroken(t.Model), Range: t.Exactness()}
	}))
	for _, name := range formulaRows {
		m := measure.Metric{Name: name}
		g.Rows = append(g.Rows, formulaRow(r, sums, name, func(t *measure.Theory) cell {
			return figureCell(t.Figure(m), m, "the formula says nothing of it")
		}))
	}
	return g
}

func formulaRow(r *measure.Result, sums []*measure.Summary, name string, say func(*measure.Theory) cell) row {
	line := row{Name: name, About: "what queueing theory says in the long run"}
	for _, s := range sums {
		i := slices.IndexFunc(r.Theory, func(t measure.Theory) bool { return t.Variant == s.Variant })
		if i < 0 {
			line.Cells = append(line.Cells, cell{Value: dash, Why: "no formula holds"})
			continue
		}
		line.Cells = append(line.Cells, say(&r.Theory[i]))
	}
	return line
}
