package components

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// oneLimit is a token bucket.
func oneLimit(by string, rate, burst float64) []topologies.Limit {
	return []topologies.Limit{limitOf(by, "token-bucket", rate, burst)}
}

func limitOf(by, algorithm string, rate, burst float64) topologies.Limit {
	return topologies.Limit{By: by, Algorithm: policy.Choice{Name: algorithm,
		Params: policy.Params{"rate": {Number: rate}, "burst": {Number: burst}}}}
}

func TestLimitsCountForWhomTheySay(t *testing.T) {
	routes := []topologies.Route{{Path: "/a"}, {Path: "/*"}}
	for by, want := range map[string][4]int{ // the same again, another header, another route, another address
		"header X-Tenant": {429, 200, 429, 429},
		"route":           {429, 429, 200, 429},
		"address":         {429, 429, 429, 200},
		"all":             {429, 429, 429, 429},
	} {
		proxyLab(t, topologies.Node{Routes: routes, Limits: oneLimit(by, 1, 1)}, func(l *lab) {
			require.Equal(t, 200, l.get("/a", "X-Tenant", "red").Status, by)
			for i, o := range []*outcome{
				l.get("/a", "X-Tenant", "red"), l.get("/a", "X-Tenant", "blue"),
				l.get("/b", "X-Tenant", "red"), l.get("/a", "X-Tenant", "red", "X-Forwarded-For", "10.1.1.1"),
			} {
				require.Equal(t, want[i], o.Status, "%s, %d", by, i)
			}
		})
	}
}

func TestRequestsCostWhatTheirPathAndMethodSay(t *testing.T) {
	limit := limitOf("all", "token-bucket", 1, 10)
	limit.Costs = []topologies.Cost{{Path: "*", Cost: 2}, {Path: "/search*", Cost: 5}, {Method: "POST", Path: "/search*", Cost: 7}, {Path: "/free", Cost: 0}, {Method: "PUT", Path: "/put", Cost: 3}}
	proxyLab(t, topologies.Node{Limits: []topologies.Limit{limit}}, func(l *lab) {
		waits := func(method, path string) string { return l.do(method, path).Header.Get("Retry-After") }
		require.Empty(t, waits("GET", "/search/x"))
		require.Empty(t, waits("PUT", "/put")) // 2 left
		require.Equal(t, "5", waits("POST", "/search"))
		require.Equal(t, "3", waits("GET", "/search"))
		require.Empty(t, waits("GET", "/free"))
		require.Empty(t, waits("GET", "/put")) // the path has no cost for GET: 1
		require.Equal(t, "1", waits("GET", "/other"))
		require.Equal(t, "4", waits("GET", "//%73earch"), "by whatever spelling")
	})
}

func TestSeveralLimitsRefuseTogether(t *testing.T) {
	limits := []topologies.Limit{limitOf("header X-Tenant", "token-bucket", 1, 2), limitOf("all", "gcra", 1, 3)}
	proxyLab(t, topologies.Node{Limits: limits}, func(l *lab) {
		var statuses []int
		for _, tenant := range []string{"red", "red", "red", "blue", "blue", "green"} {
			statuses = append(statuses, l.get("/", "X-Tenant", tenant).Status)
		}
		require.Equal(t, []int{200, 200, 429, 200, 429, 429}, statuses)
		time.Sleep(time.Second) // one more for all; blue has paid for one of two
		require.Equal(t, 200, l.get("/", "X-Tenant", "blue").Status)
	})
}

func TestALeakyQueueHoldsRequestsBack(t *testing.T) {
	proxyLab(t, topologies.Node{Limits: []topologies.Limit{limitOf("all", "leaky-queue", 10, 2)}}, func(l *lab) {
		done := make(chan *outcome, 5)
		for range 4 {
			go func() { done <- l.get("/") }()
		}
		synctest.Wait()
		require.Len(t, l.asked(), 1, "the others wait")
		statuses := map[int]int{}
		for range 4 {
			statuses[(<-done).Status]++
		}
		require.Equal(t, map[int]int{200: 3, 429: 1}, statuses)
		require.Equal(t, 200*time.Millisecond, time.Since(l.began))

		gone := newEvent()
		go func() { time.Sleep(50 * time.Millisecond); gone.Fire() }()
		l.get("/")
		asked := len(l.asked())
		o := l.doUntil(gone, "GET", "/")
		require.Zero(t, o.replies)
		require.Len(t, l.asked(), asked, "nobody is asked for a caller who is gone")
	})
}

