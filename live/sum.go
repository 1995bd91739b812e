package live

import (
	"maps"
	"slices"

	"trafficlab/bench/measure"
)

// sum adds what was counted in two lives.
func sum(a, b measure.NodeUse) measure.NodeUse {
	return measure.NodeUse{
		Requests: a.Requests + b.Requests,
		Checks:   a.Checks + b.Checks,
		Probes:   a.Probes + b.Probes,
		Worked:   a.Worked + b.Worked,
		Wasted:   a.Wasted + b.Wasted,
		Keys:     a.Keys + b.Keys,
		Moved:    a.Moved + b.Moved,
		Received: a.Received.Plus(b.Received),
		Sent:     measure.AddSeries(a.Sent, b.Sent),
		Reasons:  sumByWord(a.Reasons, b.Reasons),
		Refused:  sumByWord(a.Refused, b.Refused),
		Cache:    sumByWord(a.Cache, b.Cache),
		Asked:    sumByWord(a.Asked, b.Asked),
		Usage:    sumUsage(a.Usage, b.Usage),
		Course:   sumCourse(a.Course, b.Course),
	}
}

// sumCourse shares nothing with either, nor is there one of none.
func sumCourse(a, b *measure.Course) *measure.Course {
	if a == nil && b == nil {
		return nil
	}
	var both measure.Course
	for _, c := range []*measure.Course{a, b} {
		if c != nil {
			both = both.Plus(*c)
		}
	}
	return &both
}

func sumByWord(a, b map[string]int64) map[string]int64 {
	all := maps.Clone(a)
	if all == nil {
		all = map[string]int64{}
	}
	for word, n := range b {
		all[word] += n
	}
	return all
}

func sumUsage(a, b []measure.Usage) []measure.Usage {
	var all []measure.Usage
	for _, u := range a {
		all = append(all, u.Clone())
	}
	for _, more := range b {
		i := slices.IndexFunc(all, func(u measure.Usage) bool {
			return u.Consumer == more.Consumer && u.Route == more.Route
		})
		if i < 0 {
			all = append(all, more.Clone())
			continue
		}
		all[i].Merge(more, 1)
	}
	return all
}
