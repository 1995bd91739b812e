// Package reports turns the figures of a scenario into one self-contained HTML
// page: the question, the answer with its uncertainty, the picture, then the
// evidence and how to reproduce it. A page needs no network; its script shows
// values where one points and hides series, and is not needed either. The same
// input gives the same bytes.
package reports

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
)

//go:embed *.html style.css script.js
var files embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"style":    style,
	"script":   script,
	"policy":   contentPolicy,
	"plural":   plural,
	"world":    worldName,
	"title":    title,
	"inc":      func(n int) int { return n + 1 },
	"percent":  share,
	"unbroken": unbroken,
	"mark":     func(m measure.Met) string { return metMarks[m] },
}).ParseFS(files, "*.html"))

// metMarks stand beside the words, for those who skim.
var metMarks = map[measure.Met]string{measure.IsMet: "✓", measure.NotMet: "✗", measure.Undecided: "?"}

// style is the style sheet, which stands in every page.
func style() (template.CSS, error) {
	css, err := files.ReadFile("style.css")
	return template.CSS(css), err
}

// script is that of every page.
func script() (template.JS, error) {
	js, err := files.ReadFile("script.js")
	return template.JS(js), err
}

// contentPolicy lets a page load nothing, and run no script but its own.
func contentPolicy() (string, error) {
	js, err := script()
	sum := sha256.Sum256([]byte(js))
	return "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'", err
}

// page is what the template of a report sees.
type page struct {
	*measure.Result
	Scenario *scenarios.Scenario
	Tally    tally
	Severe   []measure.Warning
	Mild     []measure.Warning
	Drawings []drawing
	Folded   []drawing
	Tables   []*table
	Failures []*failures
	Panels   []*panel
	Usage    bool
	Checks   []check
	Setup    []fact
	Place    []fact // where it ran
}

// fact is a name and what it is.
type fact struct{ Name, Text string }

// Write draws the report of scenario s, whose runs came to r. It is the error
// of w, if any.
func Write(w io.Writer, s *scenarios.Scenario, r *measure.Result) error {
	p := page{Result: r, Scenario: s, Tally: tallyOf(r.Checks),
		Checks: checksOf(r), Setup: setup(s, r), Place: append(machine(r), fact{"Data", "under every chart, as CSV and JSON; all figures in result.json and every request in runs/, beside this page"})}
	p.Drawings, p.Folded = drawings(s, r)
	for _, warning := range r.Warnings {
		if warning.Severe {
			p.Severe = append(p.Severe, warning)
		} else {
			p.Mild = append(p.Mild, warning)
		}
	}
	for _, world := range r.Worlds {
		if t := tableOf(s, r, world); len(t.Columns) > 0 {
			p.Tables = append(p.Tables, t)
			p.Usage = p.Usage || len(t.Usage) > 0
			if f := failuresOf(s, r, t); f != nil && len(f.Groups) > 0 {
				p.Failures = append(p.Failures, f)
			}
		}
	}
	for _, chart := range []*panel{curves(r), timelines(s, r), insides(s, r), sideBySide(r), waterfalls(r), loadShares(r), cachesOverTime(s, r), admissions(r)} {
		if chart != nil {
			p.Panels = append(p.Panels, chart)
			chart.name(s.Name)
		}
	}
	for i := range p.Drawings {
		p.Drawings[i].Data.call("Flow, "+p.Drawings[i].Title, s.Name, "flow", fmt.Sprint(i+1))
	}
	for i := range p.Folded {
		p.Folded[i].Data.call("Flow, "+p.Folded[i].Title, s.Name, "flow", fmt.Sprint(len(p.Drawings)+i+1))
	}
	return write(w, "report.html", s.Name, p)
}

// write fills a template, and writes only if that worked.
func write(w io.Writer, name, of string, data any) error {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, data); err != nil {
		return fmt.Errorf("draw report of %s: %w", of, err)
	}
	if _, err := b.WriteTo(w); err != nil {
		return fmt.Errorf("write report of %s: %w", of, err)
	}
	return nil
}

// tally counts expectations by how they fared.
type tally struct{ Met, NotMet, Undecided, All int }

func tallyOf(checks []measure.Check) tally {
	t := tally{All: len(checks)}
	for _, c := range checks {
		switch c.Met {
		case measure.IsMet:
			t.Met++
		case measure.NotMet:
			t.NotMet++
		default:
			t.Undecided++
		}
	}
	return t
}

// String is "7 of 9 expectations met, 1 not met, 1 undecided".
func (t tally) String() string {
	if t.All == 0 {
		return "no expectations"
	}
	words := fmt.Sprintf("%d of %s met", t.Met, plural(t.All, "expectation"))
	if t.NotMet > 0 {
		words += fmt.Sprintf(", %d not met", t.NotMet)
	}
	if t.Undecided > 0 {
		words += fmt.Sprintf(", %d undecided", t.Undecided)
	}
	return words
}

// Class colours the tally.
func (t tally) Class() string {
	switch {
	case t.NotMet > 0:
		return "worse"
	case t.All > 0 && t.Met == t.All:
		return "better"
	}
	return ""
}

// check is an expectation and how it fared, in words.
type check struct {
	Variant, World, Expected, Found string
	Met                             measure.Met
	Class                           string
}

var metClasses = map[measure.Met]string{measure.IsMet: "better", measure.NotMet: "worse"}

func checksOf(r *measure.Result) []check {
	var all []check
	for _, c := range r.Checks {
		m := c.Expectation.Metric
		found := worded(c.Figure, m)
		if c.Expectation.Relative {
			found = times(c.Figure)
		}
		if c.Reason != "" {
			found += ", " + c.Reason
		}
		all = append(all, check{c.Variant, c.World, m.String() + " " + c.Expectation.Text, found, c.Met, metClasses[c.Met]})
	}
	return all
}

// times is a ratio to the baseline in words.
func times(f measure.Figure) string {
	switch {
	case !f.Known:
		return dash
	case f.N < 2:
		return fmt.Sprintf("%.3g × baseline", f.Value)
	}
	return fmt.Sprintf("%.3g × baseline (%.3g to %.3g)", f.Value, f.Low, f.High)
}

// summaryOf finds one variant in one world, or nil.
func summaryOf(r *measure.Result, world, variant string) *measure.Summary {
	for i := range r.Summaries {
		if s := &r.Summaries[i]; s.World == world && s.Variant == variant {
			return s
		}
	}
	return nil
}

// firstSummary finds a variant in the first world that has it.
func firstSummary(r *measure.Result, variant string) *measure.Summary {
	for _, world := range r.Worlds {
		if s := summaryOf(r, world, variant); s != nil {
			return s
		}
	}
	return nil
}

// figureOf is a variant's figure in a world, or by theory.
func figureOf(r *measure.Result, world, variant string, m measure.Metric) measure.Figure {
	if world == theory {
		for i := range r.Theory {
			if r.Theory[i].Variant == variant {
				return r.Theory[i].Figure(m)
			}
		}
	}
	if s := summaryOf(r, world, variant); s != nil {
		return s.Figure(m)
	}
	return measure.Figure{}
}
