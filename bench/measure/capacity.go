package measure

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Capacity is the highest load that meets bounds, of each variant in each
// world.
type Capacity struct {
	Scenario  string
	Question  string
	Answer    string
	Bounds    []Expectation
	Implied   bool    // the last bound was not asked for: nothing else speaks of failures
	Precision float64 // how far apart a load that meets them and one that does not may be
	Worlds    []string
	Variants  []string // in the order of the file
	Baseline  string
	Repeat    int // repetitions at each load, and four times that where they leave it undecided
	Seed      uint64
	Warmup    time.Duration
	Duration  time.Duration
	Searches  []Search // by world, then variant
	Machine   Provenance
	Command   string // how to look for it again
}

// Search is what was found of one variant in one world.
type Search struct {
	World   string
	Variant string
	Clients bool // loads are clients of closed streams; else requests per second
	Levels  []Level
	Ended   string // why no more loads were tried, if it is not that the answer is exact enough
	Short   bool   // time ended it

	Met    float64 // the highest load below NotMet that met the bounds; 0: none did
	NotMet float64 // the lowest load that did not; 0: none failed
	// GaveOut says why the machine, not the system, set the upper end; then
	// NotMet is where that was.
	GaveOut string `json:",omitempty"`

	// Knee is where each repetition by itself would cross the bounds,
	// interpolated between the loads tried: their mean with its interval.
	Knee Figure
	// Against is the knee over that of the baseline, by repetition.
	Against Figure
	Text    string // a sentence
}

// Level is what one load came to.
type Level struct {
	Factor      float64 // of the scenario's own load
	Load        float64
	Repetitions int
	Met         Met
	Checks      []Check
	Figures     []MetricFigure
	GaveOut     string `json:",omitempty"` // why the figures are not the system's

	values [][]float64 // of each bound in each repetition; NaN: unknown
}

// NewLevel holds the repetitions at one load against bounds. What a warning
// says of the machine makes it undecided.
func NewLevel(factor, load float64, g Group, bounds []Expectation, gaveOut string) Level {
	l := Level{Factor: factor, Load: load, Repetitions: len(g), Met: IsMet, GaveOut: gaveOut}
	l.Checks = Judge(Question{Expect: bounds}, []Group{g})
	for _, c := range l.Checks {
		if c.Met == NotMet || c.Met == Undecided && l.Met == IsMet {
			l.Met = c.Met
		}
	}
	if gaveOut != "" {
		l.Met = Undecided
	}
	for _, m := range capacityMetrics(bounds) {
		l.Figures = append(l.Figures, MetricFigure{m, figure(g, m)})
	}
	for _, b := range bounds {
		each := make([]float64, len(g))
		for i, t := range g {
			each[i] = math.NaN()
			if v, ok := t.Figure(b.Metric); ok {
				each[i] = v
			}
		}
		l.values = append(l.values, each)
	}
	return l
}

// capacityMetrics are the figures of a level: those bounded, and what anybody
// asks of next.
func capacityMetrics(bounds []Expectation) []Metric {
	all := []Metric{{Name: "offered"}, {Name: "throughput"}, {Name: "availability"}, {Name: "limited"}, {Name: "p50"}, {Name: "p99"}}
	for _, b := range bounds {
		if !slices.Contains(all, b.Metric) {
			all = append(all, b.Metric)
		}
	}
	return all
}

// Known tells whether the search came to both ends, or to one that is there by
// nature: the most, or the least, that can be offered.
func (s *Search) Known() bool {
	return s.GaveOut == "" && (s.Met > 0 || s.NotMet > 0) && (!s.Short || s.Met > 0 && s.NotMet > 0)
}

// Figure is one of the level's figures, unknown if it has none.
func (l *Level) Figure(m Metric) Figure { return figureIn(l.Figures, m) }

// Fails tells whether the load is too high: for the system, or the machine.
func (l *Level) Fails() bool { return l.Met == NotMet || l.GaveOut != "" }

// Bracket is the highest load that met the bounds below the lowest that did
// not, and that one; each nil if there is none. Levels are in order of load.
func Bracket(levels []Level) (good, bad *Level) {
	for i := range levels {
		if levels[i].Fails() {
			bad = &levels[i]
			break
		}
		if levels[i].Met == IsMet {
			good = &levels[i]
		}
	}
	return good, bad
}

