package measure

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"time"

	"trafficlab/components/policy"
)

// answered folds made-up figures of the judged metric; the first variant is
// the baseline.
func answered(metric string, worlds []string, variants []string, values map[string][]float64) *Result {
	m, err := ParseMetric(metric)
	if err != nil {
		panic(err)
	}
	r := &Result{Worlds: worlds, Variants: variants, Baseline: variants[0], JudgeBy: m}
	for _, world := range worlds {
		base := repetitions(variants[0], world, m, values[world+" "+variants[0]]...)
		for _, variant := range variants {
			g := repetitions(variant, world, m, values[world+" "+variant]...)
			if len(g) == 0 {
				continue
			}
			for _, t := range g {
				t.Run.Duration = time.Second
			}
			r.Summaries = append(r.Summaries, Summarise(g))
			if variant != variants[0] {
				r.Comparisons = append(r.Comparisons, Compare(base, g, m, len(variants)-1)...)
			}
		}
	}
	return r
}

type figures = map[string][]float64

func TestAnswer(t *testing.T) {
	live, both := []string{"live"}, []string{"live", "sim"}
	for _, c := range []struct {
		name     string
		metric   string
		worlds   []string
		variants []string
		values   figures
		want     string
	}{
		{"one variant", "p99", both, []string{"plain"},
			figures{"live plain": {.012, .0125, .0122}, "sim plain": {.011, .0111, .011}},
			"The p99 latency was 12.2 ms (95% interval 11.6 ms to 12.9 ms); the simulator says 11 ms."},
		{"one variant, once", "availability", live, []string{"plain"}, figures{"live plain": {.9995}},
			"Availability was 99.95% in the one repetition that was run."},
		{"one variant, in simulation", "throughput", []string{"sim"}, []string{"plain"}, figures{"sim plain": {300, 301, 302}},
			"In simulation, throughput was 301/s (95% interval 299/s to 303/s)."},
		{"too few samples", "p99 of alice", live, []string{"plain"}, figures{"live plain": {}},
			"There is no answer yet: no repetition was finished."},
		{"a pair that differs", "p99", both, []string{"plain", "cache"},
			figures{"live plain": {.02, .022, .021}, "live cache": {.01, .0105, .0104}, "sim plain": {.02, .02, .02}, "sim cache": {.01, .01, .01}},
			"With cache, the p99 latency was 51% shorter than with plain (95% interval 48% to 54%): 10.3 ms against 21 ms; the simulator agrees (50% shorter)."},
		{"a pair that gets worse manifold", "mean", both, []string{"plain", "chain"},
			figures{"live plain": {.02, .022, .021}, "live chain": {.06, .065, .062}, "sim plain": {.02, .02, .02}, "sim chain": {.02, .02, .02}},
			"With chain, the mean latency was 3 times as long as with plain (95% interval 2.9 to 3): 62.3 ms against 21 ms; the simulator sees no such difference."},
		{"a pair alike", "p99", both, []string{"plain", "cache"},
			figures{"live plain": {.02, .022, .021}, "live cache": {.0205, .0215, .0212}, "sim plain": {.02, .021, .02}, "sim cache": {.0201, .0205, .02}},
			"No difference in the p99 latency could be detected between cache and plain: 21.1 ms against 21 ms (6.2% would have shown); the simulator sees none either."},
		{"a pair once", "p99", live, []string{"plain", "cache"}, figures{"live plain": {.02}, "live cache": {.01}},
			"With cache, the p99 latency was 50% shorter than with plain in the one repetition that was run: 10 ms against 20 ms."},
		{"a share", "availability", both, []string{"single", "balanced"},
			figures{"live single": {.75, .76, .74}, "live balanced": {.9995, .9993, .9994}, "sim single": {.75, .75, .76}, "sim balanced": {.9, .9, .9}},
			"With balanced, availability was 25 points higher than with single (95% interval 22 to 27 points): 99.94% against 75%; the simulator agrees (15 points higher)."},
		{"a rate that is neither good nor bad", "backend-load", live, []string{"plain", "cdn"},
			figures{"live plain": {300, 301, 302}, "live cdn": {50, 51, 50}},
			"With cdn, the load on the backends was 83% lower than with plain (95% interval 83% to 84%): 50.3/s against 301/s."},
		{"the best of several", "p99", both, []string{"round-robin", "least-connections", "ip-hash", "p2c"},
			figures{"live round-robin": {.10, .11, .105}, "live least-connections": {.041, .045, .043}, "live ip-hash": {.30, .33, .31}, "live p2c": {.040, .044, .042},
				"sim round-robin": {.10, .11, .105}, "sim p2c": {.041, .045, .043}},
			"Of 4 variants, p2c had the shortest p99 latency, 60% shorter than with round-robin (in every repetition): 42 ms against 105 ms, with least-connections close to it; the simulator agrees (59% shorter)."},
		{"the baseline stands", "goodput", live, []string{"a", "b", "c", "d"},
			figures{"live a": {100, 101, 102}, "live b": {100, 102, 101}, "live c": {50, 50, 51}, "live d": {80, 81, 82}},
			"No variant beat a: with c, goodput was 50% lower than with a (95% interval 49% to 51%): 50.3/s against 101/s; d did worse too; b could not be told from it."},
		{"none can be told from the baseline", "failed", both, []string{"a", "b", "c"},
			figures{"live a": {.01, .012, .011}, "live b": {.011, .011, .011}, "live c": {.012, .01, .011}, "sim a": {.01, .01, .01}, "sim b": {.01, .01, .01}, "sim c": {.01, .01, .01}},
			"No variant could be told from a in the share of failed requests: all are near 1.1% (0.72 points would have shown); nor does the simulator tell them apart."},
		{"neither good nor bad, of several", "backend-load", live, []string{"a", "b", "c"},
			figures{"live a": {100, 101, 102}, "live b": {80, 81, 82}, "live c": {300, 303, 306}},
			"The load on the backends differed most with c, where it was 3 times as high as with a (in every repetition): 303/s against 101/s."},
		{"several, once", "p99", live, []string{"a", "b", "c"}, figures{"live a": {.01}, "live b": {.02}, "live c": {.03}},
			"The p99 latency was 10 ms with a, 20 ms with b and 30 ms with c, in a single repetition, which cannot tell a difference from chance."},
		{"two repetitions far apart", "p99", live, []string{"a", "b", "c"}, figures{"live a": {.01, .02}, "live b": {.02, .01}, "live c": {.01, .011}},
			"2 repetitions are too few to tell the variants apart in the p99 latency: it was 14.1 ms with a, 14.1 ms with b and 10.5 ms with c (only a factor of 1000000 would have shown)."},
		{"the worlds disagree", "p99", both, []string{"a", "b"},
			figures{"live a": {.01, .0101}, "live b": {.02, .0202}, "sim a": {.02, .02}, "sim b": {.01, .01}},
			"With b, the p99 latency was 2 times as long as with a (in every repetition): 20.1 ms against 10 ms; the simulator disagrees (50% shorter)."},
	} {
		assert.Equal(t, c.want, Answer(answered(c.metric, c.worlds, c.variants, c.values)), c.name)
	}
}

