package components

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
	"trafficlab/topologies"
)

// members makes the membership of n places under a node's settings.
func members(node topologies.Node, pick string, n int) *membership {
	pool := policy.Pool{Names: make([]string, n), Ramps: node.SlowStart != nil}
	for i := range pool.Names {
		pool.Names[i] = fmt.Sprintf("api[%d]", i)
	}
	kind := policy.Pickers[pick]
	picker := kind.New(pool, kind.Params(nil), rand.New(rand.NewPCG(1, 2)))
	m := newMembership(&node, picker, pool)
	return &m
}

// paramsOf is the parameters of a membership, with some given.
func paramsOf(name string, given policy.Params) policy.Params {
	return policy.Memberships[name].Params(given)
}

// spread picks often and counts by place.
func (m *membership) spread(times int) []int {
	counts := make([]int, len(m.out))
	for k := range times {
		if i, ok := m.picker.Pick(m.now, uint64(k), nil); ok {
			counts[i]++
		}
	}
	return counts
}

// TestPanicBelowAShare: seven of a hundred are not fewer than 7%; six are.
func TestPanicBelowAShare(t *testing.T) {
	m := members(topologies.Node{Panic: paramsOf("panic", policy.Params{"below": {Number: .07}})}, "round-robin", 100)
	for i := range 93 {
		m.mark(i, unwell, true)
	}
	require.Zero(t, m.spread(1000)[0])
	m.mark(93, unwell, true)
	require.Equal(t, 10, m.spread(1000)[0])
}

// TestPanic: of ten places six are dead. Without panic the four take 2.5 times
// their load; with it all take theirs, and four in ten requests succeed.
func TestPanic(t *testing.T) {
	for _, c := range []struct {
		node  topologies.Node
		alive int
	}{
		{topologies.Node{}, 250},
		{topologies.Node{Panic: paramsOf("panic", nil)}, 100},
	} {
		m := members(c.node, "round-robin", 10)
		for i := range 6 {
			m.mark(i, unwell, true)
		}
		counts := m.spread(1000)
		for i, count := range counts {
			if i >= 6 || c.node.Panic != nil {
				require.Equal(t, c.alive, count, "place %d", i)
			} else {
				require.Zero(t, count)
			}
		}
		m.mark(0, unwell, false) // half are well: no panic
		require.Equal(t, 200, m.spread(1000)[9])
		m.mark(9, tripped, true)
		m.mark(0, unwell, true)
		require.Zero(t, m.spread(1000)[9], "an open breaker is no matter of health")
	}
}

func TestEjectionTakesAPlaceOut(t *testing.T) {
	m := members(topologies.Node{Ejection: paramsOf("ejection", nil)}, "round-robin", 4)
	fail := func(at time.Duration, i, times int) {
		m.advance(at)
		for range times {
			m.judge(i, policy.Failed)
		}
	}
	fail(time.Second, 2, 4)
	require.Equal(t, []int{25, 25, 25, 25}, m.spread(100))
	fail(2*time.Second, 2, 1)
	require.Zero(t, m.spread(99)[2])
	fail(3*time.Second, 1, 9)
	require.Equal(t, []int{33, 33, 0, 33}, m.spread(99), "a tenth of four is none, but one may always go")
	m.advance(39 * time.Second)
	require.Zero(t, m.spread(99)[2])
	m.advance(40 * time.Second)
	require.Equal(t, []int{25, 25, 25, 25}, m.spread(100), "30 s later, at the end of the interval")
}

// TestSinkhole: a place that fails in a tenth of the time looks idle, and least
// connections sends it far more than its tenth; ejection ends that.
func TestSinkhole(t *testing.T) {
	failed := func(node topologies.Node) float64 {
		m := members(node, "least-connections", 10)
		random := rand.New(rand.NewPCG(3, 4))
		ends := make([][]time.Duration, 10) // of what is in flight, by place
		lost, now := 0, time.Duration(0)
		const requests = 20_000
		for range requests {
			now += time.Duration(random.ExpFloat64() * float64(time.Second) / 800)
			m.advance(now)
			for i, flying := range ends {
				kept := flying[:0]
				for _, end := range flying {
					if end > now {
						kept = append(kept, end)
						continue
					}
					m.picker.Done(now, i, policy.Outcome{})
					if i == 0 {
						lost++
						m.judge(i, policy.Failed)
					} else {
						m.judge(i, policy.OK)
					}
				}
				ends[i] = kept
			}
			i, _ := m.picker.Pick(now, 0, nil)
			m.picker.Started(i)
			took := 20 * time.Millisecond
			if i == 0 {
				took /= 10
			}
			ends[i] = append(ends[i], now+took)
		}
		return float64(lost) / requests
	}
	require.Greater(t, failed(topologies.Node{}), .25)
	require.Less(t, failed(topologies.Node{Ejection: paramsOf("ejection", nil)}), .02)
}

// TestSlowStartWarmsUp: a place that comes back takes the share that its age
// allows: at a quarter of the window a quarter of its weight.
func TestSlowStartWarmsUp(t *testing.T) {
	window := policy.Params{"window": {Number: float64(20 * time.Second)}}
	m := members(topologies.Node{SlowStart: paramsOf("slow-start", window)}, "weighted-round-robin", 4)
	require.Equal(t, []int{25, 25, 25, 25}, m.spread(100), "at the beginning all are warm")
	m.advance(time.Second)
	m.mark(3, unwell, true)
	m.advance(10 * time.Second)
	m.mark(3, unwell, false)
	for age, want := range map[time.Duration]float64{0: .1, 5 * time.Second: .25, 10 * time.Second: .5, 20 * time.Second: 1} {
		m := *m // each from the same beginning: the ramp does not remember
		m.warming = append([]warming(nil), m.warming...)
		m.advance(10*time.Second + age)
		require.InDelta(t, 10_000*want/(3+want), m.spread(10_000)[3], 12, "at %s", age)
	}
}
