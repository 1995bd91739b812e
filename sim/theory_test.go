package sim

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// queue is M/M/c in units of the mean service time.
type queue struct {
	workers int
	load    float64 // per worker
}

// waits is Erlang's C: the share of requests that find all workers busy.
func (q queue) waits() float64 {
	a, b := q.load*float64(q.workers), 1.0
	for k := 1; k <= q.workers; k++ {
		b = a * b / (float64(k) + a*b)
	}
	return b / (1 - q.load*(1-b))
}

// drain is the rate at which a full house empties.
func (q queue) drain() float64 { return float64(q.workers) * (1 - q.load) }

func (q queue) mean() float64 { return 1 + q.waits()/q.drain() }

// beyond is the share of requests that take longer than t.
func (q queue) beyond(t float64) float64 {
	c, d := q.waits(), q.drain()
	if math.Abs(d-1) < 1e-9 {
		return math.Exp(-t) * (1 + c*t)
	}
	return (1-c)*math.Exp(-t) + c*(math.Exp(-d*t)-d*math.Exp(-t))/(1-d)
}

// quantile inverts beyond by bisection.
func (q queue) quantile(p float64) float64 {
	low, high := 0.0, 1000.0
	for range 100 {
		if middle := (low + high) / 2; q.beyond(middle) > 1-p {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// theory marks a test that plays very many requests one after the other: slow,
// and nothing for the race detector, under which tests run short.
func theory(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("plays too many requests for a short test")
	}
}

// TestTheFormulasMatchTheTables holds the test's own theory against printed
// values (mean and p99).
func TestTheFormulasMatchTheTables(t *testing.T) {
	for q, want := range map[queue][2]float64{
		{1, .5}:  {2, 9.2103},
		{1, .8}:  {5, 23.0259},
		{2, .8}:  {2.777778, 11.9374},
		{4, .8}:  {1.745541, 6.8932},
		{10, .8}: {1.204590, 4.9461},
	} {
		require.InDelta(t, want[0], q.mean(), 1e-5)
		require.InDelta(t, want[1], q.quantile(.99), 1e-3)
	}
}

// TestQueueingTheory plays M/M/c and asks whether mean and p99 agree with the
// formulas within what repetitions scatter. The seeds are fixed, so the test
// cannot flake; the interval is wide enough (99.9%, 9 degrees of freedom) that
// a right simulator passes with nearly any, and the bound on its width keeps
// it a test.
func TestQueueingTheory(t *testing.T) {
	theory(t)
	const t999 = 4.781 // Student's t for 10 repetitions
	for _, q := range []queue{{1, .5}, {1, .7}, {1, .8}, {2, .8}, {4, .8}, {10, .8}} {
		t.Run(fmt.Sprintf("M/M/%d at %v", q.workers, q.load), func(t *testing.T) {
			t.Parallel()
			var means, p99s []float64
			for seed := range uint64(10) {
				mean, p99 := sojourn(t, q, 1+seed)
				means, p99s = append(means, mean), append(p99s, p99)
			}
			agree(t, "mean", means, q.mean(), t999, .05)
			agree(t, "p99", p99s, q.quantile(.99), t999, .09)
		})
	}
}

// agree checks that the mean of the repetitions is known to within the given
// relative width, and that theory lies in its interval.
func agree(t *testing.T, what string, repetitions []float64, theory, quantile, width float64) {
	t.Helper()
	sum, squares := 0.0, 0.0
	for _, x := range repetitions {
		sum += x
	}
	n := float64(len(repetitions))
	mean := sum / n
	for _, x := range repetitions {
		squares += (x - mean) * (x - mean)
	}
	half := quantile * math.Sqrt(squares/(n-1)/n)
	t.Logf("%s: %.4f ± %.4f, theory %.4f", what, mean, half, theory)
	require.Less(t, half/theory, width, "%s: too few requests to tell", what)
	require.InDelta(t, theory, mean, half, what)
}

// sojourn is the mean and p99 of one repetition, in service times.
func sojourn(t *testing.T, q queue, seed uint64) (mean, p99 float64) {
	const requests = 100_000
	r, err := Run(context.Background(), poisson(q, requests, seed), Costs{})
	require.NoError(t, err)
	var times []float64
	sum := 0.0
	for _, s := range r.Samples {
		require.Equal(t, policy.OK, s.Reason)
		if s.At >= r.Warmup {
			times = append(times, s.Latency.Seconds()/ms.Seconds())
			sum += times[len(times)-1]
		}
	}
	slices.Sort(times)
	return sum / float64(len(times)), times[len(times)*99/100]
}

// poisson is a case of M/M/c with a mean service time of 1 ms.
func poisson(q queue, requests int, seed uint64) *scenarios.Case {
	top := chain("api")
	api := top.Nodes[0]
	api.Workers, api.Queue = q.workers, 1<<20
	api.ServiceTime = topologies.Distribution{Law: "exponential", Mean: ms}
	rate := q.load * float64(q.workers) * 1000
	c := steady(top, time.Duration(1e9/rate), requests)
	c.Seed = seed
	c.Variant.Load.Streams[0].Poisson = true
	c.Variant.Timeout = time.Hour
	c.Variant.Warmup = c.Duration() / 20
	return c
}
