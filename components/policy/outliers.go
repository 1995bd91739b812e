package policy

import (
	"math"
	"slices"
	"time"
)

// Outliers ejects backends from a pool by how requests fare there: one after
// so many failures in a row, and at the end of each interval those whose share
// of successes lies too many standard deviations below the mean of all.
//
// An ejected backend comes back at the end of the first interval after its
// time, which grows with each ejection up to a longest one, and shrinks again
// with each interval that it stays. Who has served their time leaves room for
// the outliers of the same interval. No more than a share of the pool is
// ejected at once, but one may always be.
//
// Source: Envoy's outlier detection (consecutive 5xx and success rate), with
// its defaults but for always_eject_one_host, which is on: without it a pool of
// fewer than ten never ejects. (Before 1.31, which brought that field, Envoy
// rounded the share up.)
// Cost: O(1) an answer, O(n) an interval.
// Weak spot: it needs traffic: where nobody asks, nobody learns. It ejects the
// messenger of a failure that lies behind all of them, as far as the cap lets
// it.
type Outliers struct {
	limits  OutlierLimits
	members []member
	ejected int
	due     time.Duration // end of the interval
	changed []int
	shares  []float64 // scratch
}

// OutlierLimits are the bounds of Outliers.
type OutlierLimits struct {
	Failures   int           // in a row; 0: not by this
	Interval   time.Duration // above 0
	Base, Most time.Duration // of an ejection; the k-th lasts min(k·Base, Most)
	Share      float64       // of the pool that may be ejected at once
	Deviations float64       // below the mean; 0: not by this
	Hosts      int           // with enough requests that it takes for a mean
	Requests   int           // of an interval that it takes to be counted
}

// member is what is known of a backend.
type member struct {
	row       int // failures in a row
	ok, total int // of this interval
	out       bool
	until     time.Duration
	times     int // ejections that count for the next one's length
}

// NewOutliers watches n backends, none of which is ejected.
func NewOutliers(n int, limits OutlierLimits) *Outliers {
	return &Outliers{limits: limits, members: make([]member, n), due: limits.Interval}
}

// Ejected tells whether a backend is out.
func (o *Outliers) Ejected(i int) bool { return o.members[i].out }

// Advance ends the intervals that are over, and lists the backends whose state
// has changed since the last call, by Report too. The list is good until the
// next call.
func (o *Outliers) Advance(now time.Duration) (changed []int) {
	if now >= o.due {
		o.review(now)
	}
	changed, o.changed = o.changed, o.changed[:0]
	return changed
}

// Report takes the end of an attempt at a backend. What says nothing of the
// backend is not counted.
func (o *Outliers) Report(now time.Duration, i int, reason Reason) {
	m := &o.members[i]
	switch reason {
	case Canceled, Limited:
		return
	case OK, Denied:
		m.row = 0
		m.ok++
		m.total++
		return
	}
	m.total++
	m.row++
	if o.limits.Failures > 0 && m.row >= o.limits.Failures {
		o.eject(now, i)
	}
}

func (o *Outliers) eject(now time.Duration, i int) {
	m := &o.members[i]
	if m.out || o.ejected >= o.most() {
		return
	}
	if time.Duration(m.times)*o.limits.Base < o.limits.Most+o.limits.Base {
		m.times++ // beyond it there would be more to fade than to fear
	}
	m.out, m.row = true, 0
	m.until = now + min(time.Duration(m.times)*o.limits.Base, o.limits.Most)
	o.ejected++
	o.note(i)
}

// most is how many may be out at once.
func (o *Outliers) most() int {
	return max(1, int(Part(o.limits.Share, len(o.members))))
}

// review ends intervals: those who have served their time return, outliers go.
// Only the first of several that have passed without a word has anybody to
// judge, but each lets the memory of ejections fade.
func (o *Outliers) review(now time.Duration) {
	first := o.due
	last := now - (now-first)%o.limits.Interval
	o.due = last + o.limits.Interval
	o.release(first, first)
	bar := o.bar()
	for i := range o.members {
		m := &o.members[i]
		if !m.out && m.total >= o.limits.Requests && m.rate() < bar {
			o.eject(first, i)
		}
		m.ok, m.total = 0, 0
	}
	o.release(first+o.limits.Interval, last)
}

// release takes back who is due at the ends of intervals from one to another,
// and lets the ejections of those who are there fade by one at each.
func (o *Outliers) release(from, to time.Duration) {
	for i := range o.members {
		m := &o.members[i]
		stays := from
		if m.out {
			if m.until > to {
				continue
			}
			if late := m.until - from; late > 0 {
				stays += (late + o.limits.Interval - 1) / o.limits.Interval * o.limits.Interval
			}
			m.out, m.row = false, 0
			o.ejected--
			o.note(i)
			stays += o.limits.Interval
		}
		if stays <= to {
			m.times = max(0, m.times-int((to-stays)/o.limits.Interval)-1)
		}
	}
}

// note lists a change, or takes back one that nobody has seen yet.
func (o *Outliers) note(i int) {
	if at := slices.Index(o.changed, i); at >= 0 {
		o.changed = slices.Delete(o.changed, at, at+1)
		return
	}
	o.changed = append(o.changed, i)
}

func (m *member) rate() float64 { return float64(m.ok) / float64(m.total) }

// bar is the share of successes below which a backend is an outlier, or
// negative if too few backends were asked to tell.
func (o *Outliers) bar() float64 {
	o.shares = o.shares[:0]
	sum := 0.0
	for i := range o.members {
		if m := &o.members[i]; !m.out && m.total >= max(o.limits.Requests, 1) {
			o.shares = append(o.shares, m.rate())
			sum += m.rate()
		}
	}
	if o.limits.Deviations == 0 || len(o.shares) < max(o.limits.Hosts, 1) {
		return -1
	}
	mean, squares := sum/float64(len(o.shares)), 0.0
	for _, share := range o.shares {
		squares += (share - mean) * (share - mean)
	}
	return mean - o.limits.Deviations*math.Sqrt(squares/float64(len(o.shares)))
}
