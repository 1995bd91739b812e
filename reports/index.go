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

// card is an entry as the index shows it.
type card struct {
	IndexEntry
	Picture template.HTML
	Legend  []legendEntry
	Tally   tally
	Severe  int
	Mild    int
}

// WriteIndex draws the page that leads to all reports of a bench, in the order
// given. It is the error of w, if any.
func WriteIndex(w io.Writer, entries []IndexEntry) error {
	var cards []card
	for _, e := range entries {
		c := card{IndexEntry: e, Tally: tallyOf(e.Result.Checks)}
		if picture, ok := intervalChart(e.Result, e.Result.JudgeBy); ok {
			c.Picture = picture
			for _, world := range e.Result.Worlds {
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
	return write(w, "index.html", "all scenarios", cards)
}