func TestAnswerThatCannotBeTrusted(t *testing.T) {
	r := answered("p99", []string{"live"}, []string{"a"}, figures{"live a": {.01}})
	r.Warnings = []Warning{{Severe: true}}
	assert.Equal(t, "The p99 latency was 10 ms in the one repetition that was run. Do not trust it: see the warnings.", Answer(r))
}

// steady is a live run of 1000 requests in 10 s that took 20 ms each.
func steady() *Run {
	run := &Run{Variant: "a", World: "live", Duration: 10 * time.Second, Target: 100, Machine: Provenance{Cores: 2}}
	for i := range 1000 {
		run.Samples = append(run.Samples, Sample{At: time.Duration(i) * 10 * ms, Latency: 20 * ms, Reason: policy.OK})
	}
	return run
}

func TestSuspect(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Run)
		want   []Warning // without texts
	}{
		{"a healthy run", func(*Run) {}, nil},
		{"late as two healthy cores are", func(r *Run) { r.Machine.LateP50, r.Machine.LateP99 = 200*time.Microsecond, 4*ms }, nil},
		{"late at times", func(r *Run) { r.Machine.LateP99 = 6 * ms }, []Warning{{Kind: "late"}}},
		{"late at times, against long latencies", func(r *Run) {
			r.Machine.LateP99 = 6 * ms
			for i := range r.Samples {
				r.Samples[i].Latency = 40 * ms
			}
		}, nil},
		{"late beyond use", func(r *Run) { r.Machine.LateP99 = 26 * ms }, []Warning{{Kind: "late", Severe: true}}},
		{"always late", func(r *Run) { r.Machine.LateP50 = 11 * ms }, []Warning{{Kind: "late", Severe: true}}},
		{"a busy machine", func(r *Run) { r.Nodes = []NodeUse{{CPU: 16 * time.Second}} }, []Warning{{Kind: "cpu"}}},
		{"a machine used up", func(r *Run) {
			r.Nodes = []NodeUse{{CPU: 16 * time.Second}}
			r.Machine.GeneratorCPU = 2100 * time.Microsecond
		}, []Warning{{Kind: "cpu", Severe: true}}},
		{"requests left unsent", func(r *Run) { r.Samples = r.Samples[:800] }, []Warning{{Kind: "rate", Severe: true}}},
		{"requests sent when the load was over", func(r *Run) {
			for i := 700; i < 1000; i++ {
				r.Samples[i].Late = 9 * time.Second
			}
		}, []Warning{{Kind: "rate", Severe: true}}},
		{"fewer by chance", func(r *Run) { r.Samples = r.Samples[:900] }, nil},
	} {
		run := steady()
		c.change(run)
		var got []Warning
		for _, w := range Suspect(run) {
			assert.NotEmpty(t, w.Text)
			got = append(got, Warning{Kind: w.Kind, Severe: w.Severe})
		}
		assert.Equal(t, c.want, got, c.name)
	}
	run := steady()
	run.Machine.LateP50, run.Machine.LateP99 = ms, 26*ms
	assert.Equal(t, "The generator sent its requests late, by 1 ms at p50 and 26 ms at p99, against latencies of 20 ms and 20 ms: "+
		"offer less load, or stop what else runs on this machine.", Suspect(run)[0].Text)
}

