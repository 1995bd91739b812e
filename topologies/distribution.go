package topologies

import (
	"math"
	"time"
)

// Quantile is the inverse of the law's distribution function at u, strictly
// between 0 and 1.
func (d Distribution) Quantile(u float64) time.Duration {
	switch d.Law {
	case "exponential":
		return duration(-logarithm(1-u) * float64(d.Mean)) // 1-u is exact where u is a multiple of 2^-53
	case "lognormal":
		return duration(float64(d.Median) * math.Exp(d.sigma()*normal(u)))
	case "uniform":
		return d.Low + duration(u*float64(d.High-d.Low))
	default:
		return d.Mean
	}
}

// Expected is the mean of the law.
func (d Distribution) Expected() time.Duration {
	switch d.Law {
	case "lognormal":
		return duration(float64(d.Median) * math.Exp(d.sigma()*d.sigma()/2))
	case "uniform":
		return d.Low + (d.High-d.Low)/2
	default:
		return d.Mean
	}
}

// Variation is the law's variance over the square of its mean.
func (d Distribution) Variation() float64 {
	switch d.Law {
	case "exponential":
		return 1
	case "lognormal":
		return math.Expm1(d.sigma() * d.sigma())
	case "uniform":
		spread, mean := float64(d.High-d.Low), float64(d.Expected())
		return spread * spread / 12 / (mean * mean)
	default:
		return 0
	}
}

// sigma is the deviation of the logarithm that puts the 99th percentile where
// it is asked to be.
func (d Distribution) sigma() float64 {
	if d.Median <= 0 {
		return 0
	}
	return math.Log(float64(d.P99)/float64(d.Median)) / normal99
}

// normal99 is computed once: sigma is asked for at every draw.
var normal99 = normal(0.99)

// normal is the quantile function of the standard normal law.
func normal(u float64) float64 { return math.Sqrt2 * math.Erfinv(2*u-1) }

// duration rounds to the nearest nanosecond, and stays within what a duration
// can hold. There is nothing below zero.
func duration(nanoseconds float64) time.Duration {
	nanoseconds = min(nanoseconds, math.MaxInt64/2)
	whole := time.Duration(nanoseconds)
	return whole + time.Duration(2*(nanoseconds-float64(whole)))
}
