package reports

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/scenarios"
	"trafficlab/topologies"
)

func TestWordsOfLoads(t *testing.T) {
	mix := []scenarios.Ask{{Share: 1, Method: "GET", Path: scenarios.Template{Before: "/"}}}
	open := scenarios.Stream{Poisson: true, Rate: []scenarios.Leg{{From: 5, To: 5, For: time.Second}}, Mix: mix}
	closed := scenarios.Stream{At: time.Second, Mix: mix, Closed: &scenarios.Closed{
		Clients: 20, Think: topologies.Distribution{Law: "exponential", Mean: time.Second}, For: 2 * time.Second}}
	require.Contains(t, loopWords(scenarios.Load{Streams: []scenarios.Stream{open}}), "open loop: requests come when they come")
	require.Contains(t, loopWords(scenarios.Load{Streams: []scenarios.Stream{closed}}), "closed loop: clients wait for their answers")
	require.Contains(t, loopWords(scenarios.Load{Streams: []scenarios.Stream{open, closed}}), "; others in a closed loop")
}
