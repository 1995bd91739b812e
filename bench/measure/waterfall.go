package measure

import (
	"cmp"
	"math"
	"slices"
)

// Breakdown says where the time of some requests went.
type Breakdown struct {
	Of      string // "median", "slowest 1%" or "failed"
	Samples int    // behind it, all repetitions together
	Latency Figure // their mean, in seconds: of all parts together
	Parts   []Part // by stage, then as the topology has its nodes
}

// Part is one span of a breakdown, on average over its requests.
type Part struct {
	Node  string
	Stage Stage
	Time  Figure // in seconds
}

// bands are the requests of which a breakdown is made: those around the
// median of successes, and the slowest.
var bands = []struct {
	of       string
	from, to float64
	quantile float64 // which must be told
}{
	{"median", .45, .55, .5},
	{"slowest 1%", .99, 1, .99},
}

// failedBand is the breakdown of requests that failed, refusals by policy
// aside.
const failedBand = "failed"

// waterfall breaks down the latencies of a variant: in each repetition the mean
// of the requests concerned, part by part, so that parts add up to the whole;
// then the mean over repetitions. It is nil where no account was taken.
func waterfall(tallies []*Tally) []Breakdown {
	var all []Breakdown
	var good []int
	for _, t := range tallies {
		if t.ledger == nil || len(t.ledger.names) == 0 {
			return nil
		}
		good = append(good, t.good[""])
	}
	for _, b := range bands {
		if !enough(good, b.quantile) {
			continue
		}
		var each []totals
		for _, t := range tallies {
			each = append(each, t.ledger.share(b.from, b.to))
		}
		all = append(all, breakdown(b.of, each, tallies[0].Run))
	}
	if failed := failures(tallies); failed.n >= beyondEach {
		all = append(all, breakdown(failedBand, []totals{failed}, tallies[0].Run))
	}
	return all
}

// failures are those of all repetitions in one: a repetition may have none.
func failures(tallies []*Tally) totals {
	m := totals{parts: map[string]float64{}}
	for _, t := range tallies {
		m.add(t.ledger, &t.ledger.failed, 1)
	}
	return m
}

func breakdown(of string, each []totals, run *Run) Breakdown {
	b := Breakdown{Of: of}
	names, n := map[string]bool{}, 0.0
	var latencies []float64
	for _, m := range each {
		n += m.n
		latencies = append(latencies, m.latency/m.n)
		for name := range m.parts {
			names[name] = true
		}
	}
	b.Samples = int(math.Round(n))
	b.Latency = estimate(latencies, Seconds, confidence)
	for name := range names {
		var values []float64
		for _, m := range each {
			values = append(values, m.parts[name]/m.n)
		}
		if slices.Max(values) > 0 {
			span := spanNamed(name)
			b.Parts = append(b.Parts, Part{span.Node, span.Stage, estimate(values, Seconds, confidence)})
		}
	}
	slices.SortFunc(b.Parts, func(x, y Part) int {
		return cmp.Or(cmp.Compare(slices.Index(Stages, x.Stage), slices.Index(Stages, y.Stage)),
			cmp.Compare(run.placeOf(x.Node), run.placeOf(y.Node)), cmp.Compare(x.Node, y.Node))
	})
	return b
}

// placeOf is where the topology has a node: -1 for the client.
func (r *Run) placeOf(node string) int {
	return slices.IndexFunc(r.Nodes, func(n NodeUse) bool { return nodeName(n.Place) == node })
}
