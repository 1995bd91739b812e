package sim

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTheClockAgainstASortedList: events come by instant, and those of one
// instant in the order in which they were scheduled, by whatever way.
func TestTheClockAgainstASortedList(t *testing.T) {
	type entry struct {
		at   time.Duration
		slot int
	}
	r := rand.New(rand.NewPCG(1, 1))
	var c clock
	lines := []int{c.line(3), c.line(7), c.line(20)}
	var list []entry // by instant; equal ones as scheduled
	add := func(at time.Duration, slot int) {
		i, _ := slices.BinarySearchFunc(list, at+1, func(e entry, at time.Duration) int { return int(e.at - at) })
		list = slices.Insert(list, i, entry{at, slot})
	}
	for slot := range 20_000 {
		if i := r.IntN(4); i < len(lines) {
			c.after(lines[i], visited, slot)
			add(c.now+c.lines[lines[i]].delay, slot)
		} else {
			at := c.now + time.Duration(r.IntN(15))
			c.at(at, elapsed, slot)
			add(at, slot)
		}
		for len(list) > 0 && r.IntN(2) == 0 {
			_, early := c.pop(list[0].at - 1)
			require.False(t, early)
			e, ok := c.pop(list[0].at)
			require.True(t, ok)
			require.Equal(t, list[0], entry{e.at, e.slot()})
			require.Equal(t, e.at, c.now)
			list = list[1:]
		}
	}
	_, more := c.pop(math.MaxInt64)
	require.Equal(t, len(list) > 0, more)
}

func TestARingIsAQueue(t *testing.T) {
	var r ring[int]
	var list []int
	random := rand.New(rand.NewPCG(2, 2))
	for i := range 10_000 {
		if random.IntN(5) < 3 {
			r.push(i)
			list = append(list, i)
		} else if len(list) > 0 {
			require.Equal(t, list[0], r.pop())
			list = list[1:]
		}
		require.Equal(t, len(list), r.len)
	}
}
