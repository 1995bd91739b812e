package sim

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// toldOf is what measuring makes of a case.
func toldOf(t *testing.T, c *scenarios.Case) (of func(name string) measure.Figure, aftermath string) {
	t.Helper()
	r := play(t, c)
	result, err := measure.Fold(measure.Question{Worlds: []string{"sim"}, Variants: []string{r.Variant}, Repeat: 1}, []*measure.Run{r})
	require.NoError(t, err)
	s := &result.Summaries[0]
	return func(name string) measure.Figure { return s.Figure(measure.Metric{Name: name}) }, s.Aftermath
}

const (
	tick     = 100 * time.Millisecond
	notAtAll = 1e9 // as measure writes it
)

// crashed is a balancer over three backends, one of which is gone for a while.
func crashed(health *topologies.Health) *scenarios.Case {
	top := constant("api", ms)
	top.Nodes[0].Replicas, top.Nodes[0].Numbered = 3, true
	lb := &topologies.Node{Name: "lb", Kind: topologies.LoadBalancer, Health: health}
	crash := scenarios.Fault{At: 5 * time.Second, For: 5 * time.Second, On: []topologies.Place{"api[1]"}, Crash: true}
	c := steady(behind(top, lb), 2*ms, 7500, crash)
	c.Variant.Warmup = time.Second
	return c
}

// TestHealthChecksNoticeInTheirTime: the first check fails within an interval
// of the crash, and the last that it takes so many intervals later; the way
// back is as long.
func TestHealthChecksNoticeInTheirTime(t *testing.T) {
	for _, h := range []topologies.Health{
		{Every: 200 * ms, DownAfter: 1, UpAfter: 4},
		{Every: 300 * ms, DownAfter: 3, UpAfter: 1},
		{Every: 700 * ms, DownAfter: 2, UpAfter: 2},
	} {
		t.Run(fmt.Sprint(h.Every, h.DownAfter, h.UpAfter), func(t *testing.T) {
			h.Timeout, h.Path = 100*ms, "/healthz"
			of, aftermath := toldOf(t, crashed(&h))
			within := func(name string, checks int) {
				last := time.Duration(checks) * h.Every
				require.GreaterOrEqual(t, of(name).Value, (last - h.Every).Seconds(), name)
				require.LessOrEqual(t, of(name).Value, (last + tick).Seconds(), name)
			}
			within("detection", h.DownAfter)
			within("last-use", h.DownAfter)
			within("idle", h.UpAfter)
			require.InDelta(t, of("detection").Value*500/3, of("lost").Value, 500/3*tick.Seconds()+2, "a third of the load until then")
			require.InDelta(t, 1, of("herd").Value, .6, "nobody floods it: it takes its turns")
			require.Equal(t, "recovered at once when the fault was gone", aftermath)
		})
	}
}

// TestNobodyNoticesWithoutChecks: who takes turns blindly asks to the end.
func TestNobodyNoticesWithoutChecks(t *testing.T) {
	of, _ := toldOf(t, crashed(nil))
	require.EqualValues(t, notAtAll, of("detection").Value)
	require.EqualValues(t, 5, of("last-use").Value)
	require.InDelta(t, 5*500/3., of("lost").Value, 2)
	require.Zero(t, of("idle").Value)
	require.InDelta(t, 1, of("fairness").Value, 1e-3, "the two that are well are used alike")
}

// TestAStormOfRetriesOutlivesItsTrigger: four tries for each of 150 requests a
// second are more than the 200 that two workers can serve, so that once all
// time out, all will; a budget keeps them below (Bronson et al., Metastable
// Failures in Distributed Systems, HotOS 2021).
func TestAStormOfRetriesOutlivesItsTrigger(t *testing.T) {
	storm := func(budget *topologies.Budget) *scenarios.Case {
		top := constant("api", 10*ms)
		top.Nodes[0].Workers, top.Nodes[0].Queue = 2, 1000
		lb := &topologies.Node{Name: "lb", Kind: topologies.LoadBalancer,
			Timeout: topologies.Timeouts{Response: 50 * ms}, Retry: topologies.Retry{Tries: 4, On: []string{"timeout"}, Budget: budget}}
		slow := scenarios.Fault{At: 5 * time.Second, For: 2 * time.Second, On: []topologies.Place{"api"}, Slow: 10}
		c := steady(behind(top, lb), time.Second/150, 150*20, slow)
		c.Variant.Warmup = time.Second
		return c
	}
	of, aftermath := toldOf(t, storm(nil))
	require.EqualValues(t, notAtAll, of("recovery").Value)
	require.Equal(t, "had not recovered 13 s after the fault was gone, when the load ended", aftermath)
	require.Greater(t, of("amplification").Value, 2.5)
	require.Greater(t, of("wasted").Value, .5, "the workers are busy with what nobody waits for")

	of, aftermath = toldOf(t, storm(&topologies.Budget{Share: .1, Window: 10 * time.Second}))
	require.Less(t, of("recovery").Value, 2.)
	require.Contains(t, aftermath, "recovered")
	require.Less(t, of("amplification").Value, 1.2)
}
