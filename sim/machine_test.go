package sim

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/components"
	"trafficlab/topologies"
)

func TestWorkGoesToTheProcessorThatIsFreeFirst(t *testing.T) {
	var m machine
	m.reset(2, time.Hour)
	for _, p := range []struct{ now, work, wait time.Duration }{
		{0, 4 * ms, 0},           // the first: until 4
		{ms, 5 * ms, 0},          // the second: until 6
		{2 * ms, 3 * ms, 2 * ms}, // the first: from 4 until 7
		{3 * ms, ms, 3 * ms},     // the second: from 6 until 7
		{20 * ms, ms, 0},         // both are idle
		{20 * ms, 0, 0},          // nothing to do
	} {
		require.Equal(t, p.wait, m.wait(p.now, p.work), "at %v", p.now)
	}
	m.reset(0, time.Hour)
	require.Zero(t, m.wait(0, time.Hour), "there is no machine")
}

// TestMachineIsAQueue: with exponential work the machine is M/M/c, and who
// waits waits as Erlang says.
func TestMachineIsAQueue(t *testing.T) {
	const n = 400_000
	for _, cores := range []int{1, 2, 4} {
		q := station{rate: .6 * float64(cores) / ms.Seconds(), mean: ms.Seconds(), workers: cores, room: 1000}
		t.Run(fmt.Sprintf("M/M/%d", cores), func(t *testing.T) {
			var m machine
			m.reset(cores, time.Hour)
			draw := rand.New(rand.NewPCG(1, 2))
			var now, total time.Duration
			for range n {
				now += seconds(draw.ExpFloat64() / q.rate)
				total += m.wait(now, seconds(draw.ExpFloat64()*q.mean))
			}
			theory := q.waits() * q.mean / float64(cores) / (1 - q.load())
			require.InEpsilon(t, theory, total.Seconds()/n, .03)
		})
	}
}

// TestPlacesShareTheMachine: each request keeps a processor busy for 2 ms at
// each of two places and comes 3 ms after the one before it. Two processors
// bear that; one falls behind by a millisecond with each.
func TestPlacesShareTheMachine(t *testing.T) {
	c := steady(chain("lb", "api"), 3*ms, 100)
	for _, n := range c.Variant.Topology.Nodes {
		n.Kind = topologies.Backend
	}
	each := map[topologies.Kind]time.Duration{topologies.Backend: 2 * ms}
	build := func(p topologies.Place) component {
		if p == "lb" {
			return passing("api", components.Hop{})
		}
		return answering(0)
	}
	for cores, end := range map[int]time.Duration{0: 301 * ms, 1: 400 * ms, 2: 301 * ms} {
		r, err := run(context.Background(), c, Costs{Cores: cores, Visit: each, Work: Work{Visit: each}}, build)
		require.NoError(t, err)
		first := r.Samples[0].At
		var last time.Duration
		for _, s := range r.Samples {
			last = max(last, s.At+s.Latency-first)
		}
		require.Equal(t, end, last, "%d cores", cores)
		if cores == 0 {
			require.Nil(t, r.Modelled)
			continue
		}
		require.Equal(t, cores, r.Modelled.Cores)
		require.InDelta(t, min(400*ms, time.Duration(cores)*300*ms), r.Modelled.Busy, float64(4*ms))
		require.Equal(t, cores == 1, len(measure.Suspect(r)) == 1, "one is more than busy")
	}
}

// TestJitterIsExponential, a function of the request alone, and no less than 0.
func TestJitterIsExponential(t *testing.T) {
	c := steady(chain("api"), 10*ms, 20_000)
	build := func(topologies.Place) component { return answering(0) }
	r, err := run(context.Background(), c, Costs{Jitter: ms}, build)
	require.NoError(t, err)
	again, err := run(context.Background(), c, Costs{Jitter: ms}, build)
	require.NoError(t, err)
	require.Equal(t, r.Samples, again.Samples)
	var sum, beyond float64
	for _, s := range r.Samples {
		require.GreaterOrEqual(t, s.Latency, time.Duration(0))
		sum += s.Latency.Seconds()
		if s.Latency > 3*ms {
			beyond++
		}
	}
	n := float64(len(r.Samples))
	require.InEpsilon(t, ms.Seconds(), sum/n, .03)
	require.InDelta(t, math.Exp(-3), beyond/n, .006)
}
