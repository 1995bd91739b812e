package measure

import (
	"math"

	"trafficlab/components/policy"
)

// How many samples must lie beyond a quantile for it to be told. All
// repetitions together are what its value rests on; what each run must have
// keeps the run's own estimate near its normal spread, which intervals assume.
const (
	beyondAll  = 30
	beyondEach = 5
)

// quantiles are the metrics that are quantiles of latency.
var quantiles = map[string]float64{"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}

// serviceQuantiles are those of the time since requests were sent.
var serviceQuantiles = map[string]float64{"service-p50": 0.5, "service-p99": 0.99}

// quantileOf is the quantile that a metric is, if it is one.
func quantileOf(name string) (q float64, is bool) {
	if q, is = quantiles[name]; !is {
		q, is = serviceQuantiles[name]
	}
	return q, is
}

// quantile is that of values in order, which must not be empty, by the
// median-unbiased estimate whatever their distribution: type 8 of Hyndman and
// Fan, Sample Quantiles in Statistical Packages, 1996. The nearest rank is
// biased where few values lie beyond.
func quantile[T ~int64 | ~float64](sorted []T, q float64) T {
	rank, share := place(len(sorted), q)
	return between(sorted[rank-1], sorted[min(rank, len(sorted)-1)], share)
}

// place is where a quantile of n values lies: at a rank from 1, and how much of
// the way to the next.
func place(n int, q float64) (rank int, share float64) {
	at := (float64(n)+1./3)*q + 1./3
	below := math.Floor(at)
	if below < 1 {
		return 1, 0
	}
	return min(int(below), n), at - below
}

func between[T ~int64 | ~float64](low, high T, share float64) T {
	return low + T(share*float64(high-low))
}

// beyond is how many of n values lie above the quantile. The little that is
// taken off keeps 0.99 × 3000 at 2970 despite binary fractions.
func beyond(n int, q float64) int { return n - int(math.Ceil(q*float64(n)-1e-9*float64(n))) }

// enough says whether repetitions of so many successes tell a quantile.
func enough(successes []int, q float64) bool {
	all := 0
	for _, n := range successes {
		if beyond(n, q) < beyondEach {
			return false
		}
		all += n
	}
	return beyond(all, q) >= beyondAll
}

// told are the values of a metric in each repetition; ok is false unless every
// run knows it and, for a quantile, enough samples lie beyond it in all.
func told(tallies []*Tally, m Metric) (values []float64, ok bool) {
	var successes []int
	for _, t := range tallies {
		v, known := t.Figure(m)
		if !known {
			return nil, false
		}
		values, successes = append(values, v), append(successes, t.good[m.Class])
	}
	if q, is := quantileOf(m.Name); is && !enough(successes, q) {
		return nil, false
	}
	return values, len(values) > 0
}

// Needed is how many successes a run must have, as one of so many repetitions
// alike, for the metric to be told: 0 if it is no quantile.
func (m Metric) Needed(repetitions int) int {
	q, ok := quantileOf(m.Name)
	if !ok {
		return 0
	}
	r := max(1, repetitions)
	each := max(beyondEach, float64(beyondAll)/float64(r))
	n := int(each/(1-q)) - 1
	for beyond(n, q) < beyondEach || beyond(n*r, q) < beyondAll {
		n++
	}
	return n
}

// curveOf is the latency at each quantile that can be told.
func curveOf(tallies []*Tally) []Point {
	var points []Point
	for i, q := range curve {
		values, successes := make([]float64, len(tallies)), make([]int, len(tallies))
		for j, t := range tallies {
			successes[j] = int(t.reasons[policy.OK])
		}
		if !enough(successes, q) {
			continue
		}
		for j, t := range tallies {
			values[j] = t.curve[i].Seconds()
		}
		points = append(points, Point{q, estimate(values, Seconds, confidence)})
	}
	return points
}

// curve lists the quantiles of the latency curve.
var curve = []float64{.5, .75, .9, .95, .99, .995, .999}
