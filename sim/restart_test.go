package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

func TestARestartEndsWhatIsInHandAndTakesNobodyNew(t *testing.T) {
	for name, test := range map[string]struct {
		leaves, grace time.Duration // leaves: after the second request came
		want          []policy.Reason
	}{
		"amid a request":                     {ms, 15 * ms, []policy.Reason{ok, ok, refused, refused, refused, ok, ok}},
		"with a connection that stands":      {7 * ms, 15 * ms, []policy.Reason{ok, ok, ok, refused, refused, ok, ok}},
		"amid a request, and in great haste": {ms, 2 * ms, []policy.Reason{ok, reset, refused, refused, refused, ok, ok}},
	} {
		c := steady(chain("lb", "api"), 10*ms, 7)
		c.Variant.Faults = []scenarios.Fault{{At: at(c, 1) + test.leaves, For: 30 * ms, On: []topologies.Place{"api"}, Grace: test.grace}}
		starts := 0
		r := simulate(t, c, Costs{}, map[topologies.Place]func() *script{
			"lb":  func() *script { return passing("api", components.Hop{}) },
			"api": func() *script { starts++; return answering(5 * ms) },
		})
		require.Equal(t, test.want, reasons(r), name)
		require.Equal(t, 2, starts, "%s: it is another process", name)
	}
}

// An idle connection ends with its time of parting, and a shared one at once.
func TestConnectionsToWhoLeaves(t *testing.T) {
	for h2, want := range map[bool][]policy.Reason{
		false: {ok, ok, refused, refused},
		true:  {ok, refused, refused, refused},
	} {
		c := steady(chain("lb", "api"), 600*ms, 4)
		c.Variant.Topology.Nodes[0].Upstream = &topologies.Upstream{HTTP2: h2}
		c.Variant.Faults = []scenarios.Fault{{At: at(c, 0) + 100*ms, For: time.Hour, On: []topologies.Place{"api"}, Grace: 10 * time.Second}}
		r := simulate(t, c, Costs{Dial: ms}, scripts(map[topologies.Place]*script{"lb": passing("api", components.Hop{}), "api": answering(5 * ms)}))
		require.Equal(t, want, reasons(r), "HTTP/2: %t", h2)
	}
	c := steady(chain("api"), 1200*ms, 2)
	c.Variant.Faults = []scenarios.Fault{{At: at(c, 0) + 100*ms, For: time.Hour, On: []topologies.Place{"api"}, Grace: 10 * time.Second}}
	require.Equal(t, []policy.Reason{ok, refused}, reasons(simulate(t, c, Costs{}, scripts(map[topologies.Place]*script{"api": answering(5 * ms)}))))
}

func TestAnExpiredCertificateStopsConnectionsToCome(t *testing.T) {
	for name, test := range map[string]struct {
		keeps int
		h2    bool
		want  []policy.Reason
	}{
		"connections are kept": {10, false, []policy.Reason{ok, ok, ok, ok}},
		"none is":              {0, false, []policy.Reason{ok, refused, refused, ok}},
		"all share one":        {10, true, []policy.Reason{ok, ok, ok, ok}},
	} {
		c := steady(chain("lb", "api"), 10*ms, 4)
		lb, api := c.Variant.Topology.Nodes[0], c.Variant.Topology.Nodes[1]
		lb.Idle, lb.Upstream = &topologies.Idle{Most: test.keeps}, &topologies.Upstream{HTTP2: test.h2}
		api.TLS = &topologies.TLS{SelfSigned: true}
		c.Variant.Faults = []scenarios.Fault{{At: at(c, 1) - ms, For: 20 * ms, On: []topologies.Place{"api"}, Expired: true}}
		r := simulate(t, c, Costs{Dial: ms, Handshake: ms}, scripts(map[topologies.Place]*script{"lb": passing("api", components.Hop{}), "api": answering(5 * ms)}))
		require.Equal(t, test.want, reasons(r), name)
	}
	c := steady(chain("lb", "api"), 10*ms, 2)
	c.Variant.Topology.Nodes[1].TLS = &topologies.TLS{SelfSigned: true}
	c.Variant.Topology.Nodes[0].Upstream = &topologies.Upstream{HTTP2: true}
	c.Variant.Faults = []scenarios.Fault{{For: at(c, 1), On: []topologies.Place{"api"}, Expired: true}}
	r := simulate(t, c, Costs{Dial: ms, Handshake: ms}, scripts(map[topologies.Place]*script{"lb": passing("api", components.Hop{}), "api": answering(5 * ms)}))
	require.Equal(t, []policy.Reason{refused, ok}, reasons(r), "one that was not made is made anew")
}
