package bench

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/sim"
	"trafficlab/topologies"
)

// TestTwinsOfPickers: every picker there is, and every parameter that changes
// what it does, picks alike in both worlds: with weights if it heeds them, health
// checks and retries, while one backend is slow and another errs.
func TestTwinsOfPickers(t *testing.T) {
	picks := slices.Sorted(maps.Keys(policy.Pickers))
	picks = append(picks,
		"{power-of-d: {d: 2}}",
		"{least-response-time: {decay: 100ms}}",
		"{p2c-ewma: {decay: 100ms}}",
		"{prequal: {quantile: 0%, remove: 0.3, age: 40ms}}",
		"{prequal: {probes: 1.5, pool: 2, surplus: 0.5, quantile: 50%}}",
		"{first-available: {most: 2}}",
		"{ring-hash: {vnodes: 20, key: path}}",
		"{ring-hash: {bound: 1.2, key: header X-Api-Key}}",
		"{maglev: {table: 503, bound: 1.3, key: path}}",
		"{rendezvous: {key: cookie session}}",
	)
	for _, pick := range picks {
		name, _, _ := strings.Cut(strings.TrimPrefix(pick, "{"), ":")
		pool := evenPool
		if policy.Pickers[name].Weighs {
			pool = weightedPool
		}
		t.Run(pick, func(t *testing.T) { requireTwins(t, caseOf(t, pool("pick: "+pick), busy, ailing)) })
	}
}

const (
	busy   = `{poisson: 250/s, for: 3s, mix: [{get: "/products/{zipf 50 1.1}", clients: 20, key: alice, headers: {Cookie: "a=b; session=s1"}}, {post: /orders, body: 1KiB, share: 20%, key: bob}]}`
	ailing = `faults: [{at: 1s, for: 1s, on: "api[2]", slow: 4x}, {at: 1500ms, for: 700ms, on: "api[1]", errors: 60%}]`
)

// evenPool is a balancer with the given settings before four backends.
func evenPool(settings string) string { return poolOf("1", settings) }

// weightedPool is the same, before four unequal ones.
func weightedPool(settings string) string { return poolOf("[5, 1, 2, 1]", settings) }

func poolOf(weights, settings string) string {
	return fmt.Sprintf(`entry: lb
nodes:
  lb: {kind: load-balancer, to: api, %s, health: {every: 101ms, timeout: 51ms}, retry: {tries: 3}}
  api: {kind: backend, replicas: 4, weights: %s, workers: 2, queue: 8, service-time: {lognormal: {median: 5ms, p99: 30ms}}}`, settings, weights)
}

// TestTwinsOfSubsets: each of two balancers asks its own half.
func TestTwinsOfSubsets(t *testing.T) {
	requireTwins(t, caseOf(t, `entry: gate
nodes:
  gate: {kind: gateway, to: lb}
  lb: {kind: load-balancer, replicas: 2, subset: 2, pick: p2c, to: api}
  api: {kind: backend, replicas: 4, workers: 2, queue: 8, service-time: {exponential: 6ms}}`, busy, ""))
}

// TestTwinsOfMemberships: who is in the pool is the same in both worlds.
func TestTwinsOfMemberships(t *testing.T) {
	for name, settings := range map[string]string{
		"ejection by failures in a row": "pick: round-robin, ejection: {failures: 3, interval: 150ms, base: 200ms, share: 50%}",
		"ejection by share of success":  "pick: random, ejection: {failures: off, interval: 250ms, base: 300ms, hosts: 4, requests: 5, deviations: 1.2}",
		"panic":                         "pick: least-connections, ejection: {failures: 2, interval: 150ms, base: 400ms, share: 100%}, panic: {below: 80%}",
		"slow start, turns":             "pick: weighted-round-robin, slow-start: {window: 700ms}",
		"slow start, draws":             "pick: weighted-random, slow-start: {window: 700ms, least: 20%, aggression: 2}",
		"slow start, least connections": "pick: least-connections, slow-start: {window: 700ms}, ejection: on",
	} {
		pool := weightedPool
		if strings.HasPrefix(name, "ejection") {
			pool = evenPool
		}
		t.Run(name, func(t *testing.T) { requireTwins(t, caseOf(t, pool(settings), busy, ailing)) })
	}
}

