package policy

import "math"

// Part is a share of n things. In binary 7% of 100 is a little more than 7 and
// 29% of 100 a little less than 29: what is whole but for that comes out whole,
// so that it may be compared with a count.
func Part(share float64, n int) float64 { return whole(share * float64(n)) }

// whole is x, or the whole number that it is but for rounding.
func whole(x float64) float64 {
	const rounding = 1e-12
	if n := math.Round(x); math.Abs(x-n) <= rounding*math.Abs(x) {
		return n
	}
	return x
}
