package policy

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// answers lets a backend answer one request at an instant.
func answers(p Picker, now time.Duration, i int, took time.Duration) {
	p.Started(i)
	p.Done(now, i, Outcome{Latency: took})
}

func TestPeakEWMAFollowsFinagle(t *testing.T) {
	p := NewP2CEWMA(2, 10*time.Second, newRandom(1))
	require.Zero(t, p.cost(0, 0), "unknown and idle costs nothing")
	p.Started(0)
	require.EqualValues(t, 1<<47+1, p.cost(0, 0), "unknown and busy")
	p.Done(time.Second, 0, Outcome{Latency: 40 * ms})
	require.InDelta(t, float64(40*ms), p.cost(time.Second, 0), 1, "the first one counts in full")
	answers(p, 6*time.Second, 0, 20*ms)
	kept := math.Exp(-0.5)
	average := 40*kept + 20*(1-kept)
	require.InDelta(t, average*float64(ms), p.cost(6*time.Second, 0), 1, "a shorter one by the time since")
	answers(p, 6*time.Second, 0, 90*ms)
	require.InDelta(t, float64(90*ms), p.cost(6*time.Second, 0), 1, "a peak at once")
	require.InDelta(t, 90*math.Exp(-1)*float64(ms), p.cost(16*time.Second, 0), 1, "a look fades it too")
	p.Started(0)
	p.Started(0)
	require.InDelta(t, 3*90*math.Exp(-1)*float64(ms), p.cost(16*time.Second, 0), 1, "times those in flight and one")
}

func TestP2CEWMATakesTheFaster(t *testing.T) {
	p := newPicker("p2c-ewma", 2, 1) // of two, both are always drawn
	answers(p, 0, 0, 50*ms)
	answers(p, 0, 1, 20*ms)
	i, _ := p.Pick(0, 0, nil)
	require.Equal(t, 1, i)
	p.Started(1)
	p.Started(1) // 3 × 20 ms > 50 ms
	i, _ = p.Pick(0, 0, nil)
	require.Equal(t, 0, i)
}

// slowScan is least response time as one would write it down: averages that
// fade, and a scan.
type slowScan struct {
	decay    float64
	average  []float64
	seen     []time.Duration
	inFlight []int
}

func (s *slowScan) faded(now time.Duration, i int) float64 {
	return s.average[i] * math.Exp(-float64(now-s.seen[i])/s.decay)
}

func (s *slowScan) done(now time.Duration, i int, took float64) {
	kept := math.Exp(-float64(now-s.seen[i]) / s.decay)
	if faded := s.faded(now, i); took > faded {
		s.average[i] = took
	} else {
		s.average[i] = faded + took*(1-kept)
	}
	s.seen[i] = now
	s.inFlight[i]--
}

func (s *slowScan) cost(now time.Duration, i int) float64 {
	if s.average[i] == 0 && s.inFlight[i] > 0 {
		return penalty + float64(s.inFlight[i])
	}
	return s.faded(now, i) * float64(s.inFlight[i]+1)
}

func TestLeastResponseTimeAgainstAScan(t *testing.T) {
	const n = 9
	random := newRandom(3)
	p := NewLeastResponseTime(n, time.Second, newRandom(4))
	oracle := &slowScan{float64(time.Second), make([]float64, n), make([]time.Duration, n), make([]int, n)}
	var flying []int
	now := time.Duration(0)
	for range 20_000 {
		now += time.Duration(random.ExpFloat64() * float64(ms))
		if k := len(flying); k > 0 && random.IntN(12) < k {
			i := flying[0]
			flying = flying[1:]
			took := time.Duration((1 + random.ExpFloat64()) * float64((i+1)*int(ms)))
			p.Done(now, i, Outcome{Latency: took})
			oracle.done(now, i, float64(took))
			continue
		}
		i, ok := p.Pick(now, 0, nil)
		require.True(t, ok)
		for j := range n {
			require.LessOrEqual(t, oracle.cost(now, i), oracle.cost(now, j)*(1+1e-9))
		}
		p.Started(i)
		oracle.inFlight[i]++
		flying = append(flying, i)
	}
}
