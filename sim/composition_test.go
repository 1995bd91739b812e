package sim

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// mix draws a system, a load and weather, all of them legal: what a file could
// say too. It remembers what it has used.
type mix struct {
	*rand.Rand
	top  *topologies.Topology
	used map[string]bool
}

// draws is a source of which the first draws are given, a byte for each: a
// fuzzer that changes a byte changes a choice.
type draws struct {
	given []byte
	rest  *rand.PCG
}

func (c *draws) Uint64() uint64 {
	if len(c.given) == 0 {
		return c.rest.Uint64()
	}
	b := c.given[0]
	c.given = c.given[1:]
	return scenarios.Mix(0, uint64(b))
}

func newMix(seed uint64, given []byte) *mix {
	return &mix{rand.New(&draws{given, rand.NewPCG(seed, 0)}), chain("cdn", "gate", "lb", "api"), map[string]bool{}}
}

// anyCase draws a case.
func anyCase(seed uint64) *scenarios.Case { return newMix(seed, nil).draw(seed) }

func (m *mix) draw(seed uint64) *scenarios.Case {
	m.topology()
	c := steady(m.top, time.Second/time.Duration(200+m.IntN(800)), 100+m.IntN(500))
	c.Seed = seed
	v := &c.Variant
	v.Load.Streams[0].Poisson = m.IntN(4) > 0
	v.Load.Streams[0].Mix = m.asks()
	v.Timeout = time.Duration(20+m.IntN(300)) * ms
	if m.coin() {
		m.used["closed"] = true
		closed := looping(1+m.IntN(10), topologies.Distribution{Law: "exponential", Mean: m.span(5, 50)}, c.Duration())
		closed.Mix = v.Load.Streams[0].Mix
		v.Load.Streams = append(v.Load.Streams, closed)
	}
	if m.coin() {
		v.Warmup = c.Duration() / 10
	}
	for range m.IntN(4) {
		v.Faults = append(v.Faults, m.fault(c.Duration()))
	}
	return c
}

// costs are none, those of one machine, or of many.
func (m *mix) costs() Costs {
	return []Costs{{}, DefaultCosts(), DefaultCosts().Apart()}[m.IntN(3)]
}

func (m *mix) coin() bool { return m.IntN(3) == 0 }

func (m *mix) span(least, most int) time.Duration {
	return time.Duration(least+m.IntN(most-least+1)) * ms
}

// one draws of a registry.
func one[K interface{ Describe() policy.Kind }](m *mix, registry map[string]K) policy.Choice {
	name := slices.Sorted(maps.Keys(registry))[m.IntN(len(registry))]
	m.used[name] = true
	return policy.Choice{Name: name, Params: m.params(registry[name].Describe())}
}

// params tells a kind some of what it may be told. What is small keeps runs
// short and makes things happen in them.
func (m *mix) params(k policy.Kind) policy.Params {
	given := policy.Params{}
	for _, p := range k.Parameters {
		if m.coin() {
			continue
		}
		low, high := p.Low, max(p.Low, min(p.High, 8))
		switch p.Form {
		case policy.Span:
			low, high = max(p.Low, 1e6), max(p.Low, min(p.High, 300e6))
		case policy.Rate:
			low, high = 20, 2000
		case policy.Word:
			given[p.Name] = policy.Param{Word: p.Words[m.IntN(len(p.Words))]}
			continue
		case policy.Source:
			given[p.Name] = policy.Param{Word: []string{"address", "path", "header X-Class"}[m.IntN(3)]}
			continue
		}
		x := low + m.Float64()*(high-low)
		if p.Form == policy.Count {
			x = math.Floor(x)
		}
		given[p.Name] = policy.Param{Number: x}
	}
	return k.Params(given)
}

