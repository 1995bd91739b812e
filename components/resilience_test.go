package components

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
	"trafficlab/topologies"
)

func TestPausesBetweenTries(t *testing.T) {
	node := balancer(4)
	node.Retry.Base, node.Retry.Cap = 100*ms, 150*ms
	proxyLab(t, node, func(l *lab) {
		l.countAttempts()
		var tries []time.Duration
		l.everywhere(func(Hop) answer {
			tries = append(tries, l.now())
			return status(503)
		})
		require.Equal(t, 503, l.get("/").Status)
		require.Len(t, tries, 4)
		p := l.component.server.(*proxy)
		v := &visit{req: &Request{Number: 7}, course: course{route: p.onward}}
		at := time.Duration(0)
		for retry, longest := range []time.Duration{100 * ms, 150 * ms, 150 * ms} {
			v.tries = uint16(retry + 1)
			rest := p.rest(v)
			require.Positive(t, rest)
			require.Less(t, rest, longest)
			at += rest
			require.Equal(t, at, tries[retry+1])
		}
		requireIdle(t, l)
		other := &visit{req: &Request{Number: 8}, course: course{route: p.onward, tries: v.tries}}
		require.NotEqual(t, p.rest(v), p.rest(other), "each its own")
	})
}

func TestCallerGoesAwayDuringThePause(t *testing.T) {
	node := balancer(4)
	node.Retry.Base, node.Retry.Cap = time.Hour, time.Hour
	proxyLab(t, node, func(l *lab) {
		l.everywhere(always(status(503)))
		l.countAttempts()
		gone := newEvent()
		time.AfterFunc(20*ms, gone.Fire)
		out := l.doUntil(gone, "GET", "/")
		require.Zero(t, out.replies)
		require.Equal(t, 20*ms, l.now())
		require.Len(t, l.asked(), 1)
		requireIdle(t, l)
	})
}

// TestRetryBudget: at total failure the load is 1.2 times the requests, and
// the reserve beside it.
func TestRetryBudget(t *testing.T) {
	node := balancer(4)
	node.Retry.Budget = &topologies.Budget{Share: .2, Reserve: 1, Window: 10 * time.Second}
	proxyLab(t, node, func(l *lab) {
		l.everywhere(always(status(503)))
		for range 100 {
			l.get("/")
		}
		require.Len(t, l.asked(), 100+20+10)
	})
}

func TestTotalTimeout(t *testing.T) {
	for name, tt := range map[string]struct {
		answers []answer
		pause   time.Duration
		status  int
		tries   int
		at      time.Duration
	}{
		"ends the try under way":           {[]answer{status(503).in(90 * ms), fine().in(time.Hour)}, 0, 504, 2, 130 * ms},
		"no try after it":                  {[]answer{fine().in(time.Hour)}, 0, 504, 1, 130 * ms},
		"no pause that reaches beyond it":  {[]answer{status(503).in(90 * ms), fine()}, time.Hour, 503, 1, 90 * ms},
		"in time":                          {[]answer{status(503).in(90 * ms), fine().in(39 * ms)}, 0, 200, 2, 129 * ms},
		"of the first try even without it": {[]answer{fine().in(129 * ms)}, 0, 200, 1, 129 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			node := balancer(3)
			node.Timeout.Total = 130 * ms
			node.Retry.Base, node.Retry.Cap = tt.pause, tt.pause
			proxyLab(t, node, func(l *lab) {
				l.everywhere(script(tt.answers...))
				l.countAttempts()
				out := l.get("/")
				require.Equal(t, tt.status, out.Status)
				require.Equal(t, tt.at, out.at)
				require.Len(t, l.asked(), tt.tries)
				requireIdle(t, l)
			})
		})
	}
}

func TestDeadlineText(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"1H": time.Hour, "2M": 2 * time.Minute, "3S": 3 * time.Second, "99999999m": 99999999 * ms,
		"5u": 5 * time.Microsecond, "7n": 7, "0m": 0,
	} {
		require.Equal(t, 10+want, deadline(Header{{"grpc-timeout", text}}, 10), text)
	}
	for _, text := range []string{"99999999H", "5124096H", "2562048H", "", "5", "m", "-5m", "+5m", "5s", "123456789m", "5 m", "1.5S"} {
		require.Equal(t, Forever, deadline(Header{{"Grpc-Timeout", text}}, 10), text)
	}
	late := Forever - 2562047*time.Hour
	require.Equal(t, Forever, deadline(Header{{"Grpc-Timeout", "2562047H"}}, late+1))
	require.Equal(t, Forever, deadline(Header{{"Grpc-Timeout", "2562047H"}}, late))
	require.Equal(t, -time.Second+time.Hour, deadline(Header{{"Grpc-Timeout", "1H"}}, -time.Second))
	for left, want := range map[time.Duration]string{
		-1: "0u", 0: "0u", 1999: "1u", 30 * ms: "30000u", 99999 * ms: "99999000u", 100 * time.Second: "100000m",
	} {
		require.Equal(t, want, timeoutText(left))
	}
}

