package bench

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
	"trafficlab/sim"
	"trafficlab/topologies"
)

// trial is a live run and its case, beside the same case on a machine that
// costs nothing: what a request took longer live is what the machinery took.
type trial struct {
	live *measure.Run
	c    *scenarios.Case
	way  way
	bare []measure.Sample
}

func newTrial(ctx context.Context, c *scenarios.Case, live *measure.Run) (*trial, error) {
	bare, err := sim.Run(ctx, c, sim.Costs{})
	if err != nil {
		return nil, err
	}
	if len(bare.Samples) != len(live.Samples) {
		return nil, fmt.Errorf("run %s has %d requests, and its case %d", live.Name(), len(live.Samples), len(bare.Samples))
	}
	return &trial{live, c, wayThrough(c.Variant.Topology), bare.Samples}, nil
}

// excess lists, in seconds, how much longer requests took than on the bare
// machine: of successes after warm-up whose way was the trial's.
func (t *trial) excess(samples []measure.Sample) []float64 {
	var all []float64
	for i := range samples {
		s, b := &samples[i], &t.bare[i]
		fromCache := s.Cache == "hit"
		if s.At >= t.c.Variant.Warmup && s.Status == 200 && b.Status == 200 && s.Cache == b.Cache &&
			fromCache == (t.way[string(topologies.Backend)] == 0) {
			all = append(all, (s.Latency - b.Latency).Seconds())
		}
	}
	return all
}

// work is the processor time of all places for one request at the entry.
func (t *trial) work() float64 {
	var total time.Duration
	for _, n := range t.live.Nodes {
		total += n.CPU
	}
	return total.Seconds() / float64(max(1, t.entered()))
}

// entered is how many requests came to the entry.
func (t *trial) entered() (n int64) {
	for _, node := range t.live.Nodes {
		if node.Place == t.c.Variant.Topology.Entry {
			n += node.Requests
		}
	}
	return n
}

// rounds of correction: each leaves a small part of the error.
const rounds = 6

// fit tells what costs make the simulator agree with live runs. Processor time
// is what the operating system charged. Latency is found by trying: what the
// simulator still lacks at the median is added to the terms, way by way, and
// jitter is stretched until it spreads requests as far. What the trials do not
// tell (dialling, TLS, a shared count) stays as it is by default.
func fit(ctx context.Context, trials []*trial, cores int) (sim.Costs, error) {
	costs := sim.DefaultCosts()
	costs.Visit, costs.Ask, costs.Jitter, costs.Cores = nil, 0, initialJitter, cores
	var late, own []float64
	for _, t := range trials {
		late = append(late, t.live.Machine.LateP50.Seconds())
		own = append(own, t.live.Machine.GeneratorCPU.Seconds())
	}
	costs.Client = span(median(late))
	work, err := terms(trials, (*trial).work)
	if err != nil {
		return sim.Costs{}, err
	}
	costs.Work.Client = span(median(own))
	costs.Work.Visit, costs.Work.Ask = split(work)
	latency := map[string]float64{}
	for range rounds {
		if err := correct(ctx, trials, &costs, latency); err != nil {
			return sim.Costs{}, err
		}
	}
	return costs, nil
}

// initialJitter is where the search for it begins.
const initialJitter = 50 * time.Microsecond

// correct adds to the latency of each term what the simulator lacks of it.
func correct(ctx context.Context, trials []*trial, costs *sim.Costs, latency map[string]float64) error {
	gaps := map[*trial]float64{}
	var stretch []float64
	for _, t := range trials {
		run, err := sim.Run(ctx, t.c, *costs)
		if err != nil {
			return err
		}
		live, simulated := t.excess(t.live.Samples), t.excess(run.Samples)
		if len(live) == 0 || len(simulated) == 0 {
			return fmt.Errorf("run %s: no request went the way that it is to show", t.live.Name())
		}
		gaps[t] = median(live) - median(simulated)
		stretch = append(stretch, spread(live)/spread(simulated))
	}
	lacking, err := terms(trials, func(t *trial) float64 { return gaps[t] })
	if err != nil {
		return err
	}
	for term, gap := range lacking {
		latency[term] = max(0, latency[term]+gap)
	}
	costs.Visit, costs.Ask = split(latency)
	costs.Jitter = span(costs.Jitter.Seconds() * min(2, max(.5, median(stretch))))
	return nil
}

// spread is how far the upper half lies apart.
func spread(sorted []float64) float64 { return quantile(sorted, .9) - quantile(sorted, .5) }

// terms solves for the terms of all ways, each with the median of its trials.
func terms(trials []*trial, total func(*trial) float64) (map[string]float64, error) {
	var ways []way
	var totals []float64
	for i, t := range trials {
		if slices.ContainsFunc(ways, func(w way) bool { return maps.Equal(w, t.way) }) {
			continue
		}
		var same []float64
		for _, o := range trials[i:] {
			if maps.Equal(o.way, t.way) {
				same = append(same, total(o))
			}
		}
		ways, totals = append(ways, t.way), append(totals, median(same))
	}
	return solve(ways, totals)
}

// split is terms as visits and asks.
func split(terms map[string]float64) (visit map[topologies.Kind]time.Duration, asked time.Duration) {
	visit = map[topologies.Kind]time.Duration{}
	for term, value := range terms {
		if term == ask {
			asked = span(value)
		} else {
			visit[topologies.Kind(term)] = span(value)
		}
	}
	return visit, asked
}

// span is seconds as a duration, not below 0, in whole microseconds.
func span(seconds float64) time.Duration {
	return max(0, time.Duration(seconds*1e9).Round(time.Microsecond))
}
