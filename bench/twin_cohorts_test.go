package bench

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/sim"
)

// Clients with habits of their own: connections are made anew when they should
// be, and whoever needs one waits for it, alike in both worlds.
func TestTwinsOfClientsWithHabits(t *testing.T) {
	const backend = "entry: api\nnodes:\n  api: {kind: backend, workers: 3, queue: 20, service-time: {exponential: 9ms}, response: 2KiB}"
	open := func(clients string) string {
		return "{poisson: 150/s, for: 4s, mix: [{get: /items/7, clients: " + clients + "}, {post: /orders, body: 3KiB, share: 20%, clients: " + clients + "}]}"
	}
	closed := func(clients string) string {
		return "{closed: {clients: " + clients + ", think: {exponential: 40ms}}, for: 4s, mix: [{get: /items/7}, {post: /orders, body: 3KiB, share: 20%}]}"
	}
	for name, load := range map[string]string{
		"connections of one request":          open("{count: 20, keep-alive: never}"),
		"their own, of one request":           open("{count: 20, keep-alive: never, connections: own}"),
		"their own, of three requests":        closed("{count: 9, keep-alive: 3, connections: own}"),
		"their own, kept":                     closed("{count: 9, connections: own}"),
		"HTTP/2":                              open("{count: 20, http: 2}"),
		"HTTP/2, each its own":                open("{count: 20, http: 2, connections: own}"),
		"HTTP/2, each its own, of 3 requests": closed("{count: 9, http: 2, keep-alive: 3, connections: own}"),
		"HTTP/2, of one request":              open("{count: 20, http: 2, keep-alive: never}"),
		"HTTP/2, of 30 requests":              open("{count: 20, http: 2, keep-alive: 30}"),
		"two cohorts at once":                 "[" + closed("{count: 5, keep-alive: 2, connections: own}") + ", " + open("{count: 3, keep-alive: never}") + "]",
	} {
		t.Run(name, func(t *testing.T) {
			system := backend
			if strings.Contains(load, "keep-alive: 30") { // who waits for one connection arrives with others, in any order
				system = strings.Replace(system, "workers: 3", "workers: 99", 1)
			}
			requireTwinsWhoDial(t, caseOf(t, system, load, "timeout: 61ms"), 7*time.Millisecond)
		})
	}
}

// Every so many requests a connection is paid for, and only then.
func TestKeepAliveSaysWhoDials(t *testing.T) {
	const backend = "entry: api\nnodes:\n  api: {kind: backend, workers: 100, service-time: 1ms}"
	for clients, share := range map[string]float64{
		"{count: 10, connections: own, keep-alive: never}":  1,
		"{count: 10, connections: own, keep-alive: 4}":      0.25,
		"{count: 10, connections: own, keep-alive: always}": 0,
	} {
		c := caseOf(t, backend, "{closed: {clients: "+clients+", think: 20ms}, for: 5s, mix: [{get: /}]}", "")
		ran, err := sim.Run(t.Context(), c, sim.Costs{Dial: 5 * time.Millisecond})
		require.NoError(t, err)
		dialled := 0
		for _, s := range ran.Samples {
			if s.Latency > 5*time.Millisecond {
				dialled++
			}
		}
		require.InDelta(t, share, float64(dialled)/float64(len(ran.Samples)), 0.01, clients)
	}
}

