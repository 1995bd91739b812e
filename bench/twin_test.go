package bench

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/components"
	"trafficlab/live"
	"trafficlab/scenarios"
	"trafficlab/sim"
	"trafficlab/topologies"
)

// The twin test is the keystone of the house: the same case, once through real
// HTTP servers and clients behind vegeta on a fake clock, once through the
// simulator, must befall every request alike: status, reason, bytes, cache
// word, latency to the nanosecond; and the nodes must have counted alike.
//
// Processes, links and TLS are outside the fake clock: each world tests its
// own.
func TestTwins(t *testing.T) {
	const (
		plain   = "{poisson: 150/s, for: 4s, mix: [{get: /items/7}]}"
		mixed   = `{poisson: 200/s, for: 4s, mix: [{get: "/products/{zipf 50 1.1}", share: 80%, key: alice, clients: 20}, {post: /orders, body: 1KiB, share: 20%, key: bob}]}`
		backend = "api: {kind: backend, replicas: 3, workers: 2, queue: 8, service-time: {lognormal: {median: 5ms, p99: 30ms}}, response: 2KiB}"
	)
	const busy = "api: {kind: backend, workers: 3, queue: 20, service-time: {exponential: 16ms}}"
	lb := func(settings string) string {
		return "entry: lb\nnodes:\n  lb: {kind: load-balancer, to: api, " + settings + "}\n  " + backend
	}
	tests := []struct {
		name     string
		topology string
		load     string
		extra    string // further fields of the scenario
	}{
		{"backend that sheds", "entry: api\nnodes:\n  api: {kind: backend, workers: 1, queue: 2, service-time: {exponential: 8ms}}", plain, ""},
		{"backend that errs", "entry: api\nnodes:\n  api: {kind: backend, workers: 4, queue: 9, errors: 20%, service-time: {uniform: {from: 1ms, to: 9ms}}}", plain, ""},
		{"newest first", "entry: api\nnodes:\n  api: {kind: backend, workers: 1, queue: {bound: 20, order: lifo}, service-time: {exponential: 8ms}}", plain, "timeout: 211ms"},
		{"newest first while the queue stands", "entry: api\nnodes:\n  api: {kind: backend, workers: 1, queue: {bound: 20, order: {adaptive-lifo: {standing: 50ms}}}, service-time: {exponential: 7ms}}", plain, "timeout: 211ms"},
		{"CoDel", "entry: api\nnodes:\n  api: {kind: backend, workers: 1, queue: {bound: 50, order: codel}, service-time: {exponential: 8ms}}", plain, ""},
		{"processor sharing", "entry: api\nnodes:\n  api: {kind: backend, workers: 1, queue: 20, sharing: true, service-time: {exponential: 6ms}}", plain, "timeout: 97ms"},
		{"processor sharing by two workers, slow for a while", "entry: api\nnodes:\n  api: {kind: backend, workers: 2, queue: 9, sharing: true, errors: 5%, service-time: {lognormal: {median: 8ms, p99: 50ms}}}", plain, "faults: [{at: 1s, for: 1s, on: api, slow: 2x}]"},
		{"deadlines of clients who do not hang up", "entry: api\nnodes:\n  api: {kind: backend, workers: 1, queue: 50, drop-expired: true, service-time: {exponential: 8ms}}",
			"{poisson: 150/s, for: 4s, mix: [{get: /items/7, headers: {Grpc-Timeout: 31m}}]}", ""},
		{"deadlines told upstream", `entry: edge
nodes:
  edge: {kind: reverse-proxy, timeout: {total: 53ms, propagate: true}, to: lb}
  lb: {kind: load-balancer, timeout: {propagate: true}, retry: {tries: 3, on: [503, timeout], backoff: {base: 9ms, cap: 30ms}}, to: api}
  api: {kind: backend, replicas: 2, workers: 1, queue: 3, drop-expired: true, service-time: {exponential: 14ms}}`, plain, ""},
		{"impatient clients", "entry: api\nnodes:\n  api: {kind: backend, workers: 1, queue: 50, service-time: {exponential: 8ms}}", plain, "timeout: 21ms"},
		{"reverse proxy that compresses", "entry: edge\nnodes:\n  edge: {kind: reverse-proxy, compress: [gzip], to: api}\n  " + backend, plain, ""},
		{"round robin", lb("pick: round-robin"), plain, ""},
		{"least connections", lb("pick: least-connections"), plain, ""},
		{"ip hash", lb("pick: ip-hash"), mixed, ""},
		{"random", lb("pick: random"), plain, ""},
		{"power of two choices", lb("pick: p2c"), plain, ""},
		{"few connections", lb("pick: p2c, connections: 1, timeout: {connect: 13ms}"), plain, ""},
		{"retries over errors and timeouts", lb("pick: p2c, retry: {tries: 3}, timeout: {response: 17ms}"), mixed,
			"faults: [{at: 1s, for: 1500ms, on: api, errors: 40%}]"},
		{"retries with back-off, budget and an end", lb("pick: p2c, retry: {tries: 4, on: [timeout, 5xx], backoff: {base: 7ms, cap: 20ms}, budget: {share: 20%, reserve: 3, window: 2s}}, timeout: {response: 17ms, total: 47ms}"), mixed,
			"faults: [{at: 1s, for: 1500ms, on: api, errors: 40%}]"},
		{"breakers by failures in a row", lb("pick: least-connections, health: off, retry: {tries: 2}, breaker: {consecutive: 3, open-for: 301ms, probes: 2}, timeout: {response: 37ms}"), mixed,
			`faults: [{at: 1s, for: 1s, on: "api[1]", errors: 90%}, {at: 2s, for: 1s, on: api, errors: 80%}]`},
		{"breakers by ratio", lb("pick: round-robin, health: off, retry: off, breaker: {ratio: 40%, window: 701ms, least: 5, open-for: 203ms}, timeout: {response: 23ms}"), plain,
			`faults: [{at: 1s, for: 1s, on: "api[1]", errors: 70%}, {at: 2500ms, for: 1s, on: api, slow: 4x}]`},
		{"hedges after a time", lb("pick: p2c, retry: {tries: 2}, hedge: {after: 11ms, budget: {share: 30%, reserve: 1}}, timeout: {response: 47ms}"), mixed,
			`faults: [{at: 1s, for: 2s, on: "api[2]", slow: 5x}, {at: 2s, for: 1s, on: "api[0]", errors: 30%}]`},
		{"hedges after a quantile", lb("pick: round-robin, hedge: {quantile: 80%}"), plain, `faults: [{at: 1s, for: 2s, on: "api[2]", slow: 5x}]`},
		{"concurrency fixed", "entry: edge\nnodes:\n  edge: {kind: reverse-proxy, concurrency: {limit: 2, queue: 5}, to: api}\n  " + busy, plain, "timeout: 61ms"},
		{"concurrency by AIMD", "entry: edge\nnodes:\n  edge: {kind: reverse-proxy, concurrency: {limit: {aimd: {initial: 10, min: 1, timeout: 20ms}}}, timeout: {response: 27ms}, to: api}\n  " + busy, plain, ""},
		{"what uploads tell of latency", lb("pick: least-response-time, connections: 2, retry: {tries: 2}, timeout: {response: 27ms}, concurrency: {limit: {aimd: {initial: 6, min: 1, timeout: 20ms}}}"),
			`{poisson: 200/s, for: 4s, mix: [{get: /items/7, share: 40%}, {post: /orders, body: 1KiB, share: 60%}]}`, `faults: [{at: 1s, for: 2s, on: "api[2]", slow: 5x}]`},
		{"concurrency by gradient", "entry: edge\nnodes:\n  edge: {kind: reverse-proxy, concurrency: {limit: {gradient2: {min: 1, queue: 1}}}, to: api}\n  " + busy, plain, ""},
		{"classes at a gate", `entry: edge
nodes:
  edge: {kind: gateway, keys: {alice: k-alice, bob: k-bob}, concurrency: {limit: 3, queue: 6, by: consumer, order: [bob]}, fallback: {status: 503, body: full}, to: api}
  ` + busy, mixed, ""},
		{"fallback", lb("pick: p2c, retry: {tries: 2}, breaker: {consecutive: 4, open-for: 251ms}, fallback: {status: 200, body: later}, timeout: {response: 19ms, total: 31ms}"), mixed,
			"faults: [{at: 1s, for: 1s, on: api, errors: 70%}]"},
		{"health checks", lb("pick: least-connections, health: {every: 101ms, timeout: 51ms, down-after: 2, up-after: 2}"), plain,
			`faults: [{at: 1s, for: 1s, on: "api[1]", errors: 100%}]`},
		{"slow replica", lb("pick: p2c, retry: {tries: 2}"), mixed, `faults: [{at: 1s, for: 2s, on: "api[2]", slow: 5x}]`},
		{"gateway", `entry: gate
nodes:
  gate:
    kind: gateway
    keys: {alice: k-alice, bob: k-bob}
    limit: {by: consumer, rate: 60/s, burst: 5}
    routes:
      - {path: /products/*, to: api, methods: [GET], response: {set: {X-Shop: "yes"}}}
      - {path: /orders, to: api, strip: /orders, request: {set: {X-Shop: "1"}}}
  ` + backend, mixed, ""},
		{"time told by each hop", `entry: edge
nodes:
  edge: {kind: cdn, cache: {capacity: 20KiB, collapse: true}, to: lb}
  lb: {kind: load-balancer, pick: p2c, retry: {tries: 3, backoff: {base: 3ms, cap: 9ms}}, timeout: {response: 17ms}, concurrency: {limit: 4, queue: 5}, to: api}
  api: {kind: backend, replicas: 2, workers: 1, queue: 9, service-time: {exponential: 7ms}, cache-control: {/products/*: "public, max-age=1"}}`, mixed, "timeout: 67ms\nwaterfall: true"},
		{"time told of hedges, limits and fallbacks", `entry: edge
nodes:
  edge: {kind: gateway, keys: {alice: k-alice, bob: k-bob}, limit: {by: consumer, algorithm: leaky-queue, rate: 90/s, burst: 9}, fallback: {status: 200, body: later}, to: lb}
  lb: {kind: load-balancer, pick: p2c, hedge: {after: 11ms}, to: api}
  ` + backend, mixed, `faults: [{at: 1s, for: 2s, on: "api[2]", slow: 5x}, {at: 2s, for: 1s, on: api, errors: 30%}]` + "\nwaterfall: true"},
		{"cache that collapses", `entry: edge
nodes:
  edge: {kind: cdn, cache: {capacity: 20KiB, collapse: true}, compress: [gzip], to: api}
  api: {kind: backend, workers: 4, queue: 64, service-time: {exponential: 9ms}, cache-control: {/products/*: "public, max-age=1"}}`, mixed, ""},
		{"a spike, a sine and bursts, with bodies by a law", "entry: edge\nnodes:\n  edge: {kind: reverse-proxy, max-body: 4KiB, to: api}\n  " + backend, `
  - {spike: {base: 20/s, peak: 300/s, at: 1s, for: 1s, rise: 500ms}, for: 4s, mix: [{get: "/items/{hotspot 9 1 50%}"}]}
  - {sine: {mean: 50/s, amplitude: 50/s, period: 1s}, for: 4s, mix: [{post: /orders, body: {lognormal: {median: 2KiB, p99: 20KiB}}}]}
  - {bursts: {rate: 100/s, on: {exponential: 300ms}, off: 300ms}, for: 4s, mix: [{put: /orders, body: {pareto: {from: 1KiB, to: 64KiB, shape: 1.1}}}]}`, ""},
		{"a ramp and steps, evenly spaced", lb("pick: random"), `
  - {ramp: {from: 10/s, to: 150/s}, for: 4s, mix: [{get: /items/7}]}
  - {steps: [{rate: 20/s, for: 1s}, {rate: 130/s, for: 2s}], spacing: even, mix: [{get: "/items/{uniform 30}"}]}`, ""},
		{"sessions beside a closed loop", lb("pick: ip-hash, timeout: {response: 23ms}, retry: off"), `
  - {poisson: 30/s, for: 4s, session: {think: {exponential: 100ms}, clients: 30, script: [{post: /login, body: {exponential: 1KiB}}, {mix: [{get: "/products/{zipf 50 1.1}", share: 80%}, {get: /cart}], repeat: {geometric: 5}}]}}
  - {closed: {clients: 3, think: {exponential: 50ms}}, for: 4s, mix: [{get: /items/7}]}`, "timeout: 41ms"},
		{"the replay of a log", lb("pick: ip-hash"), "{replay: {log: " + absolute(t, "../scenarios/testdata/access.log") + ", speed: 2x}}", ""},
		// What happens at one instant is ordered by the scheduler live: here a
		// gate whose limit grows has no line, or it would let two in at once.
		{"all against harm", `entry: edge
nodes:
  edge: {kind: reverse-proxy, timeout: {total: 93ms, propagate: true}, fallback: {status: 503, body: later}, to: lb}
  lb: {kind: load-balancer, pick: p2c, health: off, retry: {tries: 3, on: [timeout, 5xx], backoff: {base: 5ms, cap: 20ms}, budget: 20%}, breaker: {ratio: 60%, least: 10, window: 1s, open-for: 103ms}, hedge: {quantile: 90%, budget: 10%}, timeout: {response: 41ms, propagate: true}, concurrency: {limit: {aimd: {initial: 9, min: 3, timeout: 60ms}}}, to: [api, shared]}
  api: {kind: backend, replicas: 2, workers: 1, queue: {bound: 50, order: lifo}, drop-expired: true, service-time: {exponential: 11ms}}
  shared: {kind: backend, workers: 1, queue: 9, sharing: true, service-time: {exponential: 11ms}}`, mixed,
			`faults: [{at: 1s, for: 1s, on: "api[1]", errors: 80%}, {at: 2s, for: 1s, on: shared, slow: 4x}]`},
		{"the whole chain", `entry: edge
nodes:
  edge: {kind: cdn, cache: {capacity: 64KiB, collapse: true}, to: gate}
  gate: {kind: gateway, keys: {alice: k-alice, bob: k-bob}, limit: {by: consumer, rate: 90/s, burst: 10}, routes: [{path: /products/*, to: lb}, {path: /orders, methods: [POST], to: lb}]}
  lb: {kind: load-balancer, pick: p2c, health: {every: 103ms, timeout: 53ms, down-after: 2, up-after: 2}, retry: {tries: 2}, timeout: {response: 61ms}, to: api}
  ` + backend, mixed, `faults: [{at: 1s, for: 2s, on: "api[0]", slow: 4x}, {at: 2s, for: 1s, on: "api[1]", errors: 50%}]`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			requireTwins(t, caseOf(t, test.topology, test.load, test.extra))
		})
	}
}

