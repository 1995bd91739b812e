package components

import (
	"math"
	"time"

	"trafficlab/components/policy"
	"trafficlab/topologies"
)

// outage is a set of reasons why a place is not to be picked.
type outage uint8

const (
	unwell  outage = 1 << iota // says the health check
	tripped                    // its breaker is open, or half open and waits for its probes
	ejected                    // it failed more than the others
)

// membership is who of a pool may be picked, and what is known of them. Its
// owner's lock guards it.
type membership struct {
	picker   policy.Picker
	now      time.Duration
	out      []outage         // why a place is not to be picked, by place
	outliers *policy.Outliers // nil: nobody is ejected
	healthy  int              // places that are neither unwell nor ejected
	below    float64          // share of healthy places for panic; 0: never
	panics   bool             // health counts for nothing
	slow     *policy.SlowStart
	weights  []int
	warming  []warming
}

// warming is a place on its way to its full weight.
type warming struct {
	i     int
	since time.Duration
}

func newMembership(node *topologies.Node, picker policy.Picker, pool policy.Pool) membership {
	n := pool.Size()
	m := membership{picker: picker, out: make([]outage, n), healthy: n, weights: pool.Weights}
	if node.Ejection != nil {
		m.outliers = policy.NewOutliers(n, policy.NewOutlierLimits(node.Ejection))
	}
	if node.Panic != nil {
		m.below = node.Panic.Number("below")
	}
	if node.SlowStart != nil {
		slow := policy.NewSlowStart(node.SlowStart)
		m.slow = &slow
	}
	return m
}

// mark notes that a reason holds, or no longer does.
func (m *membership) mark(i int, why outage, holds bool) {
	was, well := m.usable(i), m.well(i)
	if holds {
		m.out[i] |= why
	} else {
		m.out[i] &^= why
	}
	if is := m.well(i); is != well {
		m.count(is)
	}
	if is := m.usable(i); is != was {
		m.picker.SetUp(i, is)
		m.warm(i, is)
	}
}

// usable tells whether a place may be picked.
func (m *membership) usable(i int) bool {
	if m.panics {
		return m.out[i]&tripped == 0
	}
	return m.out[i] == 0
}

func (m *membership) well(i int) bool { return m.out[i]&(unwell|ejected) == 0 }

// count takes one healthy place more or less, and panics if too few are left:
// those would drown in what was meant for all.
func (m *membership) count(more bool) {
	if more {
		m.healthy++
	} else {
		m.healthy--
	}
	panics := float64(m.healthy) < policy.Part(m.below, len(m.out))
	if panics == m.panics {
		return
	}
	m.panics = panics
	for i := range m.out {
		m.picker.SetUp(i, m.usable(i))
	}
}

// warm lets a place that comes up begin with a part of its weight.
func (m *membership) warm(i int, up bool) {
	if m.slow == nil {
		return
	}
	for k := range m.warming {
		if m.warming[k].i == i {
			m.warming = append(m.warming[:k], m.warming[k+1:]...)
			break
		}
	}
	if up {
		m.warming = append(m.warming, warming{i, m.now})
		m.ramp(i, 0)
	}
}

// ramp gives a place what its age allows, in steps of a hundredth.
func (m *membership) ramp(i int, age time.Duration) (full bool) {
	weight := 1.0
	if m.weights != nil {
		weight = float64(m.weights[i])
	}
	share := math.Ceil(100*m.slow.Share(age)) / 100
	if ramper, ok := m.picker.(policy.Ramper); ok {
		ramper.Ramp(i, weight, share)
	}
	return share >= 1
}

// advance brings to the present what changes with time alone.
func (m *membership) advance(now time.Duration) {
	m.now = now
	if len(m.warming) > 0 {
		m.warmUp()
	}
	if m.outliers != nil {
		m.review()
	}
}

// warmUp gives those on their way what their age allows.
func (m *membership) warmUp() {
	kept := m.warming[:0]
	for _, w := range m.warming {
		if !m.ramp(w.i, m.now-w.since) {
			kept = append(kept, w)
		}
	}
	m.warming = kept
}

// review takes over whom the outliers' account has turned.
func (m *membership) review() {
	for _, i := range m.outliers.Advance(m.now) {
		m.mark(i, ejected, m.outliers.Ejected(i))
	}
}

// judge takes the end of an attempt.
func (m *membership) judge(i int, reason policy.Reason) {
	if m.outliers != nil {
		m.outliers.Report(m.now, i, reason)
		m.review()
	}
}
