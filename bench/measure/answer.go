package measure

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Answer says what the judged metric came to for every variant, in the order
// of the file, with its uncertainty: in the live world if it was run, with a
// word on whether the simulator agrees.
func Answer(r *Result) string {
	if len(r.Summaries) == 0 {
		return "There is no answer yet: no repetition was finished."
	}
	a := newAnswer(r, "live")
	if len(a.names) == 0 {
		a = newAnswer(r, r.Summaries[0].World)
	}
	text := a.sentence() + "."
	if a.world == "sim" {
		text = "In simulation, " + lower(text)
	} else if said := a.simulator(); said != "" {
		text += " " + said + "."
	}
	if slices.ContainsFunc(r.Warnings, func(w Warning) bool { return w.Severe }) {
		text += " Do not trust it: see the warnings."
	}
	return text
}

// answer is an Answer in the making, for one world.
type answer struct {
	*Result
	world  string
	names  []string     // of the variants that were run, in the order of the file
	rivals []Comparison // of the judged metric, in the same order
}

func newAnswer(r *Result, world string) answer {
	a := answer{Result: r, world: world}
	for _, s := range r.Summaries {
		if s.World == world {
			a.names = append(a.names, s.Variant)
		}
	}
	for _, c := range r.Comparisons {
		if c.World == world && c.Metric == r.JudgeBy {
			a.rivals = append(a.rivals, c)
		}
	}
	return a
}

// figure is the judged metric of a variant.
func (a answer) figure(variant string) Figure {
	for i := range a.Summaries {
		if s := &a.Summaries[i]; s.World == a.world && s.Variant == variant {
			return s.Figure(a.JudgeBy)
		}
	}
	return Figure{}
}

// verdicts are the rivals of whom any of these is true.
func (a answer) verdicts(any ...Verdict) []Comparison {
	var some []Comparison
	for _, c := range a.rivals {
		if slices.Contains(any, c.Verdict) {
			some = append(some, c)
		}
	}
	return some
}

// sentence is the answer of one world.
func (a answer) sentence() string {
	known := a.known()
	switch {
	case len(known) == 0:
		return capital(a.noun()) + " cannot be told: there are too few samples"
	case len(a.names) == 1:
		return a.alone()
	case !a.figure(a.Baseline).Known:
		return a.baseless()
	case len(known) == 1:
		return a.told(known) + "; for the others there are too few samples"
	case a.single():
		return a.told(known) + ", in a single repetition, which cannot tell a difference from chance" + a.unequal() + a.unknown()
	case len(a.verdicts(Better, Worse, Different)) > 0:
		return a.different()
	}
	return a.level()
}

// alone is the answer of one variant.
func (a answer) alone() string {
	name := a.names[0]
	f := a.figure(name)
	text := a.noun() + " was " + f.Text(a.JudgeBy)
	if len(a.Variants) > 1 {
		text = "with " + name + ", " + text
	}
	if f.N < 2 {
		return capital(text) + " in the one repetition that was run"
	}
	return capital(text) + " (95% interval " + f.Range(a.JudgeBy) + ")"
}

// baseless is the answer where there is nothing to compare with.
func (a answer) baseless() string {
	text := a.told(a.known())
	if !slices.Contains(a.names, a.Baseline) {
		return text + "; " + a.Baseline + ", to compare with, was not run"
	}
	return text + "; for " + a.Baseline + ", to compare with, there are too few samples"
}

// level is the answer where no difference was found.
func (a answer) level() string {
	level := a.verdicts(NoDiff)
	if len(level) == 0 {
		return a.told(a.known()) + ", which cannot be compared"
	}
	widest := slices.MaxFunc(level, func(x, y Comparison) int { return cmp.Compare(x.Detectable(), y.Detectable()) })
	if widest.huge() {
		return fmt.Sprintf("%s, but %d repetitions are too few to see any but a huge difference%s",
			a.told(a.known()), widest.figure().N, a.unequal()+a.unknown())
	}
	text := "No difference in " + a.noun() + " could be detected: " + a.values(a.known())
	if seen := widest.Detectable(); seen >= rounding {
		text += " (" + widest.detectable() + " would have shown)"
	}
	return text + a.unequal() + a.unknown()
}

// many is the number of variants beyond which only the extremes are named.
const many = 5

// different is the answer where some differ from the baseline.
func (a answer) different() string {
	differ := a.verdicts(Better, Worse, Different)
	text := fmt.Sprintf("Against %s (%s), %s ", a.Baseline, a.figure(a.Baseline).Text(a.JudgeBy), a.noun())
	if len(a.names) > many && len(differ) > 2 {
		return text + a.extremes(differ)
	}
	phrases := make([]string, len(differ))
	for i, c := range differ {
		phrases[i] = c.with()
	}
	text += "was " + list(phrases)
	var level, blind []Comparison
	for _, c := range a.verdicts(NoDiff) {
		if c.huge() {
			blind = append(blind, c)
		} else {
			level = append(level, c)
		}
	}
	if len(level) > 0 {
		text += "; " + a.named(level) + " made no detectable difference"
	}
	if len(blind) > 0 {
		text += "; with " + a.named(blind) + ", only a huge difference could have been detected"
	}
	return text + a.unequal() + a.unknown()
}

// named lists variants, or counts them where there are many.
func (a answer) named(some []Comparison) string {
	if len(a.names) > many && len(some) > 2 {
		return fmt.Sprintf("%d others", len(some))
	}
	names := make([]string, len(some))
	for i, c := range some {
		names[i] = c.Variant
	}
	return list(names)
}

