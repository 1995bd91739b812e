package bench

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// played keeps the runs of a scenario in a directory.
func played(t *testing.T, s *scenarios.Scenario) (dir string) {
	dir = t.TempDir()
	_, err := execute(t.Context(), s, Options{Worlds: []string{"live"}, Dir: dir}, map[string]world{"live": &scripted{name: "live", width: 1}})
	require.NoError(t, err)
	return dir
}

// Runs of another plan are no repetitions of this one, whatever their folder
// is called.
func TestRunsOfAnotherPlanAreRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*scenarios.Scenario)
		run    string
		want   string
	}{
		{"more repetitions", func(s *scenarios.Scenario) { s.Repeat = 4 }, "live-a-4", "it is repetition 4 of 3"},
		{"another seed", func(s *scenarios.Scenario) { s.Seed = 8 }, "live-a-2", "its seed is "},
		{"another scenario", func(s *scenarios.Scenario) { s.Name = "other" }, "live-a-2", "its scenario is other, not asking"},
		{"another variant", func(s *scenarios.Scenario) { s.Variants[1].Name = "d" }, "live-d-1", `there is no variant "d"`},
		{"another warm-up", func(s *scenarios.Scenario) { s.Variants[0].Warmup += time.Millisecond }, "live-a-1", "its warm-up is "},
		{"another duration", func(s *scenarios.Scenario) {
			leg := &s.Variants[0].Load.Streams[0].Rate[0]
			leg.For += time.Millisecond
		}, "live-a-1", "its duration is "},
		{"another deadline", func(s *scenarios.Scenario) { s.Variants[0].Deadline += time.Second }, "live-a-1", "its deadline is "},
		{"another system", func(s *scenarios.Scenario) { s.Variants[0].Topology.Nodes[0].Workers++ }, "live-a-1", "its system, load or faults are others"},
	} {
		dir, other := played(t, asking()), asking()
		c.change(other)
		from := filepath.Join(played(t, other), "runs", c.run)
		to := filepath.Join(dir, "runs", c.run)
		require.NoError(t, os.RemoveAll(to))
		require.NoError(t, os.CopyFS(to, os.DirFS(from)))
		_, _, err := Fold(dir)
		require.ErrorContains(t, err, "read "+filepath.Join(to, "run.json")+": it is not of this plan: "+c.want, c.name)
	}
}

// A stored plan asks for no more than a file could.
func TestStoredPlansAreBounded(t *testing.T) {
	for want, change := range map[string]func(*scenarios.Scenario){
		"variant a: node api has 2000000000 replicas, not 1 to 10000": func(s *scenarios.Scenario) { s.Variants[0].Topology.Nodes[0].Replicas = 2_000_000_000 },
		"variant a: requests would go in circles by way of api":       func(s *scenarios.Scenario) { s.Variants[0].Topology.Nodes[0].To = []string{"api"} },
		`variant a: node api asks "db", which is not there`:           func(s *scenarios.Scenario) { s.Variants[0].Topology.Nodes[0].To = []string{"db"} },
		`variant a: there is no node "x", the entry`:                  func(s *scenarios.Scenario) { s.Variants[0].Topology.Entry = "x" },
		"variant b: it has no topology":                               func(s *scenarios.Scenario) { s.Variants[1].Topology = nil },
		"variant b: it has 0 nodes, not 1 to 64":                      func(s *scenarios.Scenario) { s.Variants[1].Topology = &topologies.Topology{} },
		"variant b: its load lasts 0s":                                func(s *scenarios.Scenario) { s.Variants[1].Load = scenarios.Load{} },
		"it has 0 variants, not 1 to 64":                              func(s *scenarios.Scenario) { s.Variants = nil },
		`there is no variant "z", the baseline`:                       func(s *scenarios.Scenario) { s.Baseline = "z" },
		"it asks for -1 repetitions, not for 1 to":                    func(s *scenarios.Scenario) { s.Repeat = -1 },
	} {
		dir, s := t.TempDir(), asking()
		change(s)
		store, err := measure.Create(dir, &Plan{Scenario: s, Worlds: []string{"live"}})
		require.NoError(t, err)
		require.NoError(t, store.Close())
		_, _, err = Fold(dir)
		assert.ErrorContains(t, err, "read plan of "+dir+": "+want)
	}
}
