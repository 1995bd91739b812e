package topologies

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAuth(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "keys.json"), set(exampleEC), 0o600))
	hash := "$2a$04$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"
	top, err := Parse(filepath.Join(dir, "f"), []byte(`
name: auth
entry: a
nodes:
  a:
    kind: gateway
    keys: {alice: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08}
    auth:
      key-in: [header x-token, query api-key]
      jwt:
        keys: [{id: s, algorithm: HS256, secret: 0123456789abcdef0123456789abcdef}, {file: keys.json}]
        jwks: {from: issuer}
        issuer: https://issuer.example
        audience: [shop, till]
        leeway: 30s
      basic: {bob: "`+hash+`"}
      certificates: {spiffe://shop/cart: cart}
      groups: {staff: [alice, cart]}
      allow:
        - {anyone: true, path: /public/*}
        - {consumers: bob, groups: [staff], methods: [GET], path: "/orders/{id}"}
        - {scopes: [orders:write], claims: {tier: gold}}
      pass-credentials: true
    limit: {rate: 1/s}
    to: api
  api: {kind: backend}
  issuer: {kind: backend, content: {/.well-known/jwks.json: '`+string(set(exampleEC))+`'}}
`))
	require.NoError(t, err)
	a := top.Node("a")
	require.Equal(t, &Auth{
		KeyIn: []string{"header X-Token", "query api-key"},
		Tokens: &Tokens{
			Keys:   []TokenKey{{ID: "s", Algorithm: "HS256", Secret: "0123456789abcdef0123456789abcdef"}, {Text: string(set(exampleEC))}},
			Set:    &KeySet{"issuer", "/.well-known/jwks.json", 5 * time.Minute},
			Issuer: "https://issuer.example", Audience: []string{"shop", "till"}, Leeway: 30 * time.Second, Consumer: "sub",
		},
		Basic:        map[string]string{"bob": hash},
		Certificates: map[string]string{"spiffe://shop/cart": "cart"},
		Groups:       map[string][]string{"staff": {"alice", "cart"}},
		Allow: []Rule{
			{Anyone: true, Path: "/public/*"},
			{Consumers: []string{"bob"}, Groups: []string{"staff"}, Methods: []string{"GET"}, Path: "/orders/{id}"},
			{Scopes: []string{"orders:write"}, Claims: []PathValue{{"tier", "gold"}}},
		},
		PassCredentials: true,
	}, a.Auth)
	require.Equal(t, []string{"api", "issuer"}, a.Upstreams())
	require.Equal(t, "consumer", a.Limits[0].By)
	require.Equal(t, []PathValue{{"/.well-known/jwks.json", string(set(exampleEC))}}, top.Node("issuer").Content)
	text, err := json.Marshal(top) // as nodes' processes get it
	require.NoError(t, err)
	back := new(Topology)
	require.NoError(t, json.Unmarshal(text, back))
	require.Equal(t, top, back)
}
