package bench

import (
	"fmt"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
)

// TestTwinsOfGateways: what a gateway makes of requests it makes of them in
// both worlds.
func TestTwinsOfGateways(t *testing.T) {
	const secret = "0123456789abcdef0123456789abcdef"
	const load = `{poisson: 200/s, for: 3s, mix: [
    {get: "/users/{zipf 50 1.1}/cart", share: 50%%, key: alice, headers: {X-Beta: "1"}},
    {get: "/old/7?a=b", share: 10%%, headers: {Authorization: Basic Ym9iOnc=}},
    {get: /strange, share: 10%%, refused: true},
    {get: /users/1/cart, share: 10%%, headers: {Authorization: Bearer %s}},
    {post: /orders, body: 4KiB, share: 20%%, key: bob}]}`
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": "carol", "exp": 4e9, "scope": "carts"})
	token.Header["kid"] = "k1"
	text, err := token.SignedString([]byte(secret))
	require.NoError(t, err)
	for name, settings := range map[string]string{
		"routes": `routes: [
      {path: "/users/{id}/*", header: {X-Beta: "1"}, split: {api: 80%, canary: 20%}, rewrite: "/v2/{*}/of/{id}", retry: {tries: 3}, timeout: {response: 23ms}},
      {path: "/old/*", redirect: "/new/{*}"}, {path: /orders, methods: [POST], max-body: 1KiB, to: api}]`,
		"rules": `to: [api, canary]
    keys: {alice: k-alice, bob: k-bob}
    auth:
      jwt: {jwks: {from: issuer, path: /keys}}
      groups: {buyers: [alice]}
      allow: [{groups: [buyers], methods: [GET]}, {scopes: [carts], path: "/users/{id}/cart"}, {anyone: true, path: /strange}]`,
		"plans": `to: [api, canary]
    keys: {alice: k-alice, bob: k-bob, carol: k-carol}
    auth: {allow: [{anyone: true}], groups: {buyers: [bob]}}
    limit: [{by: all, rate: 150/s, burst: 20}, {by: all, quota: 500, per: hour}]
    plans: {gold: {consumers: alice, limit: {rate: 70/s, burst: 3}}, silver: {groups: buyers, limit: [{rate: 9/s}, {quota: 25, per: day}]}, free: {limit: {quota: 40}}}
    limit-fields: [ratelimit, x-ratelimit]`,
		"endings": `cors: {origins: [https://shop.example]}
    refusals: problem
    forwarded: true
    via: both
    routes: [{path: "/users/{id}/*", methods: [GET], request: {query: {set: {user: "{id}"}}, add: {X-A: "1"}}, response: {rename: {Content-Type: X-Type}, status: {5xx: 404}}, to: [api, canary]}]`,
		"redaction": `routes: [
      {path: /users/*, to: api, response: {json: {remove: [secret], set: {path: "{*}"}}}},
      {path: /*, to: canary, response: {json: {limit: 1KiB}}}]`,
	} {
		t.Run(name, func(t *testing.T) {
			requireTwins(t, caseOf(t, `entry: gate
nodes:
  gate:
    kind: gateway
    `+settings+`
  api: {kind: backend, replicas: 2, workers: 2, queue: 8, service-time: {lognormal: {median: 5ms, p99: 30ms}}, errors: 5%, response: 2KiB, content: {/users/1/cart: '{"secret": 1, "open": [1, 2]}'}}
  canary: {kind: backend, workers: 2, queue: 8, service-time: {exponential: 9ms}, response: 1KiB}
`+issuer[name], fmt.Sprintf(load, text), ""))
		})
	}
}

var issuer = map[string]string{"rules": `  issuer: {kind: backend, content: {/keys: '{"keys": [{"kty": "oct", "kid": "k1", "alg": "HS256", "k": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"}]}'}}`}
