package policy

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestConditions(t *testing.T) {
	on, err := ParseConditions([]string{"reset", "5xx", "429"})
	require.NoError(t, err)
	r := Retrier{Tries: 2, On: on}
	for name, tt := range map[string]struct {
		last  Attempt
		again bool
	}{
		"reset":            {Attempt{Reason: Reset, Safe: true, Sent: true}, true},
		"refused, not on":  {Attempt{Reason: Refused, Safe: true}, false},
		"500":              {Attempt{Reason: Failed, Status: 500, Safe: true, Sent: true}, true},
		"599":              {Attempt{Reason: Failed, Status: 599, Safe: true, Sent: true}, true},
		"429":              {Attempt{Reason: Limited, Status: 429, Safe: true, Sent: true}, true},
		"404":              {Attempt{Reason: Denied, Status: 404, Safe: true, Sent: true}, false},
		"200":              {Attempt{Status: 200, Safe: true, Sent: true}, false},
		"500 to an unsafe": {Attempt{Reason: Failed, Status: 500, Sent: true}, false},
		"canceled":         {Attempt{Reason: Canceled, Safe: true}, false},
	} {
		require.Equal(t, tt.again, r.Again(1, tt.last), name)
	}
	for _, word := range []string{"", "ok", "399", "600", "canceled", "4xx", "-503"} {
		_, err := ParseConditions([]string{word})
		require.ErrorContains(t, err, "nothing to retry on", word)
	}
}

// TestFullJitter: the k-th pause is even over 0 to min(cap, base·2^(k-1)).
func TestFullJitter(t *testing.T) {
	r := Retrier{Base: 25 * time.Millisecond, Cap: 250 * time.Millisecond}
	for retry, longest := range map[int]int{1: 25, 2: 50, 3: 100, 4: 200, 5: 250, 6: 250, 60: 250} {
		require.Zero(t, r.Pause(retry, 0))
		require.Equal(t, time.Duration(longest)*time.Millisecond/2, r.Pause(retry, .5), "retry %d", retry)
		require.Equal(t, time.Duration(longest)*time.Millisecond, r.Pause(retry, 1))
	}
	require.Zero(t, Retrier{}.Pause(3, .9), "no back-off unless asked for")
}

func TestBudget(t *testing.T) {
	b := NewBudget(.2, 0, 10*time.Second)
	require.False(t, b.Withdraw(0), "nothing paid in")
	for range 5 {
		b.Deposit(time.Second)
	}
	require.True(t, b.Withdraw(2*time.Second), "five requests pay for one retry")
	require.False(t, b.Withdraw(2*time.Second))
	for range 4 {
		b.Deposit(3 * time.Second)
	}
	require.False(t, b.Withdraw(3*time.Second))
	b.Deposit(10999 * time.Millisecond)
	require.True(t, b.Withdraw(10999*time.Millisecond), "deposits of 3s still count")
	for range 5 {
		b.Deposit(20 * time.Second)
	}
	require.False(t, b.Withdraw(31*time.Second), "what is a window old is forgotten")
}

// TestBudgetsDoNotDrift: 20 million requests in a window leave nothing of a
// rounding behind.
func TestBudgetsDoNotDrift(t *testing.T) {
	b := NewBudget(.2, 0, 10*time.Second)
	const requests = 20_000_000
	for i := range requests {
		b.Deposit(time.Duration(i) * 100)
	}
	b.all.extra = requests/5 - 1
	require.True(t, b.Withdraw(2*time.Second), "the last of a fifth")
	require.False(t, b.Withdraw(2*time.Second))
	b = NewBudget(.07, 0, 10*time.Second)
	for range 100 {
		b.Deposit(0)
	}
	for range 7 {
		require.True(t, b.Withdraw(0))
	}
	require.False(t, b.Withdraw(0))
}

