package components

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// probedLab is the first replica of a backend that a balancer probes.
func probedLab(t *testing.T, node topologies.Node, faults []scenarios.Fault, test func(l *lab)) {
	t.Helper()
	node.Name, node.Kind, node.Replicas, node.Numbered = "api", topologies.Backend, 2, true
	lb := topologies.Node{Name: "lb", Kind: topologies.LoadBalancer, Replicas: 1, To: []string{"api"}, Pick: policy.Choice{Name: "prequal"}}
	inLab(t, &topologies.Topology{Nodes: []*topologies.Node{&node, &lb}}, faults, test)
}

// said is what a probe is told now.
func (l *lab) said() policy.Load {
	out := l.get(ProbePath)
	require.Equal(l.t, 200, out.Status)
	load, ok := loadOf(out.Header)
	require.True(l.t, ok, "%v", out.Header)
	return load
}

// TestProbesNeedNoWorker: they count those at work and in line, and say how long
// one more would take by those that have ended.
func TestProbesNeedNoWorker(t *testing.T) {
	for _, sharing := range []bool{false, true} {
		node := topologies.Node{Workers: 1, Queue: 2, Sharing: sharing, ServiceTime: constant(30 * ms)}
		probedLab(t, node, nil, func(l *lab) {
			require.Equal(t, policy.Load{}, l.said())
			var waiting []<-chan *outcome
			for range 3 {
				waiting = append(waiting, l.during(func() *outcome { return l.get("/") }))
			}
			require.Equal(t, policy.Load{InFlight: 3}, l.said())
			require.Equal(t, 503, l.get("/").Status, "the line is full")
			require.Equal(t, policy.Load{InFlight: 3}, l.said(), "what was turned away leaves no trace")
			for _, out := range waiting {
				require.Equal(t, 200, (<-out).Status)
			}
			each := 30 * ms // 30, 60/2, 90/3 in line; 90, 90/2, 90/3 by turns: 45 in the middle
			if sharing {
				each = 45 * ms
			}
			require.Equal(t, policy.Load{Latency: each}, l.said())
			use := l.component.Use()
			require.EqualValues(t, 4, use.Requests)
			require.EqualValues(t, 4, use.Probes)
			require.Zero(t, use.Checks)
			require.Equal(t, map[string]int64{"ok": 3, "shed": 1}, use.Reasons)
		})
	}
}

// TestProbesSeeWhatOnesWhoGaveUpSaw: work that nobody waited for was slow all
// the same, or a backend that answers nobody in time would look fast.
func TestProbesSeeWhatOnesWhoGaveUpSaw(t *testing.T) {
	probedLab(t, topologies.Node{Workers: 1, ServiceTime: constant(100 * ms)}, nil, func(l *lab) {
		gone := newEvent()
		first := l.during(func() *outcome { return l.doUntil(gone, "GET", "/") })
		gone.Fire()
		require.Equal(t, policy.Load{InFlight: 1}, l.said(), "begun is begun")
		<-first
		require.Equal(t, policy.Load{Latency: 100 * ms}, l.said())
	})
}

// TestProbesFailAsRequestsDo: with a share of errors probes fail too; who drains
// answers them.
func TestProbesFailAsRequestsDo(t *testing.T) {
	place := topologies.Place("api[0]")
	faults := []scenarios.Fault{{At: 0, For: time.Second, On: []topologies.Place{place}, Rule: scenarios.Erring(1)},
		{At: 2 * time.Second, For: time.Second, On: []topologies.Place{place}, Drain: true}}
	probedLab(t, topologies.Node{Workers: 1}, faults, func(l *lab) {
		require.Equal(t, 500, l.get(ProbePath).Status)
		time.Sleep(2 * time.Second)
		require.Equal(t, 503, l.get(CheckPath).Status)
		require.Equal(t, policy.Load{}, l.said())
	})
}

// TestWhereNobodyProbes the path is like any other.
func TestWhereNobodyProbes(t *testing.T) {
	backendLab(t, topologies.Node{Workers: 1, ServiceTime: constant(10 * ms)}, nil, func(l *lab) {
		out := l.get(ProbePath)
		require.Equal(t, 10*ms, out.at)
		require.False(t, out.Header.Has(inFlightField))
		require.EqualValues(t, 1, l.component.Use().Requests)
	})
}

func TestLoadsInHeaders(t *testing.T) {
	for _, load := range []policy.Load{{}, {InFlight: 3}, {InFlight: 12, Latency: 1500 * time.Microsecond}, {InFlight: 0, Latency: 1}} {
		h := loadHeader(load)
		back, ok := loadOf(h)
		require.True(t, ok)
		require.Equal(t, load, back)
	}
	require.Equal(t, Header{{"Load-In-Flight", "2"}, {"Load-Latency", "1500000ns"}}, loadHeader(policy.Load{InFlight: 2, Latency: 1500 * time.Microsecond}))
	for _, h := range []Header{nil, {{"Load-In-Flight", ""}}, {{"Load-In-Flight", "-1"}}, {{"Load-In-Flight", "many"}}, {{"Load-Latency", "5ns"}}} {
		_, ok := loadOf(h)
		require.False(t, ok, "%v", h)
	}
	load, ok := loadOf(Header{{"Load-In-Flight", "2"}, {"Load-Latency", "soon"}})
	require.True(t, ok)
	require.Equal(t, policy.Load{InFlight: 2}, load)
}

