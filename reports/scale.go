package reports

import (
	"math"
	"slices"

	"gonum.org/v1/plot"
)

// nines puts a quantile on the scale of log-odds, where each further nine
// takes the same room.
func nines(q float64) float64 { return math.Log10(q / (1 - q)) }

// ninesAxis spans the quantiles from lo to hi.
func ninesAxis(lo, hi float64) axis {
	a := axis{min: nines(lo), max: nines(hi)}
	for _, t := range []struct {
		q    float64
		name string
	}{{0.01, "1%"}, {0.1, "10%"}, {0.5, "50%"}, {0.9, "90%"}, {0.99, "99%"}, {0.999, "99.9%"}, {0.9999, "99.99%"}, {0.99999, "99.999%"}} {
		if t.q >= lo-1e-12 && t.q <= hi+1e-12 {
			a.ticks = append(a.ticks, plot.Tick{Value: nines(t.q), Label: t.name})
		}
	}
	return a
}

// logAxis spans the positive values from lo to hi, as their decimal logarithms.
func logAxis(lo, hi float64, name func(float64) string) axis {
	if hi < lo*1.5 { // room for two ticks at least
		mid := math.Sqrt(lo * hi)
		lo, hi = mid/1.6, mid*1.6
	}
	a := axis{min: math.Log10(lo) - 0.04, max: math.Log10(hi) + 0.04}
	steps := []float64{1, 2, 5}
	if a.max-a.min > 2.5 {
		steps = []float64{1}
	}
	for e := math.Floor(a.min); e <= a.max; e++ {
		for _, s := range steps {
			v := s * math.Pow(10, e)
			if x := math.Log10(v); x >= a.min && x <= a.max {
				a.ticks = append(a.ticks, plot.Tick{Value: x, Label: name(v)})
			}
		}
	}
	return a
}

// thinned keeps only the powers of ten of a logarithmic axis with more than
// most ticks, if there are two of them.
func (a axis) thinned(most int) axis {
	whole := slices.DeleteFunc(slices.Clone(a.ticks), func(t plot.Tick) bool { return math.Abs(t.Value-math.Round(t.Value)) > 1e-9 })
	if len(a.ticks) > most && len(whole) > 1 {
		a.ticks = whole
	}
	return a
}

// linearAxis spans 0 to hi, with about n ticks at round values.
func linearAxis(hi float64, n int, name func(float64) string) axis {
	if !(hi > 0) {
		hi = 1
	}
	step := roundStep(hi / float64(n))
	a := axis{max: hi}
	for i := 0; float64(i)*step <= hi*1.0001; i++ {
		v := float64(i) * step
		a.ticks = append(a.ticks, plot.Tick{Value: v, Label: name(v)})
	}
	return a
}

// roundStep is the smallest of 1, 2, 5 × 10^k that is at least v.
func roundStep(v float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, s := range []float64{1, 2, 5} {
		if s*unit >= v*0.999 {
			return s * unit
		}
	}
	return 10 * unit
}

// span is the smallest and largest of the positive values it was told.
type span struct{ lo, hi float64 }

func (s *span) add(values ...float64) {
	for _, v := range values {
		if v > 0 && !math.IsInf(v, 0) {
			if s.lo == 0 || v < s.lo {
				s.lo = v
			}
			s.hi = max(s.hi, v)
		}
	}
}

// logAxis spans the values told, or a millisecond if there were none.
func (s span) logAxis(name func(float64) string) axis {
	if s.lo == 0 {
		return logAxis(1e-3, 1e-3, name)
	}
	return logAxis(s.lo, s.hi, name)
}