// TestBudgetReserve: who has little traffic may try again, too.
func TestBudgetReserve(t *testing.T) {
	b := NewBudget(.2, 10, time.Second)
	for range 10 {
		require.True(t, b.Withdraw(0))
	}
	require.False(t, b.Withdraw(999*time.Millisecond))
	require.True(t, b.Withdraw(time.Second), "the reserve comes back as its use is forgotten")
}

// TestBudgetAgainstAList holds the ring against a list of all that happened.
func TestBudgetAgainstAList(t *testing.T) {
	type event struct {
		slice  int64
		tokens float64
	}
	random := newRandom(4)
	b := NewBudget(.3, 2, 10*time.Second)
	var all []event
	now := time.Duration(0)
	for range 20_000 {
		now += time.Duration(random.ExpFloat64() * float64(50*time.Millisecond))
		if random.IntN(1000) == 0 {
			now += time.Duration(random.IntN(25)) * time.Second
		}
		at := int64(now / time.Second)
		all = slices.DeleteFunc(all, func(e event) bool { return e.slice <= at-10 })
		left := 20.0
		for _, e := range all {
			left += e.tokens
		}
		if random.IntN(2) == 0 {
			b.Deposit(now)
			all = append(all, event{at, .3})
			continue
		}
		may := b.Withdraw(now)
		require.Equal(t, left >= 1-1e-6, may, "%v left at %v", left, now)
		if may {
			all = append(all, event{at, -1})
		}
	}
}

// TestBreaker plays stories: + a success, - a failure, . a canceled attempt,
// digits let so many seconds pass. After each the state is C, O or H.
func TestBreaker(t *testing.T) {
	row := BreakerRule{Consecutive: 3, OpenFor: 5 * time.Second, Probes: 1}
	ratio := BreakerRule{Ratio: .5, Window: 10 * time.Second, Least: 4, OpenFor: 5 * time.Second, Probes: 2}
	for name, tt := range map[string]struct {
		rule         BreakerRule
		story, state string
	}{
		"three in a row":                   {row, "--+---", "CCCCCO"},
		"canceled says nothing":            {row, "--.-", "CCCO"},
		"half open, a success closes":      {row, "---41+", "CCOOHC"},
		"half open, a failure opens":       {row, "---5-41-", "CCOHOOHO"},
		"closed again starts from nothing": {row, "---5+--+", "CCOHCCCC"},
		"half the window":                  {ratio, "+-+-", "CCCO"},
		"too few to tell":                  {ratio, "---", "CCC"},
		"less than half":                   {ratio, "++-+-++-", "CCCCCCCC"},
		"old failures are forgotten":       {ratio, "---9999-+", "CCCCCCCCC"},
		"a success is the fourth":          {ratio, "---+", "CCCO"},
		"two probes, both must succeed":    {ratio, "----5++", "CCCOHHC"},
		"two probes, one fails":            {ratio, "----5+-", "CCCOHHO"},
	} {
		t.Run(name, func(t *testing.T) {
			b, now, state := NewBreaker(tt.rule), time.Duration(0), ""
			for _, step := range tt.story {
				if step >= '0' && step <= '9' {
					now += time.Duration(step-'0') * time.Second
				} else {
					p, ok := b.Allow(now)
					require.True(t, ok)
					b.Report(now, p, map[rune]Reason{'+': OK, '-': Failed, '.': Canceled}[step])
				}
				state += string("COH"[b.State(now)])
			}
			require.Equal(t, tt.state, state)
		})
	}
}

