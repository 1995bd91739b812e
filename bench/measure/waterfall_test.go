package measure

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
)

// accounted is a run whose latencies are half network, and of the slowest two
// in a hundred all but that waits in a queue.
func accounted(repetition, n int) *Run {
	rng := rand.New(rand.NewPCG(1, uint64(repetition)))
	run := &Run{Format: Format, Scenario: "s", Variant: "v", World: "sim", Repetition: repetition, Warmup: time.Second, Duration: time.Hour,
		Nodes: []NodeUse{{Place: "lb"}, {Place: "api[0]"}, {Place: "api[1]"}}}
	for i := range n {
		s := Sample{Number: uint64(i), At: time.Duration(i) * time.Millisecond, Latency: time.Duration(1e6 + rng.ExpFloat64()*1e6), Status: 200}
		stage := Service
		switch {
		case i%50 == 0:
			s.Latency *= 100
			stage = Queue
		case i%50 == 1:
			s.Reason, stage = policy.Timeout, NoAnswer
		case i%50 == 2:
			s.Reason = policy.Limited
		}
		s.Spans = Spans(fmt.Sprintf("lb:network=%d api:%s=%d", s.Latency/2, stage, s.Latency-s.Latency/2))
		run.Samples = append(run.Samples, s)
	}
	return run
}

func waterfallOf(t *testing.T, runs ...*Run) []Breakdown {
	t.Helper()
	tallies, line, err := CountAll(runs)
	require.NoError(t, err)
	return Summarise(tallies, line).Waterfall
}

// requireWhole holds the parts to what they are parts of.
func requireWhole(t *testing.T, b Breakdown) {
	t.Helper()
	sum := 0.0
	for _, p := range b.Parts {
		sum += p.Time.Value
	}
	require.InEpsilon(t, b.Latency.Value, sum, 1e-9, b.Of)
}

func TestWaterfall(t *testing.T) {
	all := waterfallOf(t, accounted(0, 6000), accounted(1, 6000), accounted(2, 6000))
	require.Len(t, all, 3)
	for _, b := range all {
		requireWhole(t, b)
	}
	middle, slowest, failed := all[0], all[1], all[2]
	require.Equal(t, "median", middle.Of)
	require.InDelta(t, 3*4800/10, middle.Samples, 5)
	require.InEpsilon(t, 0.0017, middle.Latency.Value, .05, "1 ms and the median of an exponential one")
	require.Equal(t, []Span{{"lb", Network}, {"api", Service}}, []Span{{middle.Parts[0].Node, middle.Parts[0].Stage}, {middle.Parts[1].Node, middle.Parts[1].Stage}})
	require.Less(t, middle.Latency.Low, middle.Latency.Value)
	require.Equal(t, 3, middle.Parts[0].Time.N)

	require.Equal(t, "slowest 1%", slowest.Of)
	require.InDelta(t, 3*48, slowest.Samples, 3)
	require.Greater(t, slowest.Latency.Value, .1)
	require.Equal(t, Queue, slowest.Parts[1].Stage)

	require.Equal(t, "failed", failed.Of)
	require.Equal(t, 3*100, failed.Samples)
	require.Equal(t, NoAnswer, failed.Parts[1].Stage)
}

// TestWaterfallAgreesWithTheSamples: to within what a bucket holds.
func TestWaterfallAgreesWithTheSamples(t *testing.T) {
	run := accounted(0, 8000)
	var good []time.Duration
	for _, s := range run.Samples {
		if s.Reason == policy.OK && s.At >= run.Warmup {
			good = append(good, s.Latency)
		}
	}
	of := func(from, to float64) float64 {
		n, sum := 0, 0.0
		sorted := pileOf(good)
		for i, l := range sorted {
			if at := (float64(i) + .5) / float64(len(sorted)); at >= from && at < to {
				n, sum = n+1, sum+l.Seconds()
			}
		}
		return sum / float64(n)
	}
	all := waterfallOf(t, run)
	require.InEpsilon(t, of(.45, .55), all[0].Latency.Value, .02)
	require.InEpsilon(t, of(.99, 1), all[1].Latency.Value, .02)
}

func pileOf(latencies []time.Duration) (sorted []time.Duration) {
	var p pile
	for _, l := range latencies {
		p.add(l)
	}
	for l, times := range p.all() {
		for range times {
			sorted = append(sorted, l)
		}
	}
	return sorted
}

func TestNoWaterfallOfNothing(t *testing.T) {
	run := accounted(0, 3000)
	for i := range run.Samples {
		run.Samples[i].Spans = ""
	}
	require.Nil(t, waterfallOf(t, run))
	few := waterfallOf(t, accounted(0, 1100))
	require.Len(t, few, 1, "of 96 successes, none is the slowest 1%%")
	require.Equal(t, "median", few[0].Of)
}

// TestPartsThatDoNotAddUp are damage, in whatever way they came about.
func TestPartsThatDoNotAddUp(t *testing.T) {
	for spans, want := range map[Spans]string{
		"lb:network=5":                    "request 7 of sim-v-1: the parts of a latency do not add up to it",
		"lb:network":                      `part "lb:network" of a latency cannot be read`,
		"lb:network=9 lb:itself=-4":       `part "lb:itself=-4" of a latency cannot be read`,
		"lb:network=99999999999999999999": "cannot be read",
	} {
		run := accounted(0, 10)
		run.Warmup = 0
		run.Samples[7].Spans = spans
		_, _, err := CountAll([]*Run{run})
		require.ErrorContains(t, err, want)
	}
}
