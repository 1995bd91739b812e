package policy

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestLevelsAreWhatPasses: as much as is said to be left is admitted at once,
// and one more is not; when the limit is said to be reset, all is there again.
func TestLevelsAreWhatPasses(t *testing.T) {
	for name := range Limiters {
		t.Run(name, func(t *testing.T) {
			random, some, none := newRandom(5), 0, 0
			for range 300 {
				l := anyLimiter(name, random)
				now := time.Duration(random.Int64N(int64(time.Hour)))
				step := random.ExpFloat64() * 1e8
				for range 60 {
					l.Take(now, "k", float64(1+random.IntN(3)))
					now += time.Duration(random.ExpFloat64() * step)
					level := l.Level(now, "k")
					left := level.Whole()
					if left == 0 {
						none++
						_, ok := l.Ask(now, "k", 1)
						require.False(t, ok, "%+v", level)
						continue
					}
					some++
					if name == "leaky-queue" { // which takes all of any cost
						continue
					}
					_, ok := l.Ask(now, "k", float64(left))
					require.True(t, ok, "%+v", level)
					if more := float64(left + 1); more <= level.Most-1e-6 {
						_, ok = l.Ask(now, "k", more)
						require.False(t, ok, "%+v", level)
					}
				}
				full := l.Level(now+l.Level(now, "k").Reset, "k")
				require.InDelta(t, full.Most, full.Left, 1e-6)
			}
			require.Positive(t, some)
			require.Positive(t, none)
		})
	}
}

func TestQuotas(t *testing.T) {
	at := func(text string) time.Duration {
		date, err := time.Parse(time.DateTime, text)
		require.NoError(t, err)
		return time.Duration(date.UnixNano())
	}
	for _, tt := range []struct {
		per, at string
		wait    time.Duration
	}{
		{"hour", "2024-02-28 23:30:00", 30 * time.Minute},
		{"day", "2024-02-28 23:30:00", 30 * time.Minute},
		{"day", "2024-02-28 00:00:00", 24 * time.Hour},
		{"month", "2024-02-28 00:00:00", 2 * 24 * time.Hour},
		{"month", "2023-02-28 12:00:00", 12 * time.Hour},
		{"month", "2023-12-01 00:00:00", 31 * 24 * time.Hour},
	} {
		l := NewLimits([]Choice{{Name: Quota, Params: Params{"quota": {Number: 3}, "per": {Word: tt.per}}}}, 10)
		take := func(date time.Duration, cost float64) (time.Duration, bool) {
			return l.Take(time.Second, []Ask{{Key: "k", Cost: cost, Date: date}})
		}
		now := at(tt.at)
		_, ok := take(now, 2)
		require.True(t, ok)
		_, level := l.Levels(time.Second, []Ask{{Key: "k", Date: now}})
		require.Equal(t, Level{3, 1, tt.wait}, level, tt)
		wait, ok := take(now, 2)
		require.False(t, ok)
		require.Equal(t, tt.wait, wait, tt)
		_, ok = take(now+wait-time.Microsecond, 2)
		require.False(t, ok, tt)
		_, ok = take(now+wait, 2)
		require.True(t, ok, tt)
		_, ok = take(now, 2)
		require.False(t, ok, "a clock that is set back begins no period anew")
	}
}
