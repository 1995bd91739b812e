package sim

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

const (
	ok       = policy.OK
	reset    = policy.Reset
	refused  = policy.Refused
	timedOut = policy.Timeout
	failed   = policy.Failed
)

func TestAChainWithoutCostsTakesTheWorkAlone(t *testing.T) {
	r := simulate(t, steady(chain("lb", "api"), 10*ms, 3), Costs{}, scripts(map[topologies.Place]*script{
		"lb": passing("api", components.Hop{}), "api": answering(5 * ms),
	}))
	require.Equal(t, []time.Duration{5 * ms, 5 * ms, 5 * ms}, latencies(r))
	require.Equal(t, []policy.Reason{ok, ok, ok}, reasons(r))
	require.EqualValues(t, 10, r.Samples[0].Bytes)
	require.Equal(t, 200, r.Samples[0].Status)
}

func TestCostsAreForVisitsAndNewConnections(t *testing.T) {
	costs := Costs{
		Visit:  map[topologies.Kind]time.Duration{topologies.ReverseProxy: 2 * ms, topologies.Backend: ms},
		Client: 100 * time.Microsecond, Dial: 3 * ms, Handshake: 4 * ms,
	}
	top := chain("lb", "api")
	top.Nodes[0].TLS = &topologies.TLS{SelfSigned: true}
	r := simulate(t, steady(top, 50*ms, 2), costs, scripts(map[topologies.Place]*script{
		"lb": passing("api", components.Hop{}), "api": answering(5 * ms),
	}))
	warm := 100*time.Microsecond + 2*ms + ms + 5*ms
	require.Equal(t, []time.Duration{warm + 2*3*ms + 4*ms, warm}, latencies(r), "the second request finds both connections open")
}

// Over HTTP/2 all share one connection, which is made once.
func TestOneConnectionOfHTTP2(t *testing.T) {
	for h2, want := range map[bool][]time.Duration{
		false: {57 * ms, 105 * ms, 153 * ms}, // each after the one before
		true:  {57 * ms, 55 * ms, 53 * ms},   // all by the one that the first has made
	} {
		c := steady(chain("lb", "api"), 2*ms, 3)
		lb := c.Variant.Topology.Nodes[0]
		lb.Connections, lb.Upstream = 1, &topologies.Upstream{HTTP2: h2}
		c.Variant.Topology.Nodes[1].TLS = &topologies.TLS{SelfSigned: true}
		r := simulate(t, c, Costs{Dial: 3 * ms, Handshake: ms}, scripts(map[topologies.Place]*script{
			"lb": passing("api", components.Hop{}), "api": answering(50 * ms),
		}))
		require.Equal(t, []policy.Reason{ok, ok, ok}, reasons(r))
		require.Equal(t, want, latencies(r), h2)
	}
}

func TestACrashEndsTheSharedConnection(t *testing.T) {
	c := steady(chain("lb", "api"), 10*ms, 6)
	c.Variant.Topology.Nodes[0].Upstream = &topologies.Upstream{HTTP2: true}
	c.Variant.Faults = []scenarios.Fault{{At: at(c, 1) + 2*ms, For: 12 * ms, On: []topologies.Place{"api"}, Crash: true}}
	r := simulate(t, c, Costs{Dial: ms}, scripts(map[topologies.Place]*script{"lb": passing("api", components.Hop{}), "api": answering(5 * ms)}))
	require.Equal(t, []policy.Reason{ok, reset, refused, ok, ok, ok}, reasons(r))
	require.Equal(t, []time.Duration{7 * ms, 2 * ms, ms, 6 * ms, 5 * ms, 5 * ms}, latencies(r))
}

func TestACrashResetsWhatIsInFlightAndRefusesTheRest(t *testing.T) {
	c := steady(chain("lb", "api"), 10*ms, 6)
	second := at(c, 1)
	c.Variant.Faults = []scenarios.Fault{{At: second + ms, For: 20 * ms, On: []topologies.Place{"api"}, Crash: true}}
	starts := 0
	r := simulate(t, c, Costs{}, map[topologies.Place]func() *script{
		"lb":  func() *script { return passing("api", components.Hop{}) },
		"api": func() *script { starts++; return answering(5 * ms) },
	})
	require.Equal(t, []policy.Reason{ok, reset, refused, refused, ok, ok}, reasons(r))
	require.Equal(t, []time.Duration{5 * ms, ms, 0, 0, 5 * ms, 5 * ms}, latencies(r))
	require.Equal(t, 2, starts, "state does not outlive the process")
	require.EqualValues(t, 4, r.Nodes[1].Requests, "but what it counted does")
	require.EqualValues(t, 6, r.Nodes[0].Requests)
}