func TestUpstreamsAreToldTheTimeLeft(t *testing.T) {
	node := balancer(2)
	node.Timeout.Total, node.Timeout.Propagate = 150*ms, true
	proxyLab(t, node, func(l *lab) {
		var told []string
		l.everywhere(func(h Hop) answer {
			told = append(told, h.Request.Header.Get("grpc-timeout"))
			return status(503).in(40 * ms)
		})
		l.get("/")
		l.get("/", "Grpc-Timeout", "100m")
		l.get("/", "Grpc-Timeout", "10S")
		require.Equal(t, []string{"149000u", "109000u", "99000u", "59000u", "149000u", "109000u"}, told)
		out := l.get("/", "Grpc-Timeout", "0m")
		require.Equal(t, 504, out.Status)
		require.Len(t, told, 6, "nothing is asked for one who waits no more")
	})
}

func TestBreakerKeepsOffAFailingPlace(t *testing.T) {
	node := balancer(1)
	node.Breaker = &topologies.Breaker{Consecutive: 3, OpenFor: time.Second, Probes: 1}
	proxyLab(t, node, func(l *lab) {
		l.upstreams["api[1]"] = always(status(500))
		count := func(requests int) (share map[topologies.Place]int) {
			before, share := len(l.asked()), map[topologies.Place]int{}
			for range requests {
				l.get("/")
			}
			for _, place := range l.asked()[before:] {
				share[place]++
			}
			return share
		}
		require.Equal(t, 3, count(30)["api[1]"], "three failures open it")
		time.Sleep(999 * ms)
		require.Zero(t, count(30)["api[1]"])
		time.Sleep(2 * ms)
		require.Equal(t, 1, count(30)["api[1]"], "one probe, which fails")
		l.upstreams["api[1]"] = always(fine())
		time.Sleep(1001 * ms)
		require.Equal(t, 10, count(30)["api[1]"], "its probe succeeds")
	})
}

func TestOneProbeAtATime(t *testing.T) {
	node := balancer(1)
	node.To = []string{"api"}
	node.Breaker = &topologies.Breaker{Consecutive: 1, OpenFor: time.Second, Probes: 1}
	proxyLab(t, node, func(l *lab) {
		l.everywhere(always(status(500)))
		for range 3 {
			require.Equal(t, 500, l.get("/").Status)
		}
		out := l.get("/")
		require.Equal(t, 503, out.Status, "all are open")
		require.Equal(t, policy.Open, ReasonOf(out.Status, out.Header))
		require.Equal(t, map[string]int64{"failed": 3, "open": 1}, l.component.Use().Reasons)
		time.Sleep(1001 * ms)
		l.everywhere(always(fine().in(100 * ms)))
		var probes []<-chan *outcome
		for range 3 {
			probes = append(probes, l.during(func() *outcome { return l.get("/") }))
		}
		require.Equal(t, policy.Open, ReasonOf(503, l.get("/").Header), "all probes are out")
		for _, probe := range probes {
			require.Equal(t, 200, (<-probe).Status)
		}
		require.Equal(t, 200, l.get("/").Status)
		synctest.Wait()
	})
}

func TestHealthAndBreakerMustBothAgree(t *testing.T) {
	node := balancer(1)
	node.Breaker = &topologies.Breaker{Consecutive: 1, OpenFor: time.Second, Probes: 1}
	proxyLab(t, node, func(l *lab) {
		p := l.component.server.(*proxy)
		for _, place := range []topologies.Place{"api[0]", "api[2]"} {
			p.setUp(l.now(), place, false)
		}
		l.everywhere(always(status(500)))
		require.Equal(t, 500, l.get("/").Status)
		require.Equal(t, policy.Open, ReasonOf(503, l.get("/").Header))
		p.setUp(l.now(), "api[1]", false)
		p.setUp(l.now(), "api[1]", true)
		require.Equal(t, 503, l.get("/").Status, "a good check does not close a breaker")
		time.Sleep(time.Second)
		p.setUp(l.now(), "api[1]", false)
		require.Equal(t, 503, l.get("/").Status, "nor does time heal what checks find down")
		require.Len(t, l.asked(), 1)
	})
}

