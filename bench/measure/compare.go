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
		level := confidence
		if m == judged && rivals > 1 {
			level = 1 - (1-confidence)/float64(rivals)
		}
		c := compare(base, other, m, level)
		c.World, c.Variant = other[0].Run.World, other[0].Run.Variant
		all = append(all, c)
	}
	return all
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
	if Metrics[m.Name].Unit == Share {
		c.Difference = difference(to, from, level)
	} else {
		c.Ratio = ratio(to, from, level)
		c.Relative = true
	}
	c.Verdict = c.verdict()
	c.Text = c.text()
	return c
}

// values are the figures of paired runs; ok is false if any is unknown.
func values(base, other []*Tally, m Metric) (from, to []float64, ok bool) {
	for i := range base {
		b, known := base[i].Figure(m)
		o, also := other[i].Figure(m)
		if !known || !also {
			return nil, nil, false
		}
		from, to = append(from, b), append(to, o)
	}
	return from, to, len(from) > 0
}

// verdict reads the interval: a difference is what it leaves out.
func (c *Comparison) verdict() Verdict {
	f, same := c.Difference, 0.0
	if c.Relative {
		f, same = c.Ratio, 1
	}
	switch {
	case !f.Known || f.N < 2:
		return Unknowable
	case f.Low <= same && same <= f.High || math.Abs(f.Value-same) < rounding:
		return NoDiff
	}
	more := f.Value > same
	switch Metrics[c.Metric.Name].Sense {
	case MoreIsBetter:
		return better(more)
	case LessIsBetter:
		return better(!more)
	}
	return Different
}

// rounding is below what arithmetic alone may make of two equal figures.
const rounding = 1e-9

func better(is bool) Verdict {
	if is {
		return Better
	}
	return Worse
}

// Detectable is the smallest difference that the comparison could have seen:
// half of its interval, as a share of the baseline for ratios.
func (c *Comparison) Detectable() float64 {
	if c.Relative {
		if c.Ratio.Low <= 0 {
			return math.Inf(1)
		}
		return math.Sqrt(c.Ratio.High/c.Ratio.Low) - 1
	}
	return (c.Difference.High - c.Difference.Low) / 2
}
