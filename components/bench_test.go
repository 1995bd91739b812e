package components

import (
	"net/netip"
	"testing"
	"time"

	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// instant is an exchange in which nothing takes time, so that a benchmark
// measures the handler alone.
type instant struct {
	now  time.Duration
	call instantCall
	hop  Hop
	body Body
}

var never = newEvent()

func (x *instant) Now() time.Duration              { return x.now }
func (x *instant) Date() time.Time                 { return time.Time{}.Add(x.now) }
func (x *instant) Canceled() Event                 { return never }
func (x *instant) NewSignal() Signal               { return newEvent() }
func (x *instant) Background(func(Exchange) Steps) {}
func (x *instant) Reply(Response)                  {}
func (x *instant) Recycle(Signal)                  {}
func (x *instant) Hop() *Hop                       { return &x.hop }
func (x *instant) Start(*Hop) Call                 { return &x.call }
func (x *instant) Wait(until time.Duration, on ...Event) int {
	for i, e := range on {
		if e.Fired() {
			return i
		}
	}
	return -1
}

func (x *instant) Forward(_ Call, _ Response, _ int64, keep func(Body)) policy.Reason {
	if keep != nil {
		keep(x.body)
	}
	return policy.OK
}

type instantCall struct{ head Head }

func (*instantCall) Fired() bool                   { return true }
func (*instantCall) Cancel()                       {}
func (c *instantCall) Head() (Head, policy.Reason) { return c.head, policy.OK }

// BenchmarkOpen measures one request through each kind of component.
func BenchmarkOpen(b *testing.B) {
	products := []topologies.Route{{Path: "/products/*"}, {Path: "/orders", Methods: []string{"POST"}}}
	for _, bench := range []struct {
		name string
		node topologies.Node
	}{
		{"backend", topologies.Node{Kind: topologies.Backend, Workers: 4, Queue: 64,
			ServiceTime: topologies.Distribution{Law: "lognormal", Median: 5 * ms, P99: 30 * ms}}},
		{"reverse-proxy", topologies.Node{}},
		{"load-balancer", topologies.Node{Pick: policy.Choice{Name: "p2c"}, Retry: topologies.Retry{Tries: 2}}},
		{"gateway", topologies.Node{Keys: map[string]string{"alice": "k-alice-1", "bob": "k-bob-1"}, Routes: products,
			Limits: oneLimit("consumer", 1e9, 1e9)}},
		{"cdn-hit", caching(true)},
		{"cdn-miss", caching(true)},
	} {
		b.Run(bench.name, func(b *testing.B) { benchmarkOpen(b, bench.node, bench.name == "cdn-miss") })
	}
}

func benchmarkOpen(b *testing.B, node topologies.Node, fresh bool) {
	top := proxyTopology(node)
	component := New(&scenarios.Case{Seed: 1, Variant: scenarios.Variant{Topology: top}}, "edge")
	x := &instant{body: Body{Size: 1000}}
	x.call.head = Head{Status: 200, Size: x.body.Size, Header: Header{
		{"Content-Type", "application/json"}, {"Cache-Control", "public, max-age=60"}}}
	req := Request{Method: "GET", Host: "shop", Path: "/products/17", Peer: netip.MustParseAddr("127.0.0.1"), Lasting: true,
		Header: Header{{"X-Api-Key", "k-bob-1"}, {"X-Forwarded-For", "10.0.0.1"}}}
	var steps Steps
	b.ReportAllocs()
	for i := range b.N {
		req.Number = uint64(i)
		x.now = time.Duration(i) * time.Microsecond
		if fresh {
			x.now = time.Duration(i) * time.Hour
		}
		steps = component.Open(x, &req, steps)
		Play(x, steps)
	}
}
