package bench

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
	"trafficlab/live"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// closedCase is 3 clients who think for 43 ms, for 2 s.
func closedCase() *scenarios.Case {
	c := steadyCase()
	stream := &c.Variant.Load.Streams[0]
	stream.Rate = nil
	stream.Closed = &scenarios.Closed{Clients: 3, Think: topologies.Distribution{Law: "constant", Mean: 43 * time.Millisecond}, For: 2 * time.Second}
	return c
}

// Each client has one request under way, and sends the next a think time after
// the outcome, as long as the load lasts.
func TestClientsOfAClosedLoopWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		seen := map[string]*http.Request{}
		aim, _ := bubble(t, func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			seen[r.Header.Get(live.RequestHeader)] = r
			mu.Unlock()
			body, _ := io.ReadAll(r.Body)
			time.Sleep(7 * time.Millisecond)
			w.Header().Set("X-Cache", "miss")
			w.Write(make([]byte, 1000+len(body)))
		})
		c := closedCase()
		c.Variant.Load.Streams[0].Mix[0].Method, c.Variant.Load.Streams[0].Mix[0].Body = "POST", 24
		samples, err := Fire(t.Context(), c, aim)
		require.NoError(t, err)
		next := map[int]time.Duration{}
		for i, s := range samples {
			client, closed := scenarios.ClientOf(s.Number)
			require.True(t, closed)
			if due, asked := next[client]; asked {
				require.Equal(t, due, s.At)
			}
			next[client] = s.At + 50*time.Millisecond
			require.True(t, i == 0 || samples[i-1].At <= s.At, "in order of time")
			require.Equal(t, [...]any{policy.OK, 200, int64(1024), "miss", "alice", 7 * time.Millisecond, time.Duration(0)},
				[...]any{s.Reason, s.Status, s.Bytes, s.Cache, s.Class, s.Latency, s.Late})
			r := seen[live.FormatRequest(s.Number, 0)]
			require.Equal(t, "/a?b=c", r.RequestURI)
			require.Equal(t, []string{"10.1.0.1", "10.1.0.2", "10.1.0.3"}[client], r.Header.Get("X-Forwarded-For"))
		}
		require.Len(t, next, 3)
		for _, at := range next {
			require.GreaterOrEqual(t, at, 2*time.Second)
		}
		require.InDelta(t, 120, len(samples), 3)
	})
}

// Whatever ends a request, its client goes on.
func TestClientsOfAClosedLoopGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := closedCase()
		c.Variant.Timeout = 100 * time.Millisecond
		n := 0
		var mu sync.Mutex
		aim, _ := bubble(t, func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			n++
			which := n % 3
			mu.Unlock()
			switch which {
			case 0:
				<-r.Context().Done()
			case 1:
				begin(w)
				panic(http.ErrAbortHandler)
			}
		})
		samples, err := Fire(t.Context(), c, aim)
		require.NoError(t, err)
		ends := map[policy.Reason]int{}
		for _, s := range samples {
			ends[s.Reason]++
			if s.Reason == policy.Timeout {
				require.Equal(t, c.Variant.Timeout, s.Latency)
			}
		}
		require.Len(t, ends, 3)
		for _, reason := range []policy.Reason{policy.OK, policy.Reset, policy.Timeout} {
			require.InDelta(t, len(samples)/3, ends[reason], 1)
		}
	})
}

func TestAClosedLoopEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		aim, _ := bubble(t, nil)
		aim.Transport = roundTrip(func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Err: syscall.EMFILE}
		})
		_, err := Fire(t.Context(), closedCase(), aim)
		assert.ErrorContains(t, err, "could not be sent from this machine: dial: too many open files; offer less load, or raise the limit")
		assert.True(t, errors.Is(err, syscall.EMFILE))
	})
}

func TestTwinsInAClosedLoop(t *testing.T) {
	const topology = `entry: lb
nodes:
  lb: {kind: load-balancer, pick: least-connections, retry: {tries: 2}, timeout: {response: 37ms}, to: api}
  api: {kind: backend, replicas: 3, workers: 2, queue: 8, service-time: {lognormal: {median: 5ms, p99: 30ms}}, response: 2KiB}`
	const mix = `mix: [{get: "/products/{zipf 50 1.1}", share: 80%, class: readers}, {post: /orders, body: 1KiB, class: buyers}]`
	const trouble = "timeout: 61ms\n" + `faults: [{at: 1s, for: 1s, on: api, slow: 4x}, {at: 1500ms, for: 400ms, on: "api[1]", errors: 50%}]`
	for name, load := range map[string]string{
		"who think exponential": "{closed: {clients: 25, think: {exponential: 50ms}}, for: 4s, " + mix + "}",
		"who hardly think":      "{closed: {clients: 7, think: {uniform: {from: 1us, to: 900us}}}, for: 2s, " + mix + "}",
		"beside an open one":    "[{closed: {clients: 9, think: {lognormal: {median: 30ms, p99: 90ms}}}, at: 300ms, for: 3s, " + mix + "}, {poisson: 60/s, for: 4s, " + mix + "}]",
	} {
		t.Run(name, func(t *testing.T) { requireTwins(t, caseOf(t, topology, load, trouble)) })
	}
}
