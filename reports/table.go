package reports

import (
	"fmt"
	"slices"
	"strings"

	"trafficlab/bench/measure"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
)

// table is one world's figures: a column for each variant.
type table struct {
	World    string
	Baseline string
	JudgeBy  measure.Metric
	Doubts   string // why untrusted columns are so
	Verdicts []verdict
	Columns  []column
	Groups   []group
	Classes  []string // parts of the load…
	Parts    []group  // …and their figures
	Usage    []usage
}

// Part is the table of the parts of the load.
func (t table) Part() table {
	t.Groups = t.Parts
	return t
}

// column is a variant.
type column struct {
	Name      string
	Changes   []string
	Runs      string
	Baseline  bool
	Untrusted bool
}

// group is rows of one kind.
type group struct {
	Name string
	Rows []row
	More string // what is left out
}

type row struct {
	Name  string
	About string
	Cells []cell
}

// cell is a figure: its value, its interval, and its difference to the
// baseline in words.
type cell struct {
	Value, Range, Verdict string
	Class                 string // "better", "worse" or ""
	Why                   string // it is a dash
	Untrusted             bool
}

// verdict is the judged figure of a variant against the baseline.
type verdict struct {
	Variant string
	Word    string
	Text    string
	Class   string
}

// rowNames are the metrics in the words of the table, by group.
var rowNames = []struct {
	group   string
	metrics [][2]string
}{
	{"Requests", [][2]string{{"offered", "offered"}, {"throughput", "achieved"}, {"goodput", "achieved in time"}, {"backend-load", "reach a backend"}}},
	{"Outcome", [][2]string{{"availability", "availability"}, {"failed", "failed"}, {"limited", "rate limited"}}},
	{"Latency of successes", [][2]string{{"p50", "p50"}, {"p90", "p90"}, {"p99", "p99"}, {"p99.9", "p99.9"}, {"mean", "mean"}}},
	{"Cache", [][2]string{{"cache-hits", "answered by the first cache"}}},
}

// tableOf puts together what was measured in a world.
func tableOf(s *scenarios.Scenario, r *measure.Result, world string) *table {
	t := &table{World: world, Baseline: r.Baseline, JudgeBy: r.JudgeBy, Doubts: doubts(r), Verdicts: verdicts(r, world)}
	var sums []*measure.Summary
	for _, name := range r.Variants {
		sum := summaryOf(r, world, name)
		if sum == nil {
			continue
		}
		sums = append(sums, sum)
		t.Columns = append(t.Columns, column{Name: name, Changes: changesOf(s, name), Baseline: name == r.Baseline,
			Runs: plural(sum.Runs, "repetition"), Untrusted: !sum.Trusted})
		t.Usage = append(t.Usage, usageOf(sum)...)
	}
	t.Groups = t.marked(append(figureGroups(r, sums), outcomes(sums),
		placeGroup("CPU time per request", sums, cpuCell),
		placeGroup("Share of its pool's load", sums, shareCell),
		placeGroup("Answered from its cache", sums, hitsCell)))
	t.Classes = classes(sums)
	for _, class := range t.Classes {
		t.Parts = append(t.Parts, partGroup(r, sums, class))
	}
	t.Parts = t.marked(t.Parts)
	return t
}

// marked drops empty groups and marks the cells of untrusted columns.
func (t *table) marked(groups []group) []group {
	for _, g := range groups {
		for _, line := range g.Rows {
			for i := range line.Cells {
				line.Cells[i].Untrusted = t.Columns[i].Untrusted
			}
		}
	}
	return slices.DeleteFunc(groups, func(g group) bool { return len(g.Rows) == 0 })
}

// doubts are the severe warnings.
func doubts(r *measure.Result) string {
	var all []string
	for _, w := range r.Warnings {
		if w.Severe {
			all = append(all, w.Text)
		}
	}
	return strings.Join(all, " ")
}

