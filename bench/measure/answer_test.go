package measure

import (
	"maps"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

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
				if math.IsNaN(t.figures[m]) {
					delete(t.figures, m)
				}
			}
			r.Summaries = append(r.Summaries, Summarise(g, nil))
			if variant != variants[0] && len(base) > 0 {
				r.Comparisons = append(r.Comparisons, Compare(base, g, m, len(variants)-1)...)
			}
		}
	}
	return r
}

type figures = map[string][]float64

func TestAnswer(t *testing.T) {
	live, sim, both := []string{"live"}, []string{"sim"}, []string{"live", "sim"}
	hops := []string{"direct", "proxy", "lb", "gateway-lb", "cdn-gateway-lb"}
	pickers := []string{"round-robin", "least-connections", "ip-hash", "p2c"}
	seven := []string{"a", "b", "c", "d", "e", "f", "g"}
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
			"The p99 latency was 12.2 ms (95% interval 11.6 ms to 12.9 ms). The simulator says 11 ms (10.9 ms to 11.2 ms)."},
		{"one variant, once", "availability", both, []string{"plain"}, figures{"live plain": {.9995}, "sim plain": {1}},
			"Availability was 99.95% in the one repetition that was run. The simulator says 100%."},
		{"one variant, in simulation", "throughput", sim, []string{"plain"}, figures{"sim plain": {300, 301, 302}},
			"In simulation, throughput was 301/s (95% interval 299/s to 303/s)."},
		{"nothing was finished", "p99 of alice", live, []string{"plain"}, figures{"live plain": {}},
			"There is no answer yet: no repetition was finished."},

		{"a balancer notices a slow replica", "p90", both, pickers,
			figures{"live round-robin": {.047, .052, .045, .051, .0497}, "live least-connections": {.0235, .0262, .0241, .0219, .0252},
				"live ip-hash": {.047, .049, .050, .044, .051}, "live p2c": {.0262, .0255, .0239, .0273, .0249},
				"sim round-robin": {.046, .050, .044, .052, .047}, "sim least-connections": {.0225, .0239, .0233, .0231, .0241},
				"sim ip-hash": {.046, .048, .047, .044, .050}, "sim p2c": {.0239, .0249, .0229, .0250, .0238}},
			"Against round-robin (48.9 ms), the p90 latency was 51% shorter with least-connections (43% to 57%) and 48% shorter with p2c (43% to 52%); " +
				"ip-hash made no detectable difference. The simulator agrees."},
		{"every hop costs", "p50", both, hops,
			figures{"live direct": {.0034, .0036, .0035}, "live proxy": {.0037, .0040, .0038}, "live lb": {.0039, .0041, .0040},
				"live gateway-lb": {.0043, .0045, .0044}, "live cdn-gateway-lb": {.0046, .0049, .0048},
				"sim direct": {.0030, .0031, .0030}, "sim proxy": {.0031, .0032, .0031}, "sim lb": {.0031, .0032, .0031},
				"sim gateway-lb": {.0038, .0039, .0038}, "sim cdn-gateway-lb": {.0041, .0042, .0041}},
			"Against direct (3.5 ms), the median latency was 9.5% longer with proxy (2.6% to 17%), 14% longer with lb (12% to 16%), " +
				"26% longer with gateway-lb (22% to 30%) and 36% longer with cdn-gateway-lb (32% to 41%). " +
				"The simulator agrees except on lb: 3.3% longer (3% to 3.6%), against 14% longer live."},
		{"a pair that differs", "p99", both, []string{"plain", "cache"},
			figures{"live plain": {.02, .022, .021}, "live cache": {.01, .0105, .0104}, "sim plain": {.02, .021, .02}, "sim cache": {.01, .0104, .01}},
			"Against plain (21 ms), the p99 latency was 51% shorter with cache (48% to 54%). The simulator agrees."},
		{"the simulator sees nothing", "mean", both, []string{"plain", "chain"},
			figures{"live plain": {.02, .022, .021}, "live chain": {.06, .065, .062}, "sim plain": {.02, .02, .02}, "sim chain": {.02, .02, .02}},
			"Against plain (21 ms), the mean latency was 3 times as long with chain (2.9 to 3). " +
				"The simulator differs on chain: no detectable difference, against 3 times as long live."},
		{"the worlds contradict each other", "p99", both, []string{"a", "b", "c"},
			figures{"live a": {.01, .0101, .0101}, "live b": {.02, .0202, .0202}, "live c": {.02, .0203, .0202},
				"sim a": {.02, .021, .02}, "sim b": {.01, .0102, .01}, "sim c": {.01, .0103, .01}},
			"Against a (10.1 ms), the p99 latency was 2 times as long with b (in every repetition) and 2 times as long with c (1.98 to 2.02). " +
				"The simulator differs on b: 50% shorter (47% to 53%), against 2 times as long live; on c: 50% shorter (48% to 52%), against 2 times as long live."},
		{"a pair alike", "p99", both, []string{"plain", "cache"},
			figures{"live plain": {.02, .022, .021}, "live cache": {.0205, .0215, .0212}, "sim plain": {.02, .021, .02}, "sim cache": {.0201, .0205, .02}},
			"No difference in the p99 latency could be detected: 21 ms with plain and 21.1 ms with cache (6.2% would have shown). The simulator agrees."},
		{"none can be told from the baseline", "failed", both, []string{"a", "b", "c"},
			figures{"live a": {.01, .012, .011}, "live b": {.011, .011, .011}, "live c": {.012, .01, .011}, "sim a": {.01, .01, .01}, "sim b": {.01, .01, .01}, "sim c": {.01, .01, .01}},
			"No difference in the share of failed requests could be detected: 1.1% with a, 1.1% with b and 1.1% with c (0.72 points would have shown). The simulator agrees."},
		{"exactly alike", "availability", sim, []string{"a", "b"}, figures{"sim a": {1, 1, 1}, "sim b": {1, 1, 1}},
			"In simulation, no difference in availability could be detected: 100% with a and 100% with b."},
		{"a share", "availability", live, []string{"single", "balanced"},
			figures{"live single": {.75, .76, .74}, "live balanced": {.9995, .9993, .9994}},
			"Against single (75%), availability was 25 points higher with balanced (22 to 27 points)."},
		{"a rate that is neither good nor bad", "backend-load", sim, []string{"plain", "cdn", "mirror"},
			figures{"sim plain": {300, 301, 302}, "sim cdn": {50, 51, 50}, "sim mirror": {600, 610, 600}},
			"In simulation, against plain (301/s), the load on the backends was 83% lower with cdn (83% to 84%) and 2 times as high with mirror (1.9 to 2.1)."},
		{"a rate of 0 has no ratio", "backend-load", live, []string{"plain", "cdn", "store"},
			figures{"live plain": {300, 301, 302}, "live cdn": {50, 51, 50}, "live store": {0, 0, 0}},
			"Against plain (301/s), the load on the backends was 83% lower with cdn (83% to 84%); it was 0/s with store, which cannot be compared."},

		{"once", "p99", both, []string{"a", "b", "c"},
			figures{"live a": {.01}, "live b": {.02}, "live c": {.03}, "sim a": {.011}, "sim b": {.021}, "sim c": {.031}},
			"The p99 latency was 10 ms with a, 20 ms with b and 30 ms with c, in a single repetition, which cannot tell a difference from chance. " +
				"The simulator says 11 ms with a, 21 ms with b and 31 ms with c."},
		{"two repetitions far apart", "p99", live, []string{"a", "b", "c"}, figures{"live a": {.01, .02}, "live b": {.02, .01}, "live c": {.01, .011}},
			"The p99 latency was 15 ms with a, 15 ms with b and 10.5 ms with c, but 2 repetitions are too few to see any but a huge difference."},
		{"two repetitions, one far apart", "p99", live, []string{"a", "b", "c"}, figures{"live a": {.01, .0102}, "live b": {.02, .0203}, "live c": {.01, .021}},
			"Against a (10.1 ms), the p99 latency was 2 times as long with b (1.9 to 2.1); with c, only a huge difference could have been detected."},
		{"no figures", "p99", both, []string{"a", "b"}, unknown("live a", "live b", "sim a", "sim b"),
			"The p99 latency cannot be told: there are too few samples."},
		{"no figure of the baseline", "p99", live, []string{"a", "b", "c"}, with(unknown("live a"), figures{"live b": {.01, .01}, "live c": {.02, .02}}),
			"The p99 latency was 10 ms with b and 20 ms with c; for a, to compare with, there are too few samples."},
		{"the baseline was not run", "p99", live, []string{"a", "b", "c"}, figures{"live b": {.01, .01}, "live c": {.02, .02}},
			"The p99 latency was 10 ms with b and 20 ms with c; a, to compare with, was not run."},
		{"only one was run", "p99", live, []string{"a", "b"}, figures{"live a": {.01, .011}},
			"With a, the p99 latency was 10.5 ms (95% interval 5.73 ms to 19.2 ms)."},
		{"one figure is not known", "p99", both, []string{"a", "b", "c"},
			with(unknown("live c", "sim c"), figures{"live a": {.02, .021, .02}, "live b": {.01, .011, .01}, "sim a": {.02, .021, .02}, "sim b": {.01, .0105, .01}}),
			"Against a (20.3 ms), the p99 latency was 49% shorter with b (44% to 54%); for c there are too few samples. The simulator agrees where both can tell."},
		{"the baseline alone is known", "p99", live, []string{"a", "b"}, with(unknown("live b"), figures{"live a": {.02, .021}}),
			"The p99 latency was 20.5 ms with a; for the others there are too few samples."},

		{"many", "p99", both, seven,
			figures{"live a": {.02, .021, .02}, "live b": {.010, .0105, .010}, "live c": {.008, .0084, .008}, "live d": {.021, .02, .0205},
				"live e": {.06, .063, .06}, "live f": {.04, .0422, .04}, "live g": {.03, .0317, .03},
				"sim a": {.02, .021, .02}, "sim b": {.010, .0105, .010}, "sim c": {.008, .0084, .008}, "sim d": {.021, .02, .0205},
				"sim e": {.06, .063, .06}, "sim f": {.04, .0422, .04}, "sim g": {.01, .0105, .01}},
			"Against a (20.3 ms), the p99 latency ranged from 60% shorter with c (in every repetition) to 3 times as long with e (in every repetition): " +
				"of 6 variants, 2 did better, 3 did worse and 1 made no detectable difference. " +
				"The simulator agrees except on g: 50% shorter (in every repetition), against 1.5 times as long live."},
		{"many, and more is better", "goodput", live, seven,
			figures{"live a": {100, 101, 102}, "live b": {50, 51, 52}, "live c": {20, 21, 22}, "live d": {150, 152, 151}, "live e": {80, 81, 82}, "live f": {100, 102, 101}, "live g": {90, 91, 91}},
			"Against a (101/s), goodput ranged from 50% higher with d (42% to 58%) to 79% lower with c (74% to 84%): " +
				"of 6 variants, 1 did better, 4 did worse and 1 made no detectable difference."},
		{"many, of which one differs", "p99", live, seven,
			figures{"live a": {.02, .021, .02}, "live b": {.02, .02, .021}, "live c": {.008, .0084, .008}, "live d": {.021, .02, .0205},
				"live e": {.02, .02, .021}, "live f": {.021, .02, .02}, "live g": {.02, .021, .0205}},
			"Against a (20.3 ms), the p99 latency was 60% shorter with c (in every repetition); 5 others made no detectable difference."},
		{"many alike", "p99", live, seven,
			figures{"live a": {.02, .021, .02}, "live b": {.02, .02, .021}, "live c": {.019, .0205, .02}, "live d": {.021, .02, .0205},
				"live e": {.02, .02, .021}, "live f": {.021, .02, .02}, "live g": {.02, .021, .0205}},
			"No difference in the p99 latency could be detected: between 19.8 ms with c and 20.5 ms with d, and 20.3 ms with a (38% would have shown)."},
		{"the worlds differ on most of many", "p99", both, seven,
			figures{"live a": {.02, .02, .02}, "live b": {.01, .01, .01}, "live c": {.01, .01, .01}, "live d": {.01, .01, .01}, "live e": {.01, .01, .01}, "live f": {.01, .01, .01}, "live g": {.03, .03, .03},
				"sim a": {.02, .02, .02}, "sim b": {.011, .011, .011}, "sim c": {.011, .011, .011}, "sim d": {.012, .012, .012}, "sim e": {.011, .011, .011}, "sim f": {.05, .05, .05}, "sim g": {.03, .03, .03}},
			"Against a (20 ms), the p99 latency ranged from 50% shorter with b (in every repetition) to 1.5 times as long with g (in every repetition): of 6 variants, 5 did better and 1 did worse. " +
				"The simulator differs for 5 of 6 variants, most on f: 2.5 times as long (in every repetition), against 50% shorter live."},
	} {
		assert.Equal(t, c.want, Answer(answered(c.metric, c.worlds, c.variants, c.values)), c.name)
	}
}

