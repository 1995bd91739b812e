package measure

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
)

// mixedRun is a run of so many requests with all that may befall them: some
// in warm-up, some late ones, ties, failures, refusals, caches, two classes,
// and a stretch beyond the last whole second.
func mixedRun(variant string, repetition, requests int) *Run {
	rng := rand.New(rand.NewPCG(uint64(repetition), uint64(requests)))
	run := &Run{
		Format: Format, Scenario: "mixed", Variant: variant, World: "sim", Repetition: repetition,
		Warmup: 1200 * ms, Duration: 5300 * ms, Deadline: 30 * ms, Target: float64(requests) / 6,
		Nodes: []NodeUse{{Place: "api", Kind: "backend", Requests: int64(requests)}},
	}
	for i := range requests {
		s := Sample{
			Number: uint64(i), At: 6 * time.Second * time.Duration(i) / time.Duration(requests),
			Latency: time.Duration(rng.ExpFloat64() * float64(20*ms)), Status: 200, Bytes: int64(rng.IntN(5000)),
			Class: []string{"alice", "bob"}[rng.IntN(2)], Cache: []string{"", "hit", "miss", "stale"}[rng.IntN(4)],
		}
		switch rng.IntN(10) {
		case 0:
			s.Latency = 5 * ms
		case 1:
			s.Latency += 2 * time.Second
		case 2:
			s.Reason, s.Status = policy.Limited, 429
		case 3:
			s.Reason, s.Status = policy.Timeout, 0
		case 4:
			s.Reason, s.Status = policy.Denied, 403
		case 5:
			if variant == "a" && i > 9 {
				s.Late = min(s.Latency, time.Duration(rng.ExpFloat64()*float64(ms)))
			}
		}
		run.Samples = append(run.Samples, s)
	}
	return run
}

// Runs of any size, read back sample by sample and abreast, fold to what their
// samples in plain slices come to.
func TestStoredRunsFoldToWhatTheirSamplesComeTo(t *testing.T) {
	sizes := map[string][]int{"a": {60_000, 40_000, 3000}, "b": {1000, 0, 1}, "c": {12_345}}
	q := Question{Scenario: "mixed", Variants: []string{"a", "b", "c"}, Baseline: "a", JudgeBy: Metric{Name: "p90"}, Repeat: 3, Worlds: []string{"sim"}}
	s, err := Create(t.TempDir(), plan{"mixed"})
	require.NoError(t, err)
	runs := map[string][]*Run{}
	var all []*Run
	for _, variant := range q.Variants {
		for repetition, requests := range sizes[variant] {
			run := mixedRun(variant, repetition, requests)
			kept(t, s, run)
			runs[variant], all = append(runs[variant], run), append(all, run)
		}
	}
	spoiled := mixedRun("a", 1, 100)
	spoiled.Spoiled = true
	kept(t, s, spoiled)

	stored, err := s.Runs()
	require.NoError(t, err)
	require.Len(t, stored, len(all)+1)
	for _, run := range stored {
		require.Nil(t, run.Samples, "they stay where they are")
	}
	folded, err := Fold(q, stored)
	require.NoError(t, err)
	same, err := Fold(q, all)
	require.NoError(t, err)
	text := func(r *Result) string { raw, err := json.Marshal(r); require.NoError(t, err); return string(raw) }
	require.Equal(t, text(same), text(folded), "in memory or stored")
	slices.Reverse(stored)
	again, err := Fold(q, stored)
	require.NoError(t, err)
	require.Equal(t, text(folded), text(again), "in whatever order they come")

	require.Len(t, folded.Summaries, 3)
	for i, variant := range q.Variants {
		got, want := folded.Summaries[i], plainly(runs[variant])
		require.Equal(t, variant, got.Variant)
		require.Equal(t, want.Samples, got.Samples, variant)
		require.Equal(t, want.Reasons, got.Reasons, variant)
		require.Equal(t, want.Series, got.Series, variant)
		require.Equal(t, want.Curve, got.Curve, variant)
		require.Equal(t, want.Latency, got.Latency, "%s: the histogram of all samples", variant)
		require.Equal(t, want.Service, got.Service, "%s: and of all that is left since they were sent", variant)
		var latency, service Histogram
		for _, run := range stored {
			if run.Variant == variant && !run.Spoiled {
				latency.Merge(run.Latency, 1)
				service.Merge(run.Service, 1)
			}
		}
		require.Equal(t, want.Latency, latency, "%s: those of its repetitions, together", variant)
		require.Equal(t, want.Service, service, variant)
		for _, f := range want.Figures {
			if f.Metric.Class == "" || variant != "b" { // whose runs have not seen every class
				require.Equal(t, f.Figure, got.Figure(f.Metric), "%s: %s", variant, f.Metric)
			}
		}
	}
	require.Greater(t, len(folded.Summaries[0].Curve), 5)
	require.Empty(t, folded.Summaries[1].Curve)
}

