package bench

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"trafficlab/scenarios"
)

// promises are the failures and kinds of load that both worlds are to know, how a
// scenario says each, and which tests show its effect: on the wire, and in the
// simulator. A test that stands alone plays both worlds.
var promises = []struct{ what, says, live, sim string }{
	{"crash, and a restart after", `{for: 2s, on: api, crash: true}`, "live.TestCrashAndRestart", "sim.TestACrashResetsWhatIsInFlightAndRefusesTheRest"},
	{"crash for good", `{on: api, crash: true}`, "live.TestCrashForGood", "sim.TestACrashForGood"},
	{"freeze", `{for: 2s, on: "api[1]", freeze: true}`, "live.TestFreezeAndThaw", "sim.TestAFrozenPlaceAcceptsAndAnswersAtTheThaw"},
	{"rolling restart", `{for: 1s, stagger: 1s, on: api, restart: true}`, "live.TestRestart", "sim.TestARestartEndsWhatIsInHandAndTakesNobodyNew"},
	{"graceful drain", `{for: 2s, on: "api[0]", drain: true}`, "bench.TestTwinsInBadWeather/one that drains, and the others are slow", ""},

	{"slow by a factor", `{on: api, slow: 9x}`, "bench.TestTwinsInBadWeather/slowness that grows", ""},
	{"slow by a time, for a share", `{on: api, slow: {added: 20ms, share: 30%}}`, "bench.TestTwinsInBadWeather/slowness of some", ""},
	{"errors of a share, with a status", `{on: api, errors: {status: 502, share: 30%}}`, "bench.TestTwinsInBadWeather/aborts by path and header", ""},
	{"the first N fail", `{on: api, errors: {first: 9}}`, "bench.TestTwinsInBadWeather/the first fail", ""},
	{"gray failure", `{on: 50% of api, errors: {share: 80%, checks: fine}}`, "bench.TestTwinsInBadWeather/gray failure", ""},
	{"flapping", `{for: 200ms, every: 500ms, on: "api[1]", errors: 100%}`, "bench.TestTwinsInBadWeather/errors that come back", ""},
	{"corrupted answers", `{on: api, answers: corrupted}`, "bench.TestTwinsInBadWeather/corrupted answers", ""},
	{"truncated answers", `{on: api, answers: truncated}`, "bench.TestTwinsInBadWeather/truncated answers", ""},
	{"endless answers", `{on: api, answers: endless}`, "bench.TestTwinsInBadWeather/endless answers", ""},
	{"wrong content length", `{on: api, answers: mislabelled}`, "bench.TestTwinsInBadWeather/mislabelled answers", ""},
	{"slow body", `{on: api, answers: {are: trickling, per-second: 10KiB}}`, "bench.TestTwinsInBadWeather/trickling answers", ""},
	{"lost connection at a byte", `{on: api, answers: {are: truncated, after: 1KiB}}`, "bench.TestTwinsInBadWeather/truncated answers that nobody keeps", ""},

	{"link: delay with jitter and correlation", `{on: lb > api, link: {delay: 20ms, jitter: 15ms, correlation: 40%}}`, "bench.TestTwinsInBadWeather/delays on links", ""},
	{"link: delay, between processes", `{on: lb > api, link: 30ms}`, "live.TestLinksBetweenProcesses", "sim.TestLinksDelayDialsRequestsAndAnswers"},
	{"link: bandwidth", `{on: lb > api, link: {bandwidth: 100KiB/s}}`, "bench.TestTwinsOfLittleBandwidth", ""},
	{"link: loss as stalls", `{on: lb > api, link: {loss: 20%}}`, "bench.TestTwinsInBadWeather/losses on a link", ""},
	{"link: of the clients", `{on: clients > lb, link: 20ms}`, "bench.TestTwinsOverTheLinkOfClients", ""},
	{"link: reset", `{for: 1s, on: "lb > api[1]", cut: reset}`, "bench.TestTwinsInBadWeather/resets", ""},
	{"link: refusal", `{for: 1s, on: "lb > api[1]", cut: refuse}`, "bench.TestTwinsInBadWeather/refusals", ""},
	{"link: half-open", `{for: 1s, on: "lb > api[1]", cut: half-open}`, "bench.TestTwinsInBadWeather/connections that are half-open", ""},
	{"link: black hole", `{for: 1s, on: lb > api, cut: black-hole}`, "live.TestHolesInLinksSwallow", "sim.TestCutLinksFailCalls"},
	{"link: partition between two sets", `{for: 1s, on: "lb | api[1], api[2]", cut: black-hole}`, "bench.TestTwinsInBadWeather/a partition that the checks of one find", ""},
	{"link: one direction", `{for: 1s, on: lb > api, cut: {by: black-hole, way: there}}`, "bench.TestTwinsInBadWeather/a hole in the way there", ""},

	{"HTTP: delay by method and path", `{on: lb, delay: {by: 25ms, path: /items/*, methods: GET}}`, "bench.TestTwinsInBadWeather/delays at the entry by path", ""},
	{"HTTP: delay by header and share", `{on: lb, delay: {by: 25ms, header: {X-Canary: "yes"}, share: 50%}}`, "bench.TestTwinsInBadWeather/delays of canaries", ""},
	{"HTTP: abort by path, header and share", `{on: lb, errors: {status: 503, path: /orders*, header: {X-Canary: "yes"}, share: 50%}}`, "bench.TestTwinsInBadWeather/aborts by path and header", ""},

	{"a zone down", `{for: 2s, on: zone b, crash: true}`, "live.TestCrashAndRestart", "bench.TestAZoneIsDown"},
	{"a zone that fails", `{for: 2s, on: zone b, errors: 40%}`, "bench.TestTwinsInBadWeather/errors of a zone", ""},
	{"a bad deploy, replica by replica", `{stagger: 700ms, on: api, errors: {methods: POST}}`, "bench.TestTwinsInBadWeather/a bad deploy that reaches one after another", ""},
	{"several faults at once", `{on: api, slow: 3x}`, "bench.TestTwinsInBadWeather/several at once", ""},
	{"an expired certificate", `{for: 1s, on: lb, certificate: expired}`, "live.TestExpiredCertificate", "sim.TestAnExpiredCertificateStopsConnectionsToCome"},
	{"a purge", `{on: lb, purge: /items/*}`, "bench.TestCacheTwins", ""},

	{"load: constant", "constant", "bench.TestTwinsOfLittleBandwidth", ""},
	{"load: Poisson", "poisson", "bench.TestTwins", ""},
	{"load: ramp", "ramp", "bench.TestTwins/a ramp and steps, evenly spaced", ""},
	{"load: steps", "steps", "bench.TestTwins/a ramp and steps, evenly spaced", ""},
	{"load: spike", "spike", "bench.TestTwins/a spike, a sine and bursts, with bodies by a law", ""},
	{"load: sine", "sine", "bench.TestTwins/a spike, a sine and bursts, with bodies by a law", ""},
	{"load: on/off bursts", "bursts", "bench.TestTwins/a spike, a sine and bursts, with bodies by a law", ""},
	{"load: closed loop", "closed", "bench.TestTwinsInAClosedLoop", ""},
	{"load: replay of a log", "replay", "bench.TestTwins/the replay of a log", ""},
	{"load: sessions", "poisson", "bench.TestTwins/sessions beside a closed loop", ""},
	{"load: slow clients", "poisson", "bench.TestTwinsOfSlowReaders", ""},
	{"load: thundering herd on a cache", "poisson", "bench.TestTwins/cache that collapses", ""},
	{"load: thundering herd after recovery", "poisson", "live.TestAHerdAfterTheThaw", "sim.TestAFrozenPlaceAcceptsAndAnswersAtTheThaw"},
	{"load: cohorts", "poisson", "bench.TestTwinsOfClientsWithHabits", ""},
}

