package measure

import (
	"maps"
	"slices"
	"strings"
	"time"

	"trafficlab/components/policy"
)

// ledger adds up the parts of latencies: those of successes by how long they
// took, so that the parts of the middle or the slowest can be told when all
// have passed by. It keeps no sample: some hundred sums, by the buckets of a
// Histogram, however long the run is.
type ledger struct {
	run    *Run
	names  map[string]int // of spans: where their sums are
	good   map[int]*sums  // successes by bucket
	failed sums
}

// sums is so many latencies added up, whole and in parts.
type sums struct {
	n       int64
	latency time.Duration
	parts   []time.Duration // by name
}

func newLedger(run *Run) *ledger {
	return &ledger{run: run, names: map[string]int{}, good: map[int]*sums{}}
}

// add enters a sample that has been taken account of. It is an error if its
// parts are not its latency.
func (l *ledger) add(s *Sample) error {
	if s.Spans == "" || s.At < l.run.Warmup {
		return nil
	}
	to := &l.failed
	switch s.Reason {
	case policy.OK:
		bucket := bucketOf(s.Latency)
		if to = l.good[bucket]; to == nil {
			to = &sums{}
			l.good[bucket] = to
		}
	case policy.Limited, policy.Denied:
		return nil
	}
	left := s.Latency
	err := s.Spans.Each(func(name string, took time.Duration) {
		left -= took
		i, known := l.names[name]
		if !known {
			i = len(l.names)
			l.names[strings.Clone(name)] = i
		}
		if missing := i + 1 - len(to.parts); missing > 0 {
			to.parts = append(to.parts, make([]time.Duration, missing)...)
		}
		to.parts[i] += took
	})
	if err == nil && left != 0 {
		err = errParts
	}
	to.n++
	to.latency += s.Latency
	return err
}

// share is what lies between two shares of the successes, in order of latency:
// of a bucket that lies across an end, as much of its mean as lies within.
func (l *ledger) share(from, to float64) totals {
	var all int64
	for _, s := range l.good {
		all += s.n
	}
	m := totals{parts: map[string]float64{}}
	low, high := from*float64(all), to*float64(all)
	passed := 0.0
	for _, bucket := range slices.Sorted(maps.Keys(l.good)) {
		s := l.good[bucket]
		n := float64(s.n)
		if within := min(high, passed+n) - max(low, passed); within > 0 {
			m.add(l, s, within/n)
		}
		passed += n
	}
	return m
}

// totals is how long some requests took, all together and by part, in seconds.
type totals struct {
	n       float64
	latency float64
	parts   map[string]float64
}

// add enters a share of the sums.
func (m *totals) add(l *ledger, s *sums, share float64) {
	m.n += float64(s.n) * share
	m.latency += s.latency.Seconds() * share
	for name, i := range l.names {
		if i < len(s.parts) {
			m.parts[name] += s.parts[i].Seconds() * share
		}
	}
}
