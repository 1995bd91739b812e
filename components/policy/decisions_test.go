package policy

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestHealth reads stories: + and - are checks passed and failed, U and D the
// state after each.
func TestHealth(t *testing.T) {
	for name, tt := range map[string]struct {
		down, up      int
		checks, state string
	}{
		"up at first":                {2, 2, "+", "U"},
		"one failure is forgiven":    {2, 2, "-+-+", "UUUU"},
		"failures in a row":          {2, 2, "--", "UD"},
		"successes in a row":         {2, 3, "--++-+++", "UDDDDDDU"},
		"and down again":             {2, 1, "--+--", "UDUUD"},
		"thresholds of one":          {1, 1, "-+-", "DUD"},
		"thresholds below one count": {0, -1, "-+", "DU"},
	} {
		t.Run(name, func(t *testing.T) {
			h := NewHealth(tt.down, tt.up)
			state := ""
			for _, check := range tt.checks {
				before := h.Up()
				turned := h.Report(check == '+')
				require.Equal(t, before != h.Up(), turned)
				state += map[bool]string{true: "U", false: "D"}[h.Up()]
			}
			require.Equal(t, tt.state, state)
		})
	}
}

func TestRetrier(t *testing.T) {
	for name, tt := range map[string]struct {
		tries int
		last  Attempt
		again bool
	}{
		"refused, nothing sent":            {1, Attempt{Reason: Refused}, true},
		"reset, safe":                      {1, Attempt{Reason: Reset, Safe: true, Sent: true}, true},
		"reset, unsafe and perhaps sent":   {1, Attempt{Reason: Reset, Sent: true}, false},
		"no connection in time, unsafe":    {1, Attempt{Reason: Timeout}, true},
		"no answer in time, unsafe":        {1, Attempt{Reason: Timeout, Sent: true}, false},
		"no answer in time, safe":          {1, Attempt{Reason: Timeout, Sent: true, Safe: true}, true},
		"502, safe":                        {1, Attempt{Reason: Refused, Status: 502, Sent: true, Safe: true}, true},
		"503, unsafe":                      {1, Attempt{Reason: Shed, Status: 503, Sent: true}, false},
		"504, safe":                        {1, Attempt{Reason: Timeout, Status: 504, Sent: true, Safe: true}, true},
		"500 stands":                       {1, Attempt{Reason: Failed, Status: 500, Sent: true, Safe: true}, false},
		"505 stands":                       {1, Attempt{Reason: Failed, Status: 505, Sent: true, Safe: true}, false},
		"429 stands":                       {1, Attempt{Reason: Limited, Status: 429, Sent: true, Safe: true}, false},
		"a good answer stands":             {1, Attempt{Status: 200, Sent: true, Safe: true}, false},
		"canceled by the caller":           {1, Attempt{Reason: Canceled, Safe: true}, false},
		"second of three":                  {2, Attempt{Reason: Refused}, true},
		"third of three was the last":      {3, Attempt{Reason: Refused}, false},
		"more than allowed (changed case)": {4, Attempt{Reason: Refused}, false},
	} {
		require.Equal(t, tt.again, Retrier{Tries: 3}.Again(tt.tries, tt.last), name)
	}
	require.False(t, Retrier{}.Again(1, Attempt{Reason: Refused}), "none asked for, none made")
}

func TestStation(t *testing.T) {
	s := NewStation[string](2, 2)
	require.True(t, s.Begin())
	require.True(t, s.Begin())
	require.False(t, s.Begin(), "both workers are busy")
	require.True(t, joins(s, "a"))
	require.True(t, joins(s, "b"))
	require.False(t, joins(s, "c"), "the line is full")
	require.True(t, s.Leave("a"))
	require.False(t, s.Leave("a"), "gone already")
	require.True(t, joins(s, "d"))
	next, ok := s.Finish(0)
	require.Equal(t, "b", next)
	require.True(t, ok)
	require.False(t, s.Leave("b"), "b is at work")
	require.False(t, s.Begin(), "the worker went to b")
	next, _ = s.Finish(0)
	require.Equal(t, "d", next)
	_, ok = s.Finish(0)
	require.False(t, ok)
	require.Equal(t, 1, s.Busy())
}

func joins[T comparable](s *Station[T], t T) bool {
	_, ok := s.Join(0, t)
	return ok
}

func TestStationWithoutLine(t *testing.T) {
	s := NewStation[int](0, -3)
	require.True(t, s.Begin(), "at least one worker")
	require.False(t, joins(s, 1))
}

// TestStationAgainstASlice holds the ring against a plain list.
func TestStationAgainstASlice(t *testing.T) {
	random := newRandom(2)
	const workers, queue = 3, 20
	s := NewStation[int](workers, queue)
	var line []int
	busy := 0
	for id := range 50_000 {
		switch random.IntN(5) {
		case 0, 1, 2:
			began := s.Begin()
			require.Equal(t, busy < workers, began)
			if began {
				busy++
			} else if joined := joins(s, id); joined {
				line = append(line, id)
			} else {
				require.Len(t, line, queue)
			}
		case 3:
			if busy == 0 {
				continue
			}
			next, ok := s.Finish(0)
			require.Equal(t, len(line) > 0, ok)
			if ok {
				require.Equal(t, line[0], next)
				line = line[1:]
			} else {
				busy--
			}
		case 4:
			if len(line) > 0 {
				k := random.IntN(len(line))
				require.True(t, s.Leave(line[k]))
				line = slices.Delete(slices.Clone(line), k, k+1)
			}
		}
		require.Equal(t, len(line), s.Waiting())
		require.Equal(t, busy, s.Busy())
	}
}

func BenchmarkStation(b *testing.B) {
	s := NewStation[int](4, 64)
	for s.Begin() {
	}
	b.ReportAllocs()
	for i := range b.N {
		s.Join(0, i)
		s.Join(0, i+1)
		s.Finish(0)
		s.Leave(i + 1)
	}
}

func TestReasonsReadBack(t *testing.T) {
	for _, r := range Reasons() {
		text, err := r.MarshalText()
		require.NoError(t, err)
		var back Reason
		require.NoError(t, back.UnmarshalText(text))
		require.Equal(t, r, back)
		require.Equal(t, strings.ToLower(r.String()), r.String())
	}
	var r Reason
	require.ErrorContains(t, r.UnmarshalText([]byte("tired")), "tired")
}
