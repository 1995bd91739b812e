package measure

import (
	"math"
	"math/rand/v2"
	"slices"
)

const (
	confidence = 0.95
	// bootstrapFrom is the number of repetitions from which their own spread
	// serves better than the assumption that their logs are normal.
	bootstrapFrom = 20
	resamples     = 2000
)

// A scale is where run statistics are averaged: close to normal there, and
// its inverse cannot leave the range of the figure.
type scale struct {
	to, from func(float64) float64
	reach    float64 // of an interval, either way: beyond it, it says only that nothing is known
}

var (
	// Latencies and rates spread by factors.
	logs = scale{math.Log, math.Exp, math.Log(1e6)}
	// The arcsine evens out the variance of shares and, unlike the logit,
	// bears an availability of exactly 1, the commonest there is.
	arcs = scale{
		func(p float64) float64 { return math.Asin(math.Sqrt(min(1, max(0, p)))) },
		func(a float64) float64 { s := math.Sin(min(math.Pi/2, max(0, a))); return s * s },
		math.Pi,
	}
	// What is neither: differences, and rates that were 0 in some run.
	plain = scale{func(x float64) float64 { return x }, func(x float64) float64 { return x }, math.MaxFloat64}
)

// scaleOf chooses the scale for values of a unit.
func scaleOf(unit Unit, values []float64) scale {
	switch {
	case unit == Share:
		return arcs
	case slices.Min(values) > 0:
		return logs
	}
	return plain
}

// estimate is the mean of run statistics, taken on the scale of their unit,
// with its confidence interval.
func estimate(values []float64, unit Unit, level float64) Figure {
	if len(values) == 0 {
		return Figure{}
	}
	s := scaleOf(unit, values)
	f := on(s, values, level)
	if unit == Share {
		f.Value = mean(values) // of 100%, 100% and 97% people expect 99%
	}
	f.Low, f.High = min(f.Low, f.Value), max(f.High, f.Value)
	if unit != plainUnit {
		f.Low = max(f.Low, 0)
	}
	return f
}

// plainUnit marks values that may be negative.
const plainUnit Unit = ""

// on averages values on a scale. With one value there is no interval.
func on(s scale, values []float64, level float64) Figure {
	if len(values) == 1 {
		return Figure{Value: values[0], Low: values[0], High: values[0], N: 1, Known: true}
	}
	scaled := make([]float64, len(values))
	for i, v := range values {
		scaled[i] = s.to(v)
	}
	m := mean(scaled)
	low, high := spread(scaled, level)
	low, high = max(low, m-s.reach), min(high, m+s.reach)
	return Figure{Value: s.from(m), Low: s.from(low), High: s.from(high), N: len(values), Known: true}
}

// spread is the confidence interval of the mean of two values or more: Student's t, or from
// bootstrapFrom values on the percentile bootstrap.
func spread(values []float64, level float64) (low, high float64) {
	n := len(values)
	if n >= bootstrapFrom {
		return bootstrap(values, level)
	}
	m := mean(values)
	half := student(level, n-1) * math.Sqrt(variance(values)/float64(n))
	return m - half, m + half
}

// bootstrap resamples with a generator of its own: the same values give the
// same interval.
func bootstrap(values []float64, level float64) (low, high float64) {
	rng := rand.New(rand.NewPCG(1, uint64(len(values))))
	means := make([]float64, resamples)
	for i := range means {
		sum := 0.0
		for range values {
			sum += values[rng.IntN(len(values))]
		}
		means[i] = sum / float64(len(values))
	}
	slices.Sort(means)
	tail := (1 - level) / 2
	return quantile(means, tail), quantile(means, 1-tail)
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// variance is that of the sample (n-1).
func variance(values []float64) float64 { return covariance(values, values) }

func covariance(a, b []float64) float64 {
	ma, mb, sum := mean(a), mean(b), 0.0
	for i := range a {
		sum += (a[i] - ma) * (b[i] - mb)
	}
	return sum / float64(len(a)-1)
}

// ratio is the mean ratio of paired positive values, from their logs.
func ratio(over, under []float64, level float64) Figure {
	logged := make([]float64, len(over))
	for i := range over {
		if over[i] <= 0 || under[i] <= 0 {
			return Figure{}
		}
		logged[i] = over[i] / under[i]
	}
	return on(logs, logged, level)
}

// difference is the mean difference of paired shares: within one whole.
func difference(from, take []float64, level float64) Figure {
	d := make([]float64, len(from))
	for i := range from {
		d[i] = from[i] - take[i]
	}
	f := on(plain, d, level)
	f.Low, f.High = max(f.Low, -1), min(f.High, 1)
	return f
}

// fieller is the ratio of the means of paired values that may be 0, by
// Fieller's theorem: all r for which the mean of over - r·under could be 0.
// It is unknown where the denominator could be 0.
func fieller(over, under []float64, level float64) Figure {
	n := float64(len(over))
	a, b := mean(over), mean(under)
	if b == 0 {
		return Figure{}
	}
	f := Figure{Value: a / b, Low: a / b, High: a / b, N: len(over), Known: true}
	if len(over) == 1 {
		return f
	}
	t := student(level, len(over)-1)
	q := t * t / n
	qa := b*b - q*variance(under)
	qb := a*b - q*covariance(over, under)
	qc := a*a - q*variance(over)
	if qa <= 0 {
		return Figure{}
	}
	root := math.Sqrt(max(0, qb*qb-qa*qc))
	f.Low, f.High = max(0, (qb-root)/qa), (qb+root)/qa
	return f
}