func TestACrashForGood(t *testing.T) {
	c := steady(chain("lb", "api"), 10*ms, 5)
	c.Variant.Faults = []scenarios.Fault{{At: at(c, 2) + ms, For: scenarios.ForGood, On: []topologies.Place{"api"}, Crash: true}}
	r := simulate(t, c, Costs{}, scripts(map[topologies.Place]*script{"lb": passing("api", components.Hop{}), "api": answering(5 * ms)}))
	require.Equal(t, []policy.Reason{ok, ok, reset, refused, refused}, reasons(r))
}

func TestACrashOfTheEntry(t *testing.T) {
	c := steady(chain("lb", "api"), 10*ms, 4)
	c.Variant.Faults = []scenarios.Fault{{At: at(c, 1) + ms, For: 10 * ms, On: []topologies.Place{"lb"}, Crash: true}}
	gone := []time.Duration{}
	api := &script{handle: func(x *talk, _ components.Request) {
		if x.Wait(x.Now()+5*ms, x.Canceled()) == 0 {
			gone = append(gone, x.Now())
		}
		x.Reply(components.Response{Status: 200})
	}}
	r := simulate(t, c, Costs{}, scripts(map[topologies.Place]*script{"lb": passing("api", components.Hop{}), "api": api}))
	require.Equal(t, []policy.Reason{ok, reset, refused, ok}, reasons(r))
	require.Equal(t, []time.Duration{at(c, 1) + ms}, gone, "the backend hears of it at once")
}

func TestAFrozenPlaceAcceptsAndAnswersAtTheThaw(t *testing.T) {
	c := steady(chain("lb", "api"), 10*ms, 5)
	thaw := at(c, 1) + 31*ms
	c.Variant.Faults = []scenarios.Fault{{At: at(c, 1) + ms, For: 30 * ms, On: []topologies.Place{"api"}, Freeze: true}}
	r := simulate(t, c, Costs{}, scripts(map[topologies.Place]*script{"lb": passing("api", components.Hop{}), "api": answering(5 * ms)}))
	require.Equal(t, []time.Duration{
		5 * ms,
		thaw - at(c, 1), // its work was done, but nobody could say so
		thaw + 5*ms - at(c, 2),
		thaw + 5*ms - at(c, 3),
		thaw + 5*ms - at(c, 4),
	}, latencies(r))
}

func TestAClientGivesUpAndEverybodyHearsOfIt(t *testing.T) {
	c := steady(chain("lb", "api"), 10*ms, 2)
	c.Variant.Timeout = 30 * ms
	var gone []time.Duration
	api := &script{handle: func(x *talk, _ components.Request) {
		x.Wait(components.Forever, x.Canceled())
		gone = append(gone, x.Now())
	}}
	r := simulate(t, c, Costs{}, scripts(map[topologies.Place]*script{"lb": passing("api", components.Hop{}), "api": api}))
	require.Equal(t, []policy.Reason{timedOut, timedOut}, reasons(r))
	require.Equal(t, []time.Duration{30 * ms, 30 * ms}, latencies(r))
	require.Equal(t, []time.Duration{at(c, 0) + 30*ms, at(c, 1) + 30*ms}, gone)
}

func TestCallsWaitInLineForAConnection(t *testing.T) {
	top := chain("lb", "api")
	top.Nodes[0].Connections = 1
	for _, one := range []struct {
		name    string
		connect time.Duration
		want    []time.Duration
		reasons []policy.Reason
	}{
		{"patiently", 0, []time.Duration{10 * ms, 16 * ms, 22 * ms, 28 * ms}, []policy.Reason{ok, ok, ok, ok}},
		{"for a while", 9 * ms, []time.Duration{10 * ms, 16 * ms, 9 * ms, 18 * ms}, []policy.Reason{ok, ok, timedOut, ok}},
	} {
		t.Run(one.name, func(t *testing.T) {
			r := simulate(t, steady(top, 4*ms, 4), Costs{}, scripts(map[topologies.Place]*script{
				"lb": passing("api", components.Hop{Connect: one.connect}), "api": answering(10 * ms),
			}))
			require.Equal(t, one.want, latencies(r))
			require.Equal(t, one.reasons, reasons(r))
		})
	}
}

func TestWhatIsNotForwardedIsCanceled(t *testing.T) {
	lost, answered := 0, 0
	api := &script{handle: func(x *talk, r components.Request) {
		work := 5 * ms
		if r.Attempt == 0 {
			work = 50 * ms
		}
		if x.Wait(x.Now()+work, x.Canceled()) == 0 {
			lost++
			return
		}
		answered++
		x.Reply(components.Response{Status: 200})
	}}
	hedge := &script{handle: func(x *talk, r components.Request) {
		first := x.Start(&components.Hop{To: "api", Request: r})
		if x.Wait(x.Now()+10*ms, first) == 0 {
			t.Error("the first attempt should be slow")
		}
		r.Attempt = 1
		second := x.Start(&components.Hop{To: "api", Request: r})
		if x.Wait(components.Forever, first, second) != 1 {
			t.Error("the second attempt should be first")
		}
		head, _ := second.Head()
		x.Forward(second, head.Response(), 0, nil)
	}}
	r := simulate(t, steady(chain("lb", "api"), 100*ms, 3), Costs{}, scripts(map[topologies.Place]*script{"lb": hedge, "api": api}))
	require.Equal(t, []time.Duration{15 * ms, 15 * ms, 15 * ms}, latencies(r))
	require.Equal(t, []int{3, 3}, []int{lost, answered})
}

