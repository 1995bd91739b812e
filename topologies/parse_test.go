package topologies

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"flag"
	"maps"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
	"trafficlab/topologies/strict"
)

var update = flag.Bool("update", false, "write the golden files anew")

// registries stand in golden files by a word, so that a new policy changes none
// of them.
var registries = strings.NewReplacer(
	namesIn(policy.Pickers), "{pickers}",
	pickersThat(weighs), "{pickers that weigh}",
	pickersThat(ramps), "{pickers that weigh while weights change}",
	namesIn(policy.Evictions), "{evictions}",
	namesIn(policy.Concurrencies), "{concurrencies}",
)

func namesIn[K any](registry map[string]K) string {
	return list(slices.Sorted(maps.Keys(registry)))
}

// Each file of testdata holds mistakes of a class; beside it stands what is
// said about them.
func TestMistakes(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			_, err = Parse(filepath.Base(file), data)
			require.IsType(t, strict.Problems{}, err)
			said := registries.Replace(err.Error() + "\n")
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(said), 0o644))
			}
			want, readErr := os.ReadFile(golden)
			require.NoError(t, readErr)
			require.Equal(t, string(want), said)
		})
	}
}

func TestAnUnknownFieldIsToldAllOthers(t *testing.T) {
	_, err := Parse("f", []byte("name: x\nentry: a\nnodes: {a: {kind: backend, quite-unlike-any-other: 1}}"))
	for _, field := range slices.Concat(everyField, proxyField, backendField) {
		require.ErrorContains(t, err, field)
	}
	require.NotContains(t, err.Error(), "…")
}

func TestDefaultsByKind(t *testing.T) {
	top, err := Parse("f", []byte(`
name: defaults
entry: cdn
nodes:
  cdn: {kind: cdn, to: gateway}
  gateway: {kind: gateway, keys: {alice: k}, limit: {rate: 2.5/s}, to: lb}
  lb: {kind: load-balancer, to: [api, one]}
  api: {kind: backend, replicas: 2}
  one: {kind: reverse-proxy, cache: {}, health: {every: 100ms}, to: ext}
  ext: {kind: external, to: "http://[::1]:8080"}
`))
	require.NoError(t, err)
	cdn, gateway, lb, api, one := top.Node("cdn"), top.Node("gateway"), top.Node("lb"), top.Node("api"), top.Node("one")
	require.Equal(t, &Cache{Capacity: 64 << 20, Evict: policy.Choice{Name: "lru"}, Collapse: true}, cdn.Cache)
	require.Nil(t, gateway.Cache)
	require.Equal(t, []Limit{{By: "consumer", Algorithm: policy.Choice{Name: "token-bucket",
		Params: policy.Params{"rate": {Number: 2.5}, "burst": {Number: 3}}}}}, gateway.Limits)
	require.Nil(t, gateway.Health)
	require.Equal(t, 1, gateway.Retry.Tries)
	require.Equal(t, &Health{500 * time.Millisecond, 0, 250 * time.Millisecond, "/healthz", 2, 2}, lb.Health)
	require.Equal(t, &Health{100 * time.Millisecond, 0, 100 * time.Millisecond, "/healthz", 2, 2}, one.Health)
	require.Equal(t, 2, lb.Retry.Tries)
	require.Equal(t, Timeouts{Connect: time.Second, Response: 5 * time.Second}, lb.Timeout)
	require.Equal(t, 128, lb.Connections)
	require.Equal(t, "round-robin", lb.Pick.Name)
	require.Equal(t, []string{"127.0.0.0/8", "::1/128"}, lb.Trust)
	require.Equal(t, []Place{"api[0]", "api[1]", "one"}, top.Pool(lb.To))
	require.Equal(t, Distribution{Law: "constant", Mean: time.Millisecond}, api.ServiceTime)
	require.Equal(t, []int{4, 64, 1024}, []int{api.Workers, api.Queue, int(api.Response)})
	require.Zero(t, api.Connections, "a backend has no use for it")
	require.Equal(t, "http://[::1]:8080", top.Node("ext").URL)
}

func TestOffTurnsADefaultOff(t *testing.T) {
	top, err := Parse("f", []byte(`
name: off
entry: cdn
nodes:
  cdn: {kind: cdn, cache: off, tls: off, compress: off, keys: off, limit: off, timeout: {connect: off, response: off}, trust: off, to: lb}
  lb: {kind: load-balancer, health: off, retry: off, to: api}
  api: {kind: backend}
`))
	require.NoError(t, err)
	cdn, lb := top.Node("cdn"), top.Node("lb")
	require.Nil(t, cdn.Cache)
	require.Nil(t, cdn.TLS)
	require.Nil(t, cdn.Compress)
	require.Nil(t, cdn.Keys)
	require.Nil(t, cdn.Limits)
	require.Nil(t, cdn.Trust)
	require.Zero(t, cdn.Timeout)
	require.Nil(t, lb.Health)
	require.Equal(t, 1, lb.Retry.Tries)
}

