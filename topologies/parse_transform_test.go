package topologies

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTransformations(t *testing.T) {
	top, err := Parse("f", []byte(`
name: x
entry: a
nodes:
  a:
    kind: gateway
    refusals: problem
    forwarded: true
    via: both
    cors: {origins: [https://shop.example:8443, "https://*.shop.example"], methods: [GET, PUT], headers: [x-api-key], expose: etag, credentials: true, max-age: 1h}
    routes:
      - path: /users/{id}
        request: {remove: x-a, rename: {x-b: x-c}, set: {x-d: "1"}, add: {x-e: "2"}, query: {remove: [a, b], rename: {c: d}, set: {user: "{id}"}, add: {v: "2"}}, json: {remove: admin, set: {v: 2}}}
        response: {set: {x-f: "1"}, status: {404: 200, 5xx: 503}, json: {remove: "items[].secret", rename: {user.name: login}, set: {user.id: "{id}", v: 2, w: "2", ok: true}, limit: 1MiB}}
    to: b
  b: {kind: backend}
`))
	require.NoError(t, err)
	a := top.Node("a")
	require.True(t, a.Problems && a.Forwarded && a.Via)
	require.Equal(t, &CORS{
		Origins: []string{"https://shop.example:8443", "https://*.shop.example"}, Methods: []string{"GET", "PUT"},
		Headers: []string{"X-Api-Key"}, Expose: []string{"Etag"}, Credentials: true, MaxAge: time.Hour,
	}, a.CORS)
	require.Equal(t, Route{
		Path: "/users/{id}",
		Request: Edit{
			Remove: []string{"X-A"}, Rename: []PathValue{{"X-B", "X-C"}}, Set: []PathValue{{"X-D", "1"}}, Add: []PathValue{{"X-E", "2"}},
			Query: &Edit{Remove: []string{"a", "b"}, Rename: []PathValue{{"c", "d"}}, Set: []PathValue{{"user", "{id}"}}, Add: []PathValue{{"v", "2"}}},
			JSON:  &JSONEdit{Remove: []string{"admin"}, Set: []PathValue{{"v", "2"}}, Limit: 64 << 10},
		},
		Response: Edit{Set: []PathValue{{"X-F", "1"}},
			JSON: &JSONEdit{Remove: []string{"items[].secret"}, Rename: []PathValue{{"user.name", "login"}}, Limit: 1 << 20,
				Set: []PathValue{{"user.id", `"{id}"`}, {"v", "2"}, {"w", `"2"`}, {"ok", "true"}}}},
		Status: []StatusChange{{404, 200}, {5, 503}},
	}, a.Routes[0])
	text, err := json.Marshal(top) // as nodes' processes get it
	require.NoError(t, err)
	back := new(Topology)
	require.NoError(t, json.Unmarshal(text, back))
	require.Equal(t, top, back)
}

// What is filled in elsewhere would go out as it stands.
func TestHeadersTakeNoPlaces(t *testing.T) {
	const shape = "name: x\nentry: a\nnodes:\n  a:\n    kind: gateway\n    to: b\n    routes:\n      - {path: \"/users/{id}\", %s}\n      - {path: /*}\n  b: {kind: backend}\n"
	for _, edit := range []string{`response: {set: {X-Id: "{id}"}}`, `response: {add: {X-Id: "no {id} at all"}}`, `request: {set: {X-Id: "{id}"}}`} {
		_, err := Parse("f", []byte(fmt.Sprintf(shape, edit)))
		require.ErrorContains(t, err, "headers are set as they stand, and {id} is not filled in", edit)
	}
	_, err := Parse("f", []byte(fmt.Sprintf(shape, `response: {set: {X-Policy: '{"max":{"age":3}}'}}`)))
	require.NoError(t, err, "braces of its own")
}
