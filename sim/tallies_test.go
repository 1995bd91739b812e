package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// TestReplicasShareALimit: what two gateways admit together is one bucket,
// also when one of them crashes and forgets all else; and asking takes a trip.
func TestReplicasShareALimit(t *testing.T) {
	const burst = 40
	for name, tt := range map[string]struct {
		shared   *topologies.Shared
		admitted int
	}{
		"shared":     {&topologies.Shared{}, burst},
		"each alone": {nil, 3 * burst}, // two, and one anew after its crash
	} {
		t.Run(name, func(t *testing.T) {
			samples := sharingSamples(t, tt.shared, burst)
			admitted := 0
			for _, s := range samples {
				if s.Status != 200 {
					require.Equal(t, 429, s.Status)
					continue
				}
				admitted++
				want := ms
				if tt.shared != nil {
					want += 300 * time.Microsecond
				}
				require.Equal(t, want, s.Latency)
			}
			require.Equal(t, tt.admitted, admitted)
		})
	}
}

func sharingSamples(t *testing.T, shared *topologies.Shared, burst float64) []measure.Sample {
	t.Helper()
	top := behind(constant("api", ms), &topologies.Node{Name: "gate", Kind: topologies.Gateway,
		Limits: []topologies.Limit{{By: "all", Shared: shared, Algorithm: policy.Choice{Name: "gcra",
			Params: policy.Params{"rate": {Number: 0.01}, "burst": {Number: burst}}}}}})
	top = behind(top, &topologies.Node{Name: "lb", Kind: topologies.LoadBalancer, Retry: topologies.Retry{Tries: 2}})
	gate := top.Node("gate")
	gate.Replicas, gate.Numbered = 2, true
	c := steady(top, 10*ms, 400)
	c.Variant.Faults = []scenarios.Fault{{At: time.Second, For: 200 * ms, On: []topologies.Place{"gate[1]"}, Crash: true}}
	run, err := Run(t.Context(), c, Costs{Shared: 300 * time.Microsecond})
	require.NoError(t, err)
	return run.Samples
}

// TestARedisIsAway: all pass or all are refused, as the limit has chosen, and
// when it is back the count begins anew after a crash, and goes on after a
// freeze.
func TestARedisIsAway(t *testing.T) {
	const burst, ask, lasts = 20, 10 * ms, 500 * ms
	admitted := func(open bool, fault scenarios.Fault) map[int]int {
		top := behind(constant("api", ms), &topologies.Node{Name: "gate", Kind: topologies.Gateway,
			Limits: []topologies.Limit{{By: "all", Shared: &topologies.Shared{Open: open, Timeout: 50 * ms},
				Algorithm: policy.Choice{Name: "gcra", Params: policy.Params{"rate": {Number: 0.01}, "burst": {Number: burst}}}}}})
		c := steady(top, ask, 200)
		fault.At, fault.For, fault.On = at(c, 50)-ms, lasts, []topologies.Place{topologies.Redis}
		c.Variant.Faults = []scenarios.Fault{fault}
		run, err := Run(t.Context(), c, Costs{Shared: 300 * time.Microsecond})
		require.NoError(t, err)
		count := map[int]int{}
		for _, s := range run.Samples {
			count[s.Status]++
			if s.Status == 503 {
				require.Equal(t, failed, s.Reason)
			}
		}
		require.EqualValues(t, count[503], run.Nodes[0].Reasons["failed"])
		return count
	}
	crash, freeze := scenarios.Fault{Crash: true}, scenarios.Fault{Freeze: true}
	const late = 5 // the last who ask while it is frozen, and are answered yet
	require.Equal(t, map[int]int{200: burst + 50 + burst, 429: 150 - 2*burst}, admitted(true, crash))
	require.Equal(t, map[int]int{200: burst + burst, 503: 50, 429: 150 - 2*burst}, admitted(false, crash))
	require.Equal(t, map[int]int{200: burst + 50 - late, 429: 150 + late - burst}, admitted(true, freeze))
	require.Equal(t, map[int]int{200: burst, 503: 50 - late, 429: 150 + late - burst}, admitted(false, freeze))
}
