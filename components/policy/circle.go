package policy

import (
	"math/bits"
	"slices"
)

// circle is a set of backends in the order of the pool, whose last is followed
// by its first: words of bits, and above them words whose bits tell which of
// those below are not empty.
//
// Cost: O(log n) with base 64 for a change and for the next member.
type circle struct{ levels [][]uint64 }

// fullCircle holds 0 to n-1.
func fullCircle(n int) circle {
	var c circle
	for words := n; words > 1 || c.levels == nil; {
		words = (words + 63) / 64
		c.levels = append(c.levels, make([]uint64, words))
	}
	for i := range n {
		c.set(i, true)
	}
	return c
}

func (c circle) has(i int) bool { return c.levels[0][i/64]>>(i%64)&1 != 0 }

func (c circle) set(i int, in bool) {
	for _, words := range c.levels {
		bit := uint64(1) << (i % 64)
		i /= 64
		if in {
			words[i] |= bit
		} else if words[i] &^= bit; words[i] != 0 {
			return
		}
	}
}

// from is the first member at i or behind.
func (c circle) from(i int) (int, bool) {
	for k, words := range c.levels {
		if i/64 >= len(words) {
			break
		}
		if rest := words[i/64] >> (i % 64); rest != 0 {
			i += bits.TrailingZeros64(rest)
			for ; k > 0; k-- {
				i = 64*i + bits.TrailingZeros64(c.levels[k-1][i])
			}
			return i, true
		}
		i = i/64 + 1
	}
	return 0, false
}

// around is the first member at i or behind, going round.
func (c circle) around(i int) (int, bool) {
	if at, ok := c.from(i); ok {
		return at, true
	}
	return c.from(0)
}

// choice is the first member at i or behind, going round, that is not avoided.
func (c circle) choice(i int, avoid []int) (int, bool) {
	first := nobody
	for {
		at, ok := c.around(i)
		switch {
		case !ok || at == first:
			return 0, false
		case !slices.Contains(avoid, at):
			return at, true
		case first == nobody:
			first = at
		}
		i = at + 1
	}
}