func TestAllWhoWaitForASignalHearIt(t *testing.T) {
	var fetched components.Signal
	fetches := 0
	cache := &script{handle: func(x *talk, r components.Request) {
		if fetched == nil {
			fetched = x.NewSignal()
			c := x.Start(&components.Hop{To: "api", Request: r})
			x.Wait(components.Forever, c)
			head, _ := c.Head()
			x.Forward(c, head.Response(), 100, func(b components.Body) { fetches += int(b.Size) })
			fetched.Fire()
			return
		}
		x.Wait(components.Forever, fetched)
		x.Reply(components.Response{Status: 200})
	}}
	r := simulate(t, steady(chain("cdn", "api"), 2*ms, 5), Costs{}, scripts(map[topologies.Place]*script{"cdn": cache, "api": answering(5 * ms)}))
	require.Equal(t, []time.Duration{5 * ms, 3 * ms, ms, 0, 0}, latencies(r))
	require.Equal(t, 10, fetches, "kept once, whole")
}

func TestBackgroundWorkEndsAndBeginsWithItsNode(t *testing.T) {
	c := steady(chain("api"), 10*ms, 10, scenarios.Fault{At: 35 * ms, For: 30 * ms, On: []topologies.Place{"api"}, Crash: true})
	var ticks []time.Duration
	api := answering(ms)
	api.begin = func(x *talk) {
		for {
			x.Wait(x.Now()+10*ms, x.Canceled())
			ticks = append(ticks, x.Now())
		}
	}
	simulate(t, c, Costs{}, scripts(map[topologies.Place]*script{"api": api}))
	require.Equal(t, []time.Duration{10 * ms, 20 * ms, 30 * ms, 75 * ms, 85 * ms, 95 * ms}, ticks)
}

func TestBackgroundFetchKeepsTheBody(t *testing.T) {
	var kept components.Body
	cdn := &script{handle: func(x *talk, r components.Request) {
		x.beside(func(x *talk) {
			c := x.Start(&components.Hop{To: "api", Request: r})
			x.Wait(components.Forever, c)
			head, _ := c.Head()
			x.Forward(c, head.Response(), 100, func(b components.Body) { kept = b })
		})
		x.Reply(components.Response{Status: 200})
	}}
	r := simulate(t, steady(chain("cdn", "api"), 10*ms, 1), Costs{}, scripts(map[topologies.Place]*script{"cdn": cdn, "api": answering(ms)}))
	require.Equal(t, []time.Duration{0}, latencies(r))
	require.EqualValues(t, 10, kept.Size)
}

func TestUseIsCountedFromTheWarmUp(t *testing.T) {
	c := steady(chain("api"), 10*ms, 10)
	c.Variant.Warmup = 40 * ms
	r := simulate(t, c, Costs{}, scripts(map[topologies.Place]*script{"api": answering(ms)}))
	require.EqualValues(t, 6, r.Nodes[0].Requests)
	require.Len(t, r.Samples, 10)
	require.InDelta(t, 100, r.Target, 1e-6)
}

func TestRunSaysWhatItCannotDo(t *testing.T) {
	external := chain("api")
	external.Nodes[0].Kind = topologies.External
	_, err := Run(context.Background(), steady(external, ms, 1), Costs{})
	require.EqualError(t, err, "simulate test: node api: is external, and only the live world can measure what it did not build")

	impatient := steady(chain("api"), ms, 1)
	impatient.Variant.Timeout = 0
	_, err = Run(context.Background(), impatient, Costs{})
	require.ErrorContains(t, err, "no timeout")

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = run(ctx, steady(chain("api"), ms, 2*glance), Costs{}, func(topologies.Place) component { return answering(ms) })
	require.ErrorIs(t, err, context.Canceled)
}

func TestAPanicNamesThePlace(t *testing.T) {
	for name, s := range map[string]*script{
		"sim: api: broken": {handle: func(*talk, components.Request) { panic("broken") }},
		"sim: api: the handler returned without an answer": {handle: func(*talk, components.Request) {}},
		"sim: api: the handler answered twice": {handle: func(x *talk, _ components.Request) {
			x.Reply(components.Response{})
			x.Reply(components.Response{})
		}},
	} {
		func() {
			defer func() { require.Contains(t, recover(), name) }()
			simulate(t, steady(chain("api"), ms, 1), Costs{}, scripts(map[topologies.Place]*script{"api": s}))
		}()
	}
}

// at is the instant of the n-th arrival.
func at(c *scenarios.Case, n uint64) time.Duration {
	for a := range c.Arrivals() {
		if a.Number == n {
			return a.At
		}
	}
	panic("no such arrival")
}
