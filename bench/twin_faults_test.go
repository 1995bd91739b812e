package bench

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
	"trafficlab/sim"
)

// TestTwinsInBadWeather: each fault of requests shows itself to clients, and
// alike in both worlds, whichever way it is timed and placed.
func TestTwinsInBadWeather(t *testing.T) {
	for _, test := range badWeather {
		t.Run(test.name, func(t *testing.T) {
			c := caseOf(t, test.topology, shoppers, "timeout: 1021ms\nfaults: ["+test.faults+"]")
			requireTwins(t, c)
			ill, err := sim.Run(t.Context(), c, sim.Costs{})
			require.NoError(t, err)
			c.Variant.Faults = nil
			well, err := sim.Run(t.Context(), c, sim.Costs{})
			require.NoError(t, err)
			suffer, later := 0, time.Duration(0)
			for i, s := range ill.Samples {
				require.Equal(t, policy.OK, well.Samples[i].Reason)
				if s.Reason == test.shows && s.Reason != policy.OK {
					suffer++
				}
				later += s.Latency - well.Samples[i].Latency
			}
			if test.shows == policy.OK {
				require.Greater(t, later, 300*time.Millisecond, "all together")
				return
			}
			require.Positive(t, suffer)
			require.Less(t, suffer, len(ill.Samples)*2/3)
		})
	}
}

// TestAZoneIsDown: those who stand in it are asked in vain, and nobody else is.
func TestAZoneIsDown(t *testing.T) {
	c := caseOf(t, turns, shoppers, "faults: [{at: 1s, for: 2s, on: zone b, crash: true}]")
	r, err := sim.Run(t.Context(), c, sim.Costs{})
	require.NoError(t, err)
	by := map[policy.Reason]int{}
	for _, s := range r.Samples {
		if s.At >= time.Second && s.At < 3*time.Second {
			by[s.Reason]++
		} else if s.At < 900*time.Millisecond || s.At > 3*time.Second { // what is in hand at the crash is lost
			require.Equal(t, policy.OK, s.Reason)
		}
	}
	require.InDelta(t, 2*by[policy.OK], by[policy.Refused]+by[policy.Reset], 6, "two of three")
}

// TestTwinsOverTheLinkOfClients: many of them, each with connections of its own
// (who shares some takes, live, whichever is free first).
func TestTwinsOverTheLinkOfClients(t *testing.T) {
	for name, test := range map[string]struct{ clients, faults string }{
		"delayed":       {"{count: 9, connections: own}", `{at: 1s, for: 2s, on: "clients > lb", link: {delay: 20ms, jitter: 3ms}}`},
		"always anew":   {"{count: 9, connections: own, keep-alive: never}", `{at: 1s, for: 2s, on: "clients > lb", link: 11ms}`},
		"lost at times": {"{count: 9, connections: own}", `{at: 1s, for: 2s, on: "clients > lb", link: {loss: 10%, way: back}}`},
	} {
		t.Run(name, func(t *testing.T) {
			load := "{closed: {clients: " + test.clients + ", think: {exponential: 90ms}}, for: 4s, mix: [{get: /items/1}]}"
			requireTwins(t, caseOf(t, turns, load, "timeout: 1021ms\nfaults: ["+test.faults+"]"))
		})
	}
}

