package components

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
	"trafficlab/topologies"
)

func quotaOf(by string, n float64, per string) topologies.Limit {
	return topologies.Limit{By: by, Algorithm: policy.Choice{Name: policy.Quota,
		Params: policy.Params{"quota": {Number: n}, "per": {Word: per}}}}
}

func TestLimitFields(t *testing.T) {
	node := topologies.Node{
		Keys:        map[string]string{"alice": "a", "bob": "b"},
		Limits:      append(oneLimit("consumer", 0.5, 3), quotaOf("all", 4, "day")),
		LimitFields: []string{"ratelimit", "x-ratelimit"},
	}
	proxyLab(t, node, func(l *lab) {
		time.Sleep(23 * time.Hour)
		for _, tt := range []struct {
			sleep     time.Duration
			key       string
			status    int
			rateLimit string
			x         []string
		}{
			{0, "a", 200, `"consumer";r=2;t=2`, []string{"3", "2", "2"}},
			{0, "a", 200, `"consumer";r=1;t=4`, []string{"3", "1", "4"}},
			{0, "a", 200, `"consumer";r=0;t=6`, []string{"3", "0", "6"}},
			{0, "a", 429, `"consumer";r=0;t=6`, []string{"3", "0", "6"}},
			{0, "b", 200, `"all";r=0;t=3600`, []string{"4", "0", "3600"}},
			{0, "b", 429, `"all";r=0;t=3600`, []string{"4", "0", "3600"}},
			{time.Hour - time.Millisecond, "b", 429, `"all";r=0;t=1`, []string{"4", "0", "1"}},
			{time.Millisecond, "b", 200, `"consumer";r=2;t=2`, []string{"3", "2", "2"}},
		} {
			time.Sleep(tt.sleep)
			out := l.get("/", "X-Api-Key", tt.key)
			require.Equal(t, tt.status, out.Status, "%+v", tt)
			require.Equal(t, `"consumer";q=3;w=6, "all";q=4;w=86400`, out.Header.Values("RateLimit-Policy"))
			require.Equal(t, tt.rateLimit, out.Header.Values("RateLimit"), "%+v", tt)
			require.Equal(t, tt.x, []string{out.Header.Get("X-RateLimit-Limit"), out.Header.Get("X-RateLimit-Remaining"), out.Header.Get("X-RateLimit-Reset")})
		}
		out := l.get("/")
		require.Equal(t, 401, out.Status)
		require.False(t, out.Header.Has("RateLimit"), "who is nobody is told of no level")
	})
}

func TestPlans(t *testing.T) {
	node := topologies.Node{
		Keys: map[string]string{"alice": "a", "bob": "b", "carol": "c", "dave": "d"},
		Auth: &topologies.Auth{Groups: map[string][]string{"staff": {"bob", "alice"}}},
		Plans: []topologies.Plan{
			{Name: "gold", Consumers: []string{"alice"}, Limits: oneLimit("consumer", 1, 4)},
			{Name: "staff", Groups: []string{"staff"}, Limits: oneLimit("consumer", 1, 2)},
			{Name: "free", Limits: oneLimit("consumer", 1, 1)},
		},
		Limits:      oneLimit("all", 1, 8),
		LimitFields: []string{"ratelimit"},
	}
	proxyLab(t, node, func(l *lab) {
		admitted := map[string]int{}
		for range 5 {
			for _, key := range []string{"a", "b", "c", "d"} {
				if out := l.get("/", "X-Api-Key", key); out.Status == 200 {
					admitted[key]++
				}
			}
		}
		require.Equal(t, map[string]int{"a": 2, "b": 2, "c": 1, "d": 1}, admitted, "the node's own limit is for all")
		time.Sleep(8 * time.Second)
		out := l.get("/", "X-Api-Key", "a")
		require.Equal(t, `"all";q=8;w=8, "gold-consumer";q=4;w=4`, out.Header.Values("RateLimit-Policy"))
		require.Equal(t, `"gold-consumer";r=3;t=1`, out.Header.Values("RateLimit"))
		out = l.get("/", "X-Api-Key", "d")
		require.Equal(t, `"free-consumer";r=0;t=1`, out.Header.Values("RateLimit"))
	})
}

func TestNamesOfLimits(t *testing.T) {
	limits := []topologies.Limit{{By: "all"}, {By: "header X-A"}, {Name: "all", By: "route"}, {By: "header X-B"}}
	require.Equal(t, []string{"all-2", "header", "all", "header-2"}, namesOf(namedApart("", limits)))
}