// prequalLab is a proxy that probes all three backends for each request. They
// say what busy says, api[0] first.
func prequalLab(t *testing.T, params policy.Params, busy func(i int) answer, test func(l *lab)) {
	t.Helper()
	node := balancer(1)
	node.Pick = policy.Choice{Name: "prequal", Params: params}
	proxyLab(t, node, func(l *lab) {
		for i, place := range []topologies.Place{"api[0]", "api[1]", "api[2]"} {
			l.upstreams[place] = func(h Hop) answer {
				if h.Request.Path == ProbePath {
					return busy(i)
				}
				return fine()
			}
		}
		test(l)
	})
}

func busyAnswer(inFlight int, latency time.Duration) answer {
	return answer{Response: Response{Status: 200, Header: loadHeader(policy.Load{InFlight: inFlight, Latency: latency})}}
}

// goesTo is where requests go that come one a millisecond, once answers are
// there.
func (l *lab) goesTo(times int) map[topologies.Place]int {
	l.get("/")
	time.Sleep(5 * ms)
	counts := map[topologies.Place]int{}
	for range times {
		l.get("/")
		counts[l.lastHop().To]++
		time.Sleep(ms)
	}
	return counts
}

func TestProxyPicksByProbes(t *testing.T) {
	prequalLab(t, nil, func(i int) answer { return busyAnswer(2-i, 10*ms) }, func(l *lab) {
		require.Equal(t, map[topologies.Place]int{"api[2]": 50}, l.goesTo(50), "all are as fast, it is the least busy")
		require.Len(t, l.checked(), 3*51)
		for _, h := range l.checked() {
			require.Equal(t, ProbePath, h.Request.Path)
		}
		require.Zero(t, l.canceled)
	})
}

// TestNobodyWaitsForProbes: the request is answered at once; an answer that
// takes longer than the time for it is none.
func TestNobodyWaitsForProbes(t *testing.T) {
	params := policy.Pickers["prequal"].Params(policy.Params{"timeout": {Number: float64(3 * ms)}})
	late := func(i int) answer {
		if i == 2 {
			return busyAnswer(0, ms).in(4 * ms)
		}
		return busyAnswer(5+i, 50*ms).in(2 * ms)
	}
	prequalLab(t, params, late, func(l *lab) {
		require.Zero(t, l.get("/").at)
		time.Sleep(10 * ms)
		require.Equal(t, map[topologies.Place]int{"api[0]": 1}, l.goesTo(1))
	})
}

// TestAnswersThatSayNothing: where fewer than two places say how busy they are
// any is picked.
func TestAnswersThatSayNothing(t *testing.T) {
	garbled := busyAnswer(0, 0)
	garbled.Header = Header{{inFlightField, "none"}}
	failing := busyAnswer(0, 0)
	failing.Status = 500
	for name, bad := range map[string]answer{"garbled": garbled, "fails": failing, "nothing": fine(), "refused": fails(policy.Refused, 0), "broken": fails(policy.Reset, ms)} {
		t.Run(name, func(t *testing.T) {
			answers := func(i int) answer {
				if i == 0 {
					return busyAnswer(0, ms)
				}
				return bad
			}
			prequalLab(t, nil, answers, func(l *lab) { require.Len(t, l.goesTo(60), 3) })
		})
	}
}

// TestNobodyProbesWhoIsDown and nobody goes there.
func TestNobodyProbesWhoIsDown(t *testing.T) {
	prequalLab(t, nil, func(i int) answer { return busyAnswer(i, 10*ms) }, func(l *lab) {
		l.get("/")
		time.Sleep(ms)
		l.component.server.(*proxy).setUp(l.now(), "api[0]", false)
		before := len(l.checked())
		require.Equal(t, map[topologies.Place]int{"api[1]": 20}, l.goesTo(20))
		require.Len(t, l.checked()[before:], 2*21)
		for _, h := range l.checked()[before:] {
			require.NotEqual(t, topologies.Place("api[0]"), h.To)
		}
	})
}

// TestProbesLeaveOneAfterAnother, after the request for which they are sent.
func TestProbesLeaveOneAfterAnother(t *testing.T) {
	var left []time.Duration
	var l *lab
	note := func(int) answer {
		left = append(left, l.now())
		return busyAnswer(0, ms)
	}
	prequalLab(t, nil, note, func(lab *lab) {
		l = lab
		l.get("/")
		time.Sleep(ms)
		synctest.Wait()
		require.Equal(t, []time.Duration{1, 2, 3}, left)
	})
}

// TestTiersOfProxiesSayHowBusyTheyAre as backends do: by the requests that have
// not been answered yet, and how long those took that have.
func TestTiersOfProxiesSayHowBusyTheyAre(t *testing.T) {
	top := proxyTopology(balancer(1))
	front := &topologies.Node{Name: "front", Kind: topologies.LoadBalancer, Replicas: 1, To: []string{"edge"}, Pick: policy.Choice{Name: "prequal"}}
	top.Nodes = append(top.Nodes, front)
	inLab(t, top, nil, func(l *lab) {
		for _, place := range l.component.server.(*proxy).pools[0].places {
			l.upstreams[place] = always(fine().in(20 * ms))
		}
		first := l.during(func() *outcome { return l.get("/") })
		require.Equal(t, policy.Load{InFlight: 1}, l.said())
		<-first
		require.Equal(t, policy.Load{Latency: 20 * ms}, l.said())
	})
}
