package components

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// TestDrainingRefusesChecksOnly: who drains finishes what comes, and tells
// those who check that it wants no more.
func TestDrainingRefusesChecksOnly(t *testing.T) {
	proxyLab(t, balancer(1), func(l *lab) {
		l.component.forecast = scenarios.NewWeather(1, []scenarios.Fault{
			{At: time.Second, For: time.Second, On: []topologies.Place{l.component.place}, Drain: true}}).Of(l.component.place)
		for second, want := range []int{200, 503, 200} {
			at := time.Duration(second) * time.Second
			time.Sleep(at - l.now())
			require.Equal(t, want, l.get(CheckPath).Status, "at %s", at)
			require.Equal(t, 200, l.get("/").Status)
		}
	})
}
