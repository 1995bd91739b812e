package sim

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/components"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// cachedBackend is a CDN before a backend that serves any number of requests
// at once, each for the same time.
func cachedBackend(cache topologies.Cache, service time.Duration, control string) *topologies.Topology {
	top := chain("cdn", "api")
	cdn, api := top.Nodes[0], top.Nodes[1]
	cdn.Kind, cdn.Cache, cdn.Connections = topologies.CDN, &cache, 10_000
	cdn.Timeout = topologies.Timeouts{Response: time.Hour}
	api.Workers = 10_000
	api.ServiceTime = topologies.Distribution{Law: "constant", Mean: service}
	api.CacheControl = []topologies.PathValue{{Path: "/*", Value: control}}
	return top
}

func told(r *measure.Run, word string) (n int) {
	for _, s := range r.Samples {
		if s.Cache == word {
			n++
		}
	}
	return n
}

// TestHitsOfATimeToLive: one key, Poisson requests: hits are λT/(1+λT) of
// them. A stretch from miss to miss has 1 + Poisson(λT) requests, which gives
// the standard error; the seed is fixed.
func TestHitsOfATimeToLive(t *testing.T) {
	theory(t)
	const requests = 200_000
	for _, tt := range []struct{ perLife, want float64 }{{1, .5}, {10, .909091}, {100, .990099}} {
		t.Run(fmt.Sprint(tt.perLife, " requests a lifetime"), func(t *testing.T) {
			t.Parallel()
			top := cachedBackend(topologies.Cache{Capacity: 1 << 20, Collapse: true}, 0, "max-age=1")
			c := steady(top, time.Duration(float64(time.Second)/tt.perLife), requests)
			c.Variant.Load.Streams[0].Poisson = true
			r, err := Run(context.Background(), c, Costs{})
			require.NoError(t, err)
			n := float64(len(r.Samples))
			hits := float64(told(r, "hit")) / n
			miss := 1 - tt.want
			scatter := miss * math.Sqrt(tt.perLife) / (1 + tt.perLife) / math.Sqrt(n*miss)
			t.Logf("%.6f, formula %.6f, standard error %.6f", hits, tt.want, scatter)
			require.InDelta(t, tt.perLife/(1+tt.perLife), tt.want, 1e-6)
			require.Less(t, 3*scatter/miss, .01, "too few requests to tell")
			require.InDelta(t, tt.want, hits, 3*scatter)
		})
	}
}

// TestStampede: 1000 requests per second for one key that the backend takes
// 200 ms to make. At each expiry all who come in that time fetch it, 200 of
// them; with collapsing one does and the others wait; with
// stale-while-revalidate one does, and nobody waits.
func TestStampede(t *testing.T) {
	theory(t)
	for _, tt := range []struct {
		name             string
		collapse         bool
		control          string
		fetches, waiting float64 // at an expiry
	}{
		{"alone", false, "max-age=1", 200, 200},
		{"collapsed", true, "max-age=1", 1, 200},
		{"stale while revalidate", true, "max-age=1, stale-while-revalidate=1", 1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			top := cachedBackend(topologies.Cache{Capacity: 1 << 20, Collapse: tt.collapse}, 200*ms, tt.control)
			const gap, length = ms, 10 * time.Second
			c := steady(top, gap, int(length/gap))
			r, err := Run(context.Background(), c, Costs{})
			require.NoError(t, err)
			const first = 300 * ms // when all is stored
			var waiting, expiries float64
			last := time.Duration(0)
			for _, s := range r.Samples {
				require.Equal(t, policy.OK, s.Reason)
				if s.At < first || s.Cache == "hit" {
					continue
				}
				if s.At > last+500*ms {
					expiries++
				}
				last = s.At
				if s.Latency > 0 {
					waiting++
				}
			}
			fetches := float64(r.Nodes[1].Requests)
			if tt.fetches > 1 {
				fetches -= 200 // of the first
			} else {
				fetches--
			}
			t.Logf("%v expiries, %v fetches, %v waited", expiries, fetches, waiting)
			require.GreaterOrEqual(t, expiries, 7.0)
			require.InDelta(t, tt.fetches, fetches/expiries, 1)
			require.InDelta(t, tt.waiting, waiting/expiries, 1)
		})
	}
}