func TestFormsOfServiceTime(t *testing.T) {
	for text, want := range map[string]Distribution{
		"5ms":                                     {Law: "constant", Mean: 5 * time.Millisecond},
		"{constant: 5ms}":                         {Law: "constant", Mean: 5 * time.Millisecond},
		"{exponential: 5ms}":                      {Law: "exponential", Mean: 5 * time.Millisecond},
		"{lognormal: {median: 5ms, p99: 30ms}}":   {Law: "lognormal", Median: 5 * time.Millisecond, P99: 30 * time.Millisecond},
		"{uniform: {from: 1ms, to: 9ms}}":         {Law: "uniform", Low: time.Millisecond, High: 9 * time.Millisecond},
		"{uniform: {from: 3ms, to: 3ms}}":         {Law: "uniform", Low: 3 * time.Millisecond, High: 3 * time.Millisecond},
		"{lognormal: {median: 5ms, p99: 5000us}}": {Law: "lognormal", Median: 5 * time.Millisecond, P99: 5 * time.Millisecond},
	} {
		top, err := Parse("f", []byte("name: x\nentry: a\nnodes: {a: {kind: backend, service-time: "+text+"}}"))
		require.NoError(t, err, text)
		require.Equal(t, want, top.Nodes[0].ServiceTime, text)
	}
}

func TestQuantilesInvertTheLaws(t *testing.T) {
	ms := func(x float64) time.Duration { return time.Duration(x * 1e6) }
	lognormal := Distribution{Law: "lognormal", Median: ms(5), P99: ms(30)}
	exponential := Distribution{Law: "exponential", Mean: ms(10)}
	uniform := Distribution{Law: "uniform", Low: ms(1), High: ms(9)}
	for _, c := range []struct {
		d    Distribution
		u    float64
		want time.Duration
	}{
		{lognormal, 0.5, ms(5)}, {lognormal, 0.99, ms(30)}, {lognormal, 0.01, ms(25.0 / 30)},
		{exponential, 0.5, ms(10 * math.Ln2)}, {exponential, 0.99, ms(10 * math.Log(100))},
		{uniform, 0.25, ms(3)}, {uniform, 0.5, ms(5)},
		{Distribution{Law: "constant", Mean: ms(7)}, 0.3, ms(7)},
		{Distribution{}, 0.3, 0},
	} {
		require.InDelta(t, float64(c.want), float64(c.d.Quantile(c.u)), 2, "%s at %g", c.d.Law, c.u)
	}
	for _, d := range []Distribution{lognormal, exponential, uniform} {
		sum, n, last := 0.0, 200_000, time.Duration(-1)
		for i := range n {
			q := d.Quantile((float64(i) + 0.5) / float64(n))
			require.GreaterOrEqual(t, q, last)
			sum, last = sum+float64(q), q
		}
		require.InEpsilon(t, float64(d.Expected()), sum/float64(n), 0.001, d.Law)
		for _, u := range []float64{math.SmallestNonzeroFloat64, 1.0 / (1 << 53), 1 - 1.0/(1<<53)} {
			require.GreaterOrEqual(t, d.Quantile(u), time.Duration(0), "%s at %g", d.Law, u)
		}
	}
}

func TestTopologiesRoundTripThroughJSON(t *testing.T) {
	for _, name := range Shipped() {
		top, err := Load(name, "")
		require.NoError(t, err)
		text, err := json.Marshal(top)
		require.NoError(t, err)
		var back Topology
		require.NoError(t, json.Unmarshal(text, &back))
		require.Equal(t, top, &back)
	}
}

func TestFind(t *testing.T) {
	_, err := Load("gateway-bl", "")
	require.EqualError(t, err, `no topology is named "gateway-bl" (did you mean "gateway-lb"?; a file is named with its folder or its .yaml)`)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mine.yaml"), []byte("name: mine\nentry: a\nnodes: {a: {kind: backend}}\n"), 0o644))
	top, err := Load("mine.yaml", dir)
	require.NoError(t, err)
	require.Equal(t, "mine", top.Name)
	_, err = Load("mine", dir)
	require.Error(t, err, "a bare word is a shipped one")
	_, err = Load("gone.yaml", dir)
	require.EqualError(t, err, "read "+filepath.Join(dir, "gone.yaml")+": no such file or directory")
}

func FuzzParse(f *testing.F) {
	for _, name := range Shipped() {
		_, data, err := Find(name, "")
		require.NoError(f, err)
		f.Add(string(data))
	}
	files, _ := filepath.Glob("testdata/*.yaml")
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(string(data))
	}
	f.Fuzz(func(t *testing.T, text string) {
		top, err := Parse("f", []byte(text))
		if err == nil { // a sound topology can be walked
			top.Places()
			for _, n := range top.Nodes {
				top.Pool(n.Upstreams())
				n.ServiceTime.Quantile(0.99)
			}
			return
		}
		for _, p := range err.(strict.Problems) {
			require.Positive(t, p.Line)
			require.NotEmpty(t, p.Wrong)
		}
	})
}