func changesOf(s *scenarios.Scenario, variant string) []string {
	var all []string
	for _, v := range s.Variants {
		if v.Name == variant {
			for _, c := range v.Changes {
				all = append(all, c.Path+": "+c.Value)
			}
		}
	}
	return all
}

// classes lists the parts of the load, in order of first appearance.
func classes(sums []*measure.Summary) []string {
	var all []string
	for _, s := range sums {
		for _, class := range s.Classes {
			if !slices.Contains(all, class) {
				all = append(all, class)
			}
		}
	}
	return all
}

// figureGroups are the metrics of all load.
func figureGroups(r *measure.Result, sums []*measure.Summary) []group {
	var groups []group
	for _, names := range rowNames {
		groups = append(groups, group{Name: names.group, Rows: figureRows(r, sums, names.metrics, "")})
	}
	return groups
}

// partGroup are the metrics of one class of the load.
func partGroup(r *measure.Result, sums []*measure.Summary, class string) group {
	g := group{Name: class}
	for _, names := range rowNames {
		g.Rows = append(g.Rows, figureRows(r, sums, names.metrics, class)...)
	}
	return g
}

func figureRows(r *measure.Result, sums []*measure.Summary, metrics [][2]string, class string) []row {
	var rows []row
	for _, name := range metrics {
		m := measure.Metric{Name: name[0], Class: class}
		if m.Name == "cache-hits" && !cached(sums) {
			continue
		}
		if line := figureRow(r, sums, m, name[1]); worth(line, m) {
			rows = append(rows, line)
		}
	}
	return rows
}

// worth tells whether a row says anything: a metric that nobody has, or a
// refusal that nobody met, is left out, but a quantile's dash is news.
func worth(r row, m measure.Metric) bool {
	none := func(c cell) bool { return c.Value == dash }
	switch {
	case m.Class != "" && (m.Name == "mean" || m.Name == "failed" || m.Name == "goodput"):
		return false
	case m.Name == "limited":
		none = func(c cell) bool { return c.Value == dash || c.Value == "0%" }
	case m.Class == "" && measure.Metrics[m.Name].Unit == measure.Seconds:
		return true
	}
	return slices.ContainsFunc(r.Cells, func(c cell) bool { return !none(c) })
}

// cached tells whether there is a cache anywhere.
func cached(sums []*measure.Summary) bool {
	for _, s := range sums {
		if slices.ContainsFunc(s.Nodes, func(n measure.NodeSummary) bool { return n.CacheHits.Known }) {
			return true
		}
	}
	return false
}

func figureRow(r *measure.Result, sums []*measure.Summary, m measure.Metric, name string) row {
	line := row{Name: name, About: measure.Metrics[m.Name].About}
	for _, s := range sums {
		f := s.Figure(m)
		c := figureCell(f, m, "too few samples: a quantile needs at least 30 beyond it in every repetition")
		if found := comparison(r, s.World, s.Variant, m); found != nil && f.Known {
			c.compare(found)
		}
		line.Cells = append(line.Cells, c)
	}
	return line
}

func figureCell(f measure.Figure, m measure.Metric, why string) cell {
	c := cell{Value: f.Text(m), Range: f.Range(m)}
	switch {
	case !f.Known:
		c.Why = why
	case f.N > 1 && f.Low == f.High:
		c.Range = "in every repetition"
	}
	return c
}

// verdictClasses colour what is better and what is worse.
var verdictClasses = map[measure.Verdict]string{measure.Better: "better", measure.Worse: "worse"}

func (c *cell) compare(k *measure.Comparison) {
	switch k.Verdict {
	case measure.Unknowable:
	case measure.NoDiff:
		if measure.Metrics[k.Metric.Name].Sense != measure.Neutral {
			c.Verdict = "no difference seen"
		}
	default:
		c.Verdict = k.Text
	}
	c.Class = verdictClasses[k.Verdict]
}

