package topologies

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
)

func TestPoliciesWithParameters(t *testing.T) {
	for text, want := range map[string]policy.Choice{
		"p2c":                                  {Name: "p2c"},
		"{p2c: {}}":                            {Name: "p2c"},
		"power-of-d":                           {Name: "power-of-d", Params: policy.Params{"d": {Number: 3}}},
		"{power-of-d: {d: 5}}":                 {Name: "power-of-d", Params: policy.Params{"d": {Number: 5}}},
		"{p2c-ewma: {decay: 250ms}}":           {Name: "p2c-ewma", Params: policy.Params{"decay": {Number: float64(250 * time.Millisecond)}}},
		"{first-available: {most: off}}":       {Name: "first-available", Params: policy.Params{"most": {}}},
		"{rendezvous: {key: header x-user}}":   {Name: "rendezvous", Params: policy.Params{"key": {Word: "header X-User"}}},
		"{ring-hash: {vnodes: 9, bound: 1.5}}": {Name: "ring-hash", Params: policy.Params{"vnodes": {Number: 9}, "key": {Word: "address"}, "bound": {Number: 1.5}}},
	} {
		top, err := Parse("f", []byte("name: x\nentry: a\nnodes: {a: {kind: load-balancer, pick: "+text+", to: b}, b: {kind: backend}}"))
		require.NoError(t, err, text)
		require.Equal(t, want, top.Node("a").Pick, text)
		written, err := json.Marshal(top)
		require.NoError(t, err)
		var back Topology
		require.NoError(t, json.Unmarshal(written, &back))
		require.Equal(t, top, &back)
	}
}

// TestDefaultsAreInTheirRange holds every registry against its own rules.
func TestDefaultsAreInTheirRange(t *testing.T) {
	kinds := map[string]policy.Kind{}
	for name, kind := range policy.Pickers {
		kinds[name] = kind.Kind
	}
	for name, kind := range policy.Memberships {
		kinds[name] = kind
	}
	for name, kind := range kinds {
		require.NotEmpty(t, kind.About, name)
		for _, p := range kind.Parameters {
			require.NotEmpty(t, p.About, name)
			require.NotEmpty(t, Range(p), name)
			usual := p.Usual().Number
			if p.Form != policy.Word && p.Form != policy.Source && !(p.Off && usual == 0) {
				require.True(t, usual >= p.Low && usual <= p.High, "%s %s", name, p.Name)
			}
		}
	}
}

func TestWeightsOfAPool(t *testing.T) {
	top, err := Parse("f", []byte(`
name: x
entry: a
nodes:
  a: {kind: load-balancer, pick: maglev, to: [b, c, d]}
  b: {kind: backend, replicas: 2, weights: [5, 1]}
  c: {kind: backend, replicas: 2, weights: 3}
  d: {kind: external, weights: 2, to: "http://[::1]:8080"}
`))
	require.NoError(t, err)
	require.Equal(t, []int{5, 1, 3, 3, 2}, top.Weights(top.Pool([]string{"b", "c", "d"})))
	require.Nil(t, top.Weights(top.Pool([]string{"c"})), "all alike")
}
