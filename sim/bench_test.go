package sim

import (
	"context"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// BenchmarkHost measures the host alone: handlers that do next to nothing, in
// chains of one to four places.
func BenchmarkHost(b *testing.B) {
	names := []topologies.Place{"a", "b", "c", "d"}
	for tiers := 1; tiers <= len(names); tiers++ {
		b.Run(string('0'+rune(tiers)), func(b *testing.B) {
			build := func(p topologies.Place) component {
				if next := int(p[0]-'a') + 1; next < tiers {
					return passing(names[next], components.Hop{})
				}
				return answering(ms)
			}
			var chained []string
			for _, n := range names[:tiers] {
				chained = append(chained, string(n))
			}
			measured(b, steady(chain(chained...), 100*time.Microsecond, b.N), Costs{}, build)
		})
	}
}

// BenchmarkRun measures whole systems, their components included: requests
// simulated per second of wall time and per second of processor time, and how
// many times the processor time of a bare event loop that is.
func BenchmarkRun(b *testing.B) {
	for _, one := range []struct {
		name  string
		of    func(n int) *scenarios.Case
		costs Costs
	}{
		{"M/M/1", func(n int) *scenarios.Case { return poisson(queue{1, .8}, n, 1) }, Costs{}},
		{"least-connections over 10", func(n int) *scenarios.Case { return balanced(10, n) }, Costs{}},
		{"least-connections over 10000", func(n int) *scenarios.Case { return balanced(10_000, n) }, Costs{}},
		{"cdn gateway lb api", fourTiers, DefaultCosts().Apart()},
	} {
		b.Run(one.name, func(b *testing.B) {
			c := one.of(b.N)
			loop := newBare(c, b.N)
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

// balanced is a balancer over so many backends at 80% load.
func balanced(backends, n int) *scenarios.Case {
	top := chain("lb", "api")
	lb, api := top.Nodes[0], top.Nodes[1]
	lb.Kind, lb.Pick.Name, lb.Connections, lb.Retry.Tries = topologies.LoadBalancer, "least-connections", 256, 1
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