// Conclude fills in what the levels of all searches come to.
func (c *Capacity) Conclude() {
	for i := range c.Searches {
		s := &c.Searches[i]
		slices.SortFunc(s.Levels, func(a, b Level) int { return cmp.Compare(a.Load, b.Load) })
		good, bad := Bracket(s.Levels)
		if good != nil {
			s.Met = good.Load
		}
		if bad != nil {
			s.NotMet, s.GaveOut = bad.Load, bad.GaveOut
		}
	}
	for i := range c.Searches {
		s := &c.Searches[i]
		knees := s.knees(c.Bounds, c.Repeat)
		if len(knees) == c.Repeat && s.GaveOut == "" {
			s.Knee = estimate(knees, PerSec, confidence)
		}
		for _, base := range c.Searches {
			from := base.knees(c.Bounds, c.Repeat)
			if base.World == s.World && base.Variant == c.Baseline && s.Variant != c.Baseline && base.Knee.Known && s.Knee.Known && base.Clients == s.Clients {
				s.Against = ratio(knees, from, level(Metric{}, Metric{}, len(c.Variants)-1))
			}
		}
		s.Text = s.text(c)
	}
	c.Answer = c.answer()
}

// knees are the loads at which each repetition by itself crosses the bounds:
// between the loads where it does so first and last. Repetitions that cross
// none are left out.
func (s *Search) knees(bounds []Expectation, repetitions int) []float64 {
	var knees []float64
	for r := range repetitions {
		first, last := math.NaN(), math.NaN()
		var before *Level
		for i := range s.Levels {
			l := &s.Levels[i]
			within, known := l.within(bounds, r)
			if l.GaveOut != "" || !known {
				continue
			}
			if before != nil && !within {
				last = crossing(before, l, bounds, r)
				if math.IsNaN(first) {
					first = last
				}
			}
			before = nil
			if within {
				before = l
			}
		}
		if !math.IsNaN(first) {
			knees = append(knees, math.Sqrt(first*last))
		}
	}
	return knees
}

// within tells whether a repetition is within all bounds. One that is within
// those known is not known to be.
func (l *Level) within(bounds []Expectation, repetition int) (within, known bool) {
	known = true
	for i, b := range bounds {
		v := l.values[i][repetition]
		switch {
		case math.IsNaN(v):
			known = false
		case b.Less && v >= b.Bound, !b.Less && v <= b.Bound:
			return false, true
		}
	}
	return true, known
}

// crossing is the load between two at which a repetition crosses the first
// bound, in a straight line between the logarithms of loads and of latencies.
func crossing(a, b *Level, bounds []Expectation, repetition int) float64 {
	least := 1.0
	for i, x := range bounds {
		from, to, at := a.values[i][repetition], b.values[i][repetition], x.Bound
		if math.IsNaN(to) || x.Less && to < at || !x.Less && to > at {
			continue
		}
		if Metrics[x.Metric.Name].Unit == Seconds {
			from, to, at = math.Log(from), math.Log(to), math.Log(at)
		}
		least = min(least, (at-from)/(to-from))
	}
	return a.Load * math.Pow(b.Load/a.Load, least)
}

// LoadText writes a load with its unit.
func (s *Search) LoadText(load float64) string {
	if s.Clients {
		return s.unit(digits(load, 6))
	}
	return s.unit(digits(load, 3))
}

func (s *Search) unit(number string) string {
	switch {
	case !s.Clients:
		return number + "/s"
	case number == "1":
		return "1 client"
	}
	return number + " clients"
}

// KneeText writes the knee with its interval, or nothing.
func (s *Search) KneeText() string {
	f := s.Knee
	switch {
	case !f.Known:
		return ""
	case f.N < 2:
		return s.unit(digits(f.Value, 3))
	}
	return fmt.Sprintf("%s (%s to %s)", s.unit(digits(f.Value, 3)), digits(f.Low, 3), digits(f.High, 3))
}