// requireTwins runs a case in both worlds.
func requireTwins(t *testing.T, c *scenarios.Case) {
	t.Helper()
	requireTwinsWhoDial(t, c, 0)
}

// requireTwinsWhoDial runs a case in both worlds, where each connection of a
// client takes its time.
func requireTwinsWhoDial(t *testing.T, c *scenarios.Case, dial time.Duration) {
	t.Helper()
	simulated, err := sim.Run(t.Context(), c, sim.Costs{Dial: dial})
	require.NoError(t, err)
	samples, nodes := runInBubble(t, c, dial)
	compareTwins(t, samples, simulated.Samples)
	for i, node := range nodes {
		apart := node.Since(simulated.Nodes[i])
		delete(apart.Reasons, "canceled") // work under way at the end of a run is not waited for
		require.Zero(t, apart.Requests, node.Place)
		require.Zero(t, apart.Probes, node.Place)
		require.Empty(t, apart.Reasons, node.Place)
		require.Empty(t, apart.Cache, node.Place)
		require.Empty(t, apart.Asked, node.Place)
		require.Empty(t, apart.Usage, node.Place)
	}
}

// caseOf writes the files of a case and reads them as a user's.
func caseOf(t *testing.T, topology, load, extra string) *scenarios.Case {
	t.Helper()
	dir := t.TempDir()
	save(t, dir+"/system.yaml", "name: system\n"+topology+"\n")
	save(t, dir+"/twin.yaml", fmt.Sprintf(
		"name: twin\nquestion: Do the worlds agree?\ntopology: system.yaml\nload: %s\nwarmup: 500ms\n%s\nseed: 11\nrepeat: 1\n", load, extra))
	s, err := scenarios.Open(dir+"/twin.yaml", scenarios.Options{})
	require.NoError(t, err)
	return &s.Cases()[0]
}

