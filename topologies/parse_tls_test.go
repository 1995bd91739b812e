package topologies

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTLS(t *testing.T) {
	usual := &HTTP2{128, 64 << 10}
	for text, want := range map[string]*TLS{
		"off":                      nil,
		"self-signed":              {SelfSigned: true, HTTP2: usual},
		"{self-signed: shop.test}": {SelfSigned: true, Names: []string{"shop.test"}, HTTP2: usual},
		"{self-signed: [a.b, '*.c'], versions: 1.3, http2: off, clients: required, hsts: 1h, plain: redirect}": {SelfSigned: true,
			Names: []string{"a.b", "*.c"}, Only13: true, Clients: &Clients{}, HSTS: "max-age=3600", Redirect: true},
		"{self-signed: a, http2: {streams: 7, header: 8KiB}, clients: optional, hsts: off}": {SelfSigned: true,
			Names: []string{"a"}, HTTP2: &HTTP2{7, 8 << 10}, Clients: &Clients{Optional: true}},
		"{self-signed: a, clients: {ca: testdata/authority.pem, optional: true}, hsts: {max-age: 8760h, subdomains: true, preload: true}}": {
			SelfSigned: true, Names: []string{"a"}, HTTP2: usual, Clients: &Clients{"testdata/authority.pem", true},
			HSTS: "max-age=31536000; includeSubDomains; preload"},
	} {
		for _, kind := range []string{"reverse-proxy, to: b", "backend"} {
			top, err := Parse("f", []byte("name: x\nentry: a\nnodes: {a: {kind: "+kind+", tls: "+text+"}"+
				map[string]string{"backend": "}", "reverse-proxy, to: b": ", b: {kind: backend}}"}[kind]))
			require.NoError(t, err, text)
			require.Equal(t, want, top.Nodes[0].TLS, text)
			text, err := json.Marshal(top) // as nodes' processes get it
			require.NoError(t, err)
			back := new(Topology)
			require.NoError(t, json.Unmarshal(text, back))
			require.Equal(t, top, back)
		}
	}
}

func TestUpstream(t *testing.T) {
	top, err := Parse("f", []byte(`
name: x
entry: a
nodes:
  a: {kind: gateway, upstream: {ca: testdata/authority.pem, name: b.test}, to: b}
  b: {kind: backend, tls: {self-signed: b.test}}
`))
	require.NoError(t, err)
	require.Equal(t, &Upstream{Authority: "testdata/authority.pem", Name: "b.test"}, top.Node("a").Upstream)
	require.Nil(t, top.Node("b").Upstream)
}

func TestUpstreamHTTP2(t *testing.T) {
	top, err := Parse("f", []byte(`
name: x
entry: a
nodes:
  a: {kind: gateway, upstream: {http: 2}, to: [b, c, d]}
  b: {kind: load-balancer, upstream: {http: 1.1}, to: e}
  c: {kind: backend, tls: self-signed}
  d: {kind: external, to: "http://127.0.0.1:1"}
  e: {kind: backend}
`))
	require.NoError(t, err)
	require.Equal(t, &Upstream{HTTP2: true}, top.Node("a").Upstream)
	require.Equal(t, &Upstream{}, top.Node("b").Upstream)
	for name, want := range map[string]*HTTP2{"a": nil, "b": {128, 64 << 10}, "c": nil, "d": nil, "e": nil} {
		require.Equal(t, want, top.Node(name).H2C, name)
	}
}
