package sim

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// TestRequestsAreConserved plays random systems in random weather: every
// arrival has exactly one outcome, within its client's patience, and no
// connection, call or frame is lost or counted twice.
func TestRequestsAreConserved(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			c := anyCase(seed)
			w, err := newWorld(c, anyCosts(seed), site(c, anyCosts(seed)))
			require.NoError(t, err)
			require.NoError(t, w.play(context.Background()))
			checkSamples(t, w)
			checkPools(t, w)
			checkCalls(t, w)
		})
	}
}

func checkSamples(t *testing.T, w *world) {
	var open []measure.Sample
	free := map[int]time.Duration{} // when each client of a closed stream has its outcome
	for _, s := range w.clients.samples {
		client, closed := scenarios.ClientOf(s.Number)
		if !closed {
			open = append(open, s)
			continue
		}
		require.GreaterOrEqual(t, s.At, free[client], "a client asks for one thing at a time")
		free[client] = s.At + s.Latency
	}
	i := 0
	for a := range w.c.Arrivals() {
		require.Equal(t, a.Number, open[i].Number)
		require.Equal(t, a.At, open[i].At)
		i++
	}
	require.Len(t, open, i)
	for _, s := range w.clients.samples {
		require.GreaterOrEqual(t, s.Latency, time.Duration(0))
		require.LessOrEqual(t, s.Latency, w.c.Variant.Timeout)
		require.NotEqual(t, policy.Canceled, s.Reason)
		if s.Reason == policy.Timeout && s.Status == 0 {
			require.Equal(t, w.c.Variant.Timeout, s.Latency)
		}
		if s.Status == 0 {
			require.True(t, s.Reason.Broke(), "request %d: no answer, and no reason", s.Number)
		}
	}
	require.Zero(t, w.clients.open)
}

func checkPools(t *testing.T, w *world) {
	for _, p := range w.places {
		for _, in := range p.inbound {
			require.GreaterOrEqual(t, in.busy, 0)
			require.GreaterOrEqual(t, in.idle, 0)
			if in.limit > 0 {
				require.LessOrEqual(t, in.busy+in.idle, in.limit)
			}
		}
	}
}

func checkCalls(t *testing.T, w *world) {
	atWork, holding := 0, 0
	for _, p := range w.places {
		for _, f := range p.frames {
			atWork += len(f.calls)
			for _, c := range f.calls {
				if c.holds {
					holding++
				}
			}
		}
	}
	wanted := 0
	for _, c := range w.calls {
		if c.pool != nil && !c.over {
			wanted++
		}
	}
	require.Equal(t, atWork, wanted, "calls that nobody owns")
	busy := 0
	for _, p := range w.places {
		for _, in := range p.inbound {
			busy += in.busy
		}
	}
	require.Equal(t, holding, busy, "connections that nobody holds")
}

// TestTheSameCaseGivesTheSameRun whatever the number of processors.
func TestTheSameCaseGivesTheSameRun(t *testing.T) {
	for seed := range uint64(8) {
		first, err := Run(context.Background(), anyCase(seed), DefaultCosts())
		require.NoError(t, err)
		was := runtime.GOMAXPROCS(1)
		second, err := Run(context.Background(), anyCase(seed), DefaultCosts())
		runtime.GOMAXPROCS(was)
		require.NoError(t, err)
		require.Equal(t, first, second)
	}
}

// anyCase draws a small system, a load and weather.
func anyCase(seed uint64) *scenarios.Case {
	r := rand.New(rand.NewPCG(seed, 0))
	top := anyTopology(r)
	c := steady(top, time.Second/time.Duration(200+r.IntN(800)), 200+r.IntN(800))
	c.Seed = seed
	c.Variant.Load.Streams[0].Poisson = true
	c.Variant.Load.Streams[0].Mix = []scenarios.Ask{
		{Share: .8, Method: "GET", Path: scenarios.Template{Before: "/products/", Law: "zipf", Keys: 50, Skew: 1}, Clients: 5, Class: "read"},
		{Share: .2, Method: "POST", Path: scenarios.Template{Before: "/orders"}, Body: 100, Clients: 5, Class: "write"},
	}
	c.Variant.Timeout = time.Duration(20+r.IntN(300)) * ms
	if seed%3 == 0 {
		closed := looping(1+r.IntN(20), topologies.Distribution{Law: "exponential", Mean: time.Duration(r.IntN(50)) * ms}, c.Duration())
		closed.Mix = c.Variant.Load.Streams[0].Mix
		c.Variant.Load.Streams = append(c.Variant.Load.Streams, closed)
	}
	c.Variant.Warmup = c.Duration() / 10
	for range r.IntN(4) {
		c.Variant.Faults = append(c.Variant.Faults, anyFault(r, top, c.Duration()))
	}
	if r.IntN(3) == 0 {
		c.Variant.Faults = append(c.Variant.Faults, scenarios.Fault{
			At: c.Duration() / 2, On: []topologies.Place{"cdn"}, Purge: scenarios.Purge{Path: "/products/1*"}})
	}
	return c
}

