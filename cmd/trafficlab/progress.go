package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"trafficlab/bench"
	"trafficlab/bench/measure"
)

// progress tells on standard error how a scenario is getting on: one updating
// line on a terminal, else a line for each run that has ended.
type progress struct {
	*terminal
	scenario string
	begun    int       // runs that have begun and not ended
	said     time.Time // when the last line was written
	plain    bool      // lines that stay are written by others
	open     bool      // more may follow when all that was planned is done
}

// quiet is the least time between two lines that stay: the simulator ends
// hundreds of runs a second.
const quiet = time.Second

func newProgress(w io.Writer, scenario string) *progress {
	return &progress{terminal: newTerminal(w), scenario: scenario, said: time.Now()}
}

func (p *progress) step(e bench.Event) {
	switch e.Stage {
	case bench.Begun:
		p.begun++
		p.now(p.text(e) + "; " + left(e))
		return
	case bench.Spoiled:
		p.line("%s: once more, for it was spoiled: %s", p.text(e), why(e.Warnings))
		return
	case bench.Aside:
		p.line("%s: %v", p.scenario, e.Err)
		return
	}
	p.begun--
	if errors.Is(e.Err, context.Canceled) {
		return
	}
	p.now(p.text(e) + "; " + left(e))
	if p.width == 0 && !p.plain && (e.Done == e.Total && !p.open || time.Since(p.said) >= quiet) {
		p.line("%s %s; %s", p.text(e), e.Stage, left(e))
		p.said = time.Now()
	}
}

// text is "slow-replica 12/40: live p2c, repetition 2 of 5".
func (p *progress) text(e bench.Event) string {
	more := ""
	if p.begun > 1 {
		more = fmt.Sprintf(" and %d more", p.begun-1)
	}
	return fmt.Sprintf("%s %d/%d: %s %s, repetition %d of %d%s",
		p.scenario, e.Done, e.Total, e.World, e.Variant, e.Repetition, e.Repeat, more)
}

func left(e bench.Event) string {
	switch {
	case e.Done == e.Total:
		return "done"
	case e.Left < time.Second:
		return "less than a second left"
	}
	return "about " + span(e.Left) + " left"
}

func why(warnings []measure.Warning) string {
	var texts []string
	for _, w := range warnings {
		if w.Severe {
			texts = append(texts, w.Text)
		}
	}
	return strings.Join(texts, " ")
}

// span is a duration as a person says it: no finer than needed.
func span(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Minute:
		return d.Round(time.Second).String()
	}
	d = d.Round(time.Second)
	return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
}
