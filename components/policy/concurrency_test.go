package policy

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func newConcurrency(name string, given Params) Concurrency {
	kind := Concurrencies[name]
	return kind.New(kind.Params(given))
}

func TestFixedNeverChanges(t *testing.T) {
	c := newConcurrency("fixed", Params{"limit": {Number: 7}})
	for range 100 {
		c.Observe(time.Hour, 7, true)
		c.Observe(time.Millisecond, 7, false)
		require.Equal(t, 7, c.Limit())
	}
}

func TestAIMD(t *testing.T) {
	c := newConcurrency("aimd", Params{"initial": {Number: 10}, "min": {Number: 5}, "max": {Number: 12}, "timeout": {Number: 1e9}})
	for _, step := range []struct {
		took     time.Duration
		inFlight int
		lost     bool
		limit    int
	}{
		{time.Millisecond, 4, false, 10}, // not in use
		{time.Millisecond, 5, false, 11},
		{time.Millisecond, 11, false, 12},
		{time.Millisecond, 12, false, 12}, // the highest
		{time.Millisecond, 12, true, 10},
		{2 * time.Second, 1, false, 9}, // too long
		{time.Millisecond, 1, true, 8},
		{time.Millisecond, 1, true, 7},
		{time.Millisecond, 1, true, 6},
		{time.Millisecond, 1, true, 5},
		{time.Millisecond, 1, true, 5}, // the lowest
	} {
		c.Observe(step.took, step.inFlight, step.lost)
		require.Equal(t, step.limit, c.Limit(), "%+v", step)
	}
}

// TestGradient2 follows the published rule in a few lines of its own.
func TestGradient2(t *testing.T) {
	random := newRandom(6)
	c := newConcurrency("gradient2", nil)
	limit, long, n := 20.0, 0.0, 0
	for range 5000 {
		rtt := float64(time.Duration((.5 + random.ExpFloat64()) * float64(10*time.Millisecond)))
		inFlight := 1 + random.IntN(int(limit))
		c.Observe(time.Duration(rtt), inFlight, false)
		if n < 10 {
			long = (long*float64(n) + rtt) / float64(n+1)
			n++
		} else {
			long = long*(1-2./601) + rtt*2/601
		}
		g := math.Max(.5, math.Min(1, long/rtt))
		if long/rtt > 2 {
			long *= .9
		}
		if float64(inFlight) >= limit/2 {
			limit = .8*limit + .2*(limit*g+4)
			limit = math.Max(20, math.Min(200, limit))
		}
		require.InDelta(t, limit, c.(*Gradient2).limit, 1e-6)
	}
}

// TestGradient2SettlesWhereTheQueueIsShort: upstream with a capacity of c at
// once and a pace that falls beyond it settles where g·L + 4 = L.
func TestGradient2SettlesWhereTheQueueIsShort(t *testing.T) {
	c := newConcurrency("gradient2", Params{"min": {Number: 1}, "long": {Number: 1e6}})
	for range 10 {
		c.Observe(10*time.Millisecond, 1, false) // the long run, without a queue
	}
	for range 500 {
		slower := max(1, float64(c.Limit())/40)
		c.Observe(time.Duration(10e6*slower), c.Limit(), false)
	}
	require.InDelta(t, 44, c.Limit(), 1, "40/L·L + 4 = L")
	before := c.Limit()
	c.Observe(time.Millisecond, before/3, false)
	c.Observe(time.Second, before, true)
	require.Equal(t, before, c.Limit(), "neither idle times nor losses move it")
}

// TestGate plays a story: two at once, room for three, classes 0, 1, 2.
func TestGate(t *testing.T) {
	g := NewGate[string](Fixed(2), 3, 3)
	enter := func(class int, who string) (Entry, string) {
		entry, out, pushed := g.Enter(class, who)
		require.Equal(t, pushed, out != "")
		return entry, out
	}
	for _, step := range []struct {
		class int
		who   string
		entry Entry
		out   string
	}{
		{2, "a", Admitted, ""}, {2, "b", Admitted, ""},
		{2, "c", Waits, ""}, {1, "d", Waits, ""}, {2, "e", Waits, ""},
		{2, "f", TurnedAway, ""},
		{1, "g", Waits, "e"}, // the youngest of the lowest
		{0, "h", Waits, "c"},
		{1, "i", TurnedAway, ""},
		{0, "j", Waits, "g"},
	} {
		entry, out := enter(step.class, step.who)
		require.Equal(t, step.entry, entry, step.who)
		require.Equal(t, step.out, out, step.who)
	}
	_, ok := g.Next()
	require.False(t, ok, "nobody has left")
	require.True(t, g.Leave(0, "h"))
	require.False(t, g.Leave(0, "h"))
	var order []string
	for range 4 {
		g.Done(1, false)
		if who, ok := g.Next(); ok {
			order = append(order, who)
		}
	}
	require.Equal(t, []string{"j", "d"}, order)
	require.Zero(t, g.InFlight())
	require.Zero(t, g.Waiting())
}

// TestGateAgainstAList holds it against one list in order of class and
// arrival, under a limit that moves.
func TestGateAgainstAList(t *testing.T) {
	type who struct{ class, id int }
	random := newRandom(8)
	limit := &AIMD{limit: 4, min: 1, max: 9, backoff: .9, timeout: time.Second}
	g := NewGate[who](limit, 6, 3)
	var line []who
	inside := 0
	byClass := func(a, b who) int { return a.class - b.class }
	for id := range 50_000 {
		w := who{random.IntN(3), id}
		switch random.IntN(5) {
		case 0, 1:
			entry, out, pushed := g.Enter(w.class, w)
			switch {
			case inside < limit.Limit():
				require.Equal(t, Admitted, entry)
				inside++
			case len(line) < 6:
				require.Equal(t, Waits, entry)
				line = append(line, w)
			case line[5].class > w.class:
				require.True(t, pushed)
				require.Equal(t, line[5], out)
				line = append(line[:5], w)
			default:
				require.Equal(t, TurnedAway, entry)
			}
			slices.SortStableFunc(line, byClass)
		case 2, 3:
			if inside == 0 {
				continue
			}
			g.Done(time.Millisecond, random.IntN(20) == 0)
			inside--
			for next, ok := g.Next(); ok; next, ok = g.Next() {
				require.Equal(t, line[0], next)
				line = line[1:]
				inside++
			}
			require.True(t, len(line) == 0 || inside >= limit.Limit())
		case 4:
			if len(line) > 0 {
				k := random.IntN(len(line))
				require.True(t, g.Leave(line[k].class, line[k]))
				line = slices.Delete(slices.Clone(line), k, k+1)
			}
		}
		require.Equal(t, inside, g.InFlight())
		require.Equal(t, len(line), g.Waiting())
	}
}