func (m *mix) topology() {
	cdn, gate, lb, api := m.top.Nodes[0], m.top.Nodes[1], m.top.Nodes[2], m.top.Nodes[3]
	cdn.Kind, gate.Kind, lb.Kind = topologies.CDN, topologies.Gateway, topologies.LoadBalancer
	api.Workers, api.Queue, api.Response = 1+m.IntN(4), m.IntN(20), 1000
	api.ServiceTime = topologies.Distribution{Law: "exponential", Mean: m.span(1, 8)}
	api.CacheControl = []topologies.PathValue{{Path: "/products/*", Value: "max-age=1"}}
	api.CacheTag = []topologies.PathValue{{Path: "/products/1*", Value: "ones"}}
	api.Errors = float64(m.IntN(2)) * .05
	api.Order = one(m, policy.Lines)
	api.Replicas, api.Numbered = 1+m.IntN(4), true
	for range api.Replicas {
		api.Weights = append(api.Weights, 1+m.IntN(5))
		api.Zones = append(api.Zones, string(rune('a'+m.IntN(3))))
	}
	cdn.Cache = m.cache()
	for _, n := range m.top.Nodes[:3] {
		m.proxy(n, api)
	}
	if api.Sharing {
		api.Order, api.DropExpired = policy.Choice{Name: "fifo"}, false
	}
}

// proxy dresses a node that hands requests on.
func (m *mix) proxy(n, api *topologies.Node) {
	if m.coin() {
		n.Replicas, n.Numbered = 1+m.IntN(3), true
	}
	n.Pick = one(m, policy.Pickers)
	n.Connections = 1 + m.IntN(20)
	n.Timeout = topologies.Timeouts{Connect: m.span(0, 20), Response: m.span(0, 50)}
	n.Retry.Tries, n.Zones = 1, []string{"a"}
	if m.coin() {
		n.Trust = []string{"127.0.0.0/8"}
	}
	if m.IntN(6) == 0 {
		n.TLS = &topologies.TLS{SelfSigned: true}
	}
	if m.coin() {
		n.Compress = []string{"gzip"}
	}
	if n.Kind == topologies.Gateway && m.coin() {
		n.Keys = map[string]string{"alice": "k-alice", "bob": "k-bob"}
	}
	for _, dress := range []map[string]func(m *mix, n, api *topologies.Node){guards, memberships, limiting, working} {
		for _, name := range slices.Sorted(maps.Keys(dress)) {
			if m.IntN(4) == 0 {
				m.used[name] = true
				dress[name](m, n, api)
			}
		}
	}
	if n.Retry.Cap < n.Retry.Base {
		n.Retry.Cap = n.Retry.Base
	}
	if !policy.Pickers[n.Pick.Name].Ramps {
		n.SlowStart = nil
	}
}

// guards, memberships, limiting, working and caching are how to use what the registries
// of these names hold.
var guards = map[string]func(m *mix, n, api *topologies.Node){
	"retry": func(m *mix, n, _ *topologies.Node) {
		n.Retry.Tries = 1 + m.IntN(4)
		n.Retry.On = [][]string{nil, {"5xx", "timeout"}, {"refused", "reset", "503"}}[m.IntN(3)]
	},
	"backoff": func(m *mix, n, _ *topologies.Node) { n.Retry.Base, n.Retry.Cap = m.span(1, 5), m.span(1, 20) },
	"budget":  func(m *mix, n, _ *topologies.Node) { n.Retry.Budget = m.budget() },
	"breaker": func(m *mix, n, _ *topologies.Node) {
		n.Breaker = &topologies.Breaker{Consecutive: 1 + m.IntN(5), Ratio: float64(m.IntN(2)) * .5, Window: time.Second, Least: 5,
			OpenFor: m.span(1, 50), Probes: 1 + m.IntN(3)}
	},
	"hedge": func(m *mix, n, _ *topologies.Node) {
		n.Hedge = &topologies.Hedge{Quantile: .9}
		if m.coin() {
			n.Hedge = &topologies.Hedge{After: m.span(1, 9)}
		}
		if m.coin() {
			n.Hedge.Budget = m.budget()
		}
	},
	"concurrency": func(m *mix, n, _ *topologies.Node) {
		n.Concurrency = &topologies.Concurrency{Limit: one(m, policy.Concurrencies), Queue: m.IntN(9)}
		if p := n.Concurrency.Limit.Params; p.Number("min") > p.Number("max") {
			p["min"] = p["max"]
		}
		if n.Concurrency.Queue > 0 && m.coin() {
			n.Concurrency.By, n.Concurrency.Order = "header X-Class", []string{"gold", "silver"}
		}
	},
	"fallback": func(m *mix, n, _ *topologies.Node) {
		n.Fallback = &topologies.Fallback{Status: 200 + 303*m.IntN(2), Body: "later"}
	},
	"timeout": func(m *mix, n, _ *topologies.Node) {
		n.Timeout.Total, n.Timeout.Propagate = m.span(5, 80), m.coin()
	},
}

