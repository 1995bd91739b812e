package topologies

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestFormsOfRoutes(t *testing.T) {
	bytes, url := int64(1<<20), 4096
	none := int64(0)
	for text, want := range map[string]Route{
		"{path: /a}": {Path: "/a"},
		"{path: /a, host: Shop.Example, header: {x-version: 2}, query: {v: b*, x: '*'}}": {Path: "/a", Hosts: []string{"shop.example"},
			Header: []PathValue{{"X-Version", "2"}}, Query: []PathValue{{"v", "b*"}, {"x", "*"}}},
		`{path: "/users/{id}/*", host: ["*.example", "[::1]"], rewrite: "/v2/{id}/{*}"}`: {Path: "/users/{id}/*", Hosts: []string{"*.example", "[::1]"}, Rewrite: "/v2/{id}/{*}"},
		"{path: /*, split: {b: 99.5%, c: 0.5%}}":                                         {Path: "/*", Split: []Share{{"b", .995}, {"c", .005}}},
		`{path: /old/*, redirect: "/new/{*}"}`:                                           {Path: "/old/*", Redirect: &Redirect{308, "/new/{*}"}},
		`{path: /*, redirect: {to: "https://{host}{path}", status: 301}}`:                {Path: "/*", Redirect: &Redirect{301, "https://{host}{path}"}},
		`{path: /*, redirect: "{path}/?from={host}"}`:                                    {Path: "/*", Redirect: &Redirect{308, "{path}/?from={host}"}},
		"{path: /a, max-body: 1MiB, max-url: 4KiB}":                                      {Path: "/a", MaxBody: &bytes, MaxURL: &url},
		"{path: /a, max-body: off}":                                                      {Path: "/a", MaxBody: &none},
		"{path: /a, timeout: {total: 9s, response: off}, retry: {tries: 3}}": {Path: "/a",
			Timeout: &Timeouts{Connect: 2 * time.Second, Total: 9 * time.Second}, Retry: &Retry{Tries: 3}},
	} {
		top, err := Parse("f", []byte("name: x\nentry: a\nnodes: {a: {kind: gateway, timeout: {connect: 2s}, max-body: 64KiB, to: [b, c], routes: ["+text+"]}, b: {kind: backend}, c: {kind: backend}}"))
		require.NoError(t, err, text)
		require.Equal(t, []Route{want}, top.Node("a").Routes, text)
		require.EqualValues(t, 64<<10, top.Node("a").MaxBody)
		words, err := json.Marshal(top) // as nodes' processes get it
		require.NoError(t, err)
		back := new(Topology)
		require.NoError(t, json.Unmarshal(words, back))
		require.Equal(t, top, back)
	}
}

func TestPlacesOfTemplates(t *testing.T) {
	for text, want := range map[string][2][]string{
		"":          {{""}, nil},
		"/a":        {{"/a"}, nil},
		"/{a}/{*}x": {{"/", "/", "x"}, {"a", "*"}},
		"{a}":       {{"", ""}, {"a"}},
		"{a":        {{"{a"}, nil},
	} {
		texts, places := Places(text)
		require.Equal(t, want, [2][]string{texts, places}, text)
	}
	require.Equal(t, []string{"id", "*"}, Parameters("/users/{id}/x*"))
}
