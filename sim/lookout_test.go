package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/topologies"
)

// What is seen at a tick is what the samples come to: who has come and has not
// been answered is in hand, and all but those with a worker wait.
func TestLookoutSeesWhatIsInHand(t *testing.T) {
	c := steady(chain("lb", "api"), 10*ms, 200)
	api := c.Variant.Topology.Nodes[1]
	api.Workers, api.Queue, api.ServiceTime = 2, 1000, topologies.Distribution{Law: "constant", Mean: 23 * ms}
	c.Variant.Timeout = time.Minute
	var samples []measure.Sample
	r, err := Play(t.Context(), c, Costs{}, func(s *measure.Sample) { samples = append(samples, *s) })
	require.NoError(t, err)
	require.Len(t, r.Courses, 2)
	most := uint32(0)
	for k := range 20 {
		now := time.Duration(k+1) * 100 * ms
		inHand := uint32(0)
		for _, s := range samples {
			if s.At < now && now < s.At+s.Latency {
				inHand++
			}
		}
		for i, course := range r.Courses {
			require.Equal(t, []string{"lb", "api"}[i], course.Place)
			require.Equal(t, inHand, course.InFlight[k], "%s at %s", course.Place, now)
			require.GreaterOrEqual(t, course.Connections[k], inHand, "%s at %s", course.Place, now)
			require.Nil(t, course.CPU)
		}
		require.Equal(t, max(inHand, 2)-2, r.Courses[1].Queue[k])
		most = max(most, r.Courses[1].Queue[k])
	}
	require.Greater(t, most, uint32(10))
}

// Of many places those of a node are seen together.
func TestLookoutSeesTiersOfManyPlaces(t *testing.T) {
	c := steady(chain("lb", "api"), 10*ms, 50)
	api := c.Variant.Topology.Nodes[1]
	api.Replicas, api.Numbered, api.Workers, api.ServiceTime = 100, true, 1, topologies.Distribution{Law: "constant", Mean: 35 * ms}
	r, err := Play(t.Context(), c, Costs{}, func(*measure.Sample) {})
	require.NoError(t, err)
	require.Len(t, r.Courses, 2)
	require.Equal(t, "api", r.Courses[1].Place)
	require.Equal(t, r.Courses[0].InFlight, r.Courses[1].InFlight)
	require.Positive(t, r.Courses[1].InFlight[2])
}