// unknown are summaries without the figure: NaN stands for it.
func unknown(names ...string) figures {
	f := figures{}
	for _, name := range names {
		f[name] = []float64{math.NaN(), math.NaN()}
	}
	return f
}

func with(a, b figures) figures {
	maps.Copy(a, b)
	return a
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
		{"a guest on the machine", func(r *Run) { r.Machine.Others = 2 * time.Second }, nil},
		{"neighbours", func(r *Run) { r.Machine.Others = 3 * time.Second }, []Warning{{Kind: "neighbours"}}},
		{"neighbours on the host", func(r *Run) { r.Machine.Others, r.Machine.Stolen = 2*time.Second, 5*time.Second }, []Warning{{Kind: "neighbours", Severe: true}}},
		{"a clock that was set", func(r *Run) { r.Machine.ClockStep = -time.Second }, []Warning{{Kind: "clock"}}},
		{"a node that ran out of descriptors", func(r *Run) {
			r.Nodes = append(r.Nodes, NodeUse{Place: "lb", Refused: map[string]int64{OutOfFiles: 3, "idle": 9}})
		}, []Warning{{Kind: "files", Severe: true}}},
		{"a clock that is kept right", func(r *Run) { r.Machine.ClockStep = 20 * ms }, nil},
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
		"offer less load, stop what else runs on this machine, or, if it has processors to spare, fire from several processes (generators: 2).", Suspect(run)[0].Text)
}

