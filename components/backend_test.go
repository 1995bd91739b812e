package components

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// backendLab is the first replica of a backend.
func backendLab(t *testing.T, node topologies.Node, faults []scenarios.Fault, test func(l *lab)) {
	t.Helper()
	node.Name, node.Kind, node.Replicas, node.Numbered = "api", topologies.Backend, 2, true
	inLab(t, &topologies.Topology{Nodes: []*topologies.Node{&node}}, faults, test)
}

func constant(d time.Duration) topologies.Distribution {
	return topologies.Distribution{Law: "constant", Mean: d}
}

func TestBackendAnswers(t *testing.T) {
	node := topologies.Node{Workers: 1, ServiceTime: constant(10 * ms), Response: 500, CacheControl: []topologies.PathValue{
		{Path: "/products/*", Value: "max-age=60"}, {Path: "/products/new/*", Value: "no-store"}, {Path: "/products/1", Value: "max-age=1"},
	}}
	backendLab(t, node, nil, func(l *lab) {
		for path, control := range map[string]string{
			"/": "", "/products/2": "max-age=60", "/products/new/2": "no-store", "/products/1": "max-age=1", "/products": "",
		} {
			began := l.now()
			out := l.get(path)
			require.Equal(t, 200, out.Status)
			require.Equal(t, 10*ms, out.at-began)
			require.Equal(t, control, out.Header.Get("Cache-Control"), path)
			require.Equal(t, "application/json", out.Header.Get("Content-Type"))
			require.Equal(t, Body{Size: 500}, out.Body)
		}
		require.Equal(t, 200, l.do("POST", "/orders").Status)
	})
}

// TestBackendEchoes: answers tell whose they are.
func TestBackendEchoes(t *testing.T) {
	node := topologies.Node{Workers: 1, Response: 20, Echo: true, CacheControl: []topologies.PathValue{{Path: "/*", Value: "max-age=60"}}}
	backendLab(t, node, nil, func(l *lab) {
		out := l.get("/a")
		require.Equal(t, 200, out.Status)
		require.Equal(t, "GET /a", out.Header.Get("Echo"))
		require.Equal(t, "max-age=60", out.Header.Get("Cache-Control"))
		require.Equal(t, "text/plain; charset=utf-8", out.Header.Values("Content-Type"))
		require.Equal(t, "GET /a\nGET /a\nGET /a", string(out.Body.Bytes))
		require.Equal(t, "GET /b", l.get("/b").Header.Get("Echo"), "nothing is left of the last answer")
	})
}

// TestBackendQueue: two workers, room for two more, service of 10 ms.
func TestBackendQueue(t *testing.T) {
	node := topologies.Node{Workers: 2, Queue: 2, ServiceTime: constant(10 * ms)}
	backendLab(t, node, nil, func(l *lab) {
		var waiting []<-chan *outcome
		for range 6 {
			waiting = append(waiting, l.during(func() *outcome { return l.get("/") }))
		}
		for i, want := range []struct {
			status int
			at     time.Duration
		}{{200, 10 * ms}, {200, 10 * ms}, {200, 20 * ms}, {200, 20 * ms}, {503, 0}, {503, 0}} {
			out := <-waiting[i]
			require.Equal(t, want.status, out.Status)
			require.Equal(t, want.at, out.at)
			if out.Status == 503 {
				require.Equal(t, connectionLimitReached, proxyError(out.Header.Get("Proxy-Status")))
			}
		}
		require.Equal(t, map[string]int64{"ok": 4, "shed": 2}, l.component.Use().Reasons)
		require.EqualValues(t, 6, l.component.Use().Requests)
	})
}

