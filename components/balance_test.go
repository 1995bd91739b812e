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

const ms = time.Millisecond

// balancer is a proxy with two tries and timeouts.
func balancer(tries int) topologies.Node {
	return topologies.Node{
		Retry:   topologies.Retry{Tries: tries},
		Timeout: topologies.Timeouts{Connect: 50 * ms, Response: 200 * ms},
	}
}

func (l *lab) everywhere(u upstream) {
	for place := range l.upstreams {
		l.upstreams[place] = u
	}
}

// TestFailuresAndRetries scripts what all backends do, attempt by attempt.
func TestFailuresAndRetries(t *testing.T) {
	for name, tt := range map[string]struct {
		method  string
		answers []answer
		status  int
		err     string
		tries   int
		at      time.Duration
	}{
		"refused":                         {"GET", []answer{fails(policy.Refused, ms)}, 502, connectionRefused, 3, 3 * ms},
		"refused, then fine":              {"GET", []answer{fails(policy.Refused, ms), fine()}, 200, "", 2, ms},
		"POST refused, then fine":         {"POST", []answer{fails(policy.Refused, ms), fine()}, 200, "", 2, ms},
		"reset, then fine":                {"GET", []answer{fails(policy.Reset, ms), fine()}, 200, "", 2, ms},
		"POST reset":                      {"POST", []answer{fails(policy.Reset, ms), fine()}, 502, connectionTerminated, 1, ms},
		"no connection":                   {"GET", []answer{fails(policy.Timeout, 50*ms)}, 504, connectionTimeout, 3, 150 * ms},
		"POST without connection":         {"POST", []answer{fails(policy.Timeout, 50*ms), fine()}, 200, "", 2, 50 * ms},
		"no answer":                       {"GET", []answer{fine().in(time.Hour)}, 504, httpResponseTimeout, 3, 600 * ms},
		"no answer, then fine":            {"GET", []answer{fine().in(time.Hour), fine()}, 200, "", 2, 200 * ms},
		"POST without answer":             {"POST", []answer{fine().in(time.Hour), fine()}, 504, httpResponseTimeout, 1, 200 * ms},
		"503, then fine":                  {"GET", []answer{status(503), fine()}, 200, "", 2, 0},
		"HEAD counts as safe":             {"HEAD", []answer{status(503), fine()}, 200, "", 2, 0},
		"POST 503":                        {"POST", []answer{status(503), fine()}, 503, "", 1, 0},
		"503 to the end":                  {"GET", []answer{status(503, "Proxy-Status", "x; error=connection_limit_reached")}, 503, connectionLimitReached, 3, 0},
		"500 stands":                      {"GET", []answer{status(500), fine()}, 500, "", 1, 0},
		"404 stands":                      {"GET", []answer{status(404), fine()}, 404, "", 1, 0},
		"504 by a proxy behind, then 502": {"GET", []answer{status(504), status(502)}, 502, "", 3, 0},
		"in time":                         {"GET", []answer{fine().in(199 * ms)}, 200, "", 1, 199 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			proxyLab(t, balancer(3), func(l *lab) {
				l.everywhere(script(tt.answers...))
				l.countAttempts()
				out := l.do(tt.method, "/")
				require.Equal(t, tt.status, out.Status)
				require.Equal(t, tt.err, proxyError(out.Header.Get("Proxy-Status")))
				require.Equal(t, tt.at, out.at)
				places := l.asked()
				require.Len(t, places, tt.tries)
				for i, place := range places {
					require.NotContains(t, places[:i], place, "a further try goes to another backend")
				}
				requireIdle(t, l)
			})
		})
	}
}

// requireIdle checks that the picker was told the end of every attempt: it
// counts started and done for itself.
func requireIdle(t *testing.T, l *lab) {
	for _, p := range l.component.server.(*proxy).pools {
		tally := p.picker.(*tally)
		require.Positive(t, tally.started)
		require.Equal(t, tally.started, tally.done)
	}
}

// tally is a picker that counts.
type tally struct {
	policy.Picker
	started, done int
}

func (c *tally) Started(i int) {
	c.started++
	c.Picker.Started(i)
}

func (c *tally) Done(now time.Duration, i int, o policy.Outcome) {
	c.done++
	c.Picker.Done(now, i, o)
}

func (l *lab) countAttempts() {
	for _, p := range l.component.server.(*proxy).pools {
		p.picker = &tally{Picker: p.picker}
	}
}

