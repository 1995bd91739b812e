package policy

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestSharingAgainstALoop holds virtual time against work that is worn down
// event by event.
func TestSharingAgainstALoop(t *testing.T) {
	type work struct {
		id   int
		left float64
	}
	for _, workers := range []int{1, 3} {
		random := newRandom(uint64(workers))
		s := NewSharing[int](workers, 30)
		var all []work
		var ends, want []int
		at, now := time.Duration(0), time.Duration(0)
		var due []time.Duration
		wear := func(until time.Duration) {
			for {
				pace := 1.0
				if len(all) > 0 {
					pace = min(1, float64(workers)/float64(len(all)))
				}
				first := slices.IndexFunc(all, func(w work) bool {
					return !slices.ContainsFunc(all, func(o work) bool { return o.left < w.left })
				})
				step := float64(until - at)
				if first >= 0 && all[first].left/pace <= step {
					step = all[first].left / pace
				} else {
					first = -1
				}
				for i := range all {
					all[i].left -= step * pace
				}
				at += time.Duration(step)
				if first < 0 {
					at = until
					return
				}
				want = append(want, all[first].id)
				due = append(due, at)
				all = slices.Delete(all, first, first+1)
			}
		}
		for id := range 5000 {
			now += time.Duration(random.ExpFloat64() * float64(time.Millisecond) / float64(workers))
			for {
				first, when, ok := s.Next()
				if !ok || when > now {
					break
				}
				s.Finish()
				ends = append(ends, first)
				if k := len(ends) - 1; k%1000 == 0 {
					wear(now)
					require.InDelta(t, float64(due[k]), float64(when), 1000)
				}
			}
			wear(now)
			need := time.Duration(random.ExpFloat64() * .9 * float64(time.Millisecond))
			joined := s.Begin(now, need, id)
			require.Equal(t, len(all) < workers+30, joined)
			if joined {
				all = append(all, work{id, float64(need)})
			}
		}
		require.Equal(t, want[:len(ends)], ends)
		require.Greater(t, len(ends), 3000)
	}
}

func BenchmarkSharing(b *testing.B) {
	s := NewSharing[int](1, 100)
	for i := range 50 {
		s.Begin(0, time.Duration(i)*time.Millisecond, i)
	}
	b.ReportAllocs()
	for i := range b.N {
		_, due, _ := s.Next()
		s.Finish()
		s.Begin(due, time.Duration(i*7919%50)*time.Millisecond, i)
	}
}

func TestLineRules(t *testing.T) {
	s := NewStation[int](1, 10)
	s.Order(LineRule{Drops: true, Standing: 100, Target: 5})
	require.True(t, s.Begin())
	for _, join := range []struct{ at, until time.Duration }{{0, 100}, {50, 150}, {99, 199}, {100, 105}, {150, 155}} {
		until, ok := s.Join(join.at, int(join.at))
		require.True(t, ok)
		require.Equal(t, join.until, until)
	}
	for range 5 {
		s.Finish(160)
	}
	until, _ := s.Join(170, 170)
	require.Equal(t, 270*time.Nanosecond, until, "the line had been empty")
}