// TestTwinsOfStickySessions: a client that brings the cookie of api[1] is kept
// there, but for the time that it errs and is ejected.
func TestTwinsOfStickySessions(t *testing.T) {
	cookie := fmt.Sprintf("lab=%016x", scenarios.Hash("lab at api[1]"))
	load := strings.Replace(busy, "session=s1", cookie, 1)
	c := caseOf(t, evenPool("pick: round-robin, sticky: {cookie: lab}, ejection: {failures: 3, interval: 150ms, base: 200ms}"), load, ailing)
	requireTwins(t, c)
	run, err := sim.Run(t.Context(), c, sim.Costs{})
	require.NoError(t, err)
	for _, n := range run.Nodes {
		if n.Place == "lb" {
			require.Greater(t, n.Asked["api[1]"], 2*n.Asked["api[0]"])
		}
	}
}

// TestTwinsOfZones: three balancers, one a zone, of which zone a has half of
// its share of the backends. What crosses zones is a sixth and not two thirds.
func TestTwinsOfZones(t *testing.T) {
	c := caseOf(t, `entry: gate
nodes:
  gate: {kind: gateway, to: lb}
  lb: {kind: load-balancer, replicas: 3, zones: [a, b, c], zone-aware: {hosts: 4}, pick: least-connections, health: off, to: api}
  api: {kind: backend, replicas: 6, zones: [a, b, b, c, c, c], workers: 4, queue: 64, service-time: {exponential: 4ms}}`, busy, "")
	requireTwins(t, c)
	run, err := sim.Run(t.Context(), c, sim.Costs{})
	require.NoError(t, err)
	crossed, all := 0.0, 0.0
	for _, n := range run.Nodes {
		for to, asked := range n.Asked {
			from, to := topologies.Place(n.Place), topologies.Place(to)
			if from.Node() != "lb" {
				continue
			}
			all += float64(asked)
			if c.Variant.Topology.Zone(from) != c.Variant.Topology.Zone(to) {
				crossed += float64(asked)
			}
		}
	}
	require.InDelta(t, 1./6, crossed/all, .05)
}

// TestTwinsOfChecks: checks with jitter, and a place that drains.
func TestTwinsOfChecks(t *testing.T) {
	for name, jitter := range map[string]string{"on a grid": "0%", "with jitter": "60%"} {
		t.Run(name, func(t *testing.T) {
			c := caseOf(t, `entry: lb
nodes:
  lb: {kind: load-balancer, to: api, pick: least-connections, health: {every: 103ms, timeout: 51ms, jitter: `+jitter+`}}
  api: {kind: backend, replicas: 3, workers: 4, queue: 64, service-time: {exponential: 6ms}}`, busy,
				`faults: [{at: 1s, for: 1s, on: "api[1]", drain: true}]`)
			requireTwins(t, c)
			run, err := sim.Run(t.Context(), c, sim.Costs{})
			require.NoError(t, err)
			served := 0
			for _, s := range run.Samples {
				require.Equal(t, policy.OK, s.Reason, "draining loses nobody")
			}
			for _, n := range run.Nodes {
				if n.Place == "lb" {
					served = int(n.Asked["api[1]"])
				}
			}
			require.Less(t, served*6, len(run.Samples)+len(run.Samples)/3, "a third less a third, or a bit more")
		})
	}
}

// TestTwinsOfProbes: through tiers of proxies, zones and subsets, while some of
// those asked are slow, err or have too few connections.
func TestTwinsOfProbes(t *testing.T) {
	for name, c := range map[string]struct{ settings, extra string }{
		"tiers":              {"pick: prequal", ailing},
		"zones":              {"pick: prequal, zones: [a, b], zone-aware: {hosts: 2}", ailing},
		"subsets":            {"pick: {prequal: {probes: 0.7}}, subset: 3", ailing},
		"ejection":           {"pick: prequal, ejection: {failures: 3, interval: 151ms, base: 201ms, share: 50%}", ailing},
		"hedges":             {"pick: prequal, hedge: {after: 13ms}, timeout: {response: 41ms}", ailing},
		"few connections":    {"pick: prequal, connections: 1, timeout: {connect: 13ms}", ""},
		"sticky":             {"pick: prequal, sticky: {cookie: session}", ailing},
		"what the cold take": {"pick: {prequal: {quantile: 100%}}", ailing},
	} {
		t.Run(name, func(t *testing.T) {
			requireTwins(t, caseOf(t, `entry: gate
nodes:
  gate: {kind: gateway, pick: {prequal: {probes: 1.3}}, retry: {tries: 2}, to: lb}
  lb: {kind: load-balancer, replicas: 2, `+c.settings+`, to: api}
  api: {kind: backend, replicas: 4, zones: [a, b, a, b], workers: 2, queue: 8, service-time: {exponential: 6ms}}`, busy, c.extra))
		})
	}
}
