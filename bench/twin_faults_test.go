package bench

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/sim"
)

// provenElsewhere are the faults that need processes, or are no sickness, and
// the tests that show them live and in the simulator.
var provenElsewhere = map[string][2]string{
	"crash":       {"live.TestCrashAndRestart", "sim.TestRetriesAndHealthChecksHideACrash"},
	"freeze":      {"live.TestFreezeAndThaw", "sim.TestAFrozenPlaceAcceptsAndAnswersAtTheThaw"},
	"restart":     {"live.TestRestart", "sim.TestARestartEndsWhatIsInHandAndTakesNobodyNew"},
	"certificate": {"live.TestExpiredCertificate", "sim.TestAnExpiredCertificateStopsConnectionsToCome"},
	"purge":       {"bench.TestCacheTwins", "bench.TestCacheTwins"},
}

// TestTwinsInBadWeather: each fault of requests shows itself to clients, and
// alike in both worlds, whichever way it is timed and placed.
func TestTwinsInBadWeather(t *testing.T) {
	const (
		lb = `entry: lb
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
		load = `{poisson: 100/s, for: 4s, mix: [{get: "/items/{uniform 40}", share: 80%}, {post: /orders, body: 100B, headers: {X-Canary: "yes"}, share: 20%}]}`
	)
	proven := map[string]bool{}
	for kind := range provenElsewhere {
		proven[kind] = true
	}
	defer func() {
		for _, kind := range scenarios.FaultNames() {
			require.True(t, proven[kind], "no test shows what %s does, in both worlds", kind)
		}
	}()
	for _, test := range []struct {
		name, topology, faults string
		shows                  policy.Reason // to some clients, and not to all; OK: it only takes longer
	}{
		{"errors of a zone", lb, `{at: 1s, for: 2s, on: zone b, errors: 40%}`, policy.Failed},
		{"errors that come back", lb, `{at: 1s, for: 200ms, every: 500ms, on: "api[1]", errors: {status: 502}}`, policy.Failed},
		{"a bad deploy that reaches one after another", lb, `{at: 1s, for: 1s, stagger: 700ms, on: api, errors: {methods: POST}}`, policy.Failed},
		{"gray failure", cached, `{at: 1s, for: 2s, on: 50% of api, errors: {share: 80%, checks: fine}}`, policy.Failed},
		{"delays of canaries", lb, `{at: 1s, for: 2s, on: 30% of api, delay: {by: 30ms, header: {X-Canary: "yes"}}}`, policy.OK},
		{"slowness that grows", lb, `{at: 1s, for: 2s, ramp: 1s, on: api, slow: 9x}`, policy.OK},
		{"one that drains, and the others are slow", checked, `{at: 1s, for: 2s, on: "api[0]", drain: true}, {at: 1s, for: 2s, on: ["api[1]", "api[2]"], slow: 5x}`, policy.OK},
		{"corrupted answers", lb, `{at: 1s, for: 2s, on: api, answers: {are: corrupted, share: 50%}}`, policy.Corrupt},
		{"corrupted answers in a cache", cached, `{at: 1s, for: 2s, on: api, answers: {are: corrupted, path: "/items/1*"}}`, policy.Corrupt},
		{"truncated answers", lb, `{at: 1s, for: 2s, on: api, answers: truncated}`, policy.Reset},
		{"truncated answers that nobody keeps", cached, `{at: 1s, for: 2s, on: "api[0]", answers: {are: truncated, after: 1KiB, share: 60%}}`, policy.Reset},
		{"endless answers", lb, `{at: 1s, for: 300ms, on: "api[2]", answers: {are: endless, per-second: 5KiB}}`, policy.Timeout},
		{"endless answers in a cache", cached, `{at: 1s, for: 100ms, on: api, answers: endless}`, policy.Timeout},
		{"mislabelled answers", lb, `{at: 1s, for: 300ms, on: api, answers: mislabelled}`, policy.Timeout},
		{"trickling answers", lb, `{at: 1s, for: 2s, on: api, answers: {are: trickling, per-second: 10KiB}}`, policy.OK},
		{"trickling answers in a cache", cached, `{at: 1s, for: 2s, on: api, answers: {are: trickling, per-second: 10KiB, methods: GET}}`, policy.OK},
		{"a delay on a link", lb, `{at: 1s, for: 2s, on: "lb > api[2]", link: 20ms}`, policy.OK},
		{"delays on links", lb, `{at: 1s, for: 2s, on: "lb > api", link: {delay: 20ms, jitter: 15ms, correlation: 40%}}`, policy.OK},
		{"delays of answers, more and more", cached, `{at: 1s, for: 2s, ramp: 1s, stagger: 100ms, on: "lb > api", link: {delay: {lognormal: {median: 9ms, p99: 30ms}}, way: back}}`, policy.OK},
		{"losses on a link", lb, `{at: 1s, for: 2s, on: "lb > 60% of api", link: {loss: 20%}}`, policy.OK},
		{"losses in bursts, on the way of those who have little patience", cached, `{at: 1s, for: 2s, on: "edge > lb", link: {loss: 20%, correlation: 50%, delay: 3ms}}`, policy.Timeout},
		{"resets", lb, `{at: 1s, for: 500ms, on: "lb > api[1]", cut: reset}`, policy.Reset},
		{"refusals", lb, `{at: 0s, for: 2s, on: "lb > api[1]", cut: refuse}`, policy.Refused},
		{"a hole in the way there", lb, `{at: 1s, for: 300ms, on: "lb > api[1]", cut: {by: black-hole, way: there}}`, policy.OK},
		{"a partition that the checks of one find", checked, `{at: 1s, for: 1300ms, on: "lb | api[1]", cut: black-hole}`, policy.Timeout},
		{"connections that are half-open", lb, `{at: 1s, for: 700ms, on: "lb > api[1]", cut: half-open}`, policy.Timeout},
		{"several on one link", cached, `{at: 1s, for: 2s, on: "lb > api", link: {delay: 5ms, jitter: 2ms}}, {at: 1500ms, for: 1s, on: "lb > api[0]", link: {loss: 10%}}, {at: 2s, for: 200ms, on: "lb > api[1]", cut: reset}`, policy.OK},
		{"several at once", lb, `{at: 1s, for: 2s, on: api, answers: {are: truncated, share: 30%}}, {at: 2s, for: 2s, on: api, answers: {are: trickling, per-second: 20KiB}}, {at: 1s, for: 2s, on: api, answers: {are: corrupted, share: 30%}}, {at: 1s, for: 1s, on: "api[1]", slow: 3x}`, policy.Corrupt},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := caseOf(t, test.topology, load, "timeout: 1021ms\nfaults: ["+test.faults+"]")
			for _, f := range c.Variant.Faults {
				proven[f.Kind()] = true
			}
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