func anyTopology(r *rand.Rand) *topologies.Topology {
	top := chain("cdn", "lb", "api")
	cdn, lb, api := top.Nodes[0], top.Nodes[1], top.Nodes[2]
	cdn.Kind, lb.Kind = topologies.CDN, topologies.LoadBalancer
	cdn.Cache = anyCache(r)
	cdn.Connections, lb.Connections = 1+r.IntN(20), 1+r.IntN(20)
	cdn.Retry.Tries, lb.Retry.Tries = 1, 1+r.IntN(3)
	cdn.Pick.Name = "round-robin"
	lb.Pick.Name = slices.Sorted(maps.Keys(policy.Pickers))[r.IntN(len(policy.Pickers))]
	lb.Timeout = topologies.Timeouts{Connect: time.Duration(r.IntN(20)) * ms, Response: time.Duration(r.IntN(50)) * ms}
	if r.IntN(2) == 0 {
		lb.Health = &topologies.Health{Every: 50 * ms, Timeout: 20 * ms, Path: "/healthz", DownAfter: 2, UpAfter: 2}
	}
	anyGuards(r, lb, api)
	api.Replicas, api.Numbered = 1+r.IntN(4), true
	anyMembers(r, lb, api)
	api.Workers, api.Queue, api.Response = 1+r.IntN(4), r.IntN(20), 1000
	api.ServiceTime = topologies.Distribution{Law: "exponential", Mean: time.Duration(1+r.IntN(8)) * ms}
	api.CacheControl = []topologies.PathValue{{Path: "/products/*", Value: "max-age=1"}}
	return top
}

func anyCache(r *rand.Rand) *topologies.Cache {
	name := slices.Sorted(maps.Keys(policy.Evictions))[r.IntN(len(policy.Evictions))]
	return &topologies.Cache{
		Capacity: 20_000,
		Collapse: r.IntN(2) == 0,
		Evict:    policy.Choice{Name: name, Params: policy.Evictions[name].Params(nil)},
		Stale: topologies.Stale{
			WhileRevalidate: time.Duration(r.IntN(2)) * 300 * ms,
			IfError:         time.Duration(r.IntN(2)) * time.Second,
		},
		Negative: time.Duration(r.IntN(2)) * 100 * ms,
	}
}

// anyMembers draws from all that decides who is in the pool.
func anyMembers(r *rand.Rand, lb, api *topologies.Node) {
	coin := func() bool { return r.IntN(3) == 0 }
	told := func(name string, given policy.Params) policy.Params { return policy.Memberships[name].Params(given) }
	span := func(d time.Duration) policy.Param { return policy.Param{Number: float64(d)} }
	if coin() {
		lb.Ejection = told("ejection", policy.Params{"failures": {Number: float64(1 + r.IntN(4))}, "interval": span(50 * ms),
			"base": span(80 * ms), "share": {Number: r.Float64()}, "hosts": {Number: 2}, "requests": {Number: 3}})
	}
	if coin() {
		lb.Panic = told("panic", nil)
	}
	if coin() {
		lb.SlowStart = told("slow-start", policy.Params{"window": span(200 * ms)})
	}
	if coin() {
		lb.Zones, lb.ZoneAware = []string{"a"}, told("zone-aware", policy.Params{"hosts": {Number: 2}})
	}
	for range api.Replicas {
		api.Weights = append(api.Weights, 1+r.IntN(5))
		api.Zones = append(api.Zones, string(rune('a'+r.IntN(3))))
	}
	lb.Subset = r.IntN(4)
	if coin() {
		lb.Sticky = "lab"
	}
}

// anyGuards draws from all that is done against harm. The zero value of each is
// to do nothing.
func anyGuards(r *rand.Rand, lb, api *topologies.Node) {
	coin := func() bool { return r.IntN(3) == 0 }
	budget := &topologies.Budget{Share: .2, Reserve: float64(r.IntN(20)), Window: time.Second}
	if coin() {
		lb.Retry = topologies.Retry{Tries: 1 + r.IntN(4), On: []string{"5xx", "timeout"}, Base: 3 * ms, Cap: 20 * ms, Budget: budget}
	}
	if coin() {
		lb.Breaker = &topologies.Breaker{Consecutive: 1 + r.IntN(5), Ratio: .5, Window: time.Second, Least: 5, OpenFor: 50 * ms, Probes: 1 + r.IntN(3)}
	}
	if coin() {
		lb.Hedge = &topologies.Hedge{After: time.Duration(r.IntN(2)*(1+r.IntN(9))) * ms, Quantile: .9, Budget: budget}
	}
	if coin() {
		lb.Timeout.Total, lb.Timeout.Propagate = 40*ms, r.IntN(2) == 0
	}
	if coin() {
		lb.Fallback = &topologies.Fallback{Status: 200, Body: "later"}
	}
	if coin() {
		lb.Concurrency = &topologies.Concurrency{Queue: r.IntN(9), By: "route", Order: []string{"*"}}
		lb.Concurrency.Limit.Name = []string{"fixed", "aimd", "gradient2"}[r.IntN(3)]
		lb.Concurrency.Limit.Params = policy.Params{"limit": {Number: 5}, "initial": {Number: 5}, "min": {Number: 1}}
	}
	api.Order.Name = []string{"fifo", "lifo", "adaptive-lifo", "codel"}[r.IntN(4)]
	api.Sharing, api.DropExpired = coin(), coin()
}

func anyFault(r *rand.Rand, top *topologies.Topology, end time.Duration) scenarios.Fault {
	places := top.Places()
	f := scenarios.Fault{
		At:  time.Duration(r.Int64N(int64(end))),
		For: time.Duration(r.Int64N(int64(end / 2))),
		On:  []topologies.Place{places[r.IntN(len(places))]},
	}
	switch r.IntN(5) {
	case 4:
		f.Drain = true
	case 0:
		f.Crash = true
	case 1:
		f.Freeze = true
	case 2:
		f.Slow = 5
	default:
		f.Errors = .3
	}
	return f
}

func anyCosts(seed uint64) Costs {
	if seed%2 == 0 {
		return Costs{}
	}
	return DefaultCosts()
}