// TestCheInTheWholeSystem: LRU and FIFO behind a Zipf load, played from client
// to backend, hit as Che's approximation has it; its bias is below 1%.
func TestCheInTheWholeSystem(t *testing.T) {
	theory(t)
	for _, tt := range []struct {
		evict    string
		skew     float64
		room     int
		requests int
		bias     float64
		kept     func(q, t float64) float64
	}{
		{"lru", .8, 100, 15_000, .01, keptByLRU},
		{"lru", 1, 100, 10_000, .01, keptByLRU},
		{"lru", 1, 10, 45_000, .01, keptByLRU},
		{"fifo", .8, 100, 20_000, .01, keptByFIFO},
	} {
		want := che(zipfKeys, tt.room, tt.skew, tt.kept)
		m := model{fmt.Sprintf("%s of %d, skew %g", tt.evict, tt.room, tt.skew), 20, tt.requests, func(n int) *scenarios.Case {
			return zipf(tt.evict, tt.room, tt.skew, n)
		}, []figure{{"hits", hits, want, tt.bias}}}
		t.Run(m.name, func(t *testing.T) { m.hold(t) })
	}
	sieve, err := Run(context.Background(), zipf("sieve", 100, .8, 200_000), Costs{})
	require.NoError(t, err)
	require.Greater(t, hits(sieve), che(zipfKeys, 100, .8, keptByLRU)+.05)
}

const zipfKeys = 1000

// zipf is a cache with room for so many of the keys.
func zipf(evict string, room int, skew float64, requests int) *scenarios.Case {
	const body = 100_000
	cache := topologies.Cache{Capacity: (2*int64(room) + 1) * (body + 530) / 2, Collapse: true, Evict: policy.Choice{Name: evict}}
	top := cachedBackend(cache, 0, "max-age=100000")
	top.Nodes[1].Response = body
	c := steady(top, ms, requests+5*zipfKeys)
	stream := &c.Variant.Load.Streams[0]
	stream.Poisson = true
	stream.Mix[0].Path = scenarios.Template{Before: "/k/", Law: "zipf", Keys: zipfKeys, Skew: skew}
	c.Variant.Warmup = 5 * zipfKeys * ms // while it fills
	return c
}

func hits(r *measure.Run) float64 {
	return share(r, func(s *measure.Sample) bool { return s.Cache == "hit" })
}

// TestAValidationCarriesNoBody: of what is stored for a second the origin is
// asked each second whether it still holds. It says so without sending it
// again, and who asks is given all of it.
func TestAValidationCarriesNoBody(t *testing.T) {
	const service, body = 10 * ms, 50_000
	top := cachedBackend(topologies.Cache{Capacity: 1 << 20, Collapse: true}, service, "max-age=1")
	confirmed := 0
	origin := &script{handle: func(x *talk, r components.Request) {
		answer := components.Response{Status: 200, Body: components.Body{Size: body}, Header: components.Header{
			{Name: "Cache-Control", Value: "max-age=1"}, {Name: "ETag", Value: `"1"`}}}
		if r.Header.Get("If-None-Match") == `"1"` {
			confirmed++
			answer.Status, answer.Body = 304, components.Body{}
		}
		x.Wait(x.Now()+service, x.Canceled())
		x.Reply(answer)
	}}
	c := steady(top, 100*ms, 100)
	r, err := run(context.Background(), c, Costs{}, func(p topologies.Place) component {
		if p == "api" {
			return origin
		}
		return components.New(c, p)
	})
	require.NoError(t, err)
	for _, s := range r.Samples {
		require.Equal(t, 200, int(s.Status))
		require.EqualValues(t, body, s.Bytes)
	}
	require.Equal(t, 1, told(r, "miss"))
	require.Equal(t, confirmed, told(r, "revalidated"))
	require.EqualValues(t, confirmed+1, origin.served)
	require.Equal(t, 9, confirmed)
}
