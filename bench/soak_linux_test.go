package bench

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// mostHosted is how many places a topology may have that is run here.
const mostHosted = 100

// TestSoakOfTheSameTwice holds each shipped topology against itself, live: over
// all of them no figure may be called different more often than chance allows.
// Those of one topology are too few to tell. TRAFFICLAB_SOAK says for how long it
// goes round; once it does in any case, for it begins.
func TestSoakOfTheSameTwice(t *testing.T) {
	told := os.Getenv("TRAFFICLAB_SOAK")
	if told == "" {
		t.Skip("it takes minutes, and a quiet machine: make soak")
	}
	long, err := time.ParseDuration(told)
	require.NoError(t, err)
	all := map[measure.Metric]*AlikeFigure{}
	for ends, round := time.Now().Add(long), uint64(1); round == 1 || time.Now().Before(ends); round++ {
		for _, name := range topologies.Shipped() {
			if s := soaked(t, name, round); s != nil {
				alike, err := HoldAgainstItself(context.Background(), s, 1, Options{Worlds: []string{"live"}}, nil)
				require.NoError(t, err, name)
				pool(t, all, alike, name)
			}
		}
	}
	for _, m := range []string{"p50", "throughput"} {
		require.Positive(t, all[measure.Metric{Name: m}].Told, m)
	}
	for m, f := range all {
		t.Logf("%s: %d of %d called different, by chance at most %d", m, f.Called, f.Told, f.Most())
		require.LessOrEqual(t, f.Called, f.Most(), m)
	}
}

// soaked is a scenario for a shipped topology, or nil if that is too large.
func soaked(t *testing.T, topology string, seed uint64) *scenarios.Scenario {
	file, text, err := topologies.Find(topology, "")
	require.NoError(t, err)
	top, err := topologies.Parse(file, text)
	require.NoError(t, err)
	if len(top.Places()) > mostHosted {
		return nil
	}
	key := ""
	if slices.ContainsFunc(top.Nodes, func(n *topologies.Node) bool { return n.Keys["alice"] != "" }) {
		key = ", key: alice"
	}
	s, err := scenarios.Read("soak.yaml", fmt.Appendf(nil, `name: soak-%s
question: Is it itself?
topology: %[1]s
load: {poisson: 60/s, for: 2500ms, mix: [{get: "/products/{uniform 1000}"%s}]}
warmup: 500ms
judge-by: p50
repeat: 3
seed: %d
`, topology, key, seed), scenarios.Options{})
	require.NoError(t, err, topology)
	return s
}

// pool adds up what was found.
func pool(t *testing.T, all map[measure.Metric]*AlikeFigure, a *Alike, name string) {
	for _, f := range a.Figures {
		if all[f.Metric] == nil {
			all[f.Metric] = &AlikeFigure{Metric: f.Metric}
		}
		all[f.Metric].Told += f.Told
		all[f.Metric].Called += f.Called
		if f.Called > 0 {
			t.Logf("%s: %s was called different", name, f.Metric)
		}
	}
}