func TestCertificatesAreSeenFromTheFile(t *testing.T) {
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	plate := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, plate, plate, &key.PublicKey, key)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	write := func(name, kind string, data []byte) {
		text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data})
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	write("a.pem", "CERTIFICATE", der)
	write("a.key", "PRIVATE KEY", keyDER)
	top, err := Parse(filepath.Join(dir, "t.yaml"), []byte(
		"name: x\nentry: a\nnodes: {a: {kind: reverse-proxy, tls: {certificate: a.pem, key: a.key}, to: b}, b: {kind: backend}}"))
	require.NoError(t, err)
	require.Equal(t, []Certificate{{filepath.Join(dir, "a.pem"), filepath.Join(dir, "a.key")}}, top.Node("a").TLS.Certificates)
}

func TestResilience(t *testing.T) {
	top, err := Parse("f", []byte(`
name: resilience
entry: a
nodes:
  a: {kind: load-balancer, retry: {tries: 3, on: [refused, 5xx], backoff: {base: 10ms}, budget: 20%}, breaker: {ratio: 50%, open-for: 2s}, hedge: {quantile: 95%, budget: {share: 5%, reserve: 0}}, to: b}
  b: {kind: load-balancer, retry: {backoff: off}, breaker: {}, hedge: {after: 50ms}, fallback: {body: later}, timeout: {total: 2s, propagate: true}, to: [c, d]}
  c: {kind: backend, queue: {bound: 7, order: {codel: {target: 2ms}}}, drop-expired: true}
  d: {kind: backend, queue: 9, sharing: true, echo: true}
`))
	require.NoError(t, err)
	a, b, c, d := top.Node("a"), top.Node("b"), top.Node("c"), top.Node("d")
	require.Equal(t, Retry{
		Tries: 3, On: []string{"refused", "5xx"}, Base: 10 * time.Millisecond, Cap: 250 * time.Millisecond,
		Budget: &Budget{.2, 10, 10 * time.Second},
	}, a.Retry)
	require.Equal(t, &Breaker{0, .5, 10 * time.Second, 20, 2 * time.Second, 1}, a.Breaker)
	require.Equal(t, &Hedge{0, .95, &Budget{.05, 0, 10 * time.Second}}, a.Hedge)
	require.Equal(t, Retry{Tries: 2}, b.Retry)
	require.Equal(t, &Breaker{5, 0, 10 * time.Second, 20, 5 * time.Second, 1}, b.Breaker)
	require.Equal(t, 50*time.Millisecond, b.Hedge.After)
	require.Equal(t, &Fallback{200, "later"}, b.Fallback)
	require.Equal(t, Timeouts{time.Second, 5 * time.Second, 2 * time.Second, true}, b.Timeout)
	require.Equal(t, 7, c.Queue)
	require.Equal(t, "codel", c.Order.Name)
	require.Equal(t, 2*time.Millisecond, c.Order.Params.Duration("target"))
	require.True(t, c.DropExpired)
	require.True(t, d.Sharing)
	require.True(t, d.Echo)
	require.False(t, c.Echo)
	require.Equal(t, 9, d.Queue)
	text, err := json.Marshal(top) // as nodes' processes get it
	require.NoError(t, err)
	back := new(Topology)
	require.NoError(t, json.Unmarshal(text, back))
	require.Equal(t, top, back)
}

func TestConcurrency(t *testing.T) {
	for text, want := range map[string]*Concurrency{
		"off":                   nil,
		"{limit: 7}":            {Limit: policy.Choice{Name: "fixed", Params: policy.Params{"limit": {Number: 7}}}},
		"{limit: fixed}":        {Limit: policy.Choice{Name: "fixed", Params: policy.Params{"limit": {Number: 100}}}},
		"{limit: 7, queue: 64}": {Limit: policy.Choice{Name: "fixed", Params: policy.Params{"limit": {Number: 7}}}, Queue: 64},
		"{limit: 7, queue: 6, by: header x-class, order: [gold, silver]}": {
			Limit: policy.Choice{Name: "fixed", Params: policy.Params{"limit": {Number: 7}}}, Queue: 6,
			By: "header X-Class", Order: []string{"gold", "silver"}},
	} {
		top, err := Parse("f", []byte("name: x\nentry: a\nnodes: {a: {kind: gateway, to: b, concurrency: "+text+"}, b: {kind: backend}}"))
		require.NoError(t, err, text)
		require.Equal(t, want, top.Nodes[0].Concurrency, text)
	}
	top, err := Parse("f", []byte("name: x\nentry: a\nnodes: {a: {kind: gateway, to: b, concurrency: {limit: {aimd: {min: 5}}}}, b: {kind: backend}}"))
	require.NoError(t, err)
	limit := top.Nodes[0].Concurrency.Limit
	require.Equal(t, "aimd", limit.Name)
	require.Equal(t, []int{5, 200, 20}, []int{limit.Params.Int("min"), limit.Params.Int("max"), limit.Params.Int("initial")})
}