func TestHealthzNeedsNoWorker(t *testing.T) {
	node := topologies.Node{Workers: 1, ServiceTime: constant(time.Second)}
	backendLab(t, node, nil, func(l *lab) {
		busy := l.during(func() *outcome { return l.get("/") })
		out := l.get("/healthz")
		require.Equal(t, 200, out.Status)
		require.Zero(t, out.at)
		<-busy
		require.EqualValues(t, 1, l.component.Use().Checks)
		require.EqualValues(t, 1, l.component.Use().Requests)
	})
}

// TestCallersOfABackendGoAway: from the line at once, from service not before
// the work is done.
func TestCallersOfABackendGoAway(t *testing.T) {
	node := topologies.Node{Workers: 1, Queue: 2, ServiceTime: constant(100 * ms)}
	backendLab(t, node, nil, func(l *lab) {
		inService, inLine := newEvent(), newEvent()
		first := l.during(func() *outcome { return l.doUntil(inService, "GET", "/") })
		second := l.during(func() *outcome { return l.doUntil(inLine, "GET", "/") })
		third := l.during(func() *outcome { return l.get("/") })
		time.Sleep(10 * ms)
		inLine.Fire()
		inService.Fire()
		require.Zero(t, (<-second).replies)
		require.Equal(t, 10*ms, l.now())
		require.Equal(t, 200*ms, (<-third).at, "the work of the first was done to its end, that of the second never begun")
		<-first
		require.Equal(t, map[string]int64{"ok": 1, "canceled": 2}, l.component.Use().Reasons)
		require.Zero(t, l.component.server.(*backend).station.Busy())
	})
}

// TestWorkBelongsToTheRequest: the same on every replica and whenever it
// comes, another for another attempt, and as a whole of the law asked for.
func TestWorkBelongsToTheRequest(t *testing.T) {
	node := topologies.Node{Workers: 1, ServiceTime: topologies.Distribution{Law: "exponential", Mean: 10 * ms}}
	work := func(place topologies.Place, number, attempt uint64) time.Duration {
		node.Name, node.Kind, node.Replicas, node.Numbered = "api", topologies.Backend, 2, true
		top := &topologies.Topology{Nodes: []*topologies.Node{&node}}
		b := New(&scenarios.Case{Seed: 5, Variant: scenarios.Variant{Topology: top}}, place).server.(*backend)
		return b.serviceTime(&visit{x: &fakeExchange{lab: &lab{began: time.Now()}}, req: &Request{Number: number, Attempt: attempt}})
	}
	sum := 0.0
	for number := range uint64(2000) {
		w := work("api[0]", number, 0)
		require.Equal(t, w, work("api[1]", number, 0))
		require.NotEqual(t, w, work("api[0]", number, 1))
		sum += w.Seconds()
	}
	require.InDelta(t, 0.010, sum/2000, 4*0.010/math.Sqrt(2000))
}

func TestSlowWeatherIsReadWhenWorkBegins(t *testing.T) {
	faults := []scenarios.Fault{{At: 50 * ms, For: time.Hour, On: []topologies.Place{"api[0]"}, Slow: 5}}
	node := topologies.Node{Workers: 1, Queue: 5, ServiceTime: constant(30 * ms)}
	backendLab(t, node, faults, func(l *lab) {
		var waiting []<-chan *outcome
		for range 3 {
			waiting = append(waiting, l.during(func() *outcome { return l.get("/") }))
		}
		for _, at := range []time.Duration{30 * ms, 60 * ms, 210 * ms} {
			require.Equal(t, at, (<-waiting[0]).at)
			waiting = waiting[1:]
		}
	})
}

func TestBackendFailsAShare(t *testing.T) {
	node := topologies.Node{Workers: 1, ServiceTime: constant(ms), Errors: 0.2}
	backendLab(t, node, nil, func(l *lab) {
		for number := range uint64(1000) {
			l.send(newEvent(), Request{Number: number, Method: "GET", Path: "/"})
		}
		require.Equal(t, time.Second, l.now(), "failing takes as much work")
		failed := l.component.Use().Reasons["failed"]
		require.InDelta(t, 200, failed, 50)
	})
}