// text says in a sentence what was found.
func (s *Search) text(c *Capacity) string {
	switch {
	case len(s.Levels) == 0:
		return "No load was tried."
	case s.GaveOut != "" && s.Met == 0:
		return fmt.Sprintf("The machine, not the system, gave out at %s, and no load below was seen to meet the bounds. %s", s.LoadText(s.NotMet), s.GaveOut)
	case s.GaveOut != "":
		return fmt.Sprintf("The bounds are met at %s; the machine, not the system, gave out at %s, so that the capacity is not known. %s%s",
			s.LoadText(s.Met), s.LoadText(s.NotMet), s.GaveOut, s.refused(c))
	case s.Met == 0 && s.NotMet == 0:
		return fmt.Sprintf("It cannot be told at any load tried, from %s to %s%s: %s.", s.LoadText(s.Levels[0].Load), s.LoadText(s.Levels[len(s.Levels)-1].Load), s.because(), s.Levels[0].found())
	case s.Met == 0:
		return fmt.Sprintf("The bounds are not met at %s%s: %s.", s.LoadText(s.Levels[0].Load), s.because(), s.Levels[0].found())
	case s.NotMet == 0:
		return fmt.Sprintf("The bounds are met at %s, and no load tried was too high%s.%s", s.LoadText(s.Met), s.because(), s.refused(c))
	}
	text := fmt.Sprintf("The capacity is between %s (met) and %s (not met)%s", s.LoadText(s.Met), s.LoadText(s.NotMet), s.because())
	if knee := s.KneeText(); knee != "" {
		text += "; the repetitions, each by itself, cross the bounds at " + knee
	}
	if against := s.AgainstText(c.Baseline); against != "" {
		text += ", " + against
	}
	return text + "." + s.refused(c)
}

// because says why no more loads were tried, if there is something to say.
func (s *Search) because() string {
	if s.Ended == "" {
		return ""
	}
	return ", " + s.Ended
}

// AgainstText compares the knee with the baseline's: "1.4 times that of
// round-robin (1.3 to 1.5)", or nothing.
func (s *Search) AgainstText(baseline string) string {
	f := s.Against
	switch {
	case !f.Known || f.N < 2:
		return ""
	case f.Low <= 1 && 1 <= f.High:
		return fmt.Sprintf("no detectable difference from %s (%s to %s times its)", baseline, digits(f.Low, 3), digits(f.High, 3))
	}
	return fmt.Sprintf("%s times that of %s (%s to %s)", digits(f.Value, 3), baseline, digits(f.Low, 3), digits(f.High, 3))
}

// refusedMuch is a share of requests refused by policy that is worth a word.
const refusedMuch = .01

// refused says that a limit, which no bound speaks of, keeps the load away.
func (s *Search) refused(c *Capacity) string {
	limited := Metric{Name: "limited"}
	for _, b := range c.Bounds {
		if b.Metric.Name == limited.Name {
			return ""
		}
	}
	for i := range s.Levels {
		if l := &s.Levels[i]; l.Load == s.Met && l.Figure(limited).Value > refusedMuch {
			return fmt.Sprintf(" But of this load %s were refused by a limit, which the bounds do not speak of: add limited < 1%%.", l.Figure(limited).Text(limited))
		}
	}
	return ""
}

// found says what the bounds that were not met came to.
func (l *Level) found() string {
	var texts []string
	for _, c := range l.Checks {
		m := c.Expectation.Metric
		switch {
		case c.Met == IsMet:
		case !c.Figure.Known:
			texts = append(texts, "too few samples to tell "+m.String())
		case c.Figure.Range(m) == "":
			texts = append(texts, m.String()+" was "+c.Figure.Text(m))
		default:
			texts = append(texts, fmt.Sprintf("%s was %s (%s)", m, c.Figure.Text(m), c.Figure.Range(m)))
		}
	}
	return list(texts)
}

// SLO is the bounds in words: "p99 < 100ms and availability > 99.9%".
func (c *Capacity) SLO() string {
	texts := make([]string, len(c.Bounds))
	for i, b := range c.Bounds {
		texts[i] = b.Metric.String() + " " + b.Text
	}
	return list(texts)
}

// answer says what was found of all variants, in the live world if that was
// asked.
func (c *Capacity) answer() string {
	world := c.Worlds[0]
	var texts []string
	for _, s := range c.Searches {
		if s.World == world {
			texts = append(texts, s.short())
		}
	}
	text := fmt.Sprintf("%s can be held %s.", c.SLO(), strings.Join(texts, "; "))
	if world == "sim" {
		return "In simulation, " + text
	}
	return text
}

// short is a search in a clause of an answer.
func (s *Search) short() string {
	with := " with " + s.Variant
	switch {
	case s.Met == 0 && s.NotMet == 0:
		return "at a load that cannot be told" + with
	case s.Met == 0 && s.GaveOut != "":
		return "at a load that the machine is too weak to tell" + with
	case s.Met == 0:
		return "not even at " + s.LoadText(s.Levels[0].Load) + with
	case s.NotMet == 0:
		return "at " + s.LoadText(s.Met) + " and more" + with
	case s.GaveOut != "":
		return "at " + s.LoadText(s.Met) + " at least" + with + " (the machine gave out at " + s.LoadText(s.NotMet) + ")"
	}
	return "up to between " + s.LoadText(s.Met) + " and " + s.LoadText(s.NotMet) + with
}