// extremes names the best and the worst, and counts the rest.
func (a answer) extremes(differ []Comparison) string {
	sorted := slices.SortedStableFunc(slices.Values(differ), func(x, y Comparison) int { return cmp.Compare(x.figure().Value, y.figure().Value) })
	if Metrics[a.JudgeBy.Name].Sense == MoreIsBetter {
		slices.Reverse(sorted)
	}
	text := fmt.Sprintf("ranged from %s to %s: of %d variants, ", sorted[0].with(), sorted[len(sorted)-1].with(), len(a.rivals))
	var counts []string
	for _, c := range []struct {
		verdict Verdict
		did     string
	}{
		{Better, "did better"}, {Worse, "did worse"}, {Different, "differed"},
		{NoDiff, "made no detectable difference"}, {Unknowable, "cannot be told"},
	} {
		if n := len(a.verdicts(c.verdict)); n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, c.did))
		}
	}
	return text + list(counts)
}

// known are the variants whose figures are.
func (a answer) known() []string {
	return slices.DeleteFunc(slices.Clone(a.names), func(name string) bool { return !a.figure(name).Known })
}

// unequal says of those without a difference, or with one that cannot be told
// from chance, where their latencies are of more or fewer requests than the
// baseline's.
func (a answer) unequal() string {
	var some []string
	for _, c := range a.verdicts(NoDiff, Unknowable) {
		if c.Survivors != nil {
			some = append(some, fmt.Sprintf("%s of requests with %s (baseline %s)",
				percent(c.Survivors.Variant), c.Variant, percent(c.Survivors.Baseline)))
		}
	}
	if len(some) == 0 {
		return ""
	}
	return "; but it is of successes alone: " + list(some)
}

// unknown says of whom nothing could be said.
func (a answer) unknown() string {
	var few, apart []string
	for _, c := range a.rivals {
		f := a.figure(c.Variant)
		switch {
		case !f.Known:
			few = append(few, c.Variant)
		case c.Verdict == Unknowable && f.N > 1:
			apart = append(apart, f.Text(a.JudgeBy)+" with "+c.Variant)
		}
	}
	text := ""
	if len(apart) > 0 {
		text += "; it was " + list(apart) + ", which cannot be compared"
	}
	if len(few) > 0 {
		text += "; for " + list(few) + " there are too few samples"
	}
	return text
}

// single says that no variant has a second repetition.
func (a answer) single() bool {
	return !slices.ContainsFunc(a.names, func(name string) bool { return a.figure(name).N > 1 })
}

// told says the figures of variants: "The p99 latency was 12.3 ms with p2c".
func (a answer) told(names []string) string {
	return capital(a.noun()) + " was " + a.values(names)
}

func (a answer) values(names []string) string {
	if len(names) > many {
		return a.span(names)
	}
	values := make([]string, len(names))
	for i, name := range names {
		values[i] = a.figure(name).Text(a.JudgeBy) + " with " + name
	}
	return list(values)
}

// span is the smallest and the largest figure, and the baseline's if it is
// neither.
func (a answer) span(names []string) string {
	by := func(x, y string) int { return cmp.Compare(a.figure(x).Value, a.figure(y).Value) }
	low, high := slices.MinFunc(names, by), slices.MaxFunc(names, by)
	text := "between " + a.values([]string{low}) + " and " + a.values([]string{high})
	if base := a.figure(a.Baseline); base.Known && a.Baseline != low && a.Baseline != high {
		text += ", and " + a.values([]string{a.Baseline})
	}
	return text
}

// with is a difference with its interval: "57% shorter with p2c (51% to 62%)".
func (c *Comparison) with() string {
	f := c.figure()
	return c.phrase(f.Value) + " with " + c.Variant + " (" + c.between(f) + c.crowd() + ")"
}

// nouns are metrics as they stand in a sentence; the rest are their own.
var nouns = map[string]string{
	"p50":          "the median latency",
	"p90":          "the p90 latency",
	"p99":          "the p99 latency",
	"p99.9":        "the p99.9 latency",
	"mean":         "the mean latency",
	"service-p50":  "the median service time",
	"service-p99":  "the p99 service time",
	"offered":      "the offered load",
	"limited":      "the share of limited requests",
	"failed":       "the share of failed requests",
	"cache-hits":   "the cache hit share",
	"backend-load": "the load on the backends",

	"detection":     "the time until a fault was noticed",
	"last-use":      "the time until the last attempt at a place that was ill",
	"lost":          "the number of requests lost",
	"recovery":      "the time to recover",
	"idle":          "the time that a place stood idle after its fault",
	"herd":          "the peak of attempts after a fault",
	"budget":        "the part of the error budget that was burnt",
	"amplification": "the number of attempts for each request",
	"wasted":        "the share of work done in vain",
	"fairness":      "the fairness of loads",
	"imbalance":     "the load of the busiest backend over the mean",
	"keys-moved":    "the share of keys moved",
	"starvation":    "the longest time that a backend got nothing",
}

func (a answer) noun() string {
	noun, ok := nouns[a.JudgeBy.Name]
	if !ok {
		noun = a.JudgeBy.Name
	}
	if a.JudgeBy.Class != "" {
		noun += " of " + a.JudgeBy.Class
	}
	return noun
}

// list is "a, b and c".
func list(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// capital begins a sentence with it. Names of variants never begin one: they
// are written as in the file.
func capital(text string) string { return first(text, unicode.ToUpper) }

func lower(text string) string { return first(text, unicode.ToLower) }

func first(text string, change func(rune) rune) string {
	r, size := utf8.DecodeRuneInString(text)
	return string(change(r)) + text[size:]
}