// TestTwinsOfLittleBandwidth: what is sent at once takes turns on the one way, in
// both worlds. Heads have their true lengths live, and are taken to be of 256
// bytes in the simulator: that is how much they may differ.
func TestTwinsOfLittleBandwidth(t *testing.T) {
	const (
		system = `entry: lb
nodes:
  lb: {kind: load-balancer, pick: round-robin, health: off, retry: off, to: api}
  api: {kind: backend, workers: 20, service-time: 1ms, response: 20KiB}`
		ms        = time.Millisecond
		perSecond = 100 << 10
		head      = 256 * float64(time.Second) / perSecond
	)
	for name, test := range map[string]struct {
		ask, link string
		twice     bool
		takes     []time.Duration // in turns, beside the work
	}{
		"answers":       {"get: /items/1", `{bandwidth: 100KiB/s, way: back}`, false, []time.Duration{200 * ms}},
		"requests":      {"post: /orders, body: 20KiB", `{bandwidth: 100KiB/s, way: there}`, false, []time.Duration{200 * ms}},
		"the other way": {"get: /items/1", `{bandwidth: 100KiB/s, way: there}`, false, []time.Duration{0}},
		"and a delay":   {"get: /items/1", `{bandwidth: 100KiB/s, delay: 30ms}`, false, []time.Duration{260 * ms}},
		"two at once":   {"get: /items/1", `{bandwidth: 100KiB/s, way: back}`, true, []time.Duration{200 * ms, 399 * ms}},
	} {
		t.Run(name, func(t *testing.T) {
			load := "{constant: 1/s, for: 4s, mix: [{" + test.ask + "}]}"
			if test.twice {
				load = "[" + load + ", {constant: 1/s, for: 4s, at: 1ms, mix: [{" + test.ask + "}]}]"
			}
			c := caseOf(t, system, load, "timeout: 3s\nfaults: [{on: lb > api, link: "+test.link+"}]")
			simulated, err := sim.Run(t.Context(), c, sim.Costs{})
			require.NoError(t, err)
			samples, _ := runInBubble(t, c, 0)
			require.Len(t, samples, len(simulated.Samples))
			for i, s := range samples {
				require.Equal(t, policy.OK, s.Reason)
				require.InDelta(t, simulated.Samples[i].Latency, s.Latency, 4*head, "live and simulated, request %d", i)
				takes := test.takes[i%len(test.takes)]
				if i < len(test.takes) && strings.Contains(test.link, "delay") {
					takes += 60 * ms // to connect
				}
				require.InDelta(t, takes+ms, s.Latency, 8*head, "request %d", i)
			}
		})
	}
}

// Systems that weather befalls, and the load on them.
const (
	turns = `entry: lb
nodes:
  lb: {kind: load-balancer, pick: round-robin, health: off, retry: off, zones: [a], timeout: {connect: 701ms}, to: api}
  api: {kind: backend, replicas: 3, zones: [a, b, b], workers: 20, queue: 8, service-time: {uniform: {from: 1ms, to: 9ms}}, response: 2KiB}`
	cached = `entry: edge
nodes:
  edge: {kind: cdn, cache: {capacity: 64KiB, collapse: true}, timeout: {response: 37ms}, to: lb}
  lb: {kind: load-balancer, pick: least-connections, retry: {tries: 2}, to: api}
  api: {kind: backend, replicas: 2, workers: 20, queue: 8, service-time: {uniform: {from: 1ms, to: 9ms}}, response: 2KiB, cache-control: {/items/*: "public, max-age=1"}}`
	checked = `entry: lb
nodes:
  lb: {kind: load-balancer, pick: round-robin, health: {every: 101ms, timeout: 51ms, down-after: 1, up-after: 1}, to: api}
  api: {kind: backend, replicas: 3, workers: 20, queue: 8, service-time: {uniform: {from: 1ms, to: 9ms}}, response: 2KiB}`
	shoppers = `{poisson: 100/s, for: 4s, mix: [{get: "/items/{uniform 40}", share: 80%}, {post: /orders, body: 100B, headers: {X-Canary: "yes"}, share: 20%}]}`
)

