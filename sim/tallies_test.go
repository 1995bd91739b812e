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