func TestWarningsOverRepetitions(t *testing.T) {
	m := Metric{Name: "p99"}
	g := repetitions("a", "live", m, .010, .0105, .011, .0115, .012)
	assert.Equal(t, []Warning{{Kind: "drift", World: "live", Variant: "a", Text: "live, a: p99 drifted from 10 ms in the first repetition to 12 ms in the last: let the machine come to rest and run again."}},
		warningsOf([]Group{g}, nil, Question{JudgeBy: m, Repeat: 5}))
	assert.Empty(t, warningsOf([]Group{repetitions("a", "live", m, .010, .0105, .011, .0108, .012)}, nil, Question{JudgeBy: m, Repeat: 5}), "up and down is no drift")
	assert.Empty(t, warningsOf([]Group{repetitions("a", "live", m, .010, .0101, .0102, .0103, .0104)}, nil, Question{JudgeBy: m, Repeat: 5}), "4% is not worth a word")
	assert.Empty(t, warningsOf([]Group{repetitions("a", "sim", m, .010, .0105, .011, .0115, .012)}, nil, Question{JudgeBy: m, Repeat: 5}), "a simulator cannot warm up")

	part := repetitions("a", "live", Metric{Name: "p50"}, 1)
	part[0].good[""] = 599
	few := warningsOf([]Group{part}, nil, Question{JudgeBy: m, Repeat: 5})
	assert.Equal(t, []Warning{{Kind: "samples", World: "live", Variant: "a",
		Text: "live, a: p99 cannot be told: it needs 600 successes in each of 5 repetitions; let the load last longer, or repeat it more often."}}, few)
	part[0].good[""] = 600
	assert.Empty(t, warningsOf([]Group{part}, nil, Question{JudgeBy: m, Repeat: 5}), "the other repetitions will make up for it")
}