// TestBreakerOpensAtItsRatio: at exactly the share of failures, and not with
// one less.
func TestBreakerOpensAtItsRatio(t *testing.T) {
	for _, tt := range []struct{ percent, bad, all int }{{7, 7, 100}, {28, 7, 25}, {14, 7, 50}, {55, 11, 20}, {50, 10, 20}, {95, 19, 20}} {
		state := func(bad int, failuresFirst bool) BreakerState {
			b := NewBreaker(BreakerRule{Ratio: float64(tt.percent) / 100, Window: 10 * time.Second, Least: tt.all, OpenFor: time.Second})
			for i := range tt.all {
				reason := OK
				if failuresFirst && i < bad || !failuresFirst && i >= tt.all-bad {
					reason = Failed
				}
				p, ok := b.Allow(0)
				require.True(t, ok)
				b.Report(0, p, reason)
			}
			return b.State(0)
		}
		for _, first := range []bool{true, false} {
			require.Equal(t, BreakerOpen, state(tt.bad, first), "%+v", tt)
			require.Equal(t, BreakerClosed, state(tt.bad-1, first), "%+v", tt)
		}
	}
}

func TestBreakerProbes(t *testing.T) {
	b := NewBreaker(BreakerRule{Consecutive: 1, OpenFor: time.Second, Probes: 2})
	p, _ := b.Allow(0)
	b.Report(0, p, Timeout)
	_, ok := b.Allow(999 * time.Millisecond)
	require.False(t, ok, "open")
	first, ok := b.Allow(time.Second)
	require.True(t, ok)
	_, ok = b.Allow(time.Second)
	require.True(t, ok)
	_, ok = b.Allow(time.Second)
	require.False(t, ok, "both probes are out")
	b.Report(time.Second, first, Canceled)
	require.True(t, b.Ready(time.Second), "one that was given up leaves its place to another")
}

// TestAStalePassChangesNothing: what began before the breaker turned says
// nothing about now.
func TestAStalePassChangesNothing(t *testing.T) {
	for _, reason := range Reasons() {
		b := NewBreaker(BreakerRule{Consecutive: 1, OpenFor: time.Second, Probes: 1})
		stale, _ := b.Allow(0)
		p, _ := b.Allow(0)
		b.Report(0, p, Reset)
		require.Equal(t, BreakerOpen, b.State(0))
		before := *b
		b.Report(500*time.Millisecond, stale, reason)
		require.Equal(t, before, *b, "open: %v", reason)
		_, ok := b.Allow(time.Second)
		require.True(t, ok)
		before = *b
		b.Report(time.Second, stale, reason)
		require.Equal(t, before, *b, "half open: %v", reason)
	}
}

func TestFault(t *testing.T) {
	var faults []string
	for _, r := range Reasons() {
		if r.Fault() {
			faults = append(faults, r.String())
		}
	}
	require.Equal(t, "shed open failed timeout refused reset", strings.Join(faults, " "))
}

// TestQuantileAgainstASlice holds the histogram against all durations in order.
func TestQuantileAgainstASlice(t *testing.T) {
	random := newRandom(5)
	q := NewQuantile(.95, time.Hour, 100)
	var all []float64
	for i := range 20_000 {
		_, ok := q.Value(0)
		require.Equal(t, i >= 100, ok)
		d := time.Duration(math.Exp(random.NormFloat64()) * float64(10*time.Millisecond))
		q.Observe(0, d)
		all = append(all, float64(d))
		if i >= 1000 && i%1024 == 0 {
			slices.Sort(all)
			got, _ := q.Value(0)
			require.InEpsilon(t, all[len(all)*95/100], float64(got), .03)
		}
	}
}

func TestQuantileForgets(t *testing.T) {
	q := NewQuantile(.5, time.Second, 1)
	q.Observe(0, time.Second)
	q.Observe(1500*time.Millisecond, time.Millisecond)
	q.Observe(1500*time.Millisecond, time.Millisecond)
	d, ok := q.Value(2500 * time.Millisecond)
	require.True(t, ok)
	require.InEpsilon(t, time.Millisecond, d, .05)
	_, ok = q.Value(3500 * time.Millisecond)
	require.False(t, ok)
	q.Observe(time.Hour, 0)
	_, ok = q.Value(time.Hour)
	require.True(t, ok)
}