func (m *mix) budget() *topologies.Budget {
	return &topologies.Budget{Share: m.Float64(), Reserve: float64(m.IntN(20)), Window: time.Second}
}

var memberships = map[string]func(m *mix, n, api *topologies.Node){
	"health": func(m *mix, n, _ *topologies.Node) {
		n.Health = &topologies.Health{Every: m.span(20, 60), Jitter: m.Float64(), Timeout: m.span(1, 20), Path: "/healthz",
			DownAfter: 1 + m.IntN(3), UpAfter: 1 + m.IntN(3)}
	},
	"sticky":     func(_ *mix, n, _ *topologies.Node) { n.Sticky = "lab" },
	"subset":     func(m *mix, n, _ *topologies.Node) { n.Subset = 1 + m.IntN(4) },
	"ejection":   func(m *mix, n, _ *topologies.Node) { n.Ejection = m.params(policy.Memberships["ejection"]) },
	"slow-start": func(m *mix, n, _ *topologies.Node) { n.SlowStart = m.params(policy.Memberships["slow-start"]) },
	"zone-aware": func(m *mix, n, _ *topologies.Node) { n.ZoneAware = m.params(policy.Memberships["zone-aware"]) },
	"panic":      func(m *mix, n, _ *topologies.Node) { n.Panic = m.params(policy.Memberships["panic"]) },
}

var limiting = map[string]func(m *mix, n, api *topologies.Node){
	"limit": func(m *mix, n, _ *topologies.Node) { m.limit(n, nil) },
	"quota": func(m *mix, n, _ *topologies.Node) {
		of := policy.Params{"quota": {Number: float64(10 + m.IntN(1000))}, "per": {Word: []string{"hour", "day", "month"}[m.IntN(3)]}}
		n.Limits = append(n.Limits, topologies.Limit{Algorithm: policy.Choice{Name: policy.Quota, Params: of}, By: "address"})
	},
	"shared": func(m *mix, n, _ *topologies.Node) {
		m.limit(n, &topologies.Shared{Open: m.coin(), Timeout: m.span(1, 50)})
	},
}

var working = map[string]func(m *mix, n, api *topologies.Node){
	"queue":        func(m *mix, _, api *topologies.Node) { api.Queue = 1 + m.IntN(40) },
	"sharing":      func(_ *mix, _, api *topologies.Node) { api.Sharing = true },
	"drop-expired": func(_ *mix, _, api *topologies.Node) { api.DropExpired = true },
}

// limit adds a limit that lets a good part of all pass.
func (m *mix) limit(n *topologies.Node, shared *topologies.Shared) {
	l := topologies.Limit{Algorithm: one(m, policy.Limiters), Shared: shared,
		By: []string{"address", "route", "all", "header X-Class"}[m.IntN(4)]}
	if n.Keys != nil {
		l.By = "consumer"
	}
	rate := 50 + float64(m.IntN(1000))
	l.Algorithm.Params["rate"] = policy.Param{Number: rate}
	for name, enough := range map[string]float64{"burst": 1 + rate/20, "window": float64(100 * ms)} {
		if _, takes := l.Algorithm.Params[name]; takes {
			l.Algorithm.Params[name] = policy.Param{Number: enough}
		}
	}
	if m.coin() {
		l.Costs = []topologies.Cost{{Method: "POST", Path: "/orders", Cost: 2}, {Path: "/products/1*", Cost: .5}}
	}
	n.Limits = append(n.Limits, l)
}