// TestPromisesAreProven: each of them can be said, the tests that show it are
// there, and nothing that can be said goes without.
func TestPromisesAreProven(t *testing.T) {
	const system = `entry: lb
nodes:
  lb: {kind: cdn, tls: self-signed, cache: {capacity: 64KiB}, to: api}
  api: {kind: backend, replicas: 3, zones: [a, b, b]}`
	proven := map[string]bool{}
	for _, p := range promises {
		t.Run(p.what, func(t *testing.T) {
			if _, is := scenarios.Shapes[p.says]; is {
				proven[p.says] = true
			} else {
				c := caseOf(t, system, "{poisson: 10/s, for: 4s, mix: [{get: /}]}", "faults: ["+p.says+"]")
				proven[c.Variant.Faults[0].Kind()] = true
			}
			requireTest(t, p.live)
			if p.sim != "" {
				requireTest(t, p.sim)
				require.NotContains(t, p.live, "Twins", "they play both worlds")
			} else {
				require.Contains(t, p.live, "Twins", "one world alone")
			}
		})
	}
	for _, name := range append(scenarios.FaultNames(), scenarios.ShapeNames()...) {
		require.True(t, proven[name], "no test shows what %s does, in both worlds", name)
	}
}

// requireTest finds a test, such as sim.TestX, or a named part of one.
func requireTest(t *testing.T, name string) {
	t.Helper()
	name, part, _ := strings.Cut(name, "/")
	folder, test, _ := strings.Cut(name, ".")
	files, err := filepath.Glob("../" + folder + "/*_test.go")
	require.NoError(t, err)
	require.True(t, slices.ContainsFunc(files, func(file string) bool {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		return strings.Contains(string(text), "\nfunc "+test+"(t *testing.T) {") && strings.Contains(string(text), `"`+part)
	}), "%s has no %s/%s", folder, test, part)
}
