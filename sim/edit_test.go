package sim

import (
	"testing"

	"github.com/stretchr/testify/require"

	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// TestBodiesThatAreToBeEditedAreRefused: a body of the load stands for filler
// text, which is no whole JSON text, as live; what has none goes on.
func TestBodiesThatAreToBeEditedAreRefused(t *testing.T) {
	edit := &topologies.JSONEdit{Remove: []string{"admin"}, Limit: 1000}
	top := behind(constant("api", ms), &topologies.Node{Name: "gate", Kind: topologies.Gateway,
		Routes: []topologies.Route{{Path: "/*", Request: topologies.Edit{JSON: edit}}}})
	for status, ask := range map[int]scenarios.Ask{
		200: {},
		400: {Body: 1000, Header: []scenarios.HeaderField{{Name: "Content-Type", Value: "application/json"}}},
		413: {Body: 1001, Header: []scenarios.HeaderField{{Name: "Content-Type", Value: "application/json"}}},
		415: {Body: 10},
	} {
		ask.Share, ask.Method, ask.Path = 1, "POST", scenarios.Template{Before: "/"}
		c := steady(top, 10*ms, 3)
		c.Variant.Load.Streams[0].Mix = []scenarios.Ask{ask}
		samples := play(t, c).Samples
		require.Len(t, samples, 3)
		for _, s := range samples {
			require.Equal(t, status, s.Status)
		}
	}
}
