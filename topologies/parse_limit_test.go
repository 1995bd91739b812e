package topologies

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
)

func TestFormsOfLimits(t *testing.T) {
	choice := func(name string, params policy.Params) policy.Choice {
		return policy.Choice{Name: name, Params: params}
	}
	rated := func(name string, rate, burst float64) policy.Choice {
		return choice(name, policy.Params{"rate": {Number: rate}, "burst": {Number: burst}})
	}
	windowed := func(name string, rate float64, window time.Duration) policy.Choice {
		return choice(name, policy.Params{"rate": {Number: rate}, "window": {Number: float64(window)}})
	}
	for text, want := range map[string][]Limit{
		"off":             nil,
		"{rate: 2.5/s}":   {{By: "address", Algorithm: rated("token-bucket", 2.5, 3)}},
		"{rate: 30/m}":    {{By: "address", Algorithm: rated("token-bucket", 0.5, 1)}},
		"[{rate: 100/s}]": {{By: "address", Algorithm: rated("token-bucket", 100, 100)}},
		"{rate: 9/s, algorithm: gcra, burst: 2, by: route}":         {{By: "route", Algorithm: rated("gcra", 9, 2)}},
		"{rate: 9/s, algorithm: leaky-bucket, by: header x-tenant}": {{By: "header X-Tenant", Algorithm: rated("leaky-bucket", 9, 0)}},
		"{rate: 9/s, algorithm: fixed-window}":                      {{By: "address", Algorithm: windowed("fixed-window", 9, time.Second)}},
		"{rate: 9/s, algorithm: sliding-log, window: 2s}":           {{By: "address", Algorithm: windowed("sliding-log", 9, 2*time.Second)}},
		"[{rate: 9/s, algorithm: sliding-counter, by: all}, {rate: 1/s, burst: 7}]": {
			{By: "all", Algorithm: windowed("sliding-counter", 9, time.Second)}, {By: "address", Algorithm: rated("token-bucket", 1, 7)}},
		"{rate: 9/s, algorithm: leaky-queue, delay: 3}": {{By: "address", Algorithm: choice("leaky-queue",
			policy.Params{"rate": {Number: 9}, "burst": {Number: 9}, "delay": {Number: 3}})}},
		"{name: mine, rate: 9/s}":         {{Name: "mine", By: "address", Algorithm: rated("token-bucket", 9, 9)}},
		"{quota: 10000, cost: 3}":         {{By: "address", Algorithm: choice("quota", policy.Params{"quota": {Number: 10000}, "per": {Word: "day"}}), Costs: []Cost{{"", "*", 3}}}},
		"{quota: 7, per: month, by: all}": {{By: "all", Algorithm: choice("quota", policy.Params{"quota": {Number: 7}, "per": {Word: "month"}})}},
		"{rate: 9/s, cost: 3}":            {{By: "address", Algorithm: rated("token-bucket", 9, 9), Costs: []Cost{{"", "*", 3}}}},
		`{rate: 9/s, cost: {"POST /orders": 5, /search*: 2, "*": 0}}`: {{By: "address", Algorithm: rated("token-bucket", 9, 9),
			Costs: []Cost{{"POST", "/orders", 5}, {"", "/search*", 2}, {"", "*", 0}}}},
		"{rate: 9/s, shared: {redis: 127.0.0.1:6379}}": {{By: "address", Algorithm: rated("token-bucket", 9, 9),
			Shared: &Shared{Redis: "127.0.0.1:6379", Open: true, Timeout: 20 * time.Millisecond}}},
		"{rate: 9/s, shared: {redis: localhost:1, fail: closed, timeout: 1s}}": {{By: "address", Algorithm: rated("token-bucket", 9, 9),
			Shared: &Shared{Redis: "localhost:1", Timeout: time.Second}}},
		"{quota: 7, shared: {redis: localhost:1, keep: shop}}": {{By: "address",
			Algorithm: choice("quota", policy.Params{"quota": {Number: 7}, "per": {Word: "day"}}),
			Shared:    &Shared{Redis: "localhost:1", Open: true, Timeout: 20 * time.Millisecond, Keep: "shop"}}},
	} {
		top, err := Parse("f", []byte("name: x\nentry: a\nnodes: {a: {kind: gateway, to: b, limit: "+text+"}, b: {kind: backend}}"))
		require.NoError(t, err, text)
		require.Equal(t, want, top.Node("a").Limits, text)
	}
}

func TestPlans(t *testing.T) {
	top, err := Parse("f", []byte(`
name: x
entry: a
nodes:
  a:
    kind: gateway
    keys: {alice: k-1, bob: k-2}
    auth: {groups: {staff: [bob]}}
    plans:
      gold: {consumers: [alice], groups: staff, limit: [{rate: 9/s}, {quota: 5, per: hour}]}
      free: {limit: {rate: 1/s}}
    limit-fields: [ratelimit, x-ratelimit]
    to: b
  b: {kind: backend}
`))
	require.NoError(t, err)
	a := top.Node("a")
	require.Equal(t, []string{"ratelimit", "x-ratelimit"}, a.LimitFields)
	require.Len(t, a.Plans, 2)
	require.Equal(t, []string{"alice"}, a.Plans[0].Consumers)
	require.Equal(t, []string{"staff"}, a.Plans[0].Groups)
	require.Equal(t, "quota", a.Plans[0].Limits[1].Algorithm.Name)
	require.Equal(t, "consumer", a.Plans[1].Limits[0].By)
	require.Nil(t, a.Limits)
}