// badWeather is every way in which requests and links ail, and what clients see
// of it.
var badWeather = []struct {
	name, topology, faults string
	shows                  policy.Reason // to some clients, and not to all; OK: it only takes longer
}{
	{"errors of a zone", turns, `{at: 1s, for: 2s, on: zone b, errors: 40%}`, policy.Failed},
	{"errors that come back", turns, `{at: 1s, for: 200ms, every: 500ms, on: "api[1]", errors: {status: 502}}`, policy.Failed},
	{"a bad deploy that reaches one after another", turns, `{at: 1s, for: 1s, stagger: 700ms, on: api, errors: {methods: POST}}`, policy.Failed},
	{"the first fail", turns, `{at: 1s, for: 2s, on: "api[1]", errors: {first: 9}}`, policy.Failed},
	{"aborts by path and header", turns, `{at: 1s, for: 2s, on: lb, errors: {status: 503, path: /orders*, header: {X-Canary: "yes"}, share: 50%}}`, policy.Failed},
	{"gray failure", cached, `{at: 1s, for: 2s, on: 50% of api, errors: {share: 80%, checks: fine}}`, policy.Failed},
	{"delays at the entry by path", turns, `{at: 1s, for: 2s, on: lb, delay: {by: 25ms, path: "/items/*", methods: GET}}`, policy.OK},
	{"delays of canaries", turns, `{at: 1s, for: 2s, on: 30% of api, delay: {by: 30ms, header: {X-Canary: "yes"}}}`, policy.OK},
	{"slowness of some", turns, `{at: 1s, for: 2s, on: api, slow: {factor: 2x, added: 20ms, share: 30%}}`, policy.OK},
	{"slowness that grows", turns, `{at: 1s, for: 2s, ramp: 1s, on: api, slow: 9x}`, policy.OK},
	{"one that drains, and the others are slow", checked, `{at: 1s, for: 2s, on: "api[0]", drain: true}, {at: 1s, for: 2s, on: ["api[1]", "api[2]"], slow: 5x}`, policy.OK},
	{"corrupted answers", turns, `{at: 1s, for: 2s, on: api, answers: {are: corrupted, share: 50%}}`, policy.Corrupt},
	{"corrupted answers in a cache", cached, `{at: 1s, for: 2s, on: api, answers: {are: corrupted, path: "/items/1*"}}`, policy.Corrupt},
	{"truncated answers", turns, `{at: 1s, for: 2s, on: api, answers: truncated}`, policy.Reset},
	{"truncated answers that nobody keeps", cached, `{at: 1s, for: 2s, on: "api[0]", answers: {are: truncated, after: 1KiB, share: 60%}}`, policy.Reset},
	{"endless answers", turns, `{at: 1s, for: 300ms, on: "api[2]", answers: {are: endless, per-second: 5KiB}}`, policy.Timeout},
	{"endless answers in a cache", cached, `{at: 1s, for: 100ms, on: api, answers: endless}`, policy.Timeout},
	{"mislabelled answers", turns, `{at: 1s, for: 300ms, on: api, answers: mislabelled}`, policy.Timeout},
	{"trickling answers", turns, `{at: 1s, for: 2s, on: api, answers: {are: trickling, per-second: 10KiB}}`, policy.OK},
	{"trickling answers in a cache", cached, `{at: 1s, for: 2s, on: api, answers: {are: trickling, per-second: 10KiB, methods: GET}}`, policy.OK},
	{"a delay on a link", turns, `{at: 1s, for: 2s, on: "lb > api[2]", link: 20ms}`, policy.OK},
	{"delays on links", turns, `{at: 1s, for: 2s, on: "lb > api", link: {delay: 20ms, jitter: 15ms, correlation: 40%}}`, policy.OK},
	{"delays of answers, more and more", cached, `{at: 1s, for: 2s, ramp: 1s, stagger: 100ms, on: "lb > api", link: {delay: {lognormal: {median: 9ms, p99: 30ms}}, way: back}}`, policy.OK},
	{"losses on a link", turns, `{at: 1s, for: 2s, on: "lb > 60% of api", link: {loss: 20%}}`, policy.OK},
	{"losses in bursts, on the way of those who have little patience", cached, `{at: 1s, for: 2s, on: "edge > lb", link: {loss: 20%, correlation: 50%, delay: 3ms}}`, policy.Timeout},
	{"resets", turns, `{at: 1s, for: 500ms, on: "lb > api[1]", cut: reset}`, policy.Reset},
	{"refusals", turns, `{at: 0s, for: 2s, on: "lb > api[1]", cut: refuse}`, policy.Refused},
	{"a hole in the way there", turns, `{at: 1s, for: 300ms, on: "lb > api[1]", cut: {by: black-hole, way: there}}`, policy.OK},
	{"a partition that the checks of one find", checked, `{at: 1s, for: 1300ms, on: "lb | api[1]", cut: black-hole}`, policy.Timeout},
	{"connections that are half-open", turns, `{at: 1s, for: 700ms, on: "lb > api[1]", cut: half-open}`, policy.Timeout},
	{"several on one link", cached, `{at: 1s, for: 2s, on: "lb > api", link: {delay: 5ms, jitter: 2ms}}, {at: 1500ms, for: 1s, on: "lb > api[0]", link: {loss: 10%}}, {at: 2s, for: 200ms, on: "lb > api[1]", cut: reset}`, policy.OK},
	{"several at once", turns, `{at: 1s, for: 2s, on: api, answers: {are: truncated, share: 30%}}, {at: 2s, for: 2s, on: api, answers: {are: trickling, per-second: 20KiB}}, {at: 1s, for: 2s, on: api, answers: {are: corrupted, share: 30%}}, {at: 1s, for: 1s, on: "api[1]", slow: 3x}`, policy.Corrupt},
}
