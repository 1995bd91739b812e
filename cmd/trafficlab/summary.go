package main

import (
	"fmt"
	"slices"
	"strings"

	"trafficlab/bench/measure"
)

// summary prints what a scenario came to: the answer, a line for each variant
// in each world, with what theory says where it has a formula, and what was
// expected in vain.
func summary(t *terminal, r *measure.Result) {
	t.line("%s: %s", r.Scenario, r.Question)
	t.line("")
	figures(t, r)
	t.line("")
	t.line("%s", r.Answer)
	if r.Partial {
		t.line("%s", t.paint(yellow, "Partial: fewer repetitions than asked for. The same command with --resume makes the rest."))
	}
	checks(t, r.Checks)
	if line := measure.ApartText(r.Apart); line != "" {
		t.line("%s", t.paint(yellow, line))
	}
	for _, w := range r.Warnings {
		t.line("%s", t.paint(severity(w), "warning: "+w.Text))
	}
}

// columns are the metrics of the table, and the one that the question is
// about.
func columns(r *measure.Result) []measure.Metric {
	var all []measure.Metric
	for _, name := range []string{"offered", "throughput", "limited", "availability", "p50", "p99"} {
		if m := (measure.Metric{Name: name}); name != "limited" || anyLimited(r, m) {
			all = append(all, m)
		}
	}
	if !slices.Contains(all, r.JudgeBy) {
		all = append(all, r.JudgeBy)
	}
	return all
}

// anyLimited tells whether any requests were refused by a limit: availability
// leaves them out, and throughput lacks them.
func anyLimited(r *measure.Result, limited measure.Metric) bool {
	return slices.ContainsFunc(r.Summaries, func(s measure.Summary) bool { return s.Figure(limited).Value > 0 })
}

func figures(t *terminal, r *measure.Result) {
	metrics := columns(r)
	if mean := (measure.Metric{Name: "mean"}); len(r.Theory) > 0 && !slices.Contains(metrics, mean) {
		metrics = append(metrics, mean)
	}
	lines := table{numbers: 2, until: 2 + len(metrics)}
	head := []string{"variant", "world"}
	for _, m := range metrics {
		head = append(head, m.String())
	}
	lines.add(append(head, "verdict")...)
	for i := range r.Summaries {
		s := &r.Summaries[i]
		row := []string{s.Variant, s.World}
		for _, m := range metrics {
			row = append(row, figure(s, m))
		}
		lines.add(append(row, verdict(t, r, s))...)
	}
	for _, said := range r.Theory {
		row := []string{said.Variant, said.Model}
		for _, m := range metrics {
			row = append(row, said.Figure(m).Text(m))
		}
		lines.add(append(row, t.paint(dim, "by formula, "+said.Exactness()))...)
	}
	lines.write(t.w)
}

// figure is a metric's value, of latencies with how far the 95% interval goes
// to its wider side.
func figure(s *measure.Summary, m measure.Metric) string {
	f := s.Figure(m)
	text := f.Text(m)
	if !f.Known || f.N < 2 || f.Value == 0 || measure.Metrics[m.Name].Unit != measure.Seconds {
		return text
	}
	wide := max(f.High-f.Value, f.Value-f.Low) / f.Value * 100
	if wide > 999 {
		return text + " ±>999%"
	}
	return fmt.Sprintf("%s ±%.*f%%", text, decimals(wide), wide)
}

// decimals of a percentage that leave it a digit that tells something.
func decimals(percent float64) int {
	if percent < 1 {
		return 1
	}
	return 0
}

// verdict is what came of the metric that the question is about.
func verdict(t *terminal, r *measure.Result, s *measure.Summary) string {
	if s.Variant == r.Baseline {
		return t.paint(dim, "baseline")
	}
	for _, c := range r.Comparisons {
		if c.World == s.World && c.Variant == s.Variant && c.Metric == r.JudgeBy {
			return t.paint(verdictColours[c.Verdict], c.Metric.String()+" "+c.Text)
		}
	}
	return ""
}

var verdictColours = map[measure.Verdict]string{measure.Better: green, measure.Worse: red, measure.Unknowable: yellow}

// checks counts the expectations and names those that were not met.
func checks(t *terminal, all []measure.Check) {
	if len(all) == 0 {
		return
	}
	count := map[measure.Met]int{}
	for _, c := range all {
		count[c.Met]++
	}
	parts := []string{t.paint(green, fmt.Sprintf("%d met", count[measure.IsMet]))}
	if n := count[measure.Undecided]; n > 0 {
		parts = append(parts, t.paint(yellow, fmt.Sprintf("%d undecided (no failure: neither way is shown)", n)))
	}
	if n := count[measure.NotMet]; n > 0 {
		parts = append(parts, t.paint(red, fmt.Sprintf("%d not met", n)))
	}
	t.line("Expectations: %s", strings.Join(parts, ", "))
	for _, c := range all {
		if c.Met != measure.IsMet {
			t.line("  %s: %s", t.paint(metColours[c.Met], string(c.Met)), expectation(c))
		}
	}
}

var metColours = map[measure.Met]string{measure.NotMet: red, measure.Undecided: yellow}

// expectation is a check in words: what was to hold where, and what came.
func expectation(c measure.Check) string {
	e := c.Expectation
	text := fmt.Sprintf("%s (%s): %s %s", c.Variant, c.World, e.Metric, e.Text)
	switch {
	case !c.Figure.Known:
		return text + ", but too few samples to tell"
	case e.Relative && c.Reason != "":
		return text + ", was " + factor(c.Figure) + ", " + c.Reason
	case e.Relative:
		return text + ", was " + factor(c.Figure)
	}
	text += ", was " + c.Figure.Text(e.Metric)
	if interval := c.Figure.Range(e.Metric); interval != "" {
		text += " (" + interval + ")"
	}
	return text
}

// factor says a ratio to the baseline, with as many decimals as it takes to
// tell its interval's ends from it.
func factor(f measure.Figure) string {
	for decimals := 2; decimals <= 6 && f.N > 1; decimals++ {
		text := func(x float64) string { return fmt.Sprintf("%.*f", decimals, x) }
		if text(f.Low) != text(f.Value) && text(f.Value) != text(f.High) {
			return fmt.Sprintf("%s times the baseline's (%s to %s)", text(f.Value), text(f.Low), text(f.High))
		}
	}
	if f.Value == 1 {
		return "the same as the baseline's"
	}
	return fmt.Sprintf("%.3g times the baseline's", f.Value)
}

func severity(w measure.Warning) string {
	if w.Severe {
		return red
	}
	return yellow
}

// outcome is the status that a result amounts to.
func outcome(r *measure.Result) status {
	result := met
	for _, c := range r.Checks {
		if c.Met == measure.NotMet {
			result = unmet
		}
	}
	for _, w := range r.Warnings {
		if w.Severe {
			return incomplete
		}
	}
	if r.Partial {
		return incomplete
	}
	return result
}