func absolute(t *testing.T, file string) string {
	t.Helper()
	path, err := filepath.Abs(file)
	require.NoError(t, err)
	return path
}

func save(t *testing.T, file, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
}

// runInBubble plays the case on real servers and clients over pipes, on a fake
// clock. Clients take their time to dial; nodes do not.
func runInBubble(t *testing.T, c *scenarios.Case, dial time.Duration) (samples []measure.Sample, nodes []measure.NodeUse) {
	synctest.Test(t, func(t *testing.T) {
		network := new(live.Memory)
		hosted := hostAll(t, c, network)
		began := time.Now().Add(time.Second)
		for _, n := range hosted {
			n.Begin(began)
		}
		warm := useAt(hosted, began.Add(c.Variant.Warmup))
		transport := NewTransport()
		transport.DialContext = func(ctx context.Context, over, address string) (net.Conn, error) {
			time.Sleep(dial)
			return network.Dial(ctx, over, address)
		}
		var err error
		samples, err = Fire(t.Context(), c, Aim{
			URL: "http://" + c.Variant.Topology.Entry, Began: began,
			Transport: transport, Sleep: sleepUntil, Clock: live.Standard{},
		})
		require.NoError(t, err)
		time.Sleep(time.Second) // let stragglers run out
		transport.CloseIdleConnections()
		before := <-warm
		for i, n := range hosted {
			nodes = append(nodes, n.Use().Since(before[i]))
		}
		for _, n := range hosted {
			require.NoError(t, n.Close())
		}
		synctest.Wait()
	})
	return samples, nodes
}

