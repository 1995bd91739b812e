package measure

import (
	"math"
	"slices"
)

// Contrast is one result held against an earlier one, the base: of another
// version, commit or machine.
type Contrast struct {
	Scenario    string
	JudgeBy     Metric
	Base, Other Side
	// Unlike is what was asked differently, so that figures may differ for
	// that alone; Elsewhere is what else is not the same: program and machine.
	Unlike      []string
	Elsewhere   []string
	Left        []string     // what is in one of them alone
	Comparisons []Comparison // by world, then variant, then metric
	Doubts      []Warning    // severe ones of either
}

// Side is one of the two.
type Side struct {
	Dir       string
	Summaries []ContrastFigures // by world, then variant, of those that both have
	Machine   Provenance
}

// ContrastFigures are those of one variant in one world.
type ContrastFigures struct {
	World, Variant string
	Runs           int
	Figures        []MetricFigure
}

// Contrasted holds the runs of two results against each other, variant by
// variant and world by world: those that both have, by the question of the
// second. Their repetitions have nothing to do with each other.
func Contrasted(q Question, base, other []*Run) (*Contrast, error) {
	from, _, err := group(q, base)
	if err != nil {
		return nil, err
	}
	to, _, err := group(q, other)
	if err != nil {
		return nil, err
	}
	var pairs [][2]Group
	for _, g := range to {
		i := slices.IndexFunc(from, func(f Group) bool { return f[0].Run.World == g[0].Run.World && f[0].Run.Variant == g[0].Run.Variant })
		if i >= 0 {
			pairs = append(pairs, [2]Group{from[i], g})
		}
	}
	c := &Contrast{Scenario: q.Scenario, JudgeBy: q.JudgeBy}
	for _, p := range pairs {
		c.Comparisons = append(c.Comparisons, contrast(p[0], p[1], q.JudgeBy, len(pairs))...)
		c.Base.Summaries = append(c.Base.Summaries, contrastFigures(p[0]))
		c.Other.Summaries = append(c.Other.Summaries, contrastFigures(p[1]))
	}
	for _, g := range slices.Concat(from, to) {
		for _, w := range ofRuns([]Group{g}) {
			if w.Severe {
				c.Doubts = append(c.Doubts, w)
			}
		}
	}
	c.Doubts = once(c.Doubts)
	return c, nil
}

func contrastFigures(g Group) ContrastFigures {
	f := ContrastFigures{World: g[0].Run.World, Variant: g[0].Run.Variant, Runs: len(g)}
	for _, m := range metricsOf(g[0].Classes) {
		f.Figures = append(f.Figures, MetricFigure{m, figure(g, m)})
	}
	return f
}

// Figure is one of the figures, unknown if it is none of them.
func (f *ContrastFigures) Figure(m Metric) Figure { return figureIn(f.Figures, m) }

// contrast is Compare for repetitions that are no pairs.
func contrast(base, other Group, judged Metric, rivals int) []Comparison {
	var all []Comparison
	for _, m := range metricsOf(sharedClasses(base, other)) {
		c := contrastOf(base, other, m, level(m, judged, rivals))
		c.World, c.Variant = other[0].Run.World, other[0].Run.Variant
		all = append(all, c)
	}
	return all
}

func contrastOf(base, other Group, m Metric, level float64) Comparison {
	c := Comparison{Metric: m, Verdict: Unknowable}
	from, to, ok := values(base, other, m)
	if !ok {
		c.Text = "too few samples to tell"
		return c
	}
	if Metrics[m.Name].Unit == Share {
		c.Difference = apartBy(plain, to, from, level)
		c.Difference.Low, c.Difference.High = max(c.Difference.Low, -1), min(c.Difference.High, 1)
	} else {
		c.Ratio, c.Relative = apartBy(logs, to, from, level), true
	}
	if Metrics[m.Name].Unit == Seconds {
		if was, is, told := values(base, other, Metric{"availability", m.Class}); told {
			c.Survivors = survivorsOf(was, is, apartBy(plain, is, was, confidence))
		}
	}
	c.Verdict = c.verdict()
	c.Text = c.text()
	return c
}

// apartBy is how far the means of two independent groups are apart on a scale,
// as a difference or, on that of logarithms, as a ratio of geometric means, by
// Welch's t (Biometrika 34, 1947) with Satterthwaite's degrees of freedom,
// rounded down. N is that of the smaller group; with one value there is no
// interval. On the logarithms, values that are not positive make it unknown.
func apartBy(s scale, over, under []float64, level float64) Figure {
	a, ok := scaledBy(s, over)
	b, also := scaledBy(s, under)
	if !ok || !also {
		return Figure{}
	}
	d := mean(a) - mean(b)
	f := Figure{Value: s.from(d), N: min(len(a), len(b)), Known: true}
	half := 0.
	if f.N > 1 {
		half = min(welch(a, b, level), s.reach)
	}
	f.Low, f.High = s.from(d-half), s.from(d+half)
	return f
}

func scaledBy(s scale, values []float64) (scaled []float64, ok bool) {
	for _, v := range values {
		if v = s.to(v); math.IsInf(v, 0) || math.IsNaN(v) {
			return nil, false
		}
		scaled = append(scaled, v)
	}
	return scaled, true
}

// welch is half of the interval of the difference of two means.
func welch(a, b []float64, level float64) float64 {
	va, vb := spread(a)/float64(len(a)), spread(b)/float64(len(b))
	if va+vb == 0 {
		return 0
	}
	df := (va + vb) * (va + vb) / (va*va/float64(len(a)-1) + vb*vb/float64(len(b)-1))
	return student(level, max(1, int(df+1e-9))) * math.Sqrt(va+vb)
}

// spread is the variance, 0 of equal values whatever arithmetic makes of them.
func spread(values []float64) float64 {
	if slices.Min(values) == slices.Max(values) {
		return 0
	}
	return variance(values)
}

// Judged are the comparisons of the figure that the scenario is judged by.
func (c *Contrast) Judged() []Comparison {
	return slices.DeleteFunc(slices.Clone(c.Comparisons), func(x Comparison) bool { return x.Metric != c.JudgeBy })
}
