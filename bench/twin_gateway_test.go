package bench

import "testing"

// TestTwinsOfGateways: what a gateway makes of requests it makes of them in
// both worlds.
func TestTwinsOfGateways(t *testing.T) {
	const load = `{poisson: 200/s, for: 3s, mix: [{get: "/users/{zipf 50 1.1}/cart", share: 60%, key: alice, headers: {X-Beta: "1"}}, {get: "/old/7?a=b", share: 10%}, {get: /strange, share: 10%}, {post: /orders, body: 4KiB, share: 20%, key: bob}]}`
	for name, settings := range map[string]string{
		"routes": `routes: [
      {path: "/users/{id}/*", header: {X-Beta: "1"}, split: {api: 80%, canary: 20%}, rewrite: "/v2/{*}/of/{id}", retry: {tries: 3}, timeout: {response: 23ms}},
      {path: "/old/*", redirect: "/new/{*}"}, {path: /orders, methods: [POST], max-body: 1KiB, to: api}]`,
	} {
		t.Run(name, func(t *testing.T) {
			requireTwins(t, caseOf(t, `entry: gate
nodes:
  gate:
    kind: gateway
    `+settings+`
  api: {kind: backend, replicas: 2, workers: 2, queue: 8, service-time: {lognormal: {median: 5ms, p99: 30ms}}, errors: 5%, response: 2KiB}
  canary: {kind: backend, workers: 2, queue: 8, service-time: {exponential: 9ms}, response: 1KiB}`, load, ""))
		})
	}
}