// useAt takes what the nodes have counted, once the instant comes.
func useAt(hosted []*live.Node, at time.Time) <-chan []measure.NodeUse {
	taken := make(chan []measure.NodeUse, 1)
	time.AfterFunc(time.Until(at), func() {
		var uses []measure.NodeUse
		for _, n := range hosted {
			uses = append(uses, n.Use())
		}
		taken <- uses
	})
	return taken
}

func hostAll(t *testing.T, c *scenarios.Case, network *live.Memory) []*live.Node {
	var hosted []*live.Node
	tallies := new(components.Memories) // a Redis is outside the fake clock
	for _, place := range c.Variant.Topology.Places() {
		n, err := live.NewNode(c, place, live.Options{
			Addresses: func(p topologies.Place) string { return string(p) },
			Clock:     live.Standard{}, Dial: network.Dial, Tallies: tallies,
		})
		require.NoError(t, err)
		listener, err := network.Listen(string(place))
		require.NoError(t, err)
		go n.Serve(listener)
		hosted = append(hosted, n)
	}
	return hosted
}

func sleepUntil(ctx context.Context, at time.Time) error {
	select {
	case <-time.After(time.Until(at)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func compareTwins(t *testing.T, real, simulated []measure.Sample) {
	require.Len(t, real, len(simulated))
	apart := 0
	fared := map[string]int{}
	for i, r := range real {
		fared[strings.TrimSpace(r.Reason.String()+" "+r.Cache)]++
		if r == simulated[i] {
			continue
		}
		if apart++; apart <= 5 {
			t.Logf("request %d:\n live %+v\n sim  %+v", i, r, simulated[i])
		}
	}
	t.Logf("%d requests: %v", len(real), fared)
	require.Zero(t, apart, "of %d requests fared differently in the two worlds", len(real))
}
