package reports

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"trafficlab/bench/measure"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
)

// table is one world's figures: a column for each variant.
type table struct {
	World    string
	Baseline string
	JudgeBy  measure.Metric
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
	Doubts    string // why it is
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
	{"Service time of successes, since they were sent", [][2]string{{"service-p50", "p50"}, {"service-p99", "p99"}}},
	{"Cache", [][2]string{{"cache-hits", "answered by the first cache"}}},
	{"Evenness among backends that are well", [][2]string{{"fairness", "Jain’s index"}, {"imbalance", "busiest over mean"}, {"starvation", "longest without a request"}, {"keys-moved", "keys moved for nothing"}}},
}

// tableOf puts together what was measured in a world.
func tableOf(s *scenarios.Scenario, r *measure.Result, world string) *table {
	t := &table{World: world, Baseline: r.Baseline, JudgeBy: r.JudgeBy, Verdicts: verdicts(r, world)}
	var sums []*measure.Summary
	for _, name := range r.Variants {
		sum := summaryOf(r, world, name)
		if sum == nil {
			continue
		}
		sums = append(sums, sum)
		t.Columns = append(t.Columns, column{Name: name, Changes: changesOf(s, name), Baseline: name == r.Baseline,
			Runs: plural(sum.Runs, "repetition"), Untrusted: !sum.Trusted, Doubts: doubts(r, world, name)})
		t.Usage = append(t.Usage, usageOf(sum, time.Duration(sum.Runs)*(r.Duration-r.Warmup))...)
	}
	t.Groups = t.marked(append(figureGroups(r, sums), formulas(r, sums), outcomes(sums), refusals(sums),
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

// doubts are the severe warnings that concern a variant.
func doubts(r *measure.Result, world, variant string) string {
	var all []string
	for _, w := range r.Warnings {
		if w.Severe && (w.World == "" || w.World == world) && (w.Variant == "" || w.Variant == variant) {
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
		if m.Name == "cache-hits" && !cached(sums) || strings.HasPrefix(m.Name, "service-") && !late(sums) {
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
	case m.Class == "" && measure.Metrics[m.Name].Latency():
		return true
	}
	return slices.ContainsFunc(r.Cells, func(c cell) bool { return !none(c) })
}

// late tells whether any request was sent later than it was meant to be.
func late(sums []*measure.Summary) bool {
	return slices.ContainsFunc(sums, func(s *measure.Summary) bool { return s.Service.Counts != nil })
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
		c := figureCell(f, m, unknown(m))
		if found := comparison(r, s.World, s.Variant, m); found != nil && f.Known {
			c.compare(found)
		}
		line.Cells = append(line.Cells, c)
	}
	return line
}

// unknown says why a figure may be a dash.
func unknown(m measure.Metric) string {
	if measure.Metrics[m.Name].Whole {
		return "cannot be told: nothing went wrong, too little was asked before, it lasted to the end, or nobody counts the attempts"
	}
	return "too few samples: a quantile needs 30 beyond it in all repetitions together, and 5 in each"
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
		c.Verdict = unbroken(k.Text)
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
		v := verdict{Variant: name, Text: unbroken(c.Text), Class: verdictClasses[c.Verdict]}
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

// refusals counts what nodes refused, or whom they cut off, by what was wrong.
func refusals(sums []*measure.Summary) group {
	g := group{Name: "Refused or cut off by a node, by what was wrong, all repetitions"}
	reasons := map[string]bool{}
	for _, s := range sums {
		for _, n := range s.Nodes {
			for reason := range n.Refused {
				reasons[reason] = true
			}
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		line := row{Name: reason}
		for _, s := range sums {
			line.Cells = append(line.Cells, refusedCell(s, reason))
		}
		g.Rows = append(g.Rows, line)
	}
	return g
}

// refusedCell counts a reason over all places, and names those that had it.
func refusedCell(s *measure.Summary, reason string) cell {
	all, at := int64(0), []string(nil)
	for _, n := range s.Nodes {
		if refused := n.Refused[reason]; refused > 0 {
			all, at = all+refused, append(at, n.Place)
		}
	}
	c := cell{Value: count(all)}
	switch {
	case len(at) > mostNamed:
		c.Range = fmt.Sprintf("at %s and %s", at[0], plural(len(at)-1, "other place"))
	case all > 0:
		c.Range = "at " + strings.Join(at, ", ")
	}
	return c
}

// mostNamed is how many places a small print names.
const mostNamed = 3

var reasonAbout = map[policy.Reason]string{
	policy.OK:       "answered with a status below 400",
	policy.Limited:  "refused by a rate limit (429)",
	policy.Denied:   "refused by any other rule: another 4xx",
	policy.Shed:     "turned away by a full queue",
	policy.Open:     "refused by open circuit breakers",
	policy.Failed:   "answered with a status of 500 or above, for any other cause",
	policy.Timeout:  "no answer within the deadline",
	policy.Refused:  "the connection was refused: nobody listens",
	policy.Reset:    "the connection broke before the answer was whole",
	policy.Corrupt:  "it came whole, and was not what its digest says",
	policy.Canceled: "the caller gave up first",
}
