package sim

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// telling lets every node of a case tell where its time goes.
func telling(c *scenarios.Case) *scenarios.Case {
	for _, n := range c.Variant.Topology.Nodes {
		n.ServerTiming = true
	}
	return c
}

// spansOf reads a sample's parts, which must add up to its latency.
func spansOf(t *testing.T, s *measure.Sample) map[string]time.Duration {
	t.Helper()
	spans, sum := map[string]time.Duration{}, time.Duration(0)
	require.NoError(t, s.Spans.Each(func(name string, took time.Duration) {
		spans[name] += took
		sum += took
	}))
	require.NotEmpty(t, spans, "request %d", s.Number)
	require.Equal(t, s.Latency, sum, "request %d: %s", s.Number, s.Spans)
	return spans
}

// TestPartsAddUp: whatever the system, its weather and its costs, and even if
// some of its nodes tell nothing.
func TestPartsAddUp(t *testing.T) {
	seen := map[measure.Stage]bool{}
	for seed := range uint64(60) {
		m := newMix(seed, nil)
		c := telling(m.draw(seed))
		if silent := m.IntN(8); silent > 0 && silent < len(c.Variant.Topology.Nodes) {
			c.Variant.Topology.Nodes[silent].ServerTiming = false
		}
		r, err := Run(context.Background(), c, m.costs())
		require.NoError(t, err)
		for i := range r.Samples {
			for name := range spansOf(t, &r.Samples[i]) {
				_, stage, _ := strings.Cut(name, ":")
				seen[measure.Stage(stage)] = true
			}
		}
	}
	for _, stage := range measure.Stages {
		require.True(t, seen[stage], "no request has met %s", stage)
	}
}

// TestNoAccountUnasked: plain runs carry none.
func TestNoAccountUnasked(t *testing.T) {
	r := play(t, steady(constant("api", ms), 10*ms, 5))
	require.Empty(t, r.Samples[0].Spans)
}

func TestWhereTimeGoes(t *testing.T) {
	one := topologies.Concurrency{Limit: policy.Choice{Name: "fixed", Params: policy.Params{"limit": {Number: 1}}}, Queue: 9}
	leaky := policy.Choice{Name: "leaky-queue", Params: policy.Params{"rate": {Number: 100}, "burst": {Number: 9}}}
	for _, tt := range []struct {
		name   string
		front  topologies.Node
		fault  scenarios.Fault
		gap    time.Duration // between requests
		of     int           // the one that is looked at
		reason policy.Reason
		want   map[string]time.Duration
	}{
		{"work", topologies.Node{}, scenarios.Fault{}, 40 * ms, 0, ok, map[string]time.Duration{"api:service": 4 * ms}},
		{"a slow backend", topologies.Node{}, scenarios.Fault{Slow: 5}, 40 * ms, 0, ok, map[string]time.Duration{"api:service": 20 * ms}},
		{"a line before a slow backend", topologies.Node{}, scenarios.Fault{Slow: 5}, 15 * ms, 2, ok, map[string]time.Duration{"api:queue": 10 * ms, "api:service": 20 * ms}},
		{"a line before a gate", topologies.Node{Concurrency: &one}, scenarios.Fault{Slow: 5}, 15 * ms, 2, ok, map[string]time.Duration{"lb:gate": 10 * ms, "api:service": 20 * ms}},
		{"a limit that holds back", topologies.Node{Limits: []topologies.Limit{{By: "all", Algorithm: leaky}}}, scenarios.Fault{}, 5 * ms, 2, ok, map[string]time.Duration{"lb:held": 10 * ms, "api:service": 4 * ms}},
		{"tries that run out of patience", topologies.Node{Timeout: topologies.Timeouts{Response: 7 * ms}, Retry: topologies.Retry{Tries: 2, On: []string{"timeout"}, Base: 2 * ms, Cap: 2 * ms}},
			scenarios.Fault{Slow: 50}, time.Second, 0, policy.Timeout, map[string]time.Duration{"lb:tries": 14 * ms}},
		{"impatience of the client", topologies.Node{}, scenarios.Fault{Slow: 500}, 2 * time.Second, 0, policy.Timeout, map[string]time.Duration{"client:unanswered": time.Second}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.front.Name, tt.front.Kind = "lb", topologies.LoadBalancer
			c := telling(steady(behind(constant("api", 4*ms), &tt.front), tt.gap, 4))
			if tt.fault.Slow > 0 {
				tt.fault.For, tt.fault.On = c.Duration()+time.Second, []topologies.Place{"api"}
				c.Variant.Faults = []scenarios.Fault{tt.fault}
			}
			s := &play(t, c).Samples[tt.of]
			require.Equal(t, tt.reason, s.Reason)
			got := spansOf(t, s)
			if rest := got["lb:rest"]; rest > 0 {
				require.LessOrEqual(t, rest, 2*ms)
				delete(got, "lb:rest")
			}
			for name, took := range got {
				if took < 10*time.Microsecond { // what rounding leaves
					delete(got, name)
				}
			}
			for name, took := range tt.want {
				require.InDelta(t, took, got[name], float64(10*time.Microsecond), "%s: %s", name, s.Spans)
			}
			require.Len(t, got, len(tt.want), "%s", s.Spans)
		})
	}
}
