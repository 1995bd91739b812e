package measure

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
)

const ms = time.Millisecond

// A run of 10 s with 2 s of warm-up: 1/s in warm-up, then 8/s from alice, of
// which 6 succeed in 10 to 60 ms, one is limited and one times out, and 2/s
// from bob, one served from the cache.
func smallRun() *Run {
	run := &Run{Variant: "a", World: "live", Warmup: 2 * time.Second, Duration: 10 * time.Second, Deadline: 45 * ms, Target: 10}
	add := func(at time.Duration, class string, r policy.Reason, latency time.Duration, cache string) {
		run.Samples = append(run.Samples, Sample{
			Number: uint64(len(run.Samples)), At: at, Class: class, Reason: r, Latency: latency, Cache: cache,
		})
	}
	for s := range 10 {
		at := time.Duration(s) * time.Second
		if s < 2 {
			add(at, "alice", policy.OK, time.Hour, "")
			continue
		}
		for i := range 6 {
			add(at, "alice", policy.OK, time.Duration(i+1)*10*ms, "")
		}
		add(at, "alice", policy.Limited, ms, "")
		add(at, "alice", policy.Timeout, time.Second, "")
		add(at, "bob", policy.OK, 10*ms, "hit")
		add(at, "bob", policy.OK, 20*ms, "miss")
	}
	run.Nodes = []NodeUse{
		{Place: "lb", Kind: "load-balancer", Requests: 80, CPU: 8 * ms, Asked: map[string]int64{"api[0]": 60, "api[1]": 28}},
		{Place: "api[0]", Kind: "backend", Requests: 60},
		{Place: "api[1]", Kind: "backend", Requests: 20, Cache: map[string]int64{"hit": 1, "miss": 3}},
	}
	return run
}

func counting(run *Run) *counter {
	c := newCounter(run)
	for i := range run.Samples {
		c.add(&run.Samples[i])
	}
	return c
}

func counted(run *Run) *Tally { return counting(run).tally() }

func TestFiguresOfARun(t *testing.T) {
	tally := counted(smallRun())
	for text, want := range map[string]float64{
		"offered":               10,
		"throughput":            8,
		"goodput":               6,      // of alice's, 10 to 40 ms; both of bob's
		"availability":          8. / 9, // the limited one has no say
		"failed":                .1,
		"limited":               .1,
		"mean":                  .030, // (10+…+60+10+20)/8
		"p50":                   .025, // of 64, half of them 20 ms or less
		"p90":                   .060,
		"cache-hits":            .1,
		"backend-load":          10,
		"throughput of alice":   6,
		"goodput of alice":      4,
		"p50 of alice":          .035,
		"availability of alice": 6. / 7,
		"limited of bob":        0,
		"mean of bob":           .015,
		"cache-hits of bob":     .5,
		"cache-hits of alice":   0,
	} {
		m, err := ParseMetric(text)
		require.NoError(t, err)
		got, ok := tally.Figure(m)
		assert.True(t, ok, text)
		assert.InDelta(t, want, got, 1e-12, text)
	}
	for _, unknown := range []string{"p99", "p90 of bob", "p50 of carol"} {
		m, err := ParseMetric(unknown)
		require.NoError(t, err)
		_, ok := tally.Figure(m)
		assert.False(t, ok, unknown)
	}
	_, err := ParseMetric("backend-load of bob")
	require.ErrorContains(t, err, "backend-load is of all load: there is none of bob alone")
}

// A queue that drains after the load is no capacity, and what was asked for
// before the window but served in it is.
func TestThroughputCountsByTheLastByte(t *testing.T) {
	run := &Run{Warmup: time.Second, Duration: 3 * time.Second, Deadline: 600 * ms}
	for i, ends := range []time.Duration{900 * ms, 1100 * ms, 2900 * ms, 3100 * ms} {
		at := ends - time.Duration(i+1)*200*ms
		run.Samples = append(run.Samples, Sample{At: at, Latency: ends - at})
	}
	tally := counted(run)
	throughput, _ := tally.Figure(Metric{Name: "throughput"})
	goodput, _ := tally.Figure(Metric{Name: "goodput"})
	assert.Equal(t, 1., throughput, "two in two seconds")
	assert.Equal(t, 1., goodput, "both in time")
}

