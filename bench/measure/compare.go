package measure

import (
	"math"
	"slices"
)

// Compare holds one variant against the baseline, repetition by repetition:
// those of the same number met the same load. The judged metric is held to
// the stricter level of Bonferroni when there are several rivals, so that
// among all variants alike at most one comparison in twenty finds a
// difference.
func Compare(base, other []*Tally, judged Metric, rivals int) []Comparison {
	base, other = pairs(base, other)
	if len(base) == 0 {
		return nil
	}
	var all []Comparison
	for _, m := range metricsOf(sharedClasses(base, other)) {
		c := compare(base, other, m, level(m, judged, rivals))
		c.World, c.Variant = other[0].Run.World, other[0].Run.Variant
		all = append(all, c)
	}
	return all
}

// level is the confidence at which a metric is held against the baseline.
func level(m, judged Metric, rivals int) float64 {
	if m == judged && rivals > 1 {
		return 1 - (1-confidence)/float64(rivals)
	}
	return confidence
}

// pairs keeps the repetitions that both have, in order.
func pairs(a, b []*Tally) (as, bs []*Tally) {
	for _, x := range a {
		i := slices.IndexFunc(b, func(y *Tally) bool { return y.Run.Repetition == x.Run.Repetition })
		if i >= 0 {
			as, bs = append(as, x), append(bs, b[i])
		}
	}
	return as, bs
}

func sharedClasses(base, other []*Tally) []string {
	var shared []string
	for _, class := range base[0].Classes {
		if slices.Contains(other[0].Classes, class) {
			shared = append(shared, class)
		}
	}
	return shared
}

// compare judges one metric over paired repetitions.
func compare(base, other []*Tally, m Metric, level float64) Comparison {
	c := Comparison{Metric: m, Verdict: Unknowable}
	from, to, ok := values(base, other, m)
	if !ok {
		c.Text = "too few samples to tell"
		return c
	}
	if slices.Contains(from, never) || slices.Contains(to, never) {
		c.Text = "not compared: it did not come about in every repetition"
		return c
	}
	if Metrics[m.Name].Unit == Share {
		c.Difference = difference(to, from, level)
	} else {
		c.Ratio = ratio(to, from, level)
		c.Relative = true
	}
	c.Survivors = survivors(base, other, m)
	c.Verdict = c.verdict()
	c.Text = c.text()
	return c
}

// values are the figures of paired runs; ok is false if they cannot be told.
func values(base, other []*Tally, m Metric) (from, to []float64, ok bool) {
	from, known := told(base, m)
	to, also := told(other, m)
	return from, to, known && also
}

// verdict reads the interval: a difference is what it leaves out.
func (c *Comparison) verdict() Verdict {
	f, same := c.figure(), c.same()
	switch {
	case !f.Known || f.N < 2:
		return Unknowable
	case f.Low <= same && same <= f.High || math.Abs(f.Value-same) < rounding:
		return NoDiff
	case c.flattered():
		return Different
	}
	more := c.up()
	switch Metrics[c.Metric.Name].Sense {
	case MoreIsBetter:
		return better(more)
	case LessIsBetter:
		return better(!more)
	}
	return Different
}

// figure is the one of the two that holds.
func (c *Comparison) figure() Figure {
	if c.Relative {
		return c.Ratio
	}
	return c.Difference
}

// same is the figure of no difference.
func (c *Comparison) same() float64 {
	if c.Relative {
		return 1
	}
	return 0
}

// up says that the variant's figure is the larger.
func (c *Comparison) up() bool { return c.figure().Value > c.same() }

// rounding is below what arithmetic alone may make of two equal figures.
const rounding = 1e-9

func better(is bool) Verdict {
	if is {
		return Better
	}
	return Worse
}

// Detectable is the smallest difference that the comparison could have seen:
// half of its interval, as a share of the baseline for ratios. It sees one of
// that size in half of all cases, and one twice as large in nine of ten.
func (c *Comparison) Detectable() float64 {
	if c.Relative {
		if c.Ratio.Low <= 0 {
			return math.Inf(1)
		}
		return math.Sqrt(c.Ratio.High/c.Ratio.Low) - 1
	}
	return (c.Difference.High - c.Difference.Low) / 2
}

// A comparison that can see nothing smaller is as good as none: a factor, and a
// difference of shares.
const (
	hugeRatio = 3
	hugeShare = 0.5
)

// huge says that only a huge difference could have been seen.
func (c *Comparison) huge() bool {
	if c.Relative {
		return c.Detectable() > hugeRatio-1
	}
	return c.Detectable() > hugeShare
}
