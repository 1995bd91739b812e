package sim

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/components"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// constant is a backend whose work always takes as long.
func constant(name string, d time.Duration) *topologies.Topology {
	top := chain(name)
	api := top.Nodes[0]
	api.Workers, api.Queue, api.Response = 1, 100, 1000
	api.ServiceTime = topologies.Distribution{Law: "constant", Mean: d}
	return top
}

// behind puts a proxying node before a topology.
func behind(top *topologies.Topology, front *topologies.Node) *topologies.Topology {
	front.Replicas, front.To, front.Pick.Name = 1, []string{top.Entry}, "round-robin"
	front.Connections, front.Retry.Tries = 100, max(front.Retry.Tries, 1)
	return &topologies.Topology{Name: "t", Entry: front.Name, Nodes: append([]*topologies.Node{front}, top.Nodes...)}
}

func play(t *testing.T, c *scenarios.Case) *measure.Run {
	t.Helper()
	r, err := Run(context.Background(), c, Costs{})
	require.NoError(t, err)
	return r
}

func TestABackendShedsBeyondItsQueue(t *testing.T) {
	top := constant("api", 10*ms)
	top.Nodes[0].Queue = 1
	r := play(t, steady(top, 2*ms, 6))
	require.Equal(t, []policy.Reason{ok, ok, policy.Shed, policy.Shed, policy.Shed, ok}, reasons(r))
	require.Equal(t, []time.Duration{10 * ms, 18 * ms, 0, 0, 0, 20 * ms}, latencies(r))
	require.Equal(t, map[string]int64{"ok": 3, "shed": 3}, r.Nodes[0].Reasons)
}

func TestASlowSpell(t *testing.T) {
	c := steady(constant("api", ms), 10*ms, 4)
	c.Variant.Faults = []scenarios.Fault{{At: at(c, 1), For: 10 * ms, On: []topologies.Place{"api"}, Slow: 5}}
	require.Equal(t, []time.Duration{ms, 5 * ms, ms, ms}, latencies(play(t, c)))
}

func TestErrorsFollowTheWeather(t *testing.T) {
	c := steady(constant("api", ms), 10*ms, 5000)
	c.Variant.Faults = []scenarios.Fault{{For: c.Duration(), On: []topologies.Place{"api"}, Rule: scenarios.Erring(.3)}}
	n, rules := 0, c.Weather().At("api", 0).Rules
	for i, s := range play(t, c).Samples {
		require.Equal(t, rules[0].Falls(uint64(i), 0), s.Reason == failed)
		if s.Reason == failed {
			n++
		}
	}
	require.InDelta(t, .3, float64(n)/5000, .02)
}

func TestOneFetchForAllWhoMiss(t *testing.T) {
	top := constant("api", 5*ms)
	top.Nodes[0].CacheControl = []topologies.PathValue{{Path: "*", Value: "max-age=60"}}
	top = behind(top, &topologies.Node{Name: "cdn", Kind: topologies.CDN, Cache: &topologies.Cache{Capacity: 1 << 20, Collapse: true}})
	r := play(t, steady(top, 2*ms, 5))
	var words []string
	for _, s := range r.Samples {
		words = append(words, s.Cache)
	}
	require.Equal(t, []string{"miss", "collapsed", "collapsed", "hit", "hit"}, words)
	require.Equal(t, []time.Duration{5 * ms, 3 * ms, ms, 0, 0}, latencies(r))
	require.EqualValues(t, 1, r.Nodes[1].Requests)
	require.Equal(t, map[string]int64{"miss": 1, "collapsed": 2, "hit": 2}, r.Nodes[0].Cache)
}

