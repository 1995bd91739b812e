package policy

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCircleAgainstAScan holds every answer against a walk over a list.
func TestCircleAgainstAScan(t *testing.T) {
	random := newRandom(11)
	for _, n := range []int{0, 1, 2, 63, 64, 65, 130, 4096, 4097} {
		c, in := fullCircle(n), make([]bool, n)
		for i := range in {
			in[i] = true
		}
		for range 400 {
			for range n / 50 * random.IntN(3) { // now and then most are gone
				i := random.IntN(n)
				in[i] = false
				c.set(i, false)
			}
			if n > 0 {
				i := random.IntN(n)
				in[i] = !in[i]
				c.set(i, in[i])
				require.Equal(t, in[i], c.has(i))
			}
			start := random.IntN(n + 1)
			avoid := random.Perm(n)[:min(n, random.IntN(4))]
			want, found := 0, false
			for k := range n {
				i := (start + k) % n
				if in[i] && !slices.Contains(avoid, i) {
					want, found = i, true
					break
				}
			}
			i, ok := c.choice(start, avoid)
			require.Equal(t, found, ok)
			require.Equal(t, want, i)
		}
	}
}
