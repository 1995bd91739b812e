package bench

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
	"trafficlab/sim"
	"trafficlab/topologies"
)

const µs = time.Microsecond

// known are costs as a machine might have them.
func known() sim.Costs {
	costs := sim.DefaultCosts()
	costs.Visit = map[topologies.Kind]time.Duration{
		topologies.Backend: 300 * µs, topologies.LoadBalancer: 210 * µs, topologies.Gateway: 250 * µs,
		topologies.CDN: 200 * µs, topologies.ReverseProxy: 200 * µs,
	}
	costs.Ask, costs.Client, costs.Jitter, costs.Cores = 140*µs, 60*µs, 40*µs, 2
	costs.Work = sim.Work{Ask: 140 * µs, Client: 180 * µs, Visit: map[topologies.Kind]time.Duration{
		topologies.Backend: 280 * µs, topologies.LoadBalancer: 180 * µs, topologies.Gateway: 190 * µs,
		topologies.CDN: 200 * µs, topologies.ReverseProxy: 160 * µs,
	}}
	return costs
}

// pretended is a run as a machine with these costs would make it.
func pretended(t *testing.T, c *scenarios.Case, costs sim.Costs) *measure.Run {
	run, err := sim.Run(t.Context(), c, costs)
	require.NoError(t, err)
	run.World = "live"
	run.Machine = measure.Provenance{Version: "v1", Cores: costs.Cores, CPU: "an abacus", GeneratorCPU: costs.Work.Client}
	for i := range run.Nodes {
		n := &run.Nodes[i]
		n.CPU = costs.Work.Visit[topologies.Kind(n.Kind)] * time.Duration(n.Requests)
		for _, attempts := range n.Asked {
			n.CPU += costs.Work.Ask * time.Duration(attempts)
		}
	}
	return run
}

// TestFitRecoversCosts from the runs of a machine that has them.
func TestFitRecoversCosts(t *testing.T) {
	s, err := scenarios.Read("calibrate.yaml", calibrating, scenarios.Options{})
	require.NoError(t, err)
	truth := known()
	var runs []*measure.Run
	for _, c := range s.Cases() {
		runs = append(runs, pretended(t, &c, truth))
	}
	found, err := calibration(t.Context(), s, runs)
	require.NoError(t, err)
	close := func(want, got time.Duration, what any) {
		require.InDelta(t, want.Seconds()*1e6, got.Seconds()*1e6, 12, "%v, in µs", what)
	}
	require.Len(t, found.Costs.Visit, len(truth.Visit))
	for kind, want := range truth.Visit {
		close(want, found.Costs.Visit[kind], kind)
		close(truth.Work.Visit[kind], found.Costs.Work.Visit[kind], kind)
	}
	close(truth.Ask, found.Costs.Ask, "ask")
	close(truth.Work.Ask, found.Costs.Work.Ask, "work of ask")
	close(truth.Client, found.Costs.Client, "client")
	close(truth.Jitter, found.Costs.Jitter, "jitter")
	require.Equal(t, truth.Cores, found.Costs.Cores)

	_, err = calibration(t.Context(), s, runs[1:])
	require.NoError(t, err, "another repetition has it")
	_, err = calibration(t.Context(), s, runs[1:len(s.Variants)])
	require.ErrorContains(t, err, `no run of "direct"`)
}

func TestSolveTellsTermsApart(t *testing.T) {
	ways := []way{{"backend": 1}, {"cdn": 1}, {"cdn": 1, ask: 1, "backend": 1}, {"gateway": 2, ask: 2, "backend": 1}}
	found, err := solve(ways, []float64{3, 5, 10, 15})
	require.NoError(t, err)
	require.Equal(t, map[string]float64{"backend": 3, "cdn": 5, ask: 2, "gateway": 4}, found)
	_, err = solve([]way{{"backend": 1, ask: 1}}, []float64{1})
	require.ErrorContains(t, err, "unknown")
}

func TestCalibrationSurvivesItsFile(t *testing.T) {
	c := &Calibration{Version: "v1", System: "linux amd64", CPU: "an abacus", Measured: time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC), Costs: known()}
	file := filepath.Join(t.TempDir(), "new", "calibration.json")
	require.NoError(t, c.Save(file))
	again, path, err := FindCalibration(file)
	require.NoError(t, err)
	require.Equal(t, file, path)
	require.Equal(t, c, again)
	require.Equal(t, c.String(), again.String())
	require.Regexp(t, `^[0-9a-f]{8}, measured 2026-11-23 on 2 cores of an abacus with v1$`, c.String())

	other := *c
	other.Costs.Ask++
	require.NotEqual(t, c.String(), other.String())
}

func TestCalibrationIsFoundInItsPlace(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	c, path, err := FindCalibration("")
	require.NoError(t, err)
	require.Empty(t, path)
	require.Nil(t, c)
	require.Equal(t, BuiltIn, c.String())

	place, err := CalibrationPlace()
	require.NoError(t, err)
	require.NoError(t, (&Calibration{Costs: known()}).Save(place))
	c, path, err = FindCalibration("")
	require.NoError(t, err)
	require.Equal(t, place, path)
	require.NotNil(t, c)

	c, path, err = FindCalibration(BuiltIn)
	require.NoError(t, err)
	require.Empty(t, path)
	require.Nil(t, c)
}

func TestBadCalibrationsAreRefused(t *testing.T) {
	good := `{"program": "trafficlab calibration", "format": 1, "cores": 2,`
	for name, bad := range map[string]struct{ text, why string }{
		"cut off":   {good, "damaged"},
		"no file":   {"", "damaged"},
		"other":     {`{"program": "ls"}`, "no calibration"},
		"version":   {`{"program": "trafficlab calibration", "format": 7}`, "format 7, and this version of trafficlab reads format 1"},
		"no cores":  {`{"program": "trafficlab calibration", "format": 1}`, "0 cores"},
		"hole":      {good + `"latency": {"visit": {"backend": "1ms"}}}`, "says nothing of a cdn"},
		"not time":  {good + `"jitter": "soon"}`, "soon"},
		"too long":  {good + `"jitter": "2h"}`, "no cost of a hop"},
		"backwards": {good + `"jitter": "-1ms"}`, "no cost of a hop"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "calibration.json")
			require.NoError(t, os.WriteFile(file, []byte(bad.text), 0o644))
			_, err := LoadCalibration(file)
			require.ErrorContains(t, err, bad.why)
			require.ErrorContains(t, err, file)
		})
	}
	_, err := LoadCalibration(filepath.Join(t.TempDir(), "missing.json"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// TestOneWorldAlone: what the simulator alone can run is of no single machine.
func TestOneWorldAlone(t *testing.T) {
	c := &Calibration{Costs: known()}
	both := CostsOf(&scenarios.Scenario{Worlds: []string{"live", "sim"}}, c)
	require.Equal(t, c.Costs, both)
	alone := CostsOf(&scenarios.Scenario{Worlds: []string{"sim"}}, c)
	require.Zero(t, alone.Cores)
	require.Zero(t, alone.Jitter)
	require.Equal(t, c.Costs.Visit, alone.Visit)
}
