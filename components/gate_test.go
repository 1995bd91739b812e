package components

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
	"trafficlab/topologies"
)

func fixed(limit int) policy.Choice {
	return policy.Choice{Name: "fixed", Params: policy.Params{"limit": {Number: float64(limit)}}}
}

func TestGateOfAProxy(t *testing.T) {
	node := balancer(1)
	node.Concurrency = &topologies.Concurrency{Limit: fixed(2), Queue: 2}
	proxyLab(t, node, func(l *lab) {
		l.everywhere(always(fine().in(10 * ms)))
		var all []<-chan *outcome
		for range 6 {
			all = append(all, l.during(func() *outcome { return l.get("/") }))
		}
		require.Len(t, l.asked(), 2)
		for i, want := range []struct {
			status int
			at     time.Duration
		}{{200, 10 * ms}, {200, 10 * ms}, {200, 20 * ms}, {200, 20 * ms}, {503, 0}, {503, 0}} {
			out := <-all[i]
			require.Equal(t, want.status, out.Status)
			require.Equal(t, want.at, out.at)
			if out.Status == 503 {
				require.Equal(t, policy.Shed, ReasonOf(out.Status, out.Header))
			}
		}
		g := l.component.server.(*proxy).gate.policy
		require.Zero(t, g.InFlight())
		require.Zero(t, g.Waiting())
	})
}

func TestClassesAtTheGate(t *testing.T) {
	for by, ask := range map[string][2][]string{ // who comes last, and who first
		"header X-Class": {{"/"}, {"/", "X-Class", "gold"}},
		"route":          {{"/"}, {"/pay"}},
	} {
		node := balancer(1)
		node.Routes = []topologies.Route{{Path: "/pay"}, {Path: "*"}}
		node.Concurrency = &topologies.Concurrency{Limit: fixed(1), Queue: 2, By: by, Order: []string{"gold", "/pay"}}
		proxyLab(t, node, func(l *lab) {
			l.everywhere(always(fine().in(10 * ms)))
			do := func(what []string) <-chan *outcome {
				return l.during(func() *outcome { return l.get(what[0], what[1:]...) })
			}
			first, second, pushed := do(ask[0]), do(ask[0]), do(ask[0])
			gold := do(ask[1])
			require.Equal(t, 503, (<-pushed).Status, "the youngest of the lowest class goes")
			require.Equal(t, 10*ms, (<-first).at)
			require.Equal(t, 20*ms, (<-gold).at, "before the one that waited longer")
			require.Equal(t, 30*ms, (<-second).at)
		})
	}
}

func TestCallerGoesAwayAtTheGate(t *testing.T) {
	node := balancer(1)
	node.Concurrency = &topologies.Concurrency{Limit: fixed(1), Queue: 2}
	proxyLab(t, node, func(l *lab) {
		l.everywhere(always(fine().in(30 * ms)))
		first := l.during(func() *outcome { return l.get("/") })
		gone := newEvent()
		time.AfterFunc(10*ms, gone.Fire)
		require.Zero(t, l.doUntil(gone, "GET", "/").replies)
		require.Equal(t, 10*ms, l.now())
		require.Zero(t, l.component.server.(*proxy).gate.policy.Waiting())
		require.Equal(t, 200, (<-first).Status)
		require.Equal(t, 60*ms, l.get("/").at, "nothing is left of it")
	})
}

// TestTheGateLearns: losses shrink an AIMD limit; failures and callers who go
// away say nothing.
func TestTheGateLearns(t *testing.T) {
	node := balancer(1)
	node.Concurrency = &topologies.Concurrency{Limit: policy.Choice{Name: "aimd", Params: policy.Params{"min": {Number: 1}}}}
	proxyLab(t, node, func(l *lab) {
		limit := l.component.server.(*proxy).gate.policy.Limit
		l.everywhere(always(status(500)))
		l.get("/")
		require.Equal(t, 20, limit())
		l.everywhere(always(fine()))
		l.get("/")
		require.Equal(t, 20, limit(), "hardly used")
		l.everywhere(always(status(503, "Proxy-Status", "x; error=connection_limit_reached")))
		l.get("/")
		require.Equal(t, 18, limit(), "shed upstream")
		l.everywhere(always(fine().in(time.Hour)))
		l.get("/")
		require.Equal(t, 16, limit(), "no answer in time")
		gone := newEvent()
		time.AfterFunc(10*ms, gone.Fire)
		l.doUntil(gone, "GET", "/")
		require.Equal(t, 16, limit())
	})
}

func TestTheWaitAtTheGateIsPartOfTheTotal(t *testing.T) {
	node := balancer(1)
	node.Timeout.Total = 50 * ms
	node.Concurrency = &topologies.Concurrency{Limit: fixed(1), Queue: 2}
	proxyLab(t, node, func(l *lab) {
		l.everywhere(always(fine().in(40 * ms)))
		first := l.during(func() *outcome { return l.get("/") })
		time.Sleep(5 * ms)
		second := l.during(func() *outcome { return l.get("/") })
		third := l.during(func() *outcome { return l.get("/") })
		require.Equal(t, 200, (<-first).Status)
		out := <-second
		require.Equal(t, 504, out.Status, "let in after 35 ms, which leaves 15")
		require.Equal(t, 55*ms, out.at)
		out = <-third
		require.Equal(t, 504, out.Status, "never let in")
		require.Equal(t, 55*ms, out.at)
		require.Len(t, l.asked(), 2)
		require.Zero(t, l.component.server.(*proxy).gate.policy.Waiting())
	})
}
