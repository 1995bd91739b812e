package live

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// Nodes keep what they are like while the load lasts: who is connected, what is
// in hand and what waits, over all lives of a process.
func TestCourses(t *testing.T) {
	c := pairCase(scenarios.Fault{At: 900 * time.Millisecond, For: 300 * time.Millisecond, On: []topologies.Place{"api[1]"}, Crash: true})
	c.Variant.Load = scenarios.Load{Streams: []scenarios.Stream{{Rate: []scenarios.Leg{{From: 1, To: 1, For: 2 * time.Second}}}}}
	api := c.Variant.Topology.Node("api")
	api.Workers, api.ServiceTime.Mean = 1, 350*time.Millisecond
	s := started(t, c)
	began := s.Begin()
	address, _ := s.Entry()
	require.NoError(t, SleepUntil(t.Context(), began.Add(50*time.Millisecond)))
	var clients sync.WaitGroup
	for range 4 { // two for each: one at work, one in line
		clients.Go(func() {
			status, err := get(t, address, client(s))
			assert.NoError(t, err)
			assert.Equal(t, 200, status)
		})
	}
	clients.Wait()
	require.NoError(t, SleepUntil(t.Context(), began.Add(2200*time.Millisecond)))
	uses, err := s.Use()
	require.NoError(t, err)
	for i, want := range []measure.Course{
		{Connections: measure.Series{4}, InFlight: measure.Series{4}, Queue: measure.Series{0}},
		{Connections: measure.Series{2}, InFlight: measure.Series{2}, Queue: measure.Series{1}},
		{Connections: measure.Series{2}, InFlight: measure.Series{2}, Queue: measure.Series{1}},
	} {
		place, got := s.processes[i].place, uses[i].Course
		require.NotNil(t, got, place)
		assert.Equal(t, want.Connections[0], most(got.Connections), place)
		assert.Equal(t, want.InFlight[0], most(got.InFlight), place)
		assert.Equal(t, want.Queue[0], most(got.Queue), place)
		assert.Less(t, len(got.InFlight), 15, "%s: all is answered", place)
		assert.Positive(t, most(got.CPU), place)
		assert.Greater(t, most(got.Memory), uint32(1<<10), "%s: KiB", place)
		assert.LessOrEqual(t, len(got.Memory), 20, "%s: no more than the load lasts", place)
	}
	memory := uses[2].Course.Memory
	require.Greater(t, len(memory), 15)
	assert.Zero(t, slices.Min(memory[8:15]), "a dead process has none")
	assert.Positive(t, memory[len(memory)-1], "the next has")
}

// most is the highest of a series, whose noughts at the end are left out.
func most(s measure.Series) uint32 { return slices.Max(append(s, 0)) }
