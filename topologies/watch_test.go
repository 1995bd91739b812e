package topologies

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWatch(t *testing.T) {
	for text, want := range map[string]Node{
		"pick: random":                           {},
		"access-log: json, server-timing: false": {},
		"access-log: combined":                   {AccessLog: "combined"},
		"access-log: off, trace: off":            {AccessLog: "off"},
		"server-timing: true":                    {ServerTiming: true},
		"trace: {}":                              {Trace: &Trace{Sample: 1}},
		"trace: {sample: 10%, export: off}":      {Trace: &Trace{Sample: .1}},
		"trace: {export: 'https://collector/x'}": {Trace: &Trace{Sample: 1, Export: "https://collector/x"}},
	} {
		top, err := Parse("f", []byte("name: f\nentry: lb\nnodes:\n  lb: {kind: load-balancer, to: api, "+text+"}\n  api: {kind: backend, server-timing: true}\n"))
		require.NoError(t, err, text)
		lb := top.Node("lb")
		require.Equal(t, want, Node{AccessLog: lb.AccessLog, ServerTiming: lb.ServerTiming, Trace: lb.Trace}, text)
		require.True(t, top.Node("api").ServerTiming)
	}
}
