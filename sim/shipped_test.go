package sim

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
	"trafficlab/scenarios"
)

// TestShippedScenariosCanBePlayed: one repetition of each variant, to its end,
// and most of it answered.
func TestShippedScenariosCanBePlayed(t *testing.T) {
	theory(t)
	for _, name := range scenarios.Shipped() {
		t.Run(name, func(t *testing.T) {
			s, err := scenarios.Open(name, scenarios.Options{})
			require.NoError(t, err)
			costs := DefaultCosts()
			first := &s.Variants[0]
			if first.Estimate(0, first.Load.Duration(), "") > 20_000 { // too large for a test: a glance will do
				s, err = scenarios.Open(name, scenarios.Options{Set: []scenarios.Change{{Path: "load.for", Value: "50ms"}, {Path: "warmup", Value: "10ms"}}})
				require.NoError(t, err)
			}
			if !slices.Contains(s.Worlds, "live") {
				costs = costs.Apart()
			}
			for _, c := range s.Cases()[:len(s.Variants)] {
				r, err := Run(context.Background(), &c, costs)
				require.NoError(t, err)
				by := map[policy.Reason]int{}
				for _, s := range r.Samples {
					by[s.Reason]++
				}
				t.Logf("%s: %d requests, %v", c.Variant.Name, len(r.Samples), by)
				expected := c.Variant.Load.Expected(0, c.Duration(), "")
				require.InDelta(t, expected, len(r.Samples), 5*math.Sqrt(expected))
				require.Greater(t, by[policy.OK], len(r.Samples)/3)
			}
		})
	}
}