func TestHedges(t *testing.T) {
	for name, tt := range map[string]struct {
		method   string
		answers  []answer
		status   int
		asked    int
		at       time.Duration
		canceled int
	}{
		"in time, none":                  {"GET", []answer{fine().in(19 * ms)}, 200, 1, 19 * ms, 0},
		"the second wins":                {"GET", []answer{fine().in(90 * ms), fine().in(5 * ms)}, 200, 2, 25 * ms, 1},
		"the first wins":                 {"GET", []answer{fine().in(30 * ms), fine().in(50 * ms)}, 200, 2, 30 * ms, 1},
		"404 is a good answer":           {"GET", []answer{fine().in(90 * ms), status(404).in(5 * ms)}, 404, 2, 25 * ms, 1},
		"the second fails":               {"GET", []answer{fine().in(90 * ms), status(500)}, 200, 2, 90 * ms, 0},
		"the first fails":                {"GET", []answer{fails(policy.Reset, 30*ms), fine().in(50 * ms)}, 200, 2, 70 * ms, 0},
		"both fail":                      {"GET", []answer{fails(policy.Reset, 30*ms), status(500).in(50 * ms)}, 500, 2, 70 * ms, 0},
		"both run out of time":           {"GET", []answer{fine().in(time.Hour)}, 504, 2, 220 * ms, 2},
		"fails early, so it is no hedge": {"GET", []answer{fails(policy.Reset, 10*ms)}, 502, 1, 10 * ms, 0},
		"a POST is sent once":            {"POST", []answer{fine().in(90 * ms)}, 200, 1, 90 * ms, 0},
	} {
		t.Run(name, func(t *testing.T) {
			node := balancer(1)
			node.Hedge = &topologies.Hedge{After: 20 * ms}
			proxyLab(t, node, func(l *lab) {
				l.everywhere(script(tt.answers...))
				l.countAttempts()
				out := l.do(tt.method, "/")
				require.Equal(t, tt.status, out.Status)
				require.Equal(t, tt.at, out.at)
				require.Len(t, l.asked(), tt.asked)
				require.Equal(t, tt.canceled, l.canceled)
				if tt.asked == 2 {
					require.NotEqual(t, l.asked()[0], l.asked()[1])
					require.NotEqual(t, l.hops[0].Request.Attempt, l.hops[1].Request.Attempt, "a copy with luck of its own")
				}
				requireIdle(t, l)
			})
		})
	}
}

func TestHedgeAndCallerWhoGoesAway(t *testing.T) {
	node := balancer(3)
	node.Hedge = &topologies.Hedge{After: 20 * ms}
	proxyLab(t, node, func(l *lab) {
		l.everywhere(always(fine().in(time.Hour)))
		l.countAttempts()
		gone := newEvent()
		time.AfterFunc(50*ms, gone.Fire)
		require.Zero(t, l.doUntil(gone, "GET", "/").replies)
		require.Equal(t, 50*ms, l.now())
		require.Equal(t, 2, l.canceled)
		requireIdle(t, l)
	})
}

// TestHedgeBudget: everything is slow, but only a tenth is sent twice.
func TestHedgeBudget(t *testing.T) {
	node := balancer(1)
	node.Hedge = &topologies.Hedge{After: 5 * ms, Budget: &topologies.Budget{Share: .1, Window: time.Hour}}
	proxyLab(t, node, func(l *lab) {
		l.everywhere(always(fine().in(10 * ms)))
		for range 100 {
			l.get("/")
		}
		require.Len(t, l.asked(), 110)
	})
}

// TestHedgeBudgetIsOfRequests: retries pay nothing in.
func TestHedgeBudgetIsOfRequests(t *testing.T) {
	node := balancer(3)
	node.Hedge = &topologies.Hedge{After: 5 * ms, Budget: &topologies.Budget{Share: .1, Window: time.Hour}}
	proxyLab(t, node, func(l *lab) {
		l.everywhere(always(status(503).in(10 * ms)))
		for range 100 {
			require.Equal(t, 503, l.get("/").Status)
		}
		require.Len(t, l.asked(), 3*100+10)
	})
}

func TestHedgeAfterAMeasuredQuantile(t *testing.T) {
	node := balancer(1)
	node.Hedge = &topologies.Hedge{Quantile: .9}
	proxyLab(t, node, func(l *lab) {
		for i := range 150 {
			l.everywhere(always(fine().in(time.Duration(i%15+1) * ms)))
			l.get("/")
		}
		hedges := len(l.asked()) - 150
		require.LessOrEqual(t, hedges, 10, "few are slower than nine tenths")
		l.everywhere(script(fine().in(100*ms), fine()))
		began := l.now()
		out := l.get("/")
		require.InEpsilon(t, 14*ms, out.at-began, .06)
	})
}

