package components

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
	"trafficlab/topologies"
)

func TestServerTimingOfABackend(t *testing.T) {
	node := topologies.Node{Workers: 1, Queue: 1, ServiceTime: constant(10 * ms), ServerTiming: true}
	backendLab(t, node, nil, func(l *lab) {
		first := l.during(func() *outcome { return l.get("/") })
		second := l.during(func() *outcome { return l.get("/") })
		third := l.get("/")
		require.Equal(t, `api-queue;dur=0, api-service;dur=10;desc="api[0]", api-total;dur=10`, (<-first).Header.Get("Server-Timing"))
		require.Equal(t, `api-queue;dur=10, api-service;dur=10;desc="api[0]", api-total;dur=20`, (<-second).Header.Get("Server-Timing"))
		require.Equal(t, 503, third.Status)
		require.Equal(t, `api-queue;dur=0, api-service;dur=0;desc="api[0]", api-total;dur=0`, third.Header.Get("Server-Timing"))
		require.False(t, l.get(CheckPath).Header.Has("Server-Timing"))
	})
}

func TestServerTimingOfAProxy(t *testing.T) {
	limited := oneLimit("all", 10, 1)
	limited[0].Algorithm = policy.Choice{Name: "leaky-queue", Params: policy.Params{"rate": {Number: 10}, "burst": {Number: 5}}}
	upstreams := `api-queue;dur=1, api-service;dur=2, api-total;dur=3`
	slow := always(fine("Server-Timing", upstreams).in(7*ms + 1234*time.Microsecond))
	for _, tt := range []struct {
		name string
		node topologies.Node
		up   upstream
		asks int // of which the last is looked at
		want string
	}{
		{"one hop", balancer(1), slow, 1, upstreams + `, edge-upstream;dur=8.234;desc="api[1]", edge-total;dur=8.234`},
		{"a retry", balancer(2), script(answer{reason: policy.Refused, after: 2 * ms}, fine().in(5*ms)), 1,
			`edge-retries;dur=2;desc="1", edge-upstream;dur=5;desc="api[2]", edge-total;dur=7`},
		{"at the gate", topologies.Node{Concurrency: &topologies.Concurrency{Limit: fixed(1), Queue: 2}}, always(fine().in(4 * ms)), 2,
			`edge-queue;dur=4, edge-upstream;dur=4;desc="api[2]", edge-total;dur=8`},
		{"held back by a limit", topologies.Node{Limits: limited}, always(fine().in(4 * ms)), 2,
			`edge-limit;dur=100, edge-upstream;dur=4;desc="api[2]", edge-total;dur=104`},
		{"refused", topologies.Node{Keys: map[string]string{"alice": "k"}}, slow, 1, `edge-total;dur=0`},
		{"nobody is there", balancer(1), always(answer{reason: policy.Refused, after: ms}), 1, `edge-failed;dur=1;desc="api[1]", edge-total;dur=1`},
	} {
		tt.node.ServerTiming = true
		proxyLab(t, tt.node, func(l *lab) {
			l.everywhere(tt.up)
			var last <-chan *outcome
			for range tt.asks {
				last = l.during(func() *outcome { return l.get("/") })
			}
			out := <-last
			require.Equal(t, tt.want, out.Header.Values("Server-Timing"), tt.name)
			time.Sleep(time.Second)
		})
	}
}

// What an answer took when it was fetched says nothing of a hit.
func TestAHitTellsItsOwnTime(t *testing.T) {
	for _, on := range []bool{true, false} {
		node := topologies.Node{Cache: &topologies.Cache{Capacity: 1 << 20}, ServerTiming: on}
		proxyLab(t, node, func(l *lab) {
			l.everywhere(always(fine("Server-Timing", "api-total;dur=3", "Cache-Control", "max-age=60").in(3 * ms)))
			require.Contains(t, l.get("/").Header.Values("Server-Timing"), "api-total;dur=3")
			want := ""
			if on {
				want = "edge-total;dur=0"
			}
			require.Equal(t, want, l.get("/").Header.Values("Server-Timing"))
		})
	}
}

func TestOffThereIsNoServerTiming(t *testing.T) {
	proxyLab(t, balancer(1), func(l *lab) {
		require.False(t, l.get("/").Header.Has("Server-Timing"))
		v := l.component.Open(nil, &Request{}, nil).(*visit)
		require.Nil(t, v.timing)
	})
}

// Who watches is told of every request once, with all attempts, and of no
// health check.
func TestWatch(t *testing.T) {
	node := balancer(2)
	node.Keys = map[string]string{"alice": "k"}
	proxyLab(t, node, func(l *lab) {
		var told []Account
		l.component.Watch(func(_ Exchange, a *Account) {
			one := *a
			one.Tries = append([]Try(nil), a.Tries...)
			told = append(told, one)
		})
		l.everywhere(script(answer{reason: policy.Reset, after: 2 * ms}, status(500).in(5*ms), fine().in(ms)))
		require.Equal(t, 500, l.get("/", "X-Api-Key", "k").Status)
		require.Equal(t, 401, l.get("/").Status)
		gone := newEvent()
		l.everywhere(always(fine().in(50 * ms)))
		time.AfterFunc(3*ms, gone.Fire)
		l.doUntil(gone, "GET", "/", "X-Api-Key", "k")
		l.get(CheckPath)
		require.Equal(t, []Account{
			{Route: "*", Consumer: "alice", Reason: policy.Failed, Status: 500, Ended: 7 * ms, Tries: []Try{
				{To: "api[1]", Ended: 2 * ms, Reason: policy.Reset},
				{To: "api[2]", Began: 2 * ms, Ended: 7 * ms, Reason: policy.Failed, Status: 500}}},
			{Route: "*", Reason: policy.Denied, Status: 401, Began: 7 * ms, Ended: 7 * ms},
			{Route: "*", Consumer: "alice", Reason: policy.Canceled, Began: 7 * ms, Ended: 10 * ms, Tries: []Try{
				{To: "api[0]", Began: 7 * ms, Ended: 10 * ms, Reason: policy.Canceled}}},
		}, told)
		require.EqualValues(t, "api[0]", told[2].Upstream())
		require.Empty(t, told[1].Upstream())
	})
}
