package reports

import (
	"slices"
	"time"

	"trafficlab/bench/measure"
)

// usage is what consumers did at a gateway of one variant, and how much of what
// they may.
type usage struct {
	Variant string
	Rows    []usageRow
}

// usageRow is a consumer on one route, or on all.
type usageRow struct {
	All   bool
	Cells []cell
}

// usageOf lists routes by consumer, of which several end in a sum. window is
// the time that was measured, all repetitions together.
func usageOf(s *measure.Summary, window time.Duration) []usage {
	if len(s.Usage) == 0 {
		return nil
	}
	u := usage{Variant: s.Variant}
	var consumers []string
	for _, x := range s.Usage {
		if !slices.Contains(consumers, x.Consumer) {
			consumers = append(consumers, x.Consumer)
		}
	}
	for _, consumer := range consumers {
		u.Rows = append(u.Rows, consumerRows(s.Usage, consumer, window)...)
	}
	return []usage{u}
}

func consumerRows(all []measure.Usage, consumer string, window time.Duration) (rows []usageRow) {
	sum := measure.Usage{Consumer: consumer, Route: "all routes"}
	for i := range all {
		if all[i].Consumer == consumer {
			rows = append(rows, usageRow{Cells: usageCells(&all[i], window)})
			sum.Merge(all[i], 1)
		}
	}
	if len(rows) > 1 {
		rows = append(rows, usageRow{true, usageCells(&sum, window)})
	}
	return rows
}

func usageCells(u *measure.Usage, window time.Duration) []cell {
	name := cell{Value: u.Consumer}
	if u.Consumer == "" {
		name = cell{Value: "nobody known", Why: "showed nothing that says who asks, or nothing that is good"}
	}
	p99 := cell{Value: dash, Why: "too few successes: a quantile needs 30 beyond it"}
	if d, ok := u.Latency.Quantile(.99); ok {
		p99 = cell{Value: latency(d.Seconds())}
	}
	limit := cell{Value: dash, Why: "no limit is for consumers, routes or all together"}
	if used := u.Used > 0 || u.Limited > 0; used && window > 0 {
		limit = cell{Value: share(float64(u.Used) / float64(window))}
	}
	return []cell{name, {Value: u.Route}, {Value: count(u.Requests)}, {Value: count(u.Limited)}, {Value: count(u.Errors)},
		{Value: size(u.Bytes)}, p99, limit}
}
