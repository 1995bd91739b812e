package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"trafficlab/topologies"
)

// TestExamplesOfTheListCanBeUsed: each stands in a topology that checks.
func TestExamplesOfTheListCanBeUsed(t *testing.T) {
	for _, g := range groups() {
		proxy, backend := ", "+g.example, ""
		if strings.HasPrefix(g.example, "queue") {
			proxy, backend = backend, proxy
		}
		_, err := topologies.Parse(g.heading, []byte("name: x\nentry: a\nnodes:\n"+
			"  a: {kind: load-balancer, to: b"+proxy+"}\n  b: {kind: backend, replicas: 40"+backend+"}\n"))
		require.NoError(t, err, g.heading)
	}
}