func TestCohortsShareWhatIsTheirs(t *testing.T) {
	c := caseOf(t, "entry: api\nnodes:\n  api: {kind: backend}", strings.ReplaceAll(
		"{poisson: 10/s, for: 4s, mix: [{get: /a, clients: H}, {get: /b, clients: H}, {get: /c, clients: H, class: theirs}, {get: /d}]}", "H", "{keep-alive: 5}"), "")
	all, err := newCohorts(c, Aim{URL: "http://entry", Transport: NewTransport()})
	require.NoError(t, err)
	require.Len(t, all, 4)
	require.Same(t, all[0], all[1])
	require.NotSame(t, all[0], all[2], "clients of another class")
	require.Nil(t, all[3])
	_, err = newCohorts(c, Aim{URL: "http://entry", Transport: roundTrip(nil)})
	require.ErrorContains(t, err, "the transport aimed with makes no connections")
	c.Variant.Load.Streams[0].Mix = []scenarios.Ask{{Share: 1}}
	all, err = newCohorts(c, Aim{Transport: roundTrip(nil)})
	require.NoError(t, err)
	require.Equal(t, cohorts{nil}, all)
}

// Clients who read slowly have their answers when they have read them, and keep
// their connections until then.
func TestTwinsOfSlowReaders(t *testing.T) {
	const system = `entry: lb
nodes:
  lb: {kind: load-balancer, pick: p2c, to: api}
  api: {kind: backend, replicas: 2, workers: 30, service-time: {exponential: 9ms}, response: 2KiB}`
	for name, load := range map[string]string{
		"all in time":     "{poisson: 90/s, for: 4s, mix: [{get: /items/7, clients: {reads: 50KiB/s}}, {head: /items/7}]}",
		"out of patience": "{poisson: 90/s, for: 4s, mix: [{get: /items/7, clients: {reads: 5KiB/s}}, {get: /items/8}]}",
		"one at a time":   "{closed: {clients: {count: 9, connections: own, reads: 25KiB/s}, think: {exponential: 40ms}}, for: 4s, mix: [{get: /items/7}]}",
		"over HTTP/2":     "{poisson: 90/s, for: 4s, mix: [{get: /items/7, clients: {count: 5, reads: 25KiB/s, http: 2, connections: own}}]}",
	} {
		t.Run(name, func(t *testing.T) { requireTwins(t, caseOf(t, system, load, "timeout: 171ms")) })
	}
}

// A client that takes a long answer too slowly loses it.
func TestSlowReadersOfLongAnswers(t *testing.T) {
	const system = `entry: lb
nodes:
  lb: {kind: load-balancer, callers: {take: {pause: 10s, rate: 64KiB, grace: 300ms}}, to: api}
  api: {kind: backend, workers: 30, response: 128KiB}`
	for reads, want := range map[string]policy.Reason{"16KiB/s": policy.Reset, "256KiB/s": policy.OK} {
		c := caseOf(t, system, "{constant: 5/s, for: 4s, mix: [{get: /long, clients: {reads: "+reads+"}}]}", "worlds: [live]")
		samples, _ := runInBubble(t, c, 0)
		require.Len(t, samples, 20)
		for _, s := range samples {
			require.Equal(t, want, s.Reason, reads)
		}
	}
}

// Who sends slowly is what a proxy's bounds are for: too slow is answered 408.
func TestSlowSenders(t *testing.T) {
	const system = `entry: lb
nodes:
  lb: {kind: load-balancer, callers: {send: {pause: 10s, rate: 4KiB, grace: 300ms}}, to: api}
  api: {kind: backend, workers: 30}`
	for sends, want := range map[string]struct {
		status int
		after  time.Duration
	}{
		"1KiB/s":          {408, 400 * time.Millisecond},
		"8KiB/s":          {200, 250 * time.Millisecond},
		"1KiB/s, http: 2": {408, 400 * time.Millisecond},
		"8KiB/s, http: 2": {200, 250 * time.Millisecond},
	} {
		c := caseOf(t, system, "{constant: 5/s, for: 4s, mix: [{post: /orders, body: 2KiB, clients: {sends: "+sends+"}}]}", "worlds: [live]")
		samples, _ := runInBubble(t, c, 0)
		require.Len(t, samples, 20)
		for _, s := range samples {
			require.Equal(t, want.status, s.Status, sends)
			require.InDelta(t, want.after.Seconds(), s.Latency.Seconds(), 0.1, sends)
		}
	}
}