func TestFallback(t *testing.T) {
	node := balancer(2)
	node.Fallback = &topologies.Fallback{Status: 200, Body: "later"}
	proxyLab(t, node, func(l *lab) {
		for cause, tt := range map[string]struct {
			answer answer
			status string
		}{
			"an answer":   {status(500), "trafficlab; received-status=500"},
			"its word":    {status(503, "Proxy-Status", "x; error=connection_limit_reached"), "x; error=connection_limit_reached"},
			"no answer":   {fine().in(time.Hour), "trafficlab; error=http_response_timeout"},
			"no listener": {fails(policy.Refused, 0), "trafficlab; error=connection_refused"},
		} {
			l.everywhere(always(tt.answer))
			out := l.get("/")
			require.Equal(t, 200, out.Status, cause)
			require.Equal(t, "later\n", string(out.Body.Bytes), cause)
			require.Equal(t, tt.status, out.Header.Get("Proxy-Status"), cause)
		}
		l.everywhere(always(status(404)))
		require.Equal(t, 404, l.get("/").Status, "the upstream's word to the client stands")
	})
}

// TestCoDel: who waits 100 ms is shed, and who joins a line that has stood for
// 100 ms is shed after 5 ms.
func TestCoDel(t *testing.T) {
	node := topologies.Node{Workers: 1, Queue: 50, ServiceTime: constant(60 * ms), Order: policy.Choice{Name: "codel"}}
	backendLab(t, node, nil, func(l *lab) {
		var waiting []<-chan *outcome
		for range 4 {
			waiting = append(waiting, l.during(func() *outcome { return l.get("/") }))
		}
		time.Sleep(99 * ms)
		waiting = append(waiting, l.during(func() *outcome { return l.get("/") }))
		time.Sleep(0)
		for i, want := range []struct {
			status int
			at     time.Duration
		}{{200, 60 * ms}, {200, 120 * ms}, {503, 100 * ms}, {503, 100 * ms}, {200, 180 * ms}} {
			out := <-waiting[i]
			require.Equal(t, want.status, out.Status, i)
			require.Equal(t, want.at, out.at, i)
		}
	})
	backendLab(t, node, nil, func(l *lab) {
		first := l.during(func() *outcome { return l.get("/") })
		var line []<-chan *outcome
		for range 12 {
			line = append(line, l.during(func() *outcome { return l.get("/") }))
			time.Sleep(10 * ms)
		}
		require.Equal(t, 60*ms, (<-first).at)
		late := (<-line[11]).at
		require.Equal(t, 115*ms, late, "joined at 110 ms, when the line had stood for long")
		for _, out := range line[:11] {
			<-out
		}
	})
}

func TestOrderOfTheLine(t *testing.T) {
	for order, want := range map[string][]int{
		"fifo": {0, 1, 2, 3, 4}, "lifo": {0, 4, 3, 2, 1},
		"adaptive-lifo": {0, 1, 4, 3, 2}, // the line stands from the second on
	} {
		node := topologies.Node{Workers: 1, Queue: 50, ServiceTime: constant(80 * ms), Order: policy.Choice{Name: order}}
		backendLab(t, node, nil, func(l *lab) {
			var waiting []<-chan *outcome
			for range 5 {
				waiting = append(waiting, l.during(func() *outcome { return l.get("/") }))
			}
			for turn, i := range want {
				require.Equal(t, time.Duration(turn+1)*80*ms, (<-waiting[i]).at, "%s: request %d", order, i)
			}
		})
	}
}

// TestSharedWorkers plays the textbook's story: two share one worker.
func TestSharedWorkers(t *testing.T) {
	node := topologies.Node{Workers: 1, Queue: 1, Sharing: true, ServiceTime: constant(100 * ms)}
	backendLab(t, node, nil, func(l *lab) {
		first := l.during(func() *outcome { return l.get("/") })
		time.Sleep(40 * ms)
		second := l.during(func() *outcome { return l.get("/") })
		require.Equal(t, 503, l.get("/").Status, "no room for a third")
		require.Equal(t, 160*ms, (<-first).at, "40 alone, then 60 at half the pace")
		require.Equal(t, 200*ms, (<-second).at, "60 done by then, 40 alone")
		third := l.get("/")
		require.Equal(t, 300*ms, third.at)
		require.Zero(t, l.component.server.(*backend).sharing.Len())
	})
}

func TestDropExpired(t *testing.T) {
	node := topologies.Node{Workers: 1, Queue: 50, DropExpired: true, ServiceTime: constant(10 * ms)}
	backendLab(t, node, nil, func(l *lab) {
		var waiting []<-chan *outcome
		for range 4 {
			waiting = append(waiting, l.during(func() *outcome { return l.get("/", "Grpc-Timeout", "15m") }))
		}
		for i, want := range []struct {
			status int
			at     time.Duration
		}{{200, 10 * ms}, {200, 20 * ms}, {504, 20 * ms}, {504, 20 * ms}} {
			out := <-waiting[i]
			require.Equal(t, want.status, out.Status)
			require.Equal(t, want.at, out.at, "its turn came, and it was too late")
		}
		require.Equal(t, 200, l.get("/", "Grpc-Timeout", "15m").Status)
	})
}