func TestRepetitionsOfTwoKinds(t *testing.T) {
	m := Metric{Name: "p99"}
	of := func(values ...float64) []Warning { return repetitions("a", "sim", m, values...).split(m) }
	assert.Equal(t, []Warning{{Kind: "split", World: "sim", Variant: "a", Text: "sim, a: p99 is of two kinds, about 10.1 ms in 3 repetitions and about 20.1 ms in 2: look for what differs between them, in their logs or on the machine."}},
		of(.010, .020, .0101, .0202, .0102))
	assert.Empty(t, of(.010, .020, .0101, .0102, .0103), "one alone is no kind")
	assert.Empty(t, of(.010, .0102, .0112, .0113, .0101), "a tenth is not worth a word")
	assert.Empty(t, of(.010, .012, .016, .018, .020), "spread out")
	rng, called := rand.New(rand.NewPCG(3, 4)), 0
	for range trials {
		var values []float64
		for range 5 {
			values = append(values, 1+.2*rng.NormFloat64())
		}
		if len(of(values...)) > 0 {
			called++
		}
	}
	assert.Less(t, float64(called)/trials, .02, "by chance")
}

func TestColdBeginnings(t *testing.T) {
	line := func(p50 ...float64) (line []Second) {
		for i, p := range p50 {
			line = append(line, Second{At: float64(i) + .5, P50: p})
		}
		return line
	}
	g := repetitions("a", "live", Metric{Name: "p50"}, 1)
	g[0].Run.Warmup = time.Second
	q := Question{JudgeBy: Metric{Name: "p50"}, Repeat: 1}
	cold := line(.050, .013, .010, .010, .0105, .010, .010, .010, .010)
	assert.Empty(t, warningsOf([]Group{g}, [][]Second{cold}, q), "where something befalls somebody, that may be why")
	q.Steady = true
	assert.Equal(t, []Warning{{Kind: "cold", World: "live", Variant: "a",
		Text: "live, a: the first 1 s after the warm-up was still slower, with a median of 13 ms against at most 10.5 ms later: give warmup more time."}},
		warningsOf([]Group{g}, [][]Second{cold}, q))
	for name, line := range map[string][]Second{
		"warm":      line(.050, .011, .010, .010, .0105, .010, .010, .010, .010),
		"wavering":  line(.050, .013, .010, .010, .013, .010, .010, .010, .010),
		"too short": line(.050, .013, .010, .010, .010),
	} {
		assert.Empty(t, warningsOf([]Group{g}, [][]Second{line}, q), name)
	}
}

