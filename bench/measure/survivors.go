package measure

import (
	"fmt"
	"math"
	"slices"
)

// Survivors are the shares of requests that latencies compared are of, where a
// variant and the baseline are detectably apart in it: who fails most requests
// at once looks fast on the few that are left.
type Survivors struct{ Variant, Baseline float64 }

// unequal is the difference in availability from which latencies are of
// different crowds.
const unequal = 0.01

// survivors compares the availability behind a latency; nil for other metrics,
// and where there is no such difference. With one repetition its values
// decide, as they do for expectations.
func survivors(base, other []*Tally, m Metric) *Survivors {
	if !Metrics[m.Name].Latency() {
		return nil
	}
	from, to, ok := values(base, other, Metric{"availability", m.Class})
	if !ok {
		return nil
	}
	return survivorsOf(from, to, difference(to, from, confidence))
}

// survivorsOf are the shares behind two latencies, if their difference d is one that
// can be told and matters.
func survivorsOf(from, to []float64, d Figure) *Survivors {
	if math.Abs(d.Value) < unequal || d.N > 1 && d.Low <= 0 && 0 <= d.High {
		return nil
	}
	return &Survivors{Variant: mean(to), Baseline: mean(from)}
}

// flatter says whether they cast doubt on a latency found longer than some
// factor of the baseline's, or not longer: fewer survivors make it look short.
func (s *Survivors) flatter(longer bool) bool {
	return s != nil && (s.Variant < s.Baseline) != longer
}

// crowd says whom a latency is of: "but only of the 1.9% that succeeded;
// baseline 100%".
func (s *Survivors) crowd(but bool) string {
	conjunction := "and"
	if but {
		conjunction = "but"
	}
	if s.Variant < s.Baseline {
		return fmt.Sprintf("%s only of the %s that succeeded; baseline %s", conjunction, percent(s.Variant), percent(s.Baseline))
	}
	return fmt.Sprintf("%s of the %s that succeeded; baseline only %s", conjunction, percent(s.Variant), percent(s.Baseline))
}

// flattered says that the comparison favours whom fewer requests survived.
func (c *Comparison) flattered() bool {
	return c.figure().Known && c.Survivors.flatter(c.up())
}

// crowd is whom the comparison is of, ready to follow its interval, or
// nothing.
func (c *Comparison) crowd() string {
	if c.Survivors == nil {
		return ""
	}
	return ", " + c.Survivors.crowd(c.flattered())
}

// flattery warns of latencies that cannot be compared because too different
// shares of requests survived, for the metrics that are asked for.
func flattery(comparisons []Comparison, asked []Metric) []Warning {
	var all []Warning
	for i := range comparisons {
		c := &comparisons[i]
		if c.flattered() && slices.Contains(asked, c.Metric) {
			all = append(all, Warning{Kind: "survivors", World: c.World, Variant: c.Variant, Text: fmt.Sprintf(
				"%s, %s: fast failures flatter %s: %s of requests succeeded, and %s of the baseline's; compare availability or goodput first.",
				c.World, c.Variant, c.Metric, percent(c.Survivors.Variant), percent(c.Survivors.Baseline))})
		}
	}
	return all
}
