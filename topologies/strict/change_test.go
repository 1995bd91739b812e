package strict

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const changed = `
nodes:
  lb: {pick: round-robin, health: off, to: [api, old]}
  api: {service-time: 5ms}
faults: [{slow: 2x}]
`

func TestChanges(t *testing.T) {
	for _, c := range []struct {
		change, under string
		want          string // the document afterwards
		err           string
	}{
		{"lb.pick=p2c", "nodes", `{nodes: {lb: {pick: p2c, health: off, to: [api, old]}, api: {service-time: 5ms}}, faults: [{slow: 2x}]}`, ""},
		{"lb.retry.tries=3", "nodes", `{nodes: {lb: {pick: round-robin, health: off, to: [api, old], retry: {tries: 3}}, api: {service-time: 5ms}}, faults: [{slow: 2x}]}`, ""},
		{"lb.health.every=1s", "nodes", `{nodes: {lb: {pick: round-robin, health: {every: 1s}, to: [api, old]}, api: {service-time: 5ms}}, faults: [{slow: 2x}]}`, ""},
		{"lb.to[1]=new", "nodes", `{nodes: {lb: {pick: round-robin, health: off, to: [api, new]}, api: {service-time: 5ms}}, faults: [{slow: 2x}]}`, ""},
		{"faults[0].slow = 3x", "", `{nodes: {lb: {pick: round-robin, health: off, to: [api, old]}, api: {service-time: 5ms}}, faults: [{slow: 3x}]}`, ""},
		{"api.service-time={exponential: 5ms}", "nodes", `{nodes: {lb: {pick: round-robin, health: off, to: [api, old]}, api: {service-time: {exponential: 5ms}}}, faults: [{slow: 2x}]}`, ""},
		{"faults[1].slow=3x", "", "", "--set:1:1: faults[1].slow: faults has 1 items, counted from 0"},
		{"api.service-time.exponential=5ms", "nodes", "", `--set:1:1: api.service-time.exponential: api.service-time is a single value and has no field "exponential" (set api.service-time itself)`},
		{"lb[2].pick=p2c", "nodes", "", `--set:1:1: lb[2].pick: lb is a map and has no item 2 (set lb itself)`},
		{"lb..pick=p2c", "nodes", "", "--set:1:1: lb..pick: is no path (such as lb.retry.tries or faults[0].slow)"},
		{"faults[x]=1", "", "", "--set:1:1: faults[x]: is no path (such as lb.retry.tries or faults[0].slow)"},
		{"faults[0]slow=1", "", "", "--set:1:1: faults[0]slow: is no path (such as lb.retry.tries or faults[0].slow)"},
		{"lb.pick", "", "", "--set:1:1: is no change (path=value, such as lb.pick=p2c)"},
		{"lb.pick=", "", "", "--set:1:9: lb.pick: has no value (path=value)"},
		{"lb.to=[a", "", "", "--set:1:7: lb.to: not YAML: did not find expected ',' or ']'"},
	} {
		t.Run(c.change, func(t *testing.T) {
			doc := document(t, changed)
			if change, ok := ParseChange("--set", c.change, doc.log); ok {
				doc.Apply(change, c.under)
			}
			if c.err != "" {
				require.Equal(t, []string{c.err}, heads(doc.Err()))
				return
			}
			require.NoError(t, doc.Err())
			require.Equal(t, c.want, doc.Root().Flow())
		})
	}
}

func TestAPlantedValueKeepsItsOrigin(t *testing.T) {
	doc := document(t, changed)
	clone := doc.Clone()
	change, ok := ParseChange("--set", "lb.pick=p2q", doc.log)
	require.True(t, ok)
	clone.Apply(change, "nodes")
	clone.Root().Get("nodes").Get("lb").Get("pick").Word("", "round-robin", "p2c")
	require.EqualError(t, doc.Err(), `--set:1:9: nodes.lb.pick: unknown value "p2q" (did you mean "p2c"?)
    lb.pick=p2q
            ^`)
	require.Equal(t, "round-robin", doc.Root().Get("nodes").Get("lb").Get("pick").Text(""), "a clone is its own")
}
