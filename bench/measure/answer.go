package measure

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Answer says in one sentence what the judged metric came to, with its
// uncertainty: of the live world if it was run, with a word on whether the
// simulator agrees.
func Answer(r *Result) string {
	if len(r.Summaries) == 0 {
		return "There is no answer yet: no repetition was finished."
	}
	world := r.Summaries[0].World
	if r.count("live") > 0 {
		world = "live"
	}
	a := answer{r, world}
	sentence, about := a.sentence()
	if world == "sim" {
		sentence = "In simulation, " + lower(sentence)
	} else {
		sentence += a.agreement(about)
	}
	sentence += "."
	if slices.ContainsFunc(r.Warnings, func(w Warning) bool { return w.Severe }) {
		sentence += " Do not trust it: see the warnings."
	}
	return sentence
}

// answer is an Answer in the making, for one world.
type answer struct {
	*Result
	world string
}

// count is how many variants have figures in a world.
func (r *Result) count(world string) (n int) {
	for _, s := range r.Summaries {
		if s.World == world {
			n++
		}
	}
	return n
}

// judged lists the comparisons of the judged metric in a world.
func (r *Result) judged(world string) []Comparison {
	var all []Comparison
	for _, c := range r.Comparisons {
		if c.World == world && c.Metric == r.JudgeBy {
			all = append(all, c)
		}
	}
	return all
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

// sentence is the answer of one world, and the variant that it is about, if
// it is about one.
func (a answer) sentence() (text, about string) {
	rivals := a.judged(a.world)
	switch len(rivals) {
	case 0:
		return a.alone(), ""
	case 1:
		return a.pair(rivals[0]), rivals[0].Variant
	}
	best := a.ranked(rivals, Better)
	worse := a.ranked(rivals, Worse)
	other := a.ranked(rivals, Different)
	switch {
	case len(best) > 0:
		return a.best(best), best[0].Variant
	case len(other) > 0:
		return a.most(other), farthest(other).Variant
	case len(worse) > 0:
		return a.unbeaten(rivals, worse), worse[len(worse)-1].Variant
	}
	return a.level(rivals), ""
}

// ranked lists the comparisons of a verdict, best figure first.
func (a answer) ranked(all []Comparison, v Verdict) []Comparison {
	var some []Comparison
	for _, c := range all {
		if c.Verdict == v {
			some = append(some, c)
		}
	}
	sign := 1.0
	if Metrics[a.JudgeBy.Name].Sense == MoreIsBetter {
		sign = -1
	}
	slices.SortStableFunc(some, func(x, y Comparison) int {
		return cmp.Compare(sign*a.figure(x.Variant).Value, sign*a.figure(y.Variant).Value)
	})
	return some
}

// alone is the answer with nothing to compare.
func (a answer) alone() string {
	variant := ""
	for _, s := range a.Summaries {
		if s.World == a.world {
			variant = s.Variant
			break
		}
	}
	f := a.figure(variant)
	if !f.Known {
		return capital(a.noun()) + " cannot be told: there are too few samples"
	}
	text := capital(a.noun()) + " was " + f.Text(a.JudgeBy)
	if f.N < 2 {
		return text + " in the one repetition that was run"
	}
	return text + " (95% interval " + f.Range(a.JudgeBy) + ")"
}

// pair is the answer for one variant beside the baseline.
func (a answer) pair(c Comparison) string {
	f, base := a.figure(c.Variant), a.figure(a.Baseline)
	switch {
	case !f.Known || !base.Known:
		return fmt.Sprintf("%s cannot be compared between %s and %s: there are too few samples", capital(a.noun()), c.Variant, a.Baseline)
	case c.Verdict == NoDiff:
		return fmt.Sprintf("No difference in %s could be detected between %s and %s: %s against %s%s",
			a.noun(), c.Variant, a.Baseline, f.Text(a.JudgeBy), base.Text(a.JudgeBy), c.shown())
	}
	return fmt.Sprintf("With %s, %s was %s", c.Variant, a.noun(), a.against(c))
}

// against is a comparison with all its numbers: "57% shorter than with
// round-robin (95% interval 51% to 62%): 12.3 ms against 28.6 ms".
func (a answer) against(c Comparison) string {
	f := c.Difference
	if c.Relative {
		f = c.Ratio
	}
	values := a.figure(c.Variant).Text(a.JudgeBy) + " against " + a.figure(a.Baseline).Text(a.JudgeBy)
	if !f.Known {
		return values + " with " + a.Baseline
	}
	phrase := c.phrase(f.Value) + " " + conjunction(c.phrase(f.Value)) + " with " + a.Baseline
	if f.N < 2 {
		return phrase + " in the one repetition that was run: " + values
	}
	return phrase + " (" + c.between("95% interval ", f) + "): " + values
}

func conjunction(phrase string) string {
	if strings.Contains(phrase, " as ") || phrase == "the same" {
		return "as"
	}
	return "than"
}

// shown says what difference would have shown.
func (c *Comparison) shown() string {
	switch {
	case c.Detectable() < rounding:
		return ""
	case c.blunt():
		return " (only " + c.detectable() + " would have shown)"
	}
	return " (" + c.detectable() + " would have shown)"
}

// blunt says that the comparison could not have seen even a large difference.
func (c *Comparison) blunt() bool {
	if c.Relative {
		return c.Detectable() >= manifold-1
	}
	return c.Detectable() >= 0.1
}

// best is the answer where variants beat the baseline.
func (a answer) best(better []Comparison) string {
	text := fmt.Sprintf("Of %d variants, %s had %s, %s", len(a.judged(a.world))+1, better[0].Variant, a.superlative(), a.against(better[0]))
	lead := a.figure(better[0].Variant)
	var close []string
	for _, c := range better[1:] {
		if f := a.figure(c.Variant); f.Low <= lead.High && lead.Low <= f.High {
			close = append(close, c.Variant)
		}
	}
	if len(close) == 0 {
		return text
	}
	return text + ", with " + list(close) + " close to it"
}

// superlative is "the shortest p99 latency".
func (a answer) superlative() string {
	word := "the lowest "
	switch kind := Metrics[a.JudgeBy.Name]; {
	case kind.Unit == Seconds:
		word = "the shortest "
	case kind.Sense == MoreIsBetter:
		word = "the highest "
	}
	return word + strings.TrimPrefix(a.noun(), "the ")
}

// most is the answer for a metric that is neither good nor bad.
func (a answer) most(different []Comparison) string {
	c := farthest(different)
	return fmt.Sprintf("%s differed most with %s, where it was %s", capital(a.noun()), c.Variant, a.against(c))
}

// farthest is the comparison with the largest difference either way.
func farthest(all []Comparison) Comparison {
	return slices.MaxFunc(all, func(x, y Comparison) int { return cmp.Compare(x.distance(), y.distance()) })
}

func (c *Comparison) distance() float64 {
	if !c.Relative {
		return max(c.Difference.Value, -c.Difference.Value)
	}
	return max(c.Ratio.Value, 1/c.Ratio.Value)
}

// unbeaten is the answer where the baseline stands and some do worse.
func (a answer) unbeaten(rivals, worse []Comparison) string {
	last := worse[len(worse)-1]
	text := fmt.Sprintf("No variant beat %s: with %s, %s was %s", a.Baseline, last.Variant, a.noun(), a.against(last))
	if also := worse[:len(worse)-1]; len(also) > 0 {
		text += "; " + list(variants(also)) + " did worse too"
	}
	if level := a.ranked(rivals, NoDiff); len(level) > 0 {
		text += "; " + list(variants(level)) + " could not be told from it"
	}
	return text
}

// level is the answer where nothing differs, or nothing can be told.
func (a answer) level(rivals []Comparison) string {
	base := a.figure(a.Baseline)
	if slices.ContainsFunc(rivals, func(c Comparison) bool { return c.Verdict == Unknowable }) {
		return a.untold(rivals)
	}
	widest := slices.MaxFunc(rivals, func(x, y Comparison) int { return cmp.Compare(x.Detectable(), y.Detectable()) })
	if widest.blunt() {
		return fmt.Sprintf("%d repetitions are too few to tell the variants apart in %s: it was %s%s",
			base.N, a.noun(), list(a.told(rivals)), widest.shown())
	}
	return fmt.Sprintf("No variant could be told from %s in %s: all are near %s%s",
		a.Baseline, a.noun(), base.Text(a.JudgeBy), widest.shown())
}

// untold is the answer where repetitions or samples are too few to compare.
func (a answer) untold(rivals []Comparison) string {
	told := a.told(rivals)
	single := true
	for _, name := range append(variants(rivals), a.Baseline) {
		single = single && a.figure(name).N < 2
	}
	switch {
	case len(told) == 0:
		return capital(a.noun()) + " cannot be told: there are too few samples"
	case single:
		return capital(a.noun()) + " was " + list(told) + ", in a single repetition, which cannot tell a difference from chance"
	}
	return capital(a.noun()) + " was " + list(told) + "; for the others there are too few samples"
}

// told lists what is known, the baseline first: "12.3 ms with p2c".
func (a answer) told(rivals []Comparison) []string {
	var told []string
	for _, name := range append([]string{a.Baseline}, variants(rivals)...) {
		if f := a.figure(name); f.Known {
			told = append(told, f.Text(a.JudgeBy)+" with "+name)
		}
	}
	return told
}

func variants(all []Comparison) []string {
	names := make([]string, len(all))
	for i, c := range all {
		names[i] = c.Variant
	}
	return names
}

// agreement is what the simulator says to the same.
func (a answer) agreement(about string) string {
	sim := answer{a.Result, "sim"}
	if about == "" {
		return sim.same()
	}
	live, ok := find(a.judged(a.world), about)
	model, also := find(a.judged("sim"), about)
	if !ok || !also || model.Verdict == Unknowable || live.Verdict == Unknowable {
		return ""
	}
	said := model.phrase(model.value())
	switch {
	case model.Verdict == live.Verdict && live.Verdict == NoDiff:
		return "; the simulator sees none either"
	case model.Verdict == NoDiff:
		return "; the simulator sees no such difference"
	case live.Verdict == NoDiff:
		return "; the simulator makes it " + said
	case model.Verdict == live.Verdict && model.up() == live.up():
		return "; the simulator agrees (" + said + ")"
	}
	return "; the simulator disagrees (" + said + ")"
}

// same is the simulator's part of an answer that is about no one variant.
func (a answer) same() string {
	rivals := a.judged(a.world)
	if len(rivals) == 0 && a.count(a.world) == 1 {
		for _, s := range a.Summaries {
			if f := s.Figure(a.JudgeBy); s.World == a.world && f.Known {
				return "; the simulator says " + f.Text(a.JudgeBy)
			}
		}
	}
	told := len(rivals) > 0
	for _, c := range rivals {
		told = told && c.Verdict == NoDiff
	}
	if told {
		return "; nor does the simulator tell them apart"
	}
	return ""
}

func find(all []Comparison, variant string) (Comparison, bool) {
	for _, c := range all {
		if c.Variant == variant {
			return c, true
		}
	}
	return Comparison{}, false
}

func (c *Comparison) value() float64 {
	if c.Relative {
		return c.Ratio.Value
	}
	return c.Difference.Value
}

func (c *Comparison) up() bool {
	if c.Relative {
		return c.Ratio.Value > 1
	}
	return c.Difference.Value > 0
}

// nouns are metrics as they stand in a sentence; the rest are their own.
var nouns = map[string]string{
	"p50":          "the median latency",
	"p90":          "the p90 latency",
	"p99":          "the p99 latency",
	"p99.9":        "the p99.9 latency",
	"mean":         "the mean latency",
	"offered":      "the offered load",
	"limited":      "the share of limited requests",
	"failed":       "the share of failed requests",
	"cache-hits":   "the cache hit share",
	"backend-load": "the load on the backends",
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