// TestAttemptsHaveNumbersOfTheirOwn, which tell the tries of one tier from those
// of another: else layers of retries would meet the same failures again.
func TestAttemptsHaveNumbersOfTheirOwn(t *testing.T) {
	proxyLab(t, balancer(3), func(l *lab) {
		l.everywhere(always(fails(policy.Refused, ms)))
		l.send(newEvent(), Request{Number: 5, Attempt: 99, Method: "GET", Path: "/"})
		var attempts []uint64
		for _, h := range l.hops {
			require.EqualValues(t, 5, h.Request.Number)
			require.Equal(t, 50*ms, h.Connect)
			attempts = append(attempts, h.Request.Attempt)
		}
		mark := scenarios.Mix(99, scenarios.Hash("tries of edge"))
		require.Equal(t, []uint64{99, scenarios.Mix(mark, 1), scenarios.Mix(mark, 2)}, attempts)
	})
}

func TestABodyIsNotSentTwice(t *testing.T) {
	proxyLab(t, balancer(3), func(l *lab) {
		l.everywhere(always(fails(policy.Reset, ms)))
		l.send(newEvent(), Request{Method: "GET", Path: "/", Size: 10})
		require.Len(t, l.asked(), 1)
		require.True(t, l.lastHop().Body)
		l.everywhere(always(fails(policy.Refused, ms)))
		l.send(newEvent(), Request{Method: "POST", Path: "/", Size: 10})
		require.Len(t, l.asked(), 4, "but it may be sent later if it was not sent")
	})
}

func TestABodyBrokenOffIsNoRetry(t *testing.T) {
	proxyLab(t, balancer(3), func(l *lab) {
		cut := fine()
		cut.breaks, cut.body = true, 10*ms
		l.everywhere(always(cut))
		l.countAttempts()
		out := l.get("/")
		requireIdle(t, l)
		require.Equal(t, policy.Reset, out.reason)
		require.Len(t, l.asked(), 1)
		require.Equal(t, map[string]int64{"reset": 1}, l.component.Use().Reasons)
	})
}

func TestFewerBackendsThanTries(t *testing.T) {
	proxyLab(t, balancer(5), func(l *lab) {
		l.everywhere(always(status(503)))
		require.Equal(t, 503, l.get("/").Status)
		require.Len(t, l.asked(), 5, "the same ones again when there is no other")
	})
}

func TestNoBackendIsUp(t *testing.T) {
	proxyLab(t, balancer(2), func(l *lab) {
		p := l.component.server.(*proxy)
		for place := range l.upstreams {
			p.setUp(l.now(), place, false)
		}
		out := l.get("/")
		require.Equal(t, 503, out.Status)
		require.Equal(t, destinationUnavailable, proxyError(out.Header.Get("Proxy-Status")))
		require.Empty(t, l.asked())
	})
}

// TestTheLastBackendGoesDownDuringTheTry: the answer that there is stands.
func TestTheLastBackendGoesDownDuringTheTry(t *testing.T) {
	proxyLab(t, balancer(2), func(l *lab) {
		p := l.component.server.(*proxy)
		l.everywhere(func(Hop) answer {
			for _, pool := range p.pools { // answerOf holds no lock of the pool's
				for _, place := range pool.places {
					pool.setUp(l.now(), p, place, false)
				}
			}
			return status(503, "X-Who", "api")
		})
		out := l.get("/")
		require.Equal(t, 503, out.Status)
		require.Equal(t, "api", out.Header.Get("X-Who"))
		require.Len(t, l.asked(), 1)
	})
}

func TestCallerGoesAway(t *testing.T) {
	proxyLab(t, balancer(3), func(l *lab) {
		l.everywhere(always(fine().in(time.Hour)))
		l.countAttempts()
		gone := newEvent()
		time.AfterFunc(20*ms, gone.Fire)
		out := l.doUntil(gone, "GET", "/")
		requireIdle(t, l)
		require.Zero(t, out.replies)
		require.Equal(t, 20*ms, l.now(), "at once, and without a further try")
		require.Equal(t, 1, l.canceled)
		require.Len(t, l.asked(), 1)
		require.Equal(t, map[string]int64{"canceled": 1}, l.component.Use().Reasons)
	})
}

