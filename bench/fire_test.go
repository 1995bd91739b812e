package bench

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/components/policy"
	"trafficlab/live"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// steadyCase brings 100 requests a second for 2 s, evenly spaced.
func steadyCase() *scenarios.Case {
	return &scenarios.Case{Scenario: "steady", Seed: 1, Variant: scenarios.Variant{
		Name: "a", Timeout: 5 * time.Second, Topology: &topologies.Topology{},
		Load: scenarios.Load{Streams: []scenarios.Stream{{
			Rate: []scenarios.Leg{{From: 100, To: 100, For: 2 * time.Second}},
			Mix:  []scenarios.Ask{{Share: 1, Method: "GET", Path: scenarios.Template{Before: "/a?b=c"}, Class: "alice"}},
		}}},
	}}
}

// bubble serves a handler on a network in memory, to be fired at within a
// synctest bubble.
func bubble(t *testing.T, h http.HandlerFunc) (aim Aim, listen net.Listener) {
	network := &live.Memory{}
	l, err := network.Listen("entry")
	require.NoError(t, err)
	server := &http.Server{Handler: h, Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	var served sync.WaitGroup
	served.Go(func() { server.Serve(l) })
	transport := NewTransport()
	transport.DialContext = network.Dial
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		served.Wait()
	})
	return Aim{URL: "http://entry", Began: time.Now().Add(time.Second), Transport: transport, Sleep: sleep}, l
}

func sleep(ctx context.Context, until time.Time) error {
	select {
	case <-time.After(time.Until(until)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestEveryRequestGoesAtItsInstant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := steadyCase()
		c.Variant.Load.Streams[0].Mix[0].Header = []scenarios.HeaderField{{Name: "x-api-key", Value: "k"}}
		c.Variant.Load.Streams[0].Mix[0].Clients = 5
		var mu sync.Mutex
		seen := map[string]*http.Request{}
		aim, _ := bubble(t, func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			seen[r.Header.Get(live.RequestHeader)] = r
			mu.Unlock()
			time.Sleep(7 * time.Millisecond)
			w.Header().Set("X-Cache", "hit")
			w.Write(make([]byte, 1024))
		})
		samples, err := Fire(t.Context(), c, aim)
		require.NoError(t, err)
		require.Len(t, samples, 200)
		n := 0
		for a := range c.Arrivals() {
			s := samples[n]
			assert.Equal(t, a.Number, s.Number)
			assert.Equal(t, a.At, s.At)
			assert.Zero(t, s.Late)
			assert.Equal(t, 7*time.Millisecond, s.Latency)
			assert.Equal(t, policy.OK, s.Reason)
			assert.Equal(t, 200, s.Status)
			assert.EqualValues(t, 1024, s.Bytes)
			assert.Equal(t, "hit", s.Cache)
			assert.Equal(t, "alice", s.Class)
			r := seen[live.FormatRequest(a.Number, 0)]
			require.NotNil(t, r, "request %d", a.Number)
			assert.Equal(t, a.Client, netip.MustParseAddr(r.Header.Get("X-Forwarded-For")))
			n++
		}
		r := seen["0 0"]
		assert.Equal(t, "/a?b=c", r.RequestURI)
		assert.Equal(t, "trafficlab.test", r.Host)
		assert.Equal(t, "k", r.Header.Get("X-Api-Key"))
		assert.Len(t, r.Header, 3, "nothing that vegeta or net/http adds: %v", r.Header)
	})
}

// A server that stands still for 500 ms delays everything that was to come
// meanwhile, by what is left of the stall: nothing is omitted.
func TestAStallIsSeenByAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var thaw time.Time
		aim, _ := bubble(t, func(http.ResponseWriter, *http.Request) {
			if now := time.Now(); now.After(thaw.Add(-500*time.Millisecond)) && now.Before(thaw) {
				time.Sleep(thaw.Sub(now))
			}
		})
		thaw = aim.Began.Add(time.Second)
		samples, err := Fire(t.Context(), steadyCase(), aim)
		require.NoError(t, err)
		delayed := 0
		for _, s := range samples {
			want := time.Duration(0)
			if s.At > 500*time.Millisecond && s.At < time.Second {
				want = time.Second - s.At
				delayed++
			}
			assert.Equal(t, want, s.Latency, "at %v", s.At)
		}
		assert.Equal(t, 50, delayed)
	})
}

// What the generator itself is late by counts as latency, and is told.
func TestLatenessIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		aim, _ := bubble(t, func(http.ResponseWriter, *http.Request) {})
		aim.Sleep = func(ctx context.Context, until time.Time) error { return sleep(ctx, until.Add(3*time.Millisecond)) }
		samples, err := Fire(t.Context(), steadyCase(), aim)
		require.NoError(t, err)
		assert.Equal(t, 3*time.Millisecond, samples[9].Late)
		assert.Equal(t, 3*time.Millisecond, samples[9].Latency)
	})
}

