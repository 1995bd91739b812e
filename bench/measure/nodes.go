package measure

import (
	"strings"
	"time"
)

// nodesOf sums up what each place did, in the order in which the first run
// lists them.
func nodesOf(tallies []*Tally) []NodeSummary {
	var nodes []NodeSummary
	for i, n := range tallies[0].Run.Nodes {
		nodes = append(nodes, nodeOf(n.Place, i, tallies))
	}
	total := map[string]float64{}
	for _, n := range nodes {
		total[nodeName(n.Place)] += n.Requests
	}
	for i := range nodes {
		if all := total[nodeName(nodes[i].Place)]; all > 0 {
			nodes[i].Share = nodes[i].Requests / all
		}
	}
	return nodes
}

// nodeOf sums up one place over the repetitions, most of which list it at the
// same index.
func nodeOf(place string, at int, tallies []*Tally) NodeSummary {
	s := NodeSummary{Place: place, Reasons: map[string]int64{}, Asked: map[string]float64{}, CacheWords: map[string]int64{}}
	runs := float64(len(tallies))
	var seconds float64
	var attempts int64 // whole numbers: a map's order must not show in the last bit
	var cpu, hits []float64
	for _, t := range tallies {
		n := t.Run.node(place, at)
		if n == nil {
			continue
		}
		s.Kind = n.Kind
		s.Requests += float64(n.Requests) / runs
		s.Memory = max(s.Memory, n.Memory)
		seconds += t.Run.Window().Seconds() / runs
		addAll(s.Reasons, n.Reasons)
		if n.Refused != nil && s.Refused == nil {
			s.Refused = map[string]int64{}
		}
		addAll(s.Refused, n.Refused)
		addAll(s.CacheWords, n.Cache)
		for to, asked := range n.Asked {
			s.Asked[to] += float64(asked) / runs
			attempts += asked
		}
		if n.CPU > 0 && n.Requests > 0 {
			cpu = append(cpu, n.CPU.Seconds()/float64(n.Requests))
		}
		if own, words := answeredBy(n.Cache), sum(n.Cache); words > 0 {
			hits = append(hits, float64(own)/float64(words))
		}
	}
	s.CPU = estimate(cpu, Seconds, confidence)
	s.CacheHits = estimate(hits, Share, confidence)
	s.perSecond(seconds)
	if s.Requests > 0 {
		s.Amplified = float64(attempts) / runs / s.Requests
	}
	return s
}

// answeredBy counts what the cache answered by itself.
func answeredBy(words map[string]int64) (own int64) {
	for word := range fromCache {
		own += words[word]
	}
	return own
}

// perSecond turns counts of a repetition into rates.
func (s *NodeSummary) perSecond(seconds float64) {
	if seconds <= 0 {
		return
	}
	s.Rate = s.Requests / seconds
	for to := range s.Asked {
		s.Asked[to] /= seconds
	}
}

// usageOf adds up what consumers did on each route, over places and
// repetitions, in order of first appearance.
func usageOf(tallies []*Tally) []Usage {
	var all []Usage
	at := map[[2]string]int{}
	for _, t := range tallies {
		for _, n := range t.Run.Nodes {
			for _, u := range n.Usage {
				key := [2]string{u.Consumer, u.Route}
				i, seen := at[key]
				if !seen {
					i = len(all)
					at[key] = i
					all = append(all, Usage{Consumer: u.Consumer, Route: u.Route})
				}
				all[i].Merge(u, 1)
			}
		}
	}
	return all
}

// node is what the place did in the run, or nil. It is sought at an index
// first: there may be thousands.
func (r *Run) node(place string, at int) *NodeUse {
	if at < len(r.Nodes) && r.Nodes[at].Place == place {
		return &r.Nodes[at]
	}
	for i := range r.Nodes {
		if r.Nodes[i].Place == place {
			return &r.Nodes[i]
		}
	}
	return nil
}

// processors is those that the run had, and how busy all nodes, and the
// generator for so many requests, kept them.
func (r *Run) processors(requests int64) Processors {
	if r.Modelled != nil {
		return *r.Modelled
	}
	p := Processors{r.Machine.Cores, r.Machine.GeneratorCPU * time.Duration(requests)}
	for _, n := range r.Nodes {
		p.Busy += n.CPU
	}
	return p
}

func nodeName(place string) string {
	name, _, _ := strings.Cut(place, "[")
	return name
}

func addAll(to, from map[string]int64) {
	for k, v := range from {
		to[k] += v
	}
}

func sum(m map[string]int64) int64 {
	var total int64
	for _, v := range m {
		total += v
	}
	return total
}