// A severe warning is kept for each variant, so that it is known which figures
// not to trust; mild ones are said once, and stand for all whom they concern.
func TestWarningsNameTheirVariant(t *testing.T) {
	mild, severe := Warning{Kind: "cpu", Text: "Busy."}, Warning{Kind: "cpu", Severe: true, Text: "Very busy."}
	for _, c := range []struct {
		name string
		a, b []Warning // of the first repetitions
		want []Warning
	}{
		{"mild of one", []Warning{mild, mild}, nil,
			[]Warning{{Kind: "cpu", World: "live", Variant: "a", Text: "live, a, repetition 1: Busy. (This occurred 2 times.)"}}},
		{"mild of two", []Warning{mild}, []Warning{mild},
			[]Warning{{Kind: "cpu", World: "live", Text: "live, a, repetition 1: Busy. (This occurred 2 times.)"}}},
		{"severe of one", []Warning{mild}, []Warning{severe},
			[]Warning{{Kind: "cpu", Severe: true, World: "live", Variant: "b", Text: "live, b, repetition 1: Very busy."}}},
		{"severe of two", []Warning{severe, severe}, []Warning{severe}, []Warning{
			{Kind: "cpu", Severe: true, World: "live", Variant: "a", Text: "live, a, repetition 1: Very busy. (This occurred 2 times.)"},
			{Kind: "cpu", Severe: true, World: "live", Variant: "b", Text: "live, b, repetition 1: Very busy."}}},
	} {
		m := Metric{Name: "mean"}
		a, b := repetitions("a", "live", m, 1), repetitions("b", "live", m, 1)
		a[0].Run.Warnings, b[0].Run.Warnings = c.a, c.b
		assert.Equal(t, c.want, warningsOf([]Group{a, b}, nil, Question{JudgeBy: m, Repeat: 1}), c.name)
	}
}
