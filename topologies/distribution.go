package topologies

import (
	"math"
	"time"
)

// Spread is a law of amounts that are drawn anew each time: of durations, or of
// whole numbers of something.
type Spread[T ~int64] struct {
	Law  string // "constant", "exponential", "lognormal", "uniform", "pareto", "geometric"
	Mean T      // constant, exponential, geometric (from 1)
	// lognormal by two quantiles; uniform and pareto by their ends
	Median, P99 T
	Low, High   T
	Shape       float64 `json:",omitzero"` // of pareto: the chance of more than x falls as x^-Shape
}

// Distribution is a law of durations.
type Distribution = Spread[time.Duration]

// Quantile is the inverse of the law's distribution function at u, strictly
// between 0 and 1.
func (d Spread[T]) Quantile(u float64) T {
	switch d.Law {
	case "exponential":
		return whole[T](-logarithm(1-u) * float64(d.Mean)) // 1-u is exact where u is a multiple of 2^-53
	case "lognormal":
		return whole[T](float64(d.Median) * math.Exp(d.sigma()*normal(u)))
	case "uniform":
		return d.Low + whole[T](u*float64(d.High-d.Low))
	case "pareto":
		return min(whole[T](float64(d.Low)*math.Pow(1-u*d.within(), -1/d.Shape)), d.High)
	case "geometric":
		if d.Mean <= 1 {
			return 1
		}
		return 1 + T(math.Log(1-u)/math.Log1p(-1/float64(d.Mean)))
	default:
		return d.Mean
	}
}

// Expected is the mean of the law.
func (d Spread[T]) Expected() T {
	switch d.Law {
	case "lognormal":
		return whole[T](float64(d.Median) * math.Exp(d.sigma()*d.sigma()/2))
	case "uniform":
		return d.Low + (d.High-d.Low)/2
	case "pareto":
		return whole[T](float64(d.Low) * d.moment(1))
	default:
		return d.Mean
	}
}

// Variation is the law's variance over the square of its mean.
func (d Spread[T]) Variation() float64 {
	switch d.Law {
	case "exponential":
		return 1
	case "lognormal":
		return math.Expm1(d.sigma() * d.sigma())
	case "uniform":
		spread, mean := float64(d.High-d.Low), float64(d.Expected())
		return spread * spread / 12 / (mean * mean)
	case "pareto":
		return d.moment(2)/(d.moment(1)*d.moment(1)) - 1
	case "geometric":
		return 1 - 1/float64(d.Mean)
	default:
		return 0
	}
}

// within is the share of a Pareto law without bound that lies within High: the
// bounded one is what is left of it (as in Harchol-Balter, "Performance
// Modeling and Design of Computer Systems", 2013, section 20.3).
func (d Spread[T]) within() float64 {
	return 1 - math.Pow(float64(d.Low)/float64(d.High), d.Shape)
}

// moment is the k-th moment of a bounded Pareto law, in units of Low.
func (d Spread[T]) moment(k float64) float64 {
	reach := math.Log(float64(d.High) / float64(d.Low))
	if reach == 0 {
		return 1
	}
	area := reach
	if slope := k - d.Shape; slope != 0 {
		area = math.Expm1(slope*reach) / slope
	}
	return d.Shape * area / d.within()
}

// sigma is the deviation of the logarithm that puts the 99th percentile where
// it is asked to be.
func (d Spread[T]) sigma() float64 {
	if d.Median <= 0 {
		return 0
	}
	return math.Log(float64(d.P99)/float64(d.Median)) / normal99
}

// normal99 is computed once: sigma is asked for at every draw.
var normal99 = normal(0.99)

// normal is the quantile function of the standard normal law.
func normal(u float64) float64 { return math.Sqrt2 * math.Erfinv(2*u-1) }

// whole rounds to the nearest nanosecond, byte or whatever is counted, and stays
// within what an amount can hold. There is nothing below zero.
func whole[T ~int64](amount float64) T {
	amount = min(amount, math.MaxInt64/2)
	n := T(amount)
	return n + T(2*(amount-float64(n)))
}