var caching = map[string]func(m *mix, c *topologies.Cache){
	"cache": func(m *mix, c *topologies.Cache) {
		c.Collapse = m.coin()
		if m.coin() {
			c.Negative = m.span(1, 100)
		}
	},
	"stale": func(m *mix, c *topologies.Cache) {
		c.Stale = topologies.Stale{WhileRevalidate: m.span(0, 1) * 300, IfError: m.span(0, 1) * 1000}
	},
	"purge": nil, // is a fault
}

func (m *mix) cache() *topologies.Cache {
	c := &topologies.Cache{Capacity: 5000 + int64(m.IntN(30_000)), Evict: one(m, policy.Evictions)}
	for _, name := range slices.Sorted(maps.Keys(caching)) {
		if use := caching[name]; use != nil && m.IntN(2) == 0 {
			m.used[name] = true
			use(m, c)
		}
	}
	return c
}

// asks are some kinds of requests: reads that a cache may keep, and writes.
func (m *mix) asks() []scenarios.Ask {
	header := func(key, class string) []scenarios.HeaderField {
		return []scenarios.HeaderField{{Name: "X-Api-Key", Value: key}, {Name: "X-Class", Value: class}, {Name: "Accept-Encoding", Value: "gzip"}}
	}
	return []scenarios.Ask{
		{Share: .6, Method: "GET", Path: scenarios.Template{Before: "/products/", Law: "zipf", Keys: 1 + m.IntN(100), Skew: 1},
			Clients: 5, Class: "read", Header: header("k-alice", "gold")},
		{Share: .2, Method: "POST", Path: scenarios.Template{Before: "/orders"}, Body: 100, Clients: 5, Class: "write", Header: header("k-bob", "silver")},
		{Share: .2, Method: "GET", Path: scenarios.Template{Before: "/search"}, Clients: 3, Class: "rest", Header: header([]string{"", "k-bob"}[m.IntN(2)], "none")},
	}
}

var faults = map[string]func(m *mix, f *scenarios.Fault){
	"crash":  func(_ *mix, f *scenarios.Fault) { f.Crash = true },
	"freeze": func(_ *mix, f *scenarios.Fault) { f.Freeze = true },
	"slow":   func(m *mix, f *scenarios.Fault) { f.Slow = .5 + 5*m.Float64() },
	"errors": func(m *mix, f *scenarios.Fault) { f.Rule = scenarios.Erring(m.Float64()) },
	"drain":  func(_ *mix, f *scenarios.Fault) { f.Drain = true },
	"restart": func(m *mix, f *scenarios.Fault) {
		f.Grace = 1 + time.Duration(m.Int64N(int64(f.For+1)))
	},
	"certificate": func(_ *mix, f *scenarios.Fault) { f.Expired = true },
	"delay": func(m *mix, f *scenarios.Fault) {
		f.Rule = scenarios.Rule{Share: m.Float64(), First: m.IntN(100), Delay: time.Duration(m.Int64N(int64(time.Second)))}
	},
	"answers": func(m *mix, f *scenarios.Fault) {
		f.On = m.top.Node("api").Places()
		f.Rule = scenarios.Rule{Share: m.Float64(), Answer: []scenarios.Answer{
			{Corrupted: true}, {Truncated: true, After: 100}, {Truncated: true, Rate: 10_000}, {Endless: true},
			{Mislabelled: true}, {Rate: 20_000}, {Corrupted: true, Rate: 100_000},
		}[m.IntN(7)]}
	},
	"link": func(m *mix, f *scenarios.Fault) {
		f.On, f.Link.Only = m.links(), scenarios.Way(m.IntN(3))
		if m.coin() {
			f.Link.Delay = topologies.Distribution{Law: "uniform", Low: 0, High: m.span(1, 60)}
			f.Link.Correlation = m.Float64() / 2
		}
		if m.coin() {
			f.Link.Bandwidth = int64(2000 + m.IntN(1_000_000))
		}
		if m.coin() || f.Kind() == "" {
			f.Link.Loss = m.Float64()
		}
	},
	"cut": func(m *mix, f *scenarios.Fault) {
		f.On, f.Ramp = m.links(), 0
		f.Link.Cut = []scenarios.Cut{scenarios.Reset, scenarios.Refuse, scenarios.BlackHole, scenarios.HalfOpen}[m.IntN(4)]
		if f.Link.Cut == scenarios.BlackHole {
			f.Link.Only = scenarios.Way(m.IntN(3))
		}
	},
	"purge": func(m *mix, f *scenarios.Fault) {
		f.For, f.Purge = 0, []scenarios.Purge{{Path: "/products/1*"}, {Path: "/products/2"}, {Tag: "ones"}}[m.IntN(3)]
		f.On = m.top.Node("cdn").Places()
	},
	"redis gone":   func(_ *mix, f *scenarios.Fault) { f.Crash, f.On = true, []topologies.Place{topologies.Redis} },
	"redis frozen": func(_ *mix, f *scenarios.Fault) { f.Freeze, f.On = true, []topologies.Place{topologies.Redis} },
}

