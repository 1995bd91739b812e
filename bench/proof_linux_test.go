package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/components/policy"
	"trafficlab/live"
	"trafficlab/scenarios"
)

// The measuring side is held against servers whose delays are known.

const (
	stallBegins = time.Second
	stallEnds   = 3 * time.Second
)

// stallCase brings 300 requests a second for 4 s, evenly spaced.
func stallCase(h scenarios.Habits) *scenarios.Case {
	c := steadyCase()
	s := &c.Variant.Load.Streams[0]
	s.Rate = []scenarios.Leg{{From: 300, To: 300, For: 4 * time.Second}}
	s.Mix[0].Clients = 10
	if h != (scenarios.Habits{}) {
		s.Mix[0].Habits = &h
	}
	return c
}

// A server that answers nobody for 2 s is seen by all whom the load meant to
// ask meanwhile, whether the generator had the workers to ask it or not.
func TestAStallIsOmittedByNobody(t *testing.T) {
	type by struct {
		workers uint64
		shares  int
		habits  scenarios.Habits
	}
	for name, test := range map[string]by{
		"one worker":         {1, 1, scenarios.Habits{}},
		"a few":              {7, 1, scenarios.Habits{}},
		"as it is":           {maxWorkers, 1, scenarios.Habits{}},
		"three generators":   {maxWorkers, 3, scenarios.Habits{}},
		"three of a few":     {7, 3, scenarios.Habits{Own: true}},
		"HTTP/2":             {maxWorkers, 1, scenarios.Habits{HTTP2: true}},
		"HTTP/2 by a few":    {7, 1, scenarios.Habits{HTTP2: true, Own: true}},
		"no connection kept": {maxWorkers, 1, scenarios.Habits{Requests: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := stallCase(test.habits)
				var began time.Time
				aim, _ := bubble(t, func(http.ResponseWriter, *http.Request) {
					if at := time.Since(began); at > stallBegins && at < stallEnds {
						time.Sleep(stallEnds - at)
					}
				})
				began = aim.Began
				samples := fireShares(t, c, aim, test.shares, test.workers)
				require.Equal(t, 1200, len(samples))
				stalled := 0
				for i, s := range samples {
					require.Equal(t, uint64(i), s.Number)
					require.Equal(t, policy.OK, s.Reason)
					left := time.Duration(0)
					if s.At > stallBegins && s.At < stallEnds {
						stalled++
						left = stallEnds - s.At
					}
					require.Equal(t, left, s.Latency, "at %v", s.At)
				}
				require.Equal(t, 600, stalled)
			})
		})
	}
}

// fireShares is a load by so many generators.
func fireShares(t *testing.T, c *scenarios.Case, aim Aim, shares int, workers uint64) []measure.Sample {
	parts := make([][]measure.Sample, shares)
	errs := make([]error, shares)
	var all sync.WaitGroup
	for i := range shares {
		aim := aim
		aim.Share = Share{i, shares}
		all.Go(func() { parts[i], errs[i] = fire(t.Context(), c, aim, workers) })
	}
	all.Wait()
	require.NoError(t, errors.Join(errs...))
	samples := slices.Concat(parts...)
	measure.Order(samples)
	return samples
}

// Latencies are what the server took, to the nanosecond, by every way to send.
func TestLatencyIsWhatTheServerTook(t *testing.T) {
	closed := closedCase()
	for name, test := range map[string]struct {
		c      *scenarios.Case
		shares int
	}{
		"open":               {stallCase(scenarios.Habits{}), 1},
		"HTTP/2":             {stallCase(scenarios.Habits{HTTP2: true}), 1},
		"never kept":         {stallCase(scenarios.Habits{Requests: 1}), 1},
		"closed":             {closed, 1},
		"closed, in shares":  {closed, 2},
		"open, three shares": {stallCase(scenarios.Habits{}), 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				aim, _ := bubble(t, func(_ http.ResponseWriter, r *http.Request) { time.Sleep(delayOf(r)) })
				samples := fireShares(t, test.c, aim, test.shares, maxWorkers)
				require.Greater(t, len(samples), 100, "clients of all shares")
				for _, s := range samples {
					require.Equal(t, knownDelay(s.Number), s.Latency)
				}
			})
		})
	}
}

// knownDelay is how long the server takes for a request.
func knownDelay(number uint64) time.Duration {
	return 3*time.Millisecond + time.Duration(number%5)*1234567*time.Nanosecond
}

