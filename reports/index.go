package reports

import (
	"html/template"
	"io"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
)

// IndexEntry is one report of a bench and where it is.
type IndexEntry struct {
	Link     string // of the report, relative to the index: "slow-replica/report.html"
	Scenario *scenarios.Scenario
	Result   *measure.Result
}

// CapacityEntry is a page of a capacity and where it is.
type CapacityEntry struct {
	Link     string
	Capacity *measure.Capacity
}

// benchPage is what the template of the index sees.
type benchPage struct {
	Cards      []card
	Capacities []CapacityEntry
}

// card is an entry as the index shows it.
type card struct {
	IndexEntry
	Picture template.HTML
	Legend  []legendEntry
	Tally   tally
	Severe  int
	Mild    int
	Judged  []judged
}

// judged is a variant's figure by which the question is answered, in the first
// world that has it.
type judged struct {
	Variant, Found, Against, Class string
	Untrusted                      bool
}

// WriteIndex draws the page that leads to all reports of a bench, in the order
// given. It is the error of w, if any.
func WriteIndex(w io.Writer, entries []IndexEntry, capacities []CapacityEntry) error {
	var cards []card
	for _, e := range entries {
		c := card{IndexEntry: e, Tally: tallyOf(e.Result.Checks), Judged: judgedOf(e.Result)}
		if picture, ok := intervalChart(e.Result, e.Result.JudgeBy); ok {
			c.Picture = picture
			for _, world := range voices(e.Result) {
				c.Legend = append(c.Legend, worldHands[world].entry(worldName(world)))
			}
		}
		for _, warning := range e.Result.Warnings {
			if warning.Severe {
				c.Severe++
			} else {
				c.Mild++
			}
		}
		cards = append(cards, c)
	}
	return write(w, "index.html", "all scenarios", benchPage{cards, capacities})
}

func judgedOf(r *measure.Result) []judged {
	var all []judged
	for _, name := range r.Variants {
		s := firstSummary(r, name)
		if s == nil {
			continue
		}
		j := judged{Variant: name, Found: worded(s.Figure(r.JudgeBy), r.JudgeBy), Untrusted: !s.Trusted}
		if name == r.Baseline {
			j.Against = "baseline"
		} else if c := comparison(r, s.World, name, r.JudgeBy); c != nil {
			j.Against, j.Class = unbroken(c.Text), verdictClasses[c.Verdict]
		}
		all = append(all, j)
	}
	return all
}
