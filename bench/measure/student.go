package measure

import "math"

// within is the probability that a Student variable of df degrees of freedom
// lies between -t and t: the finite series of Abramowitz and Stegun 26.7.3
// and 26.7.4, exact for whole df.
func within(t float64, df int) float64 {
	angle := math.Atan2(t, math.Sqrt(float64(df)))
	sin, cos := math.Sincos(angle)
	term, sum, first := 1.0, 0.0, 2
	if df%2 == 1 {
		term, first = cos, 3
	}
	for k := first; k <= df; k += 2 {
		sum += term
		term *= cos * cos * float64(k-1) / float64(k)
	}
	if df%2 == 1 {
		return 2 / math.Pi * (angle + sin*sum)
	}
	return sin * sum
}

// student is the t that a Student variable of df degrees of freedom stays
// within with the given probability: 2.776 for 0.95 and 4.
func student(level float64, df int) float64 {
	low, high := 0.0, 1.0
	for within(high, df) < level {
		high *= 2
	}
	for range 60 {
		if mid := (low + high) / 2; within(mid, df) < level {
			low = mid
		} else {
			high = mid
		}
	}
	return (low + high) / 2
}
