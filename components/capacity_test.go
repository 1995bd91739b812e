package components

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
	"trafficlab/topologies"
)

// A request takes of the tightest limit that is for consumers, routes or all,
// as far as the replicas allow together.
func TestWhatARequestTakesOfItsLimits(t *testing.T) {
	limit := func(by string, rate float64, costs ...topologies.Cost) topologies.Limit {
		return topologies.Limit{By: by, Costs: costs, Algorithm: policy.Choice{Name: "token-bucket",
			Params: policy.Params{"rate": {Number: rate}, "burst": {Number: 100}}}}
	}
	shared := limit("consumer", 10)
	shared.Shared = &topologies.Shared{}
	for _, tt := range []struct {
		name     string
		replicas int
		limits   []topologies.Limit
		want     time.Duration
	}{
		{"none", 1, nil, 0},
		{"one", 1, []topologies.Limit{limit("consumer", 10)}, 100 * time.Millisecond},
		{"the tightest", 1, []topologies.Limit{limit("consumer", 10), limit("route", 4), limit("all", 100)}, 250 * time.Millisecond},
		{"an address is no consumer", 1, []topologies.Limit{limit("address", 1), limit("header X-Team", 1)}, 0},
		{"by its cost", 1, []topologies.Limit{limit("consumer", 10, topologies.Cost{Path: "/search", Cost: 5})}, 500 * time.Millisecond},
		{"each replica counts alone", 4, []topologies.Limit{limit("consumer", 10)}, 25 * time.Millisecond},
		{"replicas count together", 4, []topologies.Limit{shared}, 100 * time.Millisecond},
	} {
		c := newCapacity(&topologies.Node{Replicas: tt.replicas, Limits: tt.limits})
		v := &visit{req: &Request{Method: "GET", Path: "/search"}, detour: &detour{taken: Taken{OK: true}}}
		require.Equal(t, tt.want, c.of(v), tt.name)
		planned := newCapacity(&topologies.Node{Replicas: tt.replicas, Plans: []topologies.Plan{{Name: "gold", Limits: tt.limits}}})
		require.Zero(t, planned.of(v), "%s: of no plan", tt.name)
		v.plan = &plan{name: "gold"}
		require.Equal(t, tt.want, planned.of(v), "%s: by plan", tt.name)
		v.taken.OK = false
		require.Zero(t, c.of(v), "%s: refused", tt.name)
	}
}

// However many consumers tokens name, the account of them stays within bounds
// and loses nothing.
func TestUsageIsBounded(t *testing.T) {
	var c counters
	for i := range mostUsages + 100 {
		c.usageOf(usageKey{fmt.Sprint("c", i), "/*"}).Requests++
	}
	var all int64
	usage := c.snapshot().Usage
	for _, u := range usage {
		all += u.Requests
	}
	require.Len(t, usage, mostUsages+1)
	require.EqualValues(t, mostUsages+100, all)
	require.EqualValues(t, 100, c.usage[usageKey{others, "/*"}].Requests)
}
