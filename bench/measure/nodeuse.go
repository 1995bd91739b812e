package measure

import (
	"cmp"
	"slices"
	"time"
)

// Since is what a place did after an earlier snapshot of it. Memory is a peak
// and stays as it is.
func (u NodeUse) Since(earlier NodeUse) NodeUse {
	received, sent, course := u.Received, u.Sent, u.Course
	u = u.combined(earlier, -1)
	u.Received, u.Sent, u.Course = received, sent, course // from the beginning
	u.CPU -= earlier.CPU
	return u
}

// Plus is what a place did in two lives of its process, or in two stretches of
// time. Memory is the larger peak.
func (u NodeUse) Plus(other NodeUse) NodeUse {
	u = u.combined(other, 1)
	u.Received, u.Sent = u.Received.Plus(other.Received), AddSeries(u.Sent, other.Sent)
	u.CPU += other.CPU
	u.Memory = max(u.Memory, other.Memory)
	return u
}

// combined adds the counts of other so many times.
func (u NodeUse) combined(other NodeUse, times int64) NodeUse {
	u.Requests += times * other.Requests
	u.Checks += times * other.Checks
	u.Probes += times * other.Probes
	u.Worked += time.Duration(times) * other.Worked
	u.Keys += times * other.Keys
	u.Moved += times * other.Moved
	u.Wasted += time.Duration(times) * other.Wasted
	u.Reasons = addCounts(u.Reasons, other.Reasons, times)
	if u.Refused != nil || other.Refused != nil {
		u.Refused = addCounts(u.Refused, other.Refused, times)
	}
	u.Cache = addCounts(u.Cache, other.Cache, times)
	u.Asked = addCounts(u.Asked, other.Asked, times)
	u.Usage = addUsage(u.Usage, other.Usage, times)
	return u
}

func addCounts(a, b map[string]int64, times int64) map[string]int64 {
	sum := make(map[string]int64, len(a))
	for k, n := range a {
		sum[k] += n
	}
	for k, n := range b {
		sum[k] += times * n
	}
	for k, n := range sum {
		if n == 0 {
			delete(sum, k)
		}
	}
	return sum
}

// addUsage returns the sum sorted by consumer, then route.
func addUsage(a, b []Usage, times int64) []Usage {
	type key struct{ consumer, route string }
	sums := map[key]Usage{}
	add := func(list []Usage, times int64) {
		for _, u := range list {
			k := key{u.Consumer, u.Route}
			s := sums[k]
			s.Consumer, s.Route = u.Consumer, u.Route
			s.Merge(u, times)
			sums[k] = s
		}
	}
	add(a, 1)
	add(b, times)
	var all []Usage
	for _, u := range sums {
		if u.Requests != 0 {
			all = append(all, u)
		}
	}
	slices.SortFunc(all, func(a, b Usage) int {
		return cmp.Or(cmp.Compare(a.Consumer, b.Consumer), cmp.Compare(a.Route, b.Route))
	})
	return all
}
