package bench

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"trafficlab/components/policy"
)

// TestTwinsOfLimits: every limiter there is, for whom it counts and what it
// costs, admits, refuses and delays alike in both worlds.
func TestTwinsOfLimits(t *testing.T) {
	const load = `{poisson: 200/s, for: 3s, mix: [{get: "/products/{zipf 50 1.1}", share: 80%, key: alice, clients: 20}, {post: /orders, body: 1KiB, share: 20%, key: bob}]}`
	limits := []string{
		"{by: address, rate: 5/s, burst: 2}",
		"{by: route, rate: 60/s, burst: 5}",
		"{by: header x-tenant, rate: 90/s, algorithm: gcra, burst: 9}",
		"{by: all, algorithm: leaky-queue, rate: 120/s, burst: 20, delay: 4}",
		`{by: all, rate: 300/s, burst: 40, cost: {/products/*: 2, "POST /orders": 7}}`,
		"[{by: consumer, rate: 70/s, burst: 10}, {by: all, algorithm: fixed-window, rate: 100/s}, {by: address, algorithm: leaky-queue, rate: 20/s}]",
		"{by: all, rate: 100/s, burst: 5, shared: {redis: 127.0.0.1:1}}",
		"[{by: consumer, algorithm: sliding-counter, rate: 70/s, window: 500ms}, {by: all, algorithm: leaky-queue, rate: 90/s, burst: 9, shared: {redis: 127.0.0.1:1, fail: closed}}, {rate: 60/s, by: route, shared: {redis: 127.0.0.1:1, fail: closed}}]",
	}
	for _, name := range slices.Sorted(maps.Keys(policy.Limiters)) {
		limits = append(limits, fmt.Sprintf("{algorithm: %s, rate: 60/s}", name))
	}
	// At a thaw no two may be waiting: they would go on at one instant.
	for _, fail := range []string{"open", "closed"} {
		limits = append(limits, fmt.Sprintf("{by: all, rate: 100/s, burst: 5, shared: {redis: 127.0.0.1:1, fail: %s, timeout: 3ms}}", fail))
	}
	for _, limit := range limits {
		faults := ""
		if strings.Contains(limit, "timeout") {
			faults = "faults: [{at: 1s, for: 600ms, on: redis, crash: true}, {at: 2s, for: 600ms, on: redis, freeze: true}]"
		}
		t.Run(limit, func(t *testing.T) {
			requireTwins(t, caseOf(t, fmt.Sprintf(`entry: lb
nodes:
  lb: {kind: load-balancer, to: gate}
  gate:
    kind: gateway
    replicas: 3
    keys: {alice: k-alice, bob: k-bob}
    limit: %s
    routes: [{path: /products/*, to: api}, {path: /orders, to: api}]
  api: {kind: backend, replicas: 3, workers: 2, queue: 8, service-time: {lognormal: {median: 5ms, p99: 30ms}}, response: 2KiB}`, limit), load, faults))
		})
	}
}
