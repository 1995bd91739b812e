package scenarios

import "math/bits"

// alias draws from a finite law in constant time with one word of randomness
// (Walker 1977, Vose 1991).
type alias []column

type column struct {
	keep  float64 // chance to stay in the column
	other int     // where else to go
}

func newAlias(weights []float64) alias {
	n := len(weights)
	a := make(alias, n)
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	var small, large []int
	for i, w := range weights {
		a[i] = column{w / sum * float64(n), i}
		if a[i].keep < 1 {
			small = append(small, i)
		} else {
			large = append(large, i)
		}
	}
	for len(small) > 0 && len(large) > 0 {
		s, l := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		a[s].other = l
		if a[l].keep -= 1 - a[s].keep; a[l].keep < 1 {
			large = large[:len(large)-1]
			small = append(small, l)
		}
	}
	for _, i := range append(small, large...) { // what rounding left over is full
		a[i].keep = 1
	}
	return a
}

// draw takes the column from the high bits of the word and the coin from the
// low ones.
func (a alias) draw(word uint64) int {
	column, coin := bits.Mul64(word, uint64(len(a)))
	if Unit(coin) < a[column].keep {
		return int(column)
	}
	return a[column].other
}