// plainly is a summary as all samples in slices tell it: some figures of it,
// its curve and its time line.
func plainly(runs []*Run) Summary {
	s := Summary{Reasons: map[string]int64{}}
	lists, services := map[string][][]time.Duration{}, map[string][][]time.Duration{}
	shares := map[Metric][]float64{}
	line := make([][]Sample, 6)
	for _, run := range runs {
		counts := map[string]map[policy.Reason]float64{"": {}, "alice": {}, "bob": {}}
		latencies, service, done := map[string][]time.Duration{}, map[string][]time.Duration{}, map[string]float64{}
		for _, x := range run.Samples {
			if x.At < 6*time.Second {
				line[x.At/time.Second] = append(line[x.At/time.Second], x)
			}
			for _, class := range []string{"", x.Class} {
				if end := x.At + x.Latency; x.Reason == policy.OK && end >= run.Warmup && end < run.Duration && x.Latency <= run.Deadline {
					done[class]++
				}
				if x.At < run.Warmup {
					continue
				}
				counts[class][x.Reason]++
				if x.Reason == policy.OK {
					latencies[class] = append(latencies[class], x.Latency)
					service[class] = append(service[class], x.Latency-x.Late)
				}
			}
			if x.At >= run.Warmup {
				s.Samples++
				s.Reasons[x.Reason.String()]++
			}
		}
		for class, n := range counts {
			slices.Sort(latencies[class])
			lists[class] = append(lists[class], latencies[class])
			slices.Sort(service[class])
			services[class] = append(services[class], service[class])
			all, wanted := 0., 0.
			for reason, times := range n {
				all += times
				if reason != policy.Limited && reason != policy.Denied {
					wanted += times
				}
			}
			of := func(name string, part, whole float64) {
				if whole > 0 {
					shares[Metric{name, class}] = append(shares[Metric{name, class}], part/whole)
				}
			}
			of("availability", n[policy.OK], wanted)
			of("limited", n[policy.Limited], all)
			of("offered", all, run.Window().Seconds())
			of("goodput", done[class], run.Window().Seconds())
		}
	}
	late := !slices.EqualFunc(lists[""], services[""], slices.Equal)
	for i := range lists[""] {
		for _, d := range lists[""][i] {
			s.Latency.Add(d)
		}
		for _, d := range services[""][i] {
			if late {
				s.Service.Add(d)
			}
		}
	}
	for m, values := range shares {
		f := Figure{}
		if len(values) == len(runs) {
			f = estimate(values, Metrics[m.Name].Unit, confidence)
		}
		s.Figures = append(s.Figures, MetricFigure{m, f})
	}
	for class, all := range lists {
		for name, q := range quantiles {
			s.Figures = append(s.Figures, MetricFigure{Metric{name, class}, plainQuantile(all, q)})
		}
		for name, q := range serviceQuantiles {
			s.Figures = append(s.Figures, MetricFigure{Metric{name, class}, plainQuantile(services[class], q)})
		}
	}
	for _, q := range curve {
		if f := plainQuantile(lists[""], q); f.Known {
			s.Curve = append(s.Curve, Point{q, f})
		}
	}
	for i, samples := range line {
		s.Series = append(s.Series, plainSecond(i, samples, len(runs)))
	}
	return s
}

func plainQuantile(lists [][]time.Duration, q float64) Figure {
	var values []float64
	beyondAny := 0
	for _, list := range lists {
		n := beyond(len(list), q)
		if n < beyondEach {
			return Figure{}
		}
		beyondAny += len(list)
		values = append(values, quantile(list, q).Seconds())
	}
	if beyond(beyondAny, q) < beyondAll {
		return Figure{}
	}
	return estimate(values, Seconds, confidence)
}

func plainSecond(i int, samples []Sample, runs int) Second {
	from := time.Duration(i) * time.Second
	to := min(from+time.Second, 5300*ms)
	rate := func(of ...policy.Reason) float64 {
		n := 0
		for _, x := range samples {
			if slices.Contains(of, x.Reason) {
				n++
			}
		}
		return float64(n) / float64(runs) / (to - from).Seconds()
	}
	s := Second{
		At: (from + to).Seconds() / 2, Good: rate(policy.OK), Failed: rate(policy.Timeout), Refused: rate(policy.Limited, policy.Denied),
		Offered: rate(policy.OK, policy.Timeout, policy.Limited, policy.Denied),
	}
	var latencies []time.Duration
	for _, x := range samples {
		if x.Reason == policy.OK {
			latencies = append(latencies, x.Latency)
		}
		if x.Cache == "hit" || x.Cache == "stale" {
			s.Hits++
		}
	}
	s.Hits /= float64(max(1, len(samples)))
	slices.Sort(latencies)
	if len(latencies) > 0 {
		s.P50 = quantile(latencies, .5).Seconds()
	}
	if len(latencies) >= seriesP99 {
		s.P99 = quantile(latencies, .99).Seconds()
	}
	return s
}

// A result with a damaged run is no result.
func TestFoldNamesTheDamagedRun(t *testing.T) {
	dir := t.TempDir()
	s, err := Create(dir, plan{"mixed"})
	require.NoError(t, err)
	for repetition := range 2 {
		kept(t, s, mixedRun("a", repetition, 2000))
	}
	runs, err := s.Runs()
	require.NoError(t, err)
	runs[1].shelf.seal.Rows--
	_, err = Fold(Question{Variants: []string{"a"}, Worlds: []string{"sim"}}, runs)
	require.EqualError(t, err, fmt.Sprintf("read %s/runs/sim-a-2/samples.csv.gz: it is damaged: it holds 2000 samples, and run.json tells of 1999", dir))
}

// What the generator did is told of all live runs, not of one that went well.
func TestFoldTellsOfTheGenerator(t *testing.T) {
	tally := func(world string, late, cpu time.Duration) *Tally {
		return &Tally{Run: &Run{World: world, Duration: time.Second, Machine: Provenance{Cores: 2, LateP50: late / 10, LateP99: late, GeneratorCPU: cpu}}}
	}
	var r Result
	r.describe([]Group{
		{tally("sim", 0, 0)},
		{tally("live", 3*ms, 50*time.Microsecond), tally("live", 9*ms, 60*time.Microsecond)},
		{tally("live", 5*ms, 70*time.Microsecond)},
	})
	require.Equal(t, Provenance{Cores: 2, LateP50: 900 * time.Microsecond, LateP99: 9 * ms, GeneratorCPU: 60 * time.Microsecond}, r.Machine)
}