func comparison(r *measure.Result, world, variant string, m measure.Metric) *measure.Comparison {
	for i := range r.Comparisons {
		if c := &r.Comparisons[i]; c.World == world && c.Variant == variant && c.Metric == m && variant != r.Baseline {
			return c
		}
	}
	return nil
}

func verdicts(r *measure.Result, world string) []verdict {
	var all []verdict
	for _, name := range r.Variants {
		c := comparison(r, world, name, r.JudgeBy)
		if c == nil {
			continue
		}
		v := verdict{Variant: name, Text: c.Text, Class: verdictClasses[c.Verdict]}
		if c.Verdict != measure.NoDiff && c.Verdict != measure.Unknowable { // their text says it
			v.Word = string(c.Verdict)
		}
		all = append(all, v)
	}
	return all
}

// outcomes counts the samples by what befell them.
func outcomes(sums []*measure.Summary) group {
	g := group{Name: "Requests by outcome, all repetitions"}
	for _, reason := range policy.Reasons() {
		line, any := row{Name: reason.String(), About: reasonAbout[reason]}, false
		for _, s := range sums {
			n := s.Reasons[reason.String()]
			any = any || n > 0
			c := cell{Value: count(n)}
			if all := total(s.Reasons); all > 0 && n > 0 {
				c.Range = share(float64(n) / float64(all))
			}
			line.Cells = append(line.Cells, c)
		}
		if any {
			g.Rows = append(g.Rows, line)
		}
	}
	return g
}

var reasonAbout = map[policy.Reason]string{
	policy.OK:       "answered with a status below 400",
	policy.Limited:  "refused by a rate limit (429)",
	policy.Denied:   "refused by any other rule: another 4xx",
	policy.Shed:     "turned away by a full queue",
	policy.Failed:   "answered with a status of 500 or above, for any other cause",
	policy.Timeout:  "no answer within the deadline",
	policy.Refused:  "the connection was refused: nobody listens",
	policy.Reset:    "the connection broke before the answer was whole",
	policy.Canceled: "the caller gave up first",
}

// mostPlaces is how many replicas of one node have rows of their own.
const mostPlaces = 12

// placeGroup has a row for each place for which any variant has a figure.
func placeGroup(name string, sums []*measure.Summary, of func(*measure.NodeSummary, string) (cell, bool)) group {
	places, left := placesOf(sums)
	g := group{Name: name}
	if left > 0 {
		g.More = fmt.Sprintf("and %d more places: see the data under the flow", left)
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

// usage is what consumers did at a gateway of one variant.
type usage struct {
	Variant string
	Rows    [][]string
}

func usageOf(s *measure.Summary) []usage {
	if len(s.Usage) == 0 {
		return nil
	}
	u := usage{Variant: s.Variant}
	for _, x := range s.Usage {
		u.Rows = append(u.Rows, []string{x.Consumer, x.Route, count(x.Requests), count(x.Limited), count(x.Errors), size(x.Bytes)})
	}
	return []usage{u}
}

// nodesGrid is the flow of a drawing in numbers.
func nodesGrid(nodes []measure.NodeSummary) grid {
	g := grid{Head: []string{"Place", "Kind", "Requests", "Share", "CPU per request", "From cache", "Failed", "Refused", "Attempts per request", "Peak memory"}}
	for _, n := range nodes {
		limited := n.Reasons["limited"] + n.Reasons["denied"]
		failed := total(n.Reasons) - limited - n.Reasons["ok"]
		row := []string{n.Place, n.Kind, rate(n.Rate), share(n.Share), n.CPU.Text(measure.Metric{Name: "mean"}),
			n.CacheHits.Text(measure.Metric{Name: "cache-hits"}), count(failed), count(limited), dash, dash}
		if n.Amplified > 0 {
			row[8] = fmt.Sprintf("%.3g", n.Amplified)
		}
		if n.Memory > 0 {
			row[9] = size(n.Memory)
		}
		g.Rows = append(g.Rows, row)
	}
	return g
}
