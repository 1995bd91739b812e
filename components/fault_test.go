package components

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// TestFaultsOfRequests: what befalls requests for /bad at a backend whose service takes
// 10 ms, each sent when the one before is over.
func TestFaultsOfRequests(t *testing.T) {
	of := scenarios.Match{Path: "/bad"}
	type met struct {
		status int
		took   time.Duration
	}
	all := func(m met) []met { return []met{m, m, m} }
	for name, c := range map[string]struct {
		rule  scenarios.Rule
		want  []met // of /bad
		check int
	}{
		"errors at once":       {scenarios.Rule{Of: of, Share: 1, Status: 503}, all(met{503, 0}), 200},
		"the first alone":      {scenarios.Rule{Of: of, Share: 1, Status: 500, First: 2}, []met{{500, 0}, {500, 0}, {200, 10 * ms}}, 200},
		"checks too":           {scenarios.Rule{Share: 1, Status: 500}, all(met{500, 0}), 500},
		"all but checks":       {scenarios.Rule{Share: 1, Status: 500, Spares: true}, all(met{500, 0}), 200},
		"late":                 {scenarios.Rule{Of: of, Share: 1, Delay: 30 * ms}, all(met{200, 40 * ms}), 200},
		"late and for nothing": {scenarios.Rule{Of: of, Share: 1, Delay: 30 * ms, Status: 500}, all(met{500, 30 * ms}), 200},
		"slower by a factor":   {scenarios.Rule{Of: of, Share: 1, Factor: 3}, all(met{200, 30 * ms}), 200},
		"slower by a time":     {scenarios.Rule{Of: of, Share: 1, Added: 5 * ms}, all(met{200, 15 * ms}), 200},
	} {
		t.Run(name, func(t *testing.T) {
			faults := []scenarios.Fault{{For: time.Hour, On: []topologies.Place{"api[0]"}, Rule: c.rule}}
			backendLab(t, topologies.Node{Workers: 1, ServiceTime: constant(10 * ms)}, faults, func(l *lab) {
				require.Equal(t, c.check, l.get(CheckPath).Status)
				if c.rule.Of.Path != "" {
					require.Equal(t, 200, l.get("/good").Status)
				}
				for _, want := range c.want {
					began := l.now()
					out := l.get("/bad")
					require.Equal(t, want, met{out.Status, out.at - began})
				}
			})
		})
	}
}

// TestNobodyWaitsForADelayInVain: who goes away while a fault holds a request
// leaves no work behind.
func TestNobodyWaitsForADelayInVain(t *testing.T) {
	faults := []scenarios.Fault{{For: time.Hour, On: []topologies.Place{"api[0]"}, Rule: scenarios.Rule{Share: 1, Delay: time.Second}}}
	backendLab(t, topologies.Node{Workers: 1, ServiceTime: constant(10 * ms)}, faults, func(l *lab) {
		gone := newEvent()
		time.AfterFunc(100*ms, gone.Fire)
		l.send(gone, Request{Method: "GET", Path: "/"})
		require.Equal(t, 100*ms, l.now())
		require.EqualValues(t, 1, l.component.Use().Reasons["canceled"])
	})
}
