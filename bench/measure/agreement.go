package measure

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// simulator is what the simulator says to a live answer: nothing if it was
// not run.
func (a answer) simulator() string {
	sim := newAnswer(a.Result, "sim")
	var both, apart []twin
	for _, c := range a.rivals {
		t := twin{live: c, sim: sim.rival(c.Variant)}
		if c.Verdict == Unknowable || t.sim.Verdict == Unknowable {
			continue
		}
		both = append(both, t)
		if !t.agree() {
			apart = append(apart, t)
		}
	}
	switch {
	case len(both) == 0:
		return sim.figures()
	case len(apart) > 0:
		return differing(apart, len(both))
	case len(both) < len(a.rivals):
		return "The simulator agrees where both can tell"
	}
	return "The simulator agrees"
}

// rival is the comparison of a variant, Unknowable if there is none.
func (a answer) rival(variant string) Comparison {
	for _, c := range a.rivals {
		if c.Variant == variant {
			return c
		}
	}
	return Comparison{Verdict: Unknowable}
}

// figures is what the simulator says where it cannot be held against the live
// world.
func (a answer) figures() string {
	known := a.known()
	switch {
	case len(known) == 0:
		return ""
	case len(a.Variants) > 1:
		return "The simulator says " + a.values(known)
	}
	text := "The simulator says " + a.figure(known[0]).Text(a.JudgeBy)
	if r := a.figure(known[0]).Range(a.JudgeBy); r != "" {
		text += " (" + r + ")"
	}
	return text
}

// twin is one comparison in both worlds.
type twin struct{ live, sim Comparison }

// agree says that both worlds may have found the same, as far as intervals
// tell: a live run that could not see a small difference does not deny it.
func (t twin) agree() bool {
	live, sim := t.live.figure(), t.sim.figure()
	return live.Low <= sim.High && sim.Low <= live.High
}

// gap is how far the worlds are apart.
func (t twin) gap() float64 {
	if t.live.Relative && t.sim.Relative {
		return math.Abs(math.Log(t.live.figure().Value / t.sim.figure().Value))
	}
	return math.Abs(t.live.figure().Value - t.sim.figure().Value)
}

func (t twin) text() string {
	return "on " + t.live.Variant + ": " + t.sim.found(true) + ", against " + t.live.found(false) + " live"
}

// found is what a comparison found, in words, with or without its interval.
func (c *Comparison) found(interval bool) string {
	f := c.figure()
	switch {
	case c.Verdict == NoDiff:
		return "no detectable difference"
	case interval:
		return c.phrase(f.Value) + " (" + c.between(f) + ")"
	}
	return c.phrase(f.Value)
}

// differing names the variants on which the worlds differ, or where they are
// many the one on which they differ most.
func differing(apart []twin, of int) string {
	if len(apart) >= many {
		most := slices.MaxFunc(apart, func(x, y twin) int { return cmp.Compare(x.gap(), y.gap()) })
		return fmt.Sprintf("The simulator differs for %d of %d variants, most %s", len(apart), of, most.text())
	}
	texts := make([]string, len(apart))
	for i, t := range apart {
		texts[i] = t.text()
	}
	if len(apart) < of {
		return "The simulator agrees except " + strings.Join(texts, "; ")
	}
	return "The simulator differs " + strings.Join(texts, "; ")
}
