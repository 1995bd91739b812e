package sim

import (
	"context"
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/components"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// BenchmarkHost measures the host alone: handlers that do next to nothing, in
// chains of one to four places.
func BenchmarkHost(b *testing.B) {
	names := []string{"a", "b", "c", "d"}
	for tiers := 1; tiers <= len(names); tiers++ {
		b.Run(names[tiers-1], func(b *testing.B) {
			build := func(p topologies.Place) component {
				if next := int(p[0]-'a') + 1; next < tiers {
					return plain{to: topologies.Place(names[next])}
				}
				return plain{}
			}
			measured(b, steady(chain(names[:tiers]...), 100*time.Microsecond, b.N), Costs{}, build)
		})
	}
}

// plain hands requests on, or serves each in a millisecond.
type plain struct{ to topologies.Place }

func (p plain) Use() measure.NodeUse { return measure.NodeUse{} }

func (p plain) Open(x components.Exchange, r *components.Request, used components.Steps) components.Steps {
	s, _ := used.(*plainSteps)
	if s == nil {
		s = new(plainSteps)
	}
	s.x, s.r, s.to = x, r, p.to
	return s
}

type plainSteps struct {
	x    components.Exchange
	r    *components.Request
	to   topologies.Place
	call components.Call
	on   [1]components.Event
	next bool
}

func (s *plainSteps) Step(int) (components.Pause, bool) {
	switch {
	case s.next && s.call != nil:
		head, _ := s.call.Head()
		s.x.Forward(s.call, head.Response(), 0, nil)
	case s.next:
		s.x.Reply(components.Response{Status: 200})
	case s.to != "":
		s.call, s.next = s.x.Start(&components.Hop{To: s.to, Request: *s.r}), true
		s.on[0] = s.call
		return components.Pause{Until: components.Forever, On: s.on[:]}, false
	default:
		s.next = true
		return components.Pause{Until: s.x.Now() + ms}, false
	}
	*s = plainSteps{}
	return components.Pause{}, true
}

// BenchmarkRun measures whole systems, their components included: requests
// simulated per second of wall time and per second of processor time, and how
// many times the processor time of a bare event loop that is.
func BenchmarkRun(b *testing.B) {
	apart := DefaultCosts().Apart()
	for _, one := range []struct {
		name  string
		of    func(n int) *scenarios.Case
		costs Costs
	}{
		{"M/M/1", func(n int) *scenarios.Case { return poisson(queue{1, .8}, n, 1) }, Costs{}},
		{"least-connections over 10", func(n int) *scenarios.Case { return balanced(10, n) }, Costs{}},
		{"least-connections over 10000", func(n int) *scenarios.Case { return balanced(10_000, n) }, Costs{}},
		{"p2c over 10", func(n int) *scenarios.Case { return picked("p2c", 10, n) }, Costs{}},
		{"p2c over 10000", func(n int) *scenarios.Case { return picked("p2c", 10_000, n) }, Costs{}},
		{"least-connections over 10 with costs", func(n int) *scenarios.Case { return balanced(10, n) }, apart},
		{"cdn gateway lb api with costs", fourTiers, apart},
		{"cdn gateway lb api with costs and a waterfall", func(n int) *scenarios.Case { return telling(fourTiers(n)) }, apart},
	} {
		b.Run(one.name, func(b *testing.B) {
			c := one.of(b.N)
			loop := newBare(c, one.costs, b.N)
			before := processorTime()
			loop.play()
			bare := processorTime() - before
			loop = nil
			runtime.GC()
			before = processorTime()
			measured(b, c, one.costs, site(c, one.costs))
			b.ReportMetric((processorTime()-before).Seconds()/bare.Seconds(), "times-bare")
			b.ReportMetric(float64(b.N)/bare.Seconds(), "bare/cpu-s")
		})
	}
}

// BenchmarkGrowth measures what a request costs over more and more backends, and
// how many times what it costs over ten. The load is the same for each backend,
// so that what is under way at once grows with them.
func BenchmarkGrowth(b *testing.B) {
	for _, pick := range []string{"least-connections", "p2c"} {
		ten := 0.0 // seconds of processor time a request
		for _, n := range []int{10, 100, 1000, 10_000} {
			b.Run(fmt.Sprintf("%s over %d", pick, n), func(b *testing.B) {
				c := picked(pick, n, b.N)
				runtime.GC()
				before := processorTime()
				measured(b, c, Costs{}, site(c, Costs{}))
				cost := (processorTime() - before).Seconds() / float64(b.N)
				if n == 10 {
					ten = cost
				}
				b.ReportMetric(cost/ten, "times-ten")
			})
		}
	}
}

// balanced is a balancer over so many backends at 80% load.
func balanced(backends, n int) *scenarios.Case { return picked("least-connections", backends, n) }

func picked(pick string, backends, n int) *scenarios.Case {
	top := chain("lb", "api")
	lb, api := top.Nodes[0], top.Nodes[1]
	lb.Kind, lb.Pick.Name, lb.Connections, lb.Retry.Tries = topologies.LoadBalancer, pick, 256, 1
	work(api, backends)
	return loaded(top, 800*float64(backends), n)
}

// fourTiers is the whole path, with a cache that seldom helps, keys, a limit,
// retries, timeouts and health checks.
func fourTiers(n int) *scenarios.Case {
	top := chain("cdn", "gateway", "lb", "api")
	cdn, gateway, lb, api := top.Nodes[0], top.Nodes[1], top.Nodes[2], top.Nodes[3]
	cdn.Kind, gateway.Kind, lb.Kind = topologies.CDN, topologies.Gateway, topologies.LoadBalancer
	cdn.Cache = &topologies.Cache{Capacity: 1 << 20, Collapse: true}
	gateway.Keys = map[string]string{"alice": "k-alice"}
	gateway.Limits = []topologies.Limit{{By: "consumer", Algorithm: policy.Choice{Name: "token-bucket",
		Params: policy.Params{"rate": {Number: 1e6}, "burst": {Number: 100}}}}}
	for _, proxy := range top.Nodes[:3] {
		proxy.Connections, proxy.Retry.Tries, proxy.Pick.Name = 256, 2, "round-robin"
		proxy.Timeout = topologies.Timeouts{Connect: 100 * ms, Response: time.Second}
	}
	lb.Pick.Name = "least-connections"
	lb.Health = &topologies.Health{Every: 100 * ms, Timeout: 50 * ms, Path: "/healthz", DownAfter: 2, UpAfter: 2}
	work(api, 10)
	return loaded(top, 8000, n)
}

func work(api *topologies.Node, replicas int) {
	api.Replicas, api.Numbered, api.Workers, api.Queue, api.Response = replicas, true, 1, 100, 1024
	api.ServiceTime = topologies.Distribution{Law: "exponential", Mean: ms}
}

func loaded(top *topologies.Topology, rate float64, n int) *scenarios.Case {
	c := steady(top, time.Duration(1e9/rate), n)
	c.Variant.Load.Streams[0].Poisson = true
	c.Variant.Load.Streams[0].Mix[0].Header = []scenarios.HeaderField{{Name: "X-Api-Key", Value: "k-alice"}}
	c.Variant.Load.Streams[0].Mix[0].Clients = 100
	return c
}

func measured(b *testing.B, c *scenarios.Case, costs Costs, build builder) {
	b.ReportAllocs()
	b.ResetTimer()
	before := processorTime()
	r, err := run(context.Background(), c, costs, build)
	took := processorTime() - before
	require.NoError(b, err)
	n := float64(len(r.Samples))
	good := 0
	for _, s := range r.Samples {
		if s.Status == 200 {
			good++
		}
	}
	b.ReportMetric(n/b.Elapsed().Seconds(), "requests/s")
	b.ReportMetric(n/took.Seconds(), "requests/cpu-s")
	b.ReportMetric(float64(good)/n, "ok")
}

func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
