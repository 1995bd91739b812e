package bench

import (
	"fmt"
	"maps"
	"slices"

	"trafficlab/topologies"
)

// way is what a request meets from the entry to the backend: how often each
// term of the costs is paid. Terms are kinds of components, and ask.
type way map[string]int

// ask is the term of an attempt that a proxy makes.
const ask = "ask"

// wayThrough is the way of a request through a system in which every node asks
// one other. A cache answers by itself.
func wayThrough(t *topologies.Topology) way {
	w := way{}
	n := t.Node(t.Entry)
	for n.Kind.Proxies() && n.Cache == nil {
		w[string(n.Kind)]++
		w[ask]++
		n = t.Node(next(n))
	}
	w[string(n.Kind)]++
	return w
}

// length is how many components it meets.
func (w way) length() (n int) {
	for term, times := range w {
		if term != ask {
			n += times
		}
	}
	return n
}

// hit is the hop to a cache that answers.
const hit = "hit"

// hops is the way as whole hops: a proxy's with its attempt, the last one with
// what the client does.
func (w way) hops() way {
	if w[string(topologies.Backend)] == 0 {
		return way{hit: 1}
	}
	all := maps.Clone(w)
	delete(all, ask)
	return all
}

// next is the node that a proxy asks first.
func next(n *topologies.Node) string {
	if len(n.To) == 0 {
		return n.Routes[0].To[0]
	}
	return n.To[0]
}

// solve tells the terms apart of which totals are the sums. Each way may bring
// one term that those before it have not.
func solve(ways []way, totals []float64) (map[string]float64, error) {
	known := map[string]float64{}
	for i, w := range ways {
		rest, unknown := totals[i], ""
		for term, times := range w {
			value, ok := known[term]
			switch {
			case ok:
				rest -= value * float64(times)
			case unknown != "":
				return nil, fmt.Errorf("way %v: both %s and %s are unknown", w, unknown, term)
			default:
				unknown = term
			}
		}
		if unknown != "" {
			known[unknown] = rest / float64(w[unknown])
		}
	}
	return known, nil
}

// median of values, which it sorts: of an even number the mean of the two in
// the middle; 0 of none.
func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	if n == 0 {
		return 0
	}
	return (values[(n-1)/2] + values[n/2]) / 2
}

// quantile of values, which it sorts; 0 of none.
func quantile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[min(len(values)-1, int(p*float64(len(values))))]
}