// deaf is a tally out of reach.
type deaf struct{}

func (deaf) Tally(string, *topologies.Shared, []policy.Choice, bool) Tally { return deaf{} }

func (deaf) Take(Exchange, []policy.Ask) Taken { return Taken{Lost: errors.New("gone")} }

// sharingLab is a proxy that shares its tallies.
func sharingLab(t *testing.T, node topologies.Node, tallies Tallies, test func(l *lab)) {
	t.Helper()
	proxyLab(t, node, func(l *lab) {
		c := &scenarios.Case{Seed: 11, Variant: scenarios.Variant{Topology: proxyTopology(node)}}
		l.component = NewSite(c, tallies).New("edge")
		test(l)
	})
}

func TestALimitOutOfReachFailsAsChosen(t *testing.T) {
	for open, want := range map[bool]int{true: 200, false: 503} {
		limit := limitOf("all", "token-bucket", 1, 1)
		limit.Shared = &topologies.Shared{Open: open}
		sharingLab(t, topologies.Node{Limits: []topologies.Limit{limit}}, deaf{}, func(l *lab) {
			for range 3 {
				o := l.get("/")
				require.Equal(t, want, o.Status)
				require.Equal(t, want == 503, o.Header.Has("Proxy-Status"))
			}
		})
		own := limitOf("all", "token-bucket", 1, 1)
		sharingLab(t, topologies.Node{Limits: []topologies.Limit{limit, own}}, deaf{}, func(l *lab) {
			require.Equal(t, want, l.get("/").Status)
			require.Equal(t, 429, l.get("/").Status, "what the node keeps itself goes on")
		})
	}
}

func TestReplicasShareWhatIsToBeShared(t *testing.T) {
	shared, own := limitOf("all", "token-bucket", 1, 3), limitOf("all", "token-bucket", 1, 2)
	shared.Shared = &topologies.Shared{Open: true}
	node := topologies.Node{Limits: []topologies.Limit{shared, own}}
	tallies := new(Memories)
	statuses := func(n int) (s []int) {
		sharingLab(t, node, tallies, func(l *lab) {
			for range n {
				s = append(s, l.get("/").Status)
			}
		})
		return s
	}
	require.Equal(t, []int{200, 200, 429}, statuses(3), "its own limit")
	require.Equal(t, []int{200, 429, 429}, statuses(3), "the one they share")
}

func TestWhatReplicasShareIsTold(t *testing.T) {
	shared := quotaOf("all", 3, "day")
	shared.Shared = &topologies.Shared{Open: true}
	node := topologies.Node{Limits: []topologies.Limit{shared}, LimitFields: []string{topologies.RateLimitFields}}
	tallies := new(Memories)
	for _, want := range []string{`"all";r=2;t=86400`, `"all";r=1;t=86400`, `"all";r=0;t=86400`, `"all";r=0;t=86400`} {
		sharingLab(t, node, tallies, func(l *lab) {
			require.Equal(t, want, l.get("/").Header.Get("RateLimit"))
		})
	}
	sharingLab(t, node, deaf{}, func(l *lab) {
		o := l.get("/")
		require.Equal(t, `"all";q=3;w=86400`, o.Header.Get("RateLimit-Policy"))
		require.False(t, o.Header.Has("RateLimit"), "nobody knows")
	})
}

// Who has no name as a consumer is held back alone.
func TestTheNamelessCountByAddress(t *testing.T) {
	node := topologies.Node{
		Keys:   map[string]string{"alice": "k", "10.1.1.1": "l"},
		Auth:   &topologies.Auth{KeyIn: []string{"header X-Api-Key"}, Allow: []topologies.Rule{{Anyone: true, Path: "/*"}}},
		Limits: oneLimit("consumer", 1, 1),
	}
	proxyLab(t, node, func(l *lab) {
		for i, tt := range []struct {
			field, value string
			want         int
		}{
			{"X-Api-Key", "k", 200},
			{"X-Api-Key", "k", 429},
			{"X-Forwarded-For", "10.1.1.1", 200},
			{"X-Forwarded-For", "10.1.1.1", 429},
			{"X-Forwarded-For", "10.1.1.2", 200},
			{"X-Api-Key", "l", 200},
		} {
			require.Equal(t, tt.want, l.get("/", tt.field, tt.value).Status, i)
		}
	})
}
