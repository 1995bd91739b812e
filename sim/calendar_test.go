package sim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// delays are ways in which events lie before us, from the tame to the nasty.
var delays = map[string]func(*rand.Rand) time.Duration{
	"exponential":  func(r *rand.Rand) time.Duration { return time.Duration(r.ExpFloat64() * 1e6) },
	"constant":     func(*rand.Rand) time.Duration { return time.Millisecond },
	"at once":      func(*rand.Rand) time.Duration { return 0 },
	"few instants": func(r *rand.Rand) time.Duration { return time.Duration(r.IntN(3)) * time.Second },
	"soon and late": func(r *rand.Rand) time.Duration {
		return time.Duration(r.IntN(1000)) + time.Duration(r.IntN(2))*time.Hour
	},
	"of every scale": func(r *rand.Rand) time.Duration { return time.Duration(math.Exp(r.Float64() * 40)) },
}

// TestTheCalendarAgainstASortedList: events come by instant, and those of one
// instant by number, while their number rises and falls and their pace changes.
func TestTheCalendarAgainstASortedList(t *testing.T) {
	for name, delay := range delays {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(7, 7))
			var c calendar
			var list []event
			var now time.Duration
			number := uint64(0)
			for _, size := range []int{5, 0, 3000, 40, 41, 1000, 0, 300, 0} {
				for hold := 2000; hold > 0 || len(list) != size; hold-- {
					if len(list) < size || len(list) == size && size > 0 && r.IntN(2) == 0 {
						number++
						e := event{now + delay(r), word(number, elapsed, 0)}
						if r.IntN(8) == 0 {
							e.at = now + delays["exponential"](r)/1000
						}
						i, _ := slices.BinarySearchFunc(list, e, order)
						list = slices.Insert(list, i, e)
						c.push(e)
					} else if len(list) > 0 {
						require.Equal(t, list[0], c.first())
						require.Equal(t, list[0], c.pop())
						now = list[0].at
						list = list[1:]
					}
					require.Equal(t, len(list) == 0, c.empty())
				}
			}
		})
	}
}

func order(a, b event) int {
	if a.before(b) {
		return -1
	}
	return 1
}

// BenchmarkCalendar has so many events pending, and for each that is due
// another comes (the hold model). At two paces, more than half of the pending
// are checks that hardly ever come due, and the others all the work.
func BenchmarkCalendar(b *testing.B) {
	for _, name := range []string{"exponential", "constant", "few instants", "soon and late", "two paces"} {
		for _, n := range []int{10, 100, 1000, 10_000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				random := rand.New(rand.NewPCG(3, 3))
				delay, slow := delays[name], 0
				if name == "two paces" {
					delay, slow = delays["exponential"], n*5/9
				}
				waits := make([]time.Duration, 1<<12)
				for i := range waits {
					waits[i] = delay(random)
				}
				var c calendar
				wait := func(slot, i int) time.Duration {
					if slot < slow {
						return 500 * time.Millisecond
					}
					return waits[i%len(waits)]
				}
				for i := range n {
					c.push(event{time.Duration(random.Int64N(int64(wait(i, i) + 1))), word(uint64(i), elapsed, i)})
				}
				for i := n; b.Loop(); i++ {
					e := c.pop()
					c.push(event{e.at + wait(e.slot(), i), word(uint64(i), elapsed, e.slot())})
				}
			})
		}
	}
}
