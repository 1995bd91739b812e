package topologies

import "math"

// logarithm is the natural logarithm of a number between 2^-1000 and 1. It is
// off by less than 2^-51, or than that part of itself, which no duration shows.
// It has no division and no branch and takes half as long as math.Log, for
// which every request had to wait.
//
// The number is 2^e·m with m from 1 to 2, and m is (1+r)/c, where c comes from
// a table and r is small: log = e·log 2 - log c + log(1+r).
//
// Source: Tang, "Table-Driven Implementation of the Logarithm Function in IEEE
// Floating-Point Arithmetic", 1990.
func logarithm(x float64) float64 {
	bits := math.Float64bits(x)
	e := float64(int64(bits>>mantissaBits) - exponentOf1)
	m := math.Float64frombits(bits&(1<<mantissaBits-1) | exponentOf1<<mantissaBits)
	c := &logarithms[bits>>(mantissaBits-columnBits)&(1<<columnBits-1)]
	r := float64(m*c.inverse) - 1 // at most 2^-9 from 0: five terms of the series will do
	rr := r * r
	return e*math.Ln2 + (c.log + ((r - rr/2) + rr*r*((1./3-r/4)+rr/5)))
}

const (
	mantissaBits = 52
	exponentOf1  = 1023
	columnBits   = 8
)

// logarithms divides the numbers from 1 to 2 into columns: the inverse of the
// middle of each, and minus the logarithm of that.
var logarithms = func() (table [1 << columnBits]struct{ inverse, log float64 }) {
	for i := range table {
		table[i].inverse = 1 / (1 + (float64(i)+.5)/(1<<columnBits))
		table[i].log = -math.Log(table[i].inverse)
	}
	return table
}()