// A generator that does not get its time says so, and its run does not pass.
func TestAStarvedGeneratorIsNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := steadyCase()
		aim, _ := bubble(t, func(http.ResponseWriter, *http.Request) { time.Sleep(10 * time.Millisecond) })
		aim.Sleep = func(ctx context.Context, until time.Time) error { return sleep(ctx, until.Add(40*time.Millisecond)) }
		samples, err := Fire(t.Context(), c, aim)
		require.NoError(t, err)
		run := newRun(c, "live")
		run.Samples, run.Machine.Cores = samples, 2
		run.Machine.LateP50, run.Machine.LateP99 = lateness(samples)
		run.Warnings = measure.Suspect(run)
		require.True(t, run.Severe(), "%v", run.Warnings)
		require.Contains(t, run.Warnings[0].Text, "The generator sent its requests late, by ")
	})
}

func TestHowRequestsEnd(t *testing.T) {
	abort := func(w http.ResponseWriter, r *http.Request) {
		if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
			conn.Close()
		}
	}
	for name, c := range map[string]struct {
		handle  http.HandlerFunc
		reason  policy.Reason
		status  int
		latency time.Duration
	}{
		"an answer":           {func(http.ResponseWriter, *http.Request) {}, policy.OK, 200, 0},
		"a redirect":          {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/b", http.StatusFound) }, policy.OK, 302, 0},
		"too many":            {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(429) }, policy.Limited, 429, 0},
		"not allowed":         {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(403) }, policy.Denied, 403, 0},
		"an error":            {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) }, policy.Failed, 500, 0},
		"a full queue":        {func(w http.ResponseWriter, r *http.Request) { shed(w) }, policy.Shed, 503, 0},
		"patience runs out":   {func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, policy.Timeout, 0, 5 * time.Second},
		"it runs out midway":  {func(w http.ResponseWriter, r *http.Request) { begin(w); <-r.Context().Done() }, policy.Timeout, 0, 5 * time.Second},
		"the connection ends": {abort, policy.Reset, 0, 0},
		"it ends midway":      {func(w http.ResponseWriter, r *http.Request) { begin(w); panic(http.ErrAbortHandler) }, policy.Reset, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				aim, _ := bubble(t, c.handle)
				samples, err := Fire(t.Context(), steadyCase(), aim)
				require.NoError(t, err)
				for _, s := range samples {
					assert.Equal(t, c.reason, s.Reason)
					assert.Equal(t, c.status, s.Status)
					assert.Equal(t, c.latency, s.Latency)
				}
			})
		})
	}
}

func shed(w http.ResponseWriter) {
	w.Header().Set("Proxy-Status", "trafficlab; error=connection_limit_reached")
	w.WriteHeader(503)
}

func begin(w http.ResponseWriter) {
	w.Header().Set("Content-Length", "1000")
	w.WriteHeader(200)
	w.Write([]byte("x"))
	w.(http.Flusher).Flush()
}

func TestNobodyListens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		aim, l := bubble(t, nil)
		l.Close()
		samples, err := Fire(t.Context(), steadyCase(), aim)
		require.NoError(t, err)
		assert.Equal(t, policy.Refused, samples[0].Reason)
		assert.Equal(t, policy.Refused, samples[199].Reason)
	})
}

// net/http sends a GET again by itself if a used connection breaks before the
// answer: here every break is seen.
func TestNothingIsSentTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var numbers []string
		aim, _ := bubble(t, func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			numbers = append(numbers, r.Header.Get(live.RequestHeader))
			broken := len(numbers)%2 == 0
			mu.Unlock()
			if broken {
				panic(http.ErrAbortHandler)
			}
		})
		samples, err := Fire(t.Context(), steadyCase(), aim)
		require.NoError(t, err)
		slices.Sort(numbers)
		assert.Len(t, slices.Compact(numbers), 200)
		assert.Equal(t, policy.OK, samples[0].Reason)
		assert.Equal(t, policy.Reset, samples[1].Reason)
	})
}

func TestFireEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		aim, _ := bubble(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		ctx, cancel := context.WithCancelCause(t.Context())
		died := errors.New("lb ended by itself")
		time.AfterFunc(1500*time.Millisecond, func() { cancel(died) })
		began := time.Now()
		_, err := Fire(ctx, steadyCase(), aim)
		assert.ErrorIs(t, err, died)
		assert.Equal(t, 1500*time.Millisecond, time.Since(began))
	})
}

// A generator without files to open connections with measures nothing.
func TestTroubleOfOurOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		aim, _ := bubble(t, nil)
		aim.Transport = roundTrip(func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Err: syscall.EMFILE}
		})
		_, err := Fire(t.Context(), steadyCase(), aim)
		assert.ErrorContains(t, err, "request 0 could not be sent from this machine: dial: too many open files; offer less load, or raise the limit")
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (r roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return r(req) }

func TestBodiesAreSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := steadyCase()
		c.Variant.Load.Streams[0].Mix[0].Method = "POST"
		c.Variant.Load.Streams[0].Mix[0].Body = 3000
		aim, _ := bubble(t, func(w http.ResponseWriter, r *http.Request) {
			if body, err := io.ReadAll(r.Body); err != nil || len(body) != 3000 || r.Method != "POST" {
				w.WriteHeader(500)
			}
		})
		samples, err := Fire(t.Context(), c, aim)
		require.NoError(t, err)
		for _, s := range samples {
			assert.Equal(t, policy.OK, s.Reason)
		}
	})
}