func TestSummary(t *testing.T) {
	first, second := smallRun(), smallRun()
	second.Repetition = 1
	second.Nodes[0].CPU = 16 * ms
	spoiled := smallRun()
	spoiled.Spoiled = true
	tallies, line, err := CountAll([]*Run{second, spoiled, first})
	require.NoError(t, err)
	require.Len(t, tallies, 2)
	s := Summarise(tallies, line)

	assert.Equal(t, 2, s.Runs)
	assert.Equal(t, 160, s.Samples)
	assert.Equal(t, map[string]int64{"ok": 128, "limited": 16, "timeout": 16}, s.Reasons)
	assert.Equal(t, []string{"alice", "bob"}, s.Classes)
	assert.Len(t, s.Figures, len(MetricNames())+2*14)
	assert.Equal(t, Metric{Name: "offered"}, s.Figures[0].Metric)
	assert.Equal(t, Metric{Name: "offered", Class: "alice"}, s.Figures[len(MetricNames())].Metric)
	assert.True(t, s.Trusted)
	assert.False(t, s.Figure(Metric{Name: "p99"}).Known)

	assert.False(t, s.Figure(Metric{Name: "p90"}).Known, "each run has 6 successes beyond, but both together only 12")

	require.Len(t, s.Curve, 2, "128 successes tell the upper quartile and no more")
	assert.InDelta(t, .025, s.Curve[0].Latency.Value, 1e-9)

	require.Len(t, s.Series, 10)
	assert.Equal(t, Second{At: .5, Offered: 1, Good: 1, P50: 3600}, s.Series[0])
	assert.Equal(t, Second{At: 5.5, Offered: 10, Good: 8, Failed: 1, Refused: 1, P50: .025, Hits: .1}, s.Series[5])

	lb, api := s.Nodes[0], s.Nodes[1]
	assert.Equal(t, "lb", lb.Place)
	assert.InDelta(t, 10, lb.Rate, 1e-12)
	assert.InDelta(t, 1, lb.Share, 1e-12)
	assert.InDelta(t, 1.1, lb.Amplified, 1e-12)
	assert.InDelta(t, 3.5, lb.Asked["api[1]"], 1e-12)
	assert.InDelta(t, 1.5e-4, lb.CPU.Value, 1e-9, "the mean of 0.1 and 0.2 ms")
	assert.False(t, lb.CacheHits.Known)
	assert.InDelta(t, .75, api.Share, 1e-12)
	assert.False(t, api.CPU.Known)
	assert.InDelta(t, .25, s.Nodes[2].CacheHits.Value, 1e-12)
	assert.Equal(t, map[string]int64{"hit": 2, "miss": 6}, s.Nodes[2].CacheWords)
}

// What comes to backends is counted by ticks, which need not divide seconds.
func TestSeriesOfBackends(t *testing.T) {
	runs := []*Run{{Duration: 1500 * ms}, {Duration: 1500 * ms, Repetition: 1}}
	runs[0].Nodes = []NodeUse{{Kind: "load-balancer", Received: Series{100}},
		{Kind: "backend", Received: Series{9, 0, 0, 0, 0, 0, 0, 0, 0, 1, 6}}, {Kind: "backend", Received: Series{10}}}
	runs[1].Nodes = []NodeUse{{Kind: "backend"}}
	_, line, err := CountAll(runs)
	require.NoError(t, err)
	assert.Equal(t, 10., line[0].Reached)
	assert.Equal(t, 6., line[1].Reached, "6 in half a second, of two repetitions")
	assert.Equal(t, 1.25, Series{4, 6}.rate(4*time.Second, 0, 8*time.Second))
	assert.Equal(t, 1.25, Series{4, 6}.rate(4*time.Second, 3*time.Second, 5*time.Second))
	assert.Zero(t, Series{4}.rate(time.Second, 2*time.Second, 3*time.Second))
}

// A last second that is not whole has its rates over the time it has.
func TestSeriesOfABrokenSecond(t *testing.T) {
	run := &Run{Duration: 1500 * ms, Samples: []Sample{{At: 1100 * ms}, {At: 1400 * ms}}}
	_, line, err := CountAll([]*Run{run})
	require.NoError(t, err)
	require.Len(t, line, 2)
	assert.Equal(t, 1.25, line[1].At)
	assert.Equal(t, 4.0, line[1].Offered)
}