// links are some of the system's, or all between two nodes.
func (m *mix) links() []topologies.Place {
	ends := [][2]string{{"clients", "cdn"}, {"cdn", "gate"}, {"gate", "lb"}, {"lb", "api"}}[m.IntN(4)]
	from := []topologies.Place{topologies.Outside}
	if n := m.top.Node(ends[0]); n != nil {
		from = n.Places()
	}
	var links []topologies.Place
	for _, a := range from {
		for _, b := range m.top.Node(ends[1]).Places() {
			links = append(links, topologies.Link(a, b))
		}
	}
	if m.coin() {
		links = links[:1+m.IntN(len(links))]
	}
	return links
}

func (m *mix) fault(end time.Duration) scenarios.Fault {
	places := m.top.Places()
	f := scenarios.Fault{
		At:  time.Duration(m.Int64N(int64(end))),
		For: time.Duration(m.Int64N(int64(end / 2))),
		On:  []topologies.Place{places[m.IntN(len(places))]},
	}
	if m.coin() { // a whole node
		f.On = m.top.Node(f.On[0].Node()).Places()
	}
	if m.coin() {
		f.Every, f.Times = 2*f.For+1, 1+m.IntN(3)
	}
	if m.coin() {
		f.Stagger, f.Ramp = time.Duration(m.Int64N(int64(end/10))), f.For/2
	}
	name := slices.Sorted(maps.Keys(faults))[m.IntN(len(faults))]
	m.used[name] = true
	faults[name](m, &f)
	return f
}

// TestMixesLeaveNothingOut: what is in a registry is known here, and comes up
// among the seeds that FuzzComposition begins with.
func TestMixesLeaveNothingOut(t *testing.T) {
	used := map[string]bool{}
	for seed := range uint64(compositions) {
		m := newMix(seed, nil)
		m.draw(seed)
		maps.Copy(used, m.used)
	}
	for _, names := range []struct{ known, all []string }{
		{slices.Sorted(maps.Keys(guards)), slices.Sorted(maps.Keys(policy.Guards))},
		{slices.Sorted(maps.Keys(memberships)), slices.Sorted(maps.Keys(policy.Memberships))},
		{slices.Sorted(maps.Keys(limiting)), slices.Sorted(maps.Keys(policy.Limiting))},
		{slices.Sorted(maps.Keys(working)), slices.Sorted(maps.Keys(policy.Working))},
		{slices.Sorted(maps.Keys(caching)), slices.Sorted(maps.Keys(policy.Caching))},
	} {
		require.Equal(t, names.all, names.known)
		require.Subset(t, slices.Collect(maps.Keys(used)), names.all)
	}
	require.Subset(t, slices.Collect(maps.Keys(faults)), scenarios.FaultNames())
	for _, names := range [][]string{
		slices.Collect(maps.Keys(policy.Pickers)), slices.Collect(maps.Keys(policy.Limiters)), slices.Collect(maps.Keys(policy.Lines)),
		slices.Collect(maps.Keys(policy.Evictions)), slices.Collect(maps.Keys(policy.Concurrencies)),
		slices.Collect(maps.Keys(faults)), {"closed"},
	} {
		require.Subset(t, slices.Collect(maps.Keys(used)), names)
	}
}