func delayOf(r *http.Request) time.Duration {
	number, _, _ := strings.Cut(r.Header.Get(live.RequestHeader), " ")
	n, _ := strconv.ParseUint(number, 10, 64)
	return knownDelay(n)
}

// ownError is what the median of latencies may be off by.
const ownError = 200 * time.Microsecond

// In real time, on real sockets, the median of latencies is off by less than
// 0.2 ms from what the server took and what bare bytes take there and back.
// Other programs make that worse at times: the best of some tries counts.
func TestTheMedianIsRight(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds of real time")
	}
	for name, test := range map[string]struct {
		load       string
		fromIntent bool
	}{
		"open":   {"{constant: 60/s, for: 1s, mix: [{get: /}]}", true},
		"closed": {"{closed: {clients: 2, think: {uniform: {from: 10ms, to: 50ms}}}, for: 1s, mix: [{get: /}]}", false},
	} {
		t.Run(name, func(t *testing.T) {
			best := time.Hour
			for range 15 {
				server := startPlain(t)
				bare := server.bareError(t, test.fromIntent)
				best = min(best, server.medianError(t, test.load)-bare)
				server.Close()
				t.Logf("off by %v so far; bare bytes took %v", best, bare)
				if best < ownError {
					return
				}
			}
			require.Less(t, best, ownError)
		})
	}
}

// plainServer answers whoever asks by GET after the delay that is known, and
// does nothing that would take it time. It tells how long it took.
type plainServer struct {
	net.Listener
	mu   sync.Mutex
	took map[uint64]time.Duration
}

func (s *plainServer) serve() {
	for {
		conn, err := s.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			head := make([]byte, 4096)
			for {
				n, err := conn.Read(head) // a head comes at once
				came := time.Now()
				if err != nil {
					return
				}
				_, after, _ := strings.Cut(string(head[:n]), live.RequestHeader+": ")
				text, _, _ := strings.Cut(after, " ")
				number, _ := strconv.ParseUint(text, 10, 64)
				live.SleepUntil(context.Background(), came.Add(knownDelay(number)))
				s.mu.Lock()
				s.took[number] = time.Since(came)
				s.mu.Unlock()
				io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")
			}
		}()
	}
}

func startPlain(t *testing.T) *plainServer {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &plainServer{Listener: listener, took: map[uint64]time.Duration{}}
	go s.serve()
	return s
}

func (s *plainServer) tookFor(number uint64) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.took[number]
}

// bareError is what a request takes on top of what the server did, at the
// median, if its bytes are written to a socket as they are: since they were to
// be, or since they were.
func (s *plainServer) bareError(t *testing.T, fromIntent bool) time.Duration {
	conn, err := net.Dial("tcp", s.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	var off []time.Duration
	answer := make([]byte, 4096)
	for began, i := time.Now(), uint64(0); i < 40; i++ {
		from := began.Add(time.Duration(i+1) * time.Second / 60)
		head := "GET / HTTP/1.1\r\nHost: a\r\n" + live.RequestHeader + ": " + live.FormatRequest(i, 0) + "\r\n\r\n"
		require.NoError(t, live.SleepUntil(t.Context(), from))
		if !fromIntent {
			from = time.Now()
		}
		_, err := io.WriteString(conn, head)
		require.NoError(t, err)
		_, err = conn.Read(answer)
		require.NoError(t, err)
		off = append(off, time.Since(from)-s.tookFor(i))
	}
	slices.Sort(off)
	return off[len(off)/2]
}

// medianError is by how much latencies are above what the server took, at the
// median.
func (s *plainServer) medianError(t *testing.T, load string) time.Duration {
	c := caseOf(t, fmt.Sprintf("entry: out\nnodes:\n  out: {kind: external, to: %q}", "http://"+s.Addr().String()), load, "worlds: [live]")
	g, err := liveWorld{}.generator(c)
	require.NoError(t, err)
	defer g.close()
	system, err := live.Start(t.Context(), c, live.SystemOptions{Dir: t.TempDir(), Beside: g.companions()})
	require.NoError(t, err)
	defer system.Stop()
	require.NoError(t, g.ready(t.Context(), system))
	samples, _, err := g.fire(t.Context(), system.Begin())
	require.NoError(t, err)
	require.Greater(t, len(samples), 30)
	var off []time.Duration
	for _, sample := range samples {
		require.Equal(t, policy.OK, sample.Reason)
		off = append(off, sample.Latency-s.tookFor(sample.Number))
	}
	slices.Sort(off)
	return off[len(off)/2]
}
