package live

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// linkedCase is a proxy before two backends; something ails the link to the
// second from soon after the beginning on.
func linkedCase(s scenarios.Strain) *scenarios.Case {
	c := pairCase(scenarios.Fault{At: 50 * ms, For: scenarios.ForGood, On: []topologies.Place{"lb > api[1]"}, Link: s})
	if s.Cut == scenarios.BlackHole {
		c.Variant.Topology.Node("lb").Timeout.Connect = 300 * ms
	}
	return c
}

// overHTTP2 makes the proxy ask its backends over HTTP/2 and TLS.
func overHTTP2(c *scenarios.Case) {
	c.Variant.Topology.Node("lb").Upstream = &topologies.Upstream{HTTP2: true}
	c.Variant.Topology.Node("api").TLS = &topologies.TLS{SelfSigned: true, HTTP2: &topologies.HTTP2{Streams: 100, Header: 64 << 10}}
}

// What ails a link falls on those who use it, and on nobody else: not on the
// other backend, nor on who asks the one at its end himself.
func TestLinksBetweenProcesses(t *testing.T) {
	for name, test := range map[string]struct {
		strain scenarios.Strain
		http2  bool
		status int // of what goes over the link
		least  time.Duration
	}{
		"delay":              {scenarios.Strain{Delay: steadily(30 * ms)}, false, 200, 60 * ms},
		"delay, HTTP/2":      {scenarios.Strain{Delay: steadily(30 * ms)}, true, 200, 60 * ms},
		"reset":              {scenarios.Strain{Cut: scenarios.Reset}, false, 502, 0},
		"reset, HTTP/2":      {scenarios.Strain{Cut: scenarios.Reset}, true, 502, 0},
		"refuse":             {scenarios.Strain{Cut: scenarios.Refuse}, false, 502, 0},
		"black hole":         {scenarios.Strain{Cut: scenarios.BlackHole}, false, 504, 300 * ms},
		"black hole, HTTP/2": {scenarios.Strain{Cut: scenarios.BlackHole}, true, 504, 300 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			c := linkedCase(test.strain)
			if test.http2 {
				overHTTP2(c)
			}
			s := started(t, c)
			began := s.Begin()
			require.NoError(t, SleepUntil(t.Context(), began.Add(200*ms)))
			address, _ := s.Entry()
			asks, direct := client(s), 0
			for i := range 6 {
				at := time.Now()
				status, err := get(t, address, asks)
				took := time.Since(at)
				require.NoError(t, err)
				if i%2 == 0 {
					require.Equal(t, 200, status)
					continue
				}
				require.Equal(t, test.status, status)
				require.GreaterOrEqual(t, took, test.least)
			}
			if door := s.URLs()[2].URL; strings.HasPrefix(door, "http:") { // nobody outside trusts the other
				status, err := get(t, door, asks)
				require.NoError(t, err)
				require.Equal(t, 200, status, "the backend itself is well")
				direct++
			}
			uses, err := s.Use()
			require.NoError(t, err)
			require.EqualValues(t, 3, uses[0].Asked["api[1]"])
			require.EqualValues(t, 3, uses[1].Requests)
			over := 0
			if test.status == 200 {
				over = 3
			}
			require.EqualValues(t, over+direct, uses[2].Requests)
		})
	}
}
