package reports

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// Boxes never overlap and never leave the drawing, in any shipped topology.
func TestBoxesKeepApart(t *testing.T) {
	for _, name := range topologies.Shipped() {
		topology, err := topologies.Load(name, "")
		require.NoError(t, err)
		for _, w := range []way{across, down} {
			s := flowOf(topology).lay(w, 3)
			var all []*box
			for _, layer := range s.layers {
				all = append(all, layer...)
			}
			for i, a := range all {
				require.GreaterOrEqual(t, a.x, 0.0)
				require.LessOrEqual(t, a.x+a.w, s.width)
				require.LessOrEqual(t, a.y+a.h, s.height)
				for _, b := range all[i+1:] {
					require.False(t, a.x < b.x+b.w && b.x < a.x+a.w && a.y < b.y+b.h && b.y < a.y+a.h, "%s: %s over %s", name, a.title, b.title)
				}
			}
		}
	}
}

// Each of many layers doubles the ways to the next: to follow them all would
// take for ever.
func TestDepthsOfManyLayers(t *testing.T) {
	top := &topologies.Topology{Entry: "a0"}
	for layer := range 30 {
		var to []string
		if layer < 29 {
			to = []string{fmt.Sprint("a", layer+1), fmt.Sprint("b", layer+1)}
		}
		for _, side := range []string{"b", "a"} {
			top.Nodes = append(top.Nodes, &topologies.Node{Name: fmt.Sprint(side, layer), Replicas: 1, To: to})
		}
	}
	depth := depths(top)
	require.Equal(t, 29, depth["a29"])
	require.Equal(t, 29, depth["b29"])
	require.NotContains(t, depth, "b0", "nobody asks it")
}

func flowOf(topology *topologies.Topology) flow {
	sum := &measure.Summary{Variant: "v", World: "live"}
	for _, n := range topology.Nodes {
		for _, p := range n.Places() {
			sum.Nodes = append(sum.Nodes, measure.NodeSummary{Place: string(p), Requests: 10, Reasons: map[string]int64{"ok": 8, "failed": 2}})
		}
	}
	return flow{variant: &scenarios.Variant{Topology: topology}, summary: sum}
}

func TestAnArrowThatSkipsALayerBends(t *testing.T) {
	topology := &topologies.Topology{Entry: "a", Nodes: []*topologies.Node{
		{Name: "a", Kind: topologies.ReverseProxy, Replicas: 1, To: []string{"b", "c"}},
		{Name: "b", Kind: topologies.ReverseProxy, Replicas: 1, To: []string{"c"}},
		{Name: "c", Kind: topologies.Backend, Replicas: 1},
	}}
	s := flowOf(topology).lay(across, 5)
	require.Len(t, s.layers, 4)
	var bends int
	for _, a := range s.arrows {
		bends += len(a.bends)
	}
	require.Equal(t, 1, bends)
}

func TestManyReplicasAreOneBox(t *testing.T) {
	topology := &topologies.Topology{Entry: "lb", Nodes: []*topologies.Node{
		{Name: "lb", Kind: topologies.LoadBalancer, Replicas: 1, To: []string{"api"}},
		{Name: "api", Kind: topologies.Backend, Replicas: 500, Numbered: true},
	}}
	f := flowOf(topology)
	f.summary.Nodes[0].Asked = map[string]float64{"api[0]": 2, "api[499]": 3}
	s := f.lay(down, 3)
	require.Len(t, s.layers[2], 1)
	require.Equal(t, "api × 500", s.layers[2][0].title)
	require.Equal(t, 5.0, s.layers[2][0].in[0].rate)
	require.Contains(t, s.layers[2][0].lines, line{"bad", "20% failed"})
}

// What befalls a link is said where it leads, and its arrow is marked.
func TestFaultsOfLinksAreDrawn(t *testing.T) {
	topology := &topologies.Topology{Entry: "lb", Nodes: []*topologies.Node{
		{Name: "lb", Kind: topologies.LoadBalancer, Replicas: 1, To: []string{"api"}},
		{Name: "api", Kind: topologies.Backend, Replicas: 2, Numbered: true},
	}}
	f := flowOf(topology)
	fault := scenarios.Fault{At: time.Second, For: time.Second, On: []topologies.Place{"lb > api[1]", "clients > lb"}, Freeze: true}
	f.variant.Faults = []scenarios.Fault{fault}
	var drawn []string
	s := f.lay(across, 5)
	for _, layer := range s.layers {
		for _, b := range layer {
			for _, l := range b.lines {
				if l.class == "fault" {
					drawn = append(drawn, b.title+": "+l.text)
				}
			}
		}
	}
	require.Equal(t, []string{"lb: freeze", "lb: from clients, 1–2 s", "api[1]: freeze", "api[1]: from lb, 1–2 s"}, drawn)
	require.Equal(t, 2, strings.Count(string(s.svg("")), `class="edge idle faulty"`))
	require.Equal(t, "freeze lb > api[1], clients > lb", faultName(fault))
}
