package bench

import (
	"cmp"
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
			fromCache == t.hits() {
			all = append(all, (s.Latency - b.Latency).Seconds())
		}
	}
	return all
}

// work is the processor time of each kind for one request that came to it. A
// CDN that answers by itself is a hit.
func (t *trial) work() map[string]float64 {
	cpu, requests := map[string]float64{}, map[string]float64{}
	for _, n := range t.live.Nodes {
		kind := n.Kind
		if kind == string(topologies.CDN) && t.hits() {
			kind = hit
		}
		if t.way[n.Kind] > 0 {
			cpu[kind] += n.CPU.Seconds()
			requests[kind] += float64(n.Requests)
		}
	}
	for kind := range cpu {
		cpu[kind] /= max(1, requests[kind])
	}
	return cpu
}

// hits tells whether a cache answers in the trial.
func (t *trial) hits() bool { return t.way[string(topologies.Backend)] == 0 }

// workOf is the processor time of visits and attempts, each the median of all
// trials that show it.
func workOf(trials []*trial) (w sim.Work) {
	all := map[string][]float64{}
	var own []float64
	for _, t := range trials {
		own = append(own, t.live.Machine.GeneratorCPU.Seconds())
		for kind, cpu := range t.work() {
			all[kind] = append(all[kind], cpu)
		}
	}
	asked := max(0, median(all[string(topologies.CDN)])-median(all[hit]))
	w.Client, w.Ask, w.Visit = span(median(own)), span(asked), map[topologies.Kind]time.Duration{}
	for kind, values := range all {
		switch k := topologies.Kind(kind); {
		case kind == hit:
		case k.Proxies():
			w.Visit[k] = span(median(values) - asked)
		default:
			w.Visit[k] = span(median(values))
		}
	}
	return w
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
	costs.Visit, costs.Ask, costs.Client, costs.Jitter, costs.Cores = nil, 0, 0, initialJitter, cores
	costs.Work = workOf(trials)
	slices.SortStableFunc(trials, func(a, b *trial) int { return cmp.Compare(a.way.length(), b.way.length()) })
	hops := map[string]float64{}
	for range rounds {
		if err := correct(ctx, trials, &costs, hops); err != nil {
			return sim.Costs{}, err
		}
	}
	return costs, nil
}

// initialJitter is where the search for it begins.
const initialJitter = 50 * time.Microsecond

// correct adds to each hop what the simulator lacks of it.
func correct(ctx context.Context, trials []*trial, costs *sim.Costs, hops map[string]float64) error {
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
	for hop, gap := range lacking {
		hops[hop] = max(0, hops[hop]+gap)
	}
	halve(costs, hops)
	costs.Jitter = span(costs.Jitter.Seconds() * min(2, max(.5, median(stretch))))
	return nil
}

// spread is how far the upper half lies apart.
func spread(sorted []float64) float64 { return quantile(sorted, .9) - quantile(sorted, .5) }

// halve tells what the client, a visit and an attempt take apart, which no
// chain does: a proxy's time falls to its two halves as its processor time
// does. A hit then shows the client, as a visit is all that comes beside it.
func halve(costs *sim.Costs, hops map[string]float64) {
	const cdn = string(topologies.CDN)
	share := 1.0
	if visit, asked := costs.Work.Visit[topologies.CDN], costs.Work.Ask; visit > 0 {
		share = float64(visit) / float64(visit+asked)
	}
	visit := hops[cdn] * share
	client, asked := hops[hit]-visit, hops[cdn]-visit
	costs.Client, costs.Ask = span(client), span(asked)
	costs.Visit = map[topologies.Kind]time.Duration{topologies.Backend: span(hops[string(topologies.Backend)] - max(0, client))}
	for hop, value := range hops {
		if k := topologies.Kind(hop); hop != hit && k.Proxies() {
			costs.Visit[k] = span(value - asked)
		}
	}
}

// terms solves for the hops of all ways, each with the median of its trials.
func terms(trials []*trial, total func(*trial) float64) (map[string]float64, error) {
	var ways []way
	var totals []float64
	for i, t := range trials {
		if slices.ContainsFunc(ways, func(w way) bool { return maps.Equal(w, t.way.hops()) }) {
			continue
		}
		var same []float64
		for _, o := range trials[i:] {
			if maps.Equal(o.way, t.way) {
				same = append(same, total(o))
			}
		}
		ways, totals = append(ways, t.way.hops()), append(totals, median(same))
	}
	return solve(ways, totals)
}

// span is seconds as a duration, not below 0, in whole microseconds.
func span(seconds float64) time.Duration {
	return max(0, time.Duration(seconds*1e9).Round(time.Microsecond))
}