func TestRetriesAndHealthChecksHideACrash(t *testing.T) {
	top := constant("api", ms)
	top.Nodes[0].Replicas, top.Nodes[0].Numbered = 3, true
	lb := &topologies.Node{Name: "lb", Kind: topologies.LoadBalancer, Retry: topologies.Retry{Tries: 2}}
	lb.Health = &topologies.Health{Every: 50 * ms, Timeout: 20 * ms, Path: "/healthz", DownAfter: 2, UpAfter: 2}
	crash := scenarios.Fault{At: 500 * ms, For: 500 * ms, On: []topologies.Place{"api[1]"}, Crash: true}
	r := play(t, steady(behind(top, lb), 5*ms, 400, crash))
	for _, s := range r.Samples {
		require.Equal(t, ok, s.Reason, "request %d", s.Number)
	}
	dead := r.Nodes[2]
	require.InDelta(t, 400/3*.75, dead.Requests, 20, "no more than its share of the time that it lived")
	require.InDelta(t, 30, dead.Checks, 3)
	require.Less(t, r.Nodes[0].Asked["api[1]"]-dead.Requests, int64(10), "a dead backend is soon left alone")
}

func TestWorkWhoseCallerGaveUpStillBurnsItsWorker(t *testing.T) {
	c := steady(constant("api", 10*ms), 40*ms, 2)
	c.Variant.Timeout = 30 * ms
	c.Variant.Faults = []scenarios.Fault{{At: at(c, 0), For: ms, On: []topologies.Place{"api"}, Slow: 5}}
	r := play(t, c)
	require.Equal(t, []policy.Reason{timedOut, ok}, reasons(r))
	require.Equal(t, []time.Duration{30 * ms, 20 * ms}, latencies(r), "the second finds the worker busy with the first")
}

// TestIdleConnectionsAreBounded: who keeps none open dials each time.
func TestIdleConnectionsAreBounded(t *testing.T) {
	for idle, dials := range map[*topologies.Idle]int{nil: 1, {Most: 1}: 1, {}: 5} {
		lb := &topologies.Node{Name: "lb", Kind: topologies.LoadBalancer, Idle: idle}
		r, err := Run(context.Background(), steady(behind(constant("api", ms), lb), 50*ms, 5), Costs{Dial: ms})
		require.NoError(t, err)
		slow := 0
		for _, s := range r.Samples[1:] { // the client dials for the first
			if s.Latency >= 2*ms {
				slow++
			}
		}
		require.Equal(t, dials-1, slow)
	}
}

// TestNobodyWritesToAHeaderOfOthers: the host hands headers over as they are,
// so who edits one in place would change it for its sender (and for a cache).
func TestNobodyWritesToAHeaderOfOthers(t *testing.T) {
	for seed := range uint64(10) {
		c := anyCase(seed)
		var seen ledger
		_, err := run(context.Background(), c, Costs{}, func(p topologies.Place) component {
			return watched{components.New(c, p), &seen}
		})
		require.NoError(t, err)
		for i, h := range seen.headers {
			require.Equal(t, seen.copies[i], h)
		}
	}
}

// ledger remembers headers that were handed over.
type ledger struct{ headers, copies []components.Header }

func (l *ledger) note(h components.Header) {
	l.headers, l.copies = append(l.headers, h), append(l.copies, h.Clone())
}

// watched is a component whose headers are noted as they leave it.
type watched struct {
	*components.Component
	seen *ledger
}

func (w watched) Open(x components.Exchange, r *components.Request, used components.Steps) components.Steps {
	w.seen.note(r.Header)
	return w.Component.Open(noting{x, w.seen}, r, used)
}

type noting struct {
	components.Exchange
	seen *ledger
}

func (n noting) Start(h *components.Hop) components.Call {
	n.seen.note(h.Request.Header)
	return n.Exchange.Start(h)
}

func (n noting) Reply(r components.Response) {
	n.seen.note(r.Header)
	n.Exchange.Reply(r)
}

func (n noting) Forward(c components.Call, r components.Response, limit int64, keep func(components.Body)) policy.Reason {
	n.seen.note(r.Header)
	return n.Exchange.Forward(c, r, limit, keep)
}
