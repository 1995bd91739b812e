package components

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// clockOnly is an exchange that knows nothing but what time it is.
type clockOnly struct {
	Exchange
	now time.Duration
}

func (c clockOnly) Now() time.Duration { return c.now }

// TestARedisFallsIll: while it is down whoever asks is told so at once, and the
// next one has forgotten all; one that is frozen answers late, or too late, and
// remembers.
func TestARedisFallsIll(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	redis := []topologies.Place{topologies.Redis}
	weather := scenarios.NewWeather(1, []scenarios.Fault{
		{At: 10 * s, For: s, On: redis, Crash: true},
		{At: 20 * s, For: s, On: redis, Freeze: true},
		{At: 30 * s, For: s, On: redis, Freeze: true}, {At: 31 * s, For: s, On: redis, Crash: true},
	})
	limit := []policy.Choice{limitOf("all", "token-bucket", 1e-6, 2).Algorithm}
	tallies := underWeather(new(Memories), weather)
	replicas := [2]Tally{}
	for i := range replicas {
		replicas[i] = tallies.Tally("gate", &topologies.Shared{Timeout: 200 * ms}, limit, false)
	}
	for i, tt := range []struct {
		now  time.Duration
		ok   bool
		lost error
		trip time.Duration
	}{
		{now: -s, ok: true}, {now: 9 * s, ok: true}, {now: 9 * s},
		{now: 10 * s, lost: errGone}, {now: 11*s - 1, lost: errGone},
		{now: 11 * s, ok: true},
		{now: 20 * s, lost: errStuck, trip: 200 * ms}, {now: 20800*ms - 1, lost: errStuck, trip: 200 * ms},
		{now: 20800 * ms, ok: true, trip: 200 * ms}, {now: 20990 * ms, trip: 10 * ms},
		{now: 21 * s},
		{now: 30900 * ms, lost: errGone, trip: 100 * ms}, {now: 31 * s, lost: errGone},
		{now: 32 * s, ok: true}, {now: 33 * s, ok: true}, {now: 34 * s},
	} {
		taken := replicas[i%2].Take(clockOnly{now: tt.now}, []policy.Ask{{Cost: 1}})
		require.Equal(t, []any{tt.ok, tt.lost, tt.trip}, []any{taken.OK, taken.Lost, taken.Trip}, "at %v", tt.now)
	}
}

func TestARedisInGoodWeatherIsAskedAsItIs(t *testing.T) {
	tallies := new(Memories)
	require.Same(t, tallies, underWeather(tallies, scenarios.NewWeather(1, nil)))
	require.Nil(t, underWeather(nil, scenarios.NewWeather(1, []scenarios.Fault{{For: 1, On: []topologies.Place{topologies.Redis}, Crash: true}})))
}
