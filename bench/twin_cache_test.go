package bench

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
	"trafficlab/sim"
)

// TestCacheTwins: caches do alike in both worlds, whatever they evict, renew,
// keep and forget. Each row says what words of the cache it is to bring about.
func TestCacheTwins(t *testing.T) {
	const (
		// At the end renewals have time to run out: no request waits for them.
		end     = `{at: 4s, constant: 9/s, for: 500ms, mix: [{post: /end, refused: true}]}` // where the gate knows no such path
		load    = `[{poisson: 200/s, for: 4s, mix: [{get: "/products/{zipf 50 1.1}", share: 80%, clients: 20}, {get: "/pages/{zipf 20 0.9}", share: 20%, refused: true}]}, ` + end + `]`
		writes  = `{poisson: 200/s, for: 4s, mix: [{get: "/products/{zipf 9 1.1}", share: 80%}, {post: "/products/{zipf 9 1.1}", body: 1KiB, share: 20%}]}`
		backend = `api: {kind: backend, workers: 4, queue: 64, service-time: {exponential: 9ms}, response: 2KiB, cache-control: {/*: "max-age=1"}, cache-tag: {/products/*: products}}`
	)
	edge := func(cache string) string {
		return "entry: edge\nnodes:\n  edge: {kind: cdn, cache: " + cache + ", to: api}\n  " + backend
	}
	type row struct {
		name, topology, load, extra string
		words                       []string
	}
	rows := []row{
		{"writes", edge("{}"), writes, "", []string{"hit", "miss", "bypass"}},
		{"stale while revalidate", edge("{stale: {while-revalidate: 500ms}}"), load, "", []string{"updating", "expired", "hit"}},
		{"stale while revalidate, not collapsing", edge("{collapse: false, stale: {while-revalidate: 500ms}}"), load, "", []string{"updating", "expired"}},
		{"renewals that fail", edge("{stale: {while-revalidate: 1s, if-error: 1s}}"), load,
			"faults: [{at: 1500ms, for: 1s, on: api, errors: 80%}]", []string{"updating", "hit", "miss"}},
		{"stale if error", edge("{stale: {if-error: 3s}}"), load,
			"faults: [{at: 1500ms, for: 1s, on: api, errors: 100%}]", []string{"stale", "expired", "hit"}},
		{"stale if error behind a fallback and retries",
			"entry: edge\nnodes:\n  edge: {kind: cdn, cache: {stale: {if-error: 300ms}}, retry: {tries: 2}, fallback: {status: 200, body: later}, to: api}\n  " + backend,
			load, "faults: [{at: 1500ms, for: 1s, on: api, errors: 70%}]", []string{"stale", "expired"}},
		{"negative", `entry: edge
nodes:
  edge: {kind: cdn, cache: {negative: 700ms, stale: {while-revalidate: 1s}}, to: gate}
  gate: {kind: gateway, routes: [{path: /products/*, to: api}]}
  ` + backend, load, "", []string{"hit", "updating", "expired"}},
		{"purges", edge("{stale: {while-revalidate: 10s}}"), load,
			`faults: [{at: 1s, on: edge, purge: /pages/*}, {at: 1500ms, on: edge, purge: {tag: products}}, {at: 2s, on: edge, purge: /products/1}]`,
			[]string{"hit", "updating", "miss", "collapsed"}},
	}
	for _, name := range slices.Sorted(maps.Keys(policy.Evictions)) {
		rows = append(rows, row{"evicting by " + name, edge(fmt.Sprintf("{capacity: 40KiB, evict: %s}", name)), load, "", []string{"hit", "miss", "collapsed"}})
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			c := caseOf(t, r.topology, r.load, r.extra)
			requireTwins(t, c)
			simulated, err := sim.Run(t.Context(), c, sim.Costs{})
			require.NoError(t, err)
			seen := map[string]bool{}
			for _, s := range simulated.Samples {
				seen[s.Cache] = true
			}
			for _, word := range r.words {
				require.True(t, seen[word], "no request was %s", word)
			}
		})
	}
}