func TestWarningsOverRepetitions(t *testing.T) {
	m := Metric{Name: "p99"}
	g := repetitions("a", "live", m, .010, .0105, .011, .0115, .012)
	assert.Equal(t, []Warning{{Kind: "drift", Text: "live, a: p99 drifted from 10 ms in the first repetition to 12 ms in the last: let the machine come to rest and run again."}},
		warningsOf([]Group{g}, m))
	assert.Empty(t, warningsOf([]Group{repetitions("a", "live", m, .010, .0105, .011, .0108, .012)}, m), "up and down is no drift")
	assert.Empty(t, warningsOf([]Group{repetitions("a", "live", m, .010, .0101, .0102, .0103, .0104)}, m), "4% is not worth a word")
	assert.Empty(t, warningsOf([]Group{repetitions("a", "sim", m, .010, .0105, .011, .0115, .012)}, m), "a simulator cannot warm up")

	few := warningsOf([]Group{repetitions("a", "live", Metric{Name: "p50"}, 1)}, m)
	assert.Equal(t, []Warning{{Kind: "samples", Text: "live, a: p99 cannot be told: it needs 3000 successes in each repetition; let the load last longer."}}, few)

	g[0].Run.Warnings = []Warning{{Kind: "cpu", Text: "Busy."}}
	g[3].Run.Warnings = []Warning{{Kind: "cpu", Severe: true, Text: "Very busy."}}
	assert.Equal(t, Warning{"cpu", true, "live, a, repetition 4: Very busy. (This occurred 2 times.)"}, warningsOf([]Group{g}, m)[0])
}
