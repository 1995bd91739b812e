package sim

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// strained is a chain of which a fault befalls the one link all the time.
func strained(s scenarios.Strain, n int) *scenarios.Case {
	return steady(chain("lb", "api"), 10*time.Millisecond, n, scenarios.Fault{For: scenarios.ForGood, On: []topologies.Place{"lb > api"}, Link: s})
}

func TestLinksDelayDialsRequestsAndAnswers(t *testing.T) {
	delay := topologies.Distribution{Law: "constant", Mean: 2 * ms}
	r := simulate(t, strained(scenarios.Strain{Delay: delay}, 2), Costs{}, scripts(map[topologies.Place]*script{
		"lb": passing("api", components.Hop{}), "api": answering(ms),
	}))
	require.Equal(t, []time.Duration{4*ms + 2*ms + ms + 2*ms, 2*ms + ms + 2*ms}, latencies(r), "the second finds a connection")
}

// served is a balancer before a backend that works for so long.
func served(c *scenarios.Case, work time.Duration) *scenarios.Case {
	lb, api := c.Variant.Topology.Nodes[0], c.Variant.Topology.Nodes[1]
	lb.Kind, lb.Retry.Tries = topologies.LoadBalancer, 1
	api.Workers, api.ServiceTime = 4, topologies.Distribution{Law: "constant", Mean: work}
	return c
}

// The head of an answer comes first, and the request is over with its body.
func TestLinksOfLittleBandwidth(t *testing.T) {
	c := served(strained(scenarios.Strain{Bandwidth: 100_000, Only: scenarios.Back}, 1), ms)
	c.Variant.Topology.Nodes[1].Response = 1000
	r := play(t, c)
	require.Equal(t, []policy.Reason{policy.OK}, reasons(r))
	require.EqualValues(t, 1000, r.Samples[0].Bytes)
	require.Equal(t, []time.Duration{ms + time.Duration(headBytes+1000)*time.Second/100_000}, latencies(r))
}

func TestCutLinksFailCalls(t *testing.T) {
	for cut, want := range map[scenarios.Cut]policy.Reason{
		scenarios.Reset: policy.Reset, scenarios.Refuse: policy.Refused, scenarios.BlackHole: policy.Timeout, scenarios.HalfOpen: policy.OK,
	} {
		c := served(strained(scenarios.Strain{Cut: cut}, 3), ms)
		c.Variant.Topology.Nodes[0].Timeout.Connect = 5 * ms
		require.Equal(t, []policy.Reason{want, want, want}, reasons(play(t, c)), cut)
	}
}

// TestTracesTellOfLinks: what was lost, and for how long it held a request up.
func TestTracesTellOfLinks(t *testing.T) {
	c := served(strained(scenarios.Strain{Cut: scenarios.BlackHole, Only: scenarios.Back}, 1), 2*ms)
	c.Variant.Faults[0].At, c.Variant.Faults[0].For = ms, 100*ms
	var story strings.Builder
	require.NoError(t, Trace(t.Context(), c, Costs{}, 0, 1, &story))
	require.Contains(t, story.String(), "lb > api  the answer is lost once and sent again: it takes 200ms")
}