// TestWhatIsInFlightCountsToTheLastByte: least-connections sees bodies that
// are still on their way.
func TestWhatIsInFlightCountsToTheLastByte(t *testing.T) {
	node := topologies.Node{Pick: policy.Choice{Name: "least-connections"}}
	proxyLab(t, node, func(l *lab) {
		long := fine()
		long.body = time.Second
		l.everywhere(always(long))
		l.countAttempts()
		for range 3 {
			l.during(func() *outcome { return l.get("/") })
		}
		require.ElementsMatch(t, []topologies.Place{"api[0]", "api[1]", "api[2]"}, l.asked())
		time.Sleep(2 * time.Second)
		requireIdle(t, l)
	})
}

func TestIPHashFollowsTheClient(t *testing.T) {
	proxyLab(t, topologies.Node{Pick: policy.Choice{Name: "ip-hash"}}, func(l *lab) {
		homes := map[topologies.Place]bool{}
		for _, client := range []string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"} {
			l.get("/", "X-Forwarded-For", client)
			home := l.lastHop().To
			homes[home] = true
			for range 5 {
				l.get("/", "X-Forwarded-For", client)
				require.Equal(t, home, l.lastHop().To)
			}
		}
		require.Greater(t, len(homes), 1)
	})
}

func TestHealthChecks(t *testing.T) {
	node := topologies.Node{Health: &topologies.Health{
		Every: 100 * ms, Timeout: 30 * ms, Path: "/alive", DownAfter: 2, UpAfter: 3}}
	proxyLab(t, node, func(l *lab) {
		sick := fine()
		l.upstreams["api[1]"] = func(h Hop) answer {
			if h.Request.Path == "/alive" {
				return sick
			}
			return fine()
		}
		l.component.Begin(&fakeExchange{lab: l, gone: l.ended})
		load := func() map[topologies.Place]int {
			before := len(l.asked())
			for range 30 {
				l.get("/")
			}
			share := map[topologies.Place]int{}
			for _, place := range l.asked()[before:] {
				share[place]++
			}
			return share
		}
		turn := func(a answer) {
			l.mu.Lock()
			defer l.mu.Unlock()
			sick = a
		}
		time.Sleep(time.Second)
		require.Equal(t, 10, load()["api[1]"])
		synctest.Wait()
		require.Len(t, l.checks, 30, "ten a second for each of three")
		require.Equal(t, "/alive", l.checks[0].Request.Path)

		for name, illness := range map[string]answer{
			"answers too late": fine().in(31 * ms),
			"answers 500":      status(500),
			"refuses":          fails(policy.Refused, 0),
		} {
			turn(illness)
			time.Sleep(101 * ms)
			require.Equal(t, 10, load()["api[1]"], "%s: one failed check is forgiven", name)
			time.Sleep(150 * ms)
			require.Zero(t, load()["api[1]"], name)
			require.Equal(t, 15, load()["api[0]"], name)
			turn(fine())
			time.Sleep(201 * ms)
			require.Zero(t, load()["api[1]"], "two good checks are not enough")
			time.Sleep(100 * ms)
			require.Equal(t, 10, load()["api[1]"], name)
		}
		l.ended.Fire()
		synctest.Wait()
		before := len(l.checks)
		time.Sleep(time.Second)
		require.Len(t, l.checks, before, "checks end with the node")
		require.Equal(t, 1, l.most, "an exchange for each check: one for all would pile up calls")
	})
}

// TestChecksLieOnAGrid: a proxy that begins at another instant checks at the
// same ones, and no two places at once.
func TestChecksLieOnAGrid(t *testing.T) {
	type check struct {
		to     topologies.Place
		number uint64
		at     time.Duration
	}
	run := func(late time.Duration) (checks []check) {
		node := topologies.Node{Health: &topologies.Health{Every: 100 * ms, Timeout: 30 * ms, Path: "/"}}
		proxyLab(t, node, func(l *lab) {
			l.everywhere(func(h Hop) answer {
				if l.now() >= 2*time.Second {
					checks = append(checks, check{h.To, h.Request.Number, l.now()})
				}
				return fine()
			})
			time.Sleep(late)
			l.component.Begin(&fakeExchange{lab: l, gone: l.ended})
			time.Sleep(4*time.Second - late)
		})
		return checks
	}
	early := run(0)
	require.Len(t, early, 60)
	require.Equal(t, early, run(1234567*time.Microsecond))
	for i := 1; i < len(early); i++ {
		require.Greater(t, early[i].at, early[i-1].at)
	}
}
