package measure

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFairness(t *testing.T) {
	pool := func(requests ...int64) (nodes []NodeUse) {
		for i, n := range requests {
			nodes = append(nodes, NodeUse{Place: "api[" + string(rune('0'+i)) + "]", Kind: "backend", Requests: n})
		}
		return nodes
	}
	for name, c := range map[string]struct {
		nodes         []NodeUse
		faults        []Fault
		jain, busiest float64
	}{
		"all alike":           {pool(50, 50, 50), nil, 1, 1},
		"one has all":         {pool(90, 0, 0), nil, 1. / 3, 3},
		"two to one":          {pool(20, 10), nil, .9, 4. / 3},
		"who is ill is aside": {pool(50, 0, 50), []Fault{{From: 1, To: 2, Places: []string{"api[1]"}}}, 1, 1},
		"the worst of pools":  {append(pool(50, 50), NodeUse{Place: "db[0]", Kind: "backend", Requests: 20}, NodeUse{Place: "db[1]", Kind: "backend", Requests: 10}), nil, .9, 4. / 3},
	} {
		tally := counted(&Run{Duration: second, Nodes: c.nodes, Faults: c.faults})
		require.InDelta(t, c.jain, tally.figures[Metric{Name: "fairness"}], 1e-9, name)
		require.InDelta(t, c.busiest, tally.figures[Metric{Name: "imbalance"}], 1e-9, name)
	}
	_, told := counted(&Run{Duration: second, Nodes: pool(5)}).Figure(Metric{Name: "fairness"})
	require.False(t, told, "one alone is neither fair nor unfair")
}

func TestKeysMoved(t *testing.T) {
	run := &Run{Duration: second, Nodes: []NodeUse{{Place: "lb", Keys: 30, Moved: 3}, {Place: "edge", Keys: 10, Moved: 1}, {Place: "api"}}}
	require.InDelta(t, .1, counted(run).figures[Metric{Name: "keys-moved"}], 1e-9)
	_, told := counted(&Run{Duration: second, Nodes: []NodeUse{{Place: "lb"}}}).Figure(Metric{Name: "keys-moved"})
	require.False(t, told, "nobody went away, or no key has a place")
}

func TestStarvation(t *testing.T) {
	run := &Run{Warmup: 200 * ms, Duration: second, Nodes: []NodeUse{
		{Place: "api[0]", Kind: "backend", Requests: 9, Received: Series{0, 0, 1, 1, 1, 0, 1, 1, 1, 1}},
		{Place: "api[1]", Kind: "backend", Requests: 9, Received: Series{0, 0, 5, 0, 0, 0, 0, 4}},
	}}
	require.InDelta(t, .3, counted(run).figures[Metric{Name: "starvation"}], 1e-9, "in one of four ticks nobody got anything")
	run.Nodes[1].Received = Series{}
	require.InDelta(t, .7, counted(run).figures[Metric{Name: "starvation"}], 1e-9)
	run.Nodes[1].Received = nil
	_, told := counted(run).Figure(Metric{Name: "starvation"})
	require.False(t, told, "somebody does not count")
}

func TestSeriesAreStored(t *testing.T) {
	for _, s := range []Series{{}, {0, 0, 7}, {1, 0, 300, 1 << 31}} {
		text, err := json.Marshal(NodeUse{Received: s, Sent: map[string]Series{"api": s}})
		require.NoError(t, err)
		var back NodeUse
		require.NoError(t, json.Unmarshal(text, &back))
		require.Equal(t, s, back.Received)
		require.Equal(t, s, back.Sent["api"])
	}
	text, err := json.Marshal(Series{5, 0, 0})
	require.NoError(t, err)
	require.Equal(t, `"BQ"`, string(text), "zeros at the end are left out")
	require.Error(t, json.Unmarshal([]byte(`"gA"`), new(Series)), "half a number")
	require.Equal(t, Series{3, 2, 1}, Series{1, 2}.Plus(Series{2, 0, 1}))
}

func TestTicks(t *testing.T) {
	require.Equal(t, 100*ms, Tick(second))
	require.Equal(t, 15, Ticks(1450*ms))
	require.LessOrEqual(t, Ticks(100*3600*second), mostTicks)
}
