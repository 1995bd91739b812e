package sim

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// bare is the yardstick of the benchmarks: a typed event loop written for one
// thing, a chain of proxies before a pool of single workers. It draws the same
// arrivals and times of service, asks the same policy and keeps the same
// samples, and has none of what makes a simulator: no handlers, headers,
// connections, deadlines, faults or counters.
type bare struct {
	c       *scenarios.Case
	clock   clock
	picker  policy.Picker
	line    int // of a visit to a proxy; -1: takes no time
	hops    int
	service topologies.Distribution
	samples []measure.Sample
	servers []bareServer
	behind  []int32 // by request: who waits behind it, plus 1
	passed  []int   // how many requests have passed each proxy
}

// bareServer is who is first and last at a server, plus 1; 0: nobody.
type bareServer struct{ first, last int32 }

// What an event of the bare loop is about: a proxy that has passed a request
// on, in the order in which they came, or a server that has finished.
const (
	bareHop kind = iota
	bareDone
)

func newBare(c *scenarios.Case, costs Costs, n int) *bare {
	nodes := c.Variant.Topology.Nodes
	api := nodes[len(nodes)-1]
	b := &bare{c: c, hops: len(nodes) - 1, service: api.ServiceTime, samples: make([]measure.Sample, 0, n+n/16+16)}
	clear(b.samples[:cap(b.samples)]) // so that their pages are there, as they are for the run that it is held against
	b.servers, b.behind = make([]bareServer, len(api.Places())), make([]int32, cap(b.samples))
	b.passed = make([]int, b.hops)
	b.picker = policy.Pickers[cmp.Or(nodes[0].Pick.Name, "least-connections")].New(policy.Pool{Names: make([]string, len(b.servers))}, nil, rand.New(rand.NewPCG(1, 2)))
	b.line = -1
	if visit := costs.Visit[topologies.LoadBalancer]; visit > 0 {
		b.line = b.clock.line(visit)
	}
	return b
}

func (b *bare) play() {
	for a := range b.c.Arrivals() {
		for {
			e, ok := b.clock.pop(a.At)
			if !ok {
				break
			}
			b.dispatch(e)
		}
		b.clock.now = a.At
		b.samples = b.samples[:a.Number+1]
		s := &b.samples[a.Number]
		s.Number, s.At, s.Class = a.Number, a.At, a.Class
		b.hop(int(a.Number), 0)
	}
	for {
		e, ok := b.clock.pop(math.MaxInt64)
		if !ok {
			break
		}
		b.dispatch(e)
	}
}

func (b *bare) dispatch(e event) {
	switch slot := e.slot(); e.kind() {
	case bareHop:
		request := b.passed[slot]
		b.passed[slot]++
		b.hop(request, slot+1)
	case bareDone:
		b.done(slot)
	}
}

// hop passes the next proxy, if there is one left.
func (b *bare) hop(request, passed int) {
	if passed < b.hops && b.line >= 0 {
		b.clock.after(b.line, bareHop, passed)
		return
	}
	i, _ := b.picker.Pick(b.clock.now, 0, nil)
	b.picker.Started(i)
	server, who := &b.servers[i], int32(request)+1
	if server.first == 0 {
		server.first = who
		b.begin(i)
	} else {
		b.behind[server.last-1] = who
	}
	server.last = who
}

func (b *bare) begin(i int) {
	request := uint64(b.servers[i].first - 1)
	work := b.service.Quantile(scenarios.Unit(scenarios.Mix(1, request)))
	b.clock.at(b.clock.now+work, bareDone, i)
}

func (b *bare) done(i int) {
	server := &b.servers[i]
	s := &b.samples[server.first-1]
	s.Status, s.Latency = 200, b.clock.now-s.At
	b.picker.Done(b.clock.now, i, policy.Outcome{Latency: s.Latency})
	if server.first = b.behind[server.first-1]; server.first > 0 {
		b.begin(i)
	}
}

// TestTheYardstickIsRight holds the bare loop against M/M/1.
func TestTheYardstickIsRight(t *testing.T) {
	b := newBare(poisson(queue{1, .5}, 200_000, 1), Costs{}, 200_000)
	b.play()
	sum := 0.0
	for _, s := range b.samples {
		sum += s.Latency.Seconds() * 1000
	}
	require.InDelta(t, queue{1, .5}.mean(), sum/float64(len(b.samples)), .05)
}

func BenchmarkBare(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			loop := newBare(balanced(n, b.N), Costs{}, b.N)
			b.ResetTimer()
			before := processorTime()
			loop.play()
			b.ReportMetric(float64(b.N)/(processorTime()-before).Seconds(), "bare/cpu-s")
		})
	}
}
