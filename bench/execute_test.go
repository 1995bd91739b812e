package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// asking is a scenario of three variants, three times.
func asking() *scenarios.Scenario {
	s := &scenarios.Scenario{
		Name: "asking", Question: "Which?", Baseline: "a", JudgeBy: measure.Metric{Name: "p50"}, Repeat: 3, Seed: 7,
		Expect: []measure.Expectation{{Variant: "c", Metric: measure.Metric{Name: "p50"}, Less: true, Bound: 1, Relative: true, Text: "< baseline"}},
	}
	for _, name := range []string{"a", "b", "c"} {
		v := steadyCase().Variant
		v.Name = name
		v.Topology = &topologies.Topology{Name: "direct", Entry: "api", Nodes: []*topologies.Node{{Name: "api", Kind: topologies.Backend, Replicas: 1, Workers: 4}}}
		s.Variants = append(s.Variants, v)
	}
	return s
}

// scripted is a world that answers every request after the time its variant
// is known for.
type scripted struct {
	name  string
	width int
	on    func(c *scenarios.Case, run *measure.Run) error // may be nil

	mu    sync.Mutex
	order []string
}

func (w *scripted) abreast() int { return w.width }

func (w *scripted) play(ctx context.Context, c *scenarios.Case, draft *measure.Draft) (*measure.Run, error) {
	w.mu.Lock()
	w.order = append(w.order, fmt.Sprintf("%d%s", c.Repetition, c.Variant.Name))
	w.mu.Unlock()
	if err := os.WriteFile(filepath.Join(draft.Dir, "lb.log"), nil, 0o644); err != nil {
		return nil, err
	}
	run := newRun(c, w.name)
	run.Machine.Cores = 2
	latency := map[string]time.Duration{"a": 20 * time.Millisecond, "b": 21 * time.Millisecond, "c": 10 * time.Millisecond}[c.Variant.Name]
	for a := range c.Arrivals() {
		run.Samples = append(run.Samples, measure.Sample{Number: a.Number, At: a.At, Latency: latency, Status: 200, Reason: policy.OK, Class: a.Class})
	}
	if w.on != nil {
		if err := w.on(c, run); err != nil {
			return nil, err
		}
	}
	for i := range run.Samples {
		draft.Add(&run.Samples[i])
	}
	return run, ctx.Err()
}

func TestOrderOfRuns(t *testing.T) {
	plan := &Plan{Scenario: asking(), Worlds: []string{"live", "sim"}}
	steps := plan.Steps()
	require.Len(t, steps, 18)
	assert.Equal(t, steps, plan.Steps(), "the seed alone decides")
	first := ""
	for r := range 3 {
		live, sim := order(steps[r*6:r*6+3]), order(steps[r*6+3:r*6+6])
		assert.Equal(t, live, sim, "both worlds in the same order")
		assert.Equal(t, "live", steps[r*6].World)
		assert.Equal(t, "sim", steps[r*6+3].World)
		seen := map[string]bool{}
		for i, step := range steps[r*6 : r*6+6] {
			assert.Equal(t, r, step.Case.Repetition)
			assert.Equal(t, steps[r*6].Case.Seed, step.Case.Seed, "all variants meet the same load")
			seen[fmt.Sprint(i/3, step.Case.Variant.Name)] = true
		}
		assert.Len(t, seen, 6)
		first += live[0]
	}
	assert.NotContains(t, []string{"aaa", "bbb", "ccc"}, first, "none is always the first")

	plan.Scenario.Seed = 8
	assert.NotEqual(t, order(steps), order(plan.Steps()), "another seed, another order")
}

func order(steps []Step) []string {
	var names []string
	for _, s := range steps {
		names = append(names, s.Case.Variant.Name)
	}
	return names
}

func TestExecute(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "asking")
	live, sim := &scripted{name: "live", width: 1}, &scripted{name: "sim", width: 2}
	var events []Event
	out, err := execute(t.Context(), asking(), Options{
		Worlds: []string{"live", "sim"}, Dir: dir, Command: "trafficlab run asking",
		Progress: func(e Event) { events = append(events, e) },
	}, map[string]world{"live": live, "sim": sim})
	require.NoError(t, err)

	assert.Equal(t, 18, out.Finished)
	assert.False(t, out.Interrupted)
	assert.Len(t, live.order, 9)
	require.Len(t, events, 36)
	assert.Equal(t, Begun, events[0].Stage)
	assert.Equal(t, 18, events[35].Done)
	assert.Zero(t, events[35].Left)

	r := out.Result
	assert.False(t, r.Partial)
	assert.Empty(t, r.Warnings)
	assert.Len(t, r.Summaries, 6)
	assert.Equal(t, []measure.Met{measure.IsMet, measure.IsMet}, []measure.Met{r.Checks[0].Met, r.Checks[1].Met})
	assert.Equal(t, "Against a (20 ms), the median latency was 5% longer with b (in every repetition) and 50% shorter with c (in every repetition). "+
		"The simulator agrees.", r.Answer)
	assert.FileExists(t, filepath.Join(dir, "runs", "live-c-3", "lb.log"))

	s, again, err := Fold(dir)
	require.NoError(t, err)
	assert.Equal(t, asking(), s)
	assert.Equal(t, r, again, "what is stored folds to the same")
}

// An interruption keeps what has finished, and nothing else.
func TestInterrupted(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	live := &scripted{name: "live", width: 1}
	live.on = func(c *scenarios.Case, _ *measure.Run) error {
		if c.Repetition == 1 && len(live.order) == 5 {
			cancel()
		}
		return nil
	}
	out, err := execute(ctx, asking(), Options{Worlds: []string{"live"}, Dir: dir}, map[string]world{"live": live})
	require.NoError(t, err)
	assert.True(t, out.Interrupted)
	assert.Equal(t, 4, out.Finished)
	assert.Equal(t, 9, out.Planned)
	assert.True(t, out.Result.Partial)
	require.Len(t, out.Result.Warnings, 1)
	assert.Equal(t, "partial", out.Result.Warnings[0].Kind)
	entries, err := os.ReadDir(filepath.Join(dir, "runs"))
	require.NoError(t, err)
	assert.Len(t, entries, 4, "no draft is left")
	assert.FileExists(t, filepath.Join(dir, "result.json"))

	_, folded, err := Fold(dir)
	require.NoError(t, err)
	_, glanced, err := Glance(dir)
	require.NoError(t, err)
	assert.Equal(t, folded, glanced)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "result.json"), []byte("{}"), 0o644))
	_, glanced, err = Glance(dir)
	require.NoError(t, err)
	assert.Equal(t, folded, glanced, "what is damaged is folded anew")
}

func TestInterruptedAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	out, err := execute(ctx, asking(), Options{Worlds: []string{"live"}, Dir: t.TempDir()}, map[string]world{"live": &scripted{name: "live", width: 1}})
	require.NoError(t, err)
	assert.True(t, out.Interrupted)
	assert.Equal(t, "There is no answer yet: no repetition was finished.", out.Result.Answer)
}

// A node that dies ends the execution: what went before stands, and the logs
// of the broken run stay.
func TestBroken(t *testing.T) {
	dir := t.TempDir()
	live := &scripted{name: "live", width: 1}
	live.on = func(c *scenarios.Case, _ *measure.Run) error {
		if len(live.order) == 6 {
			return errors.New("lb ended by itself: its last words:\nno memory")
		}
		return nil
	}
	var last Event
	out, err := execute(t.Context(), asking(), Options{Worlds: []string{"live"}, Dir: dir, Progress: func(e Event) { last = e }}, map[string]world{"live": live})
	assert.ErrorContains(t, err, " of asking, repetition 2, live: lb ended by itself: its last words:\nno memory")
	assert.Equal(t, Broken, last.Stage)
	assert.Equal(t, 5, out.Finished)
	assert.False(t, out.Interrupted)
	assert.True(t, out.Result.Partial)
	logs, err := filepath.Glob(filepath.Join(dir, "runs", ".live-*", "lb.log"))
	require.NoError(t, err)
	assert.Len(t, logs, 1)
}

// A run that the generator spoiled is made again, once.
func TestSpoiledRuns(t *testing.T) {
	late := func(times int) (*scripted, func(*scenarios.Case, *measure.Run) error) {
		w := &scripted{name: "live", width: 1}
		return w, func(c *scenarios.Case, run *measure.Run) error {
			if c.Repetition == 2 && c.Variant.Name == "b" && times > 0 {
				times--
				run.Machine.LateP50 = time.Second
				for i := range run.Samples {
					run.Samples[i].Latency = time.Second
				}
			}
			return nil
		}
	}
	for times, trusted := range []bool{true, true, false} {
		dir := t.TempDir()
		w, on := late(times)
		w.on = on
		spoiled := 0
		out, err := execute(t.Context(), asking(), Options{Worlds: []string{"live"}, Dir: dir, Progress: func(e Event) {
			if e.Stage == Spoiled {
				spoiled++
				assert.NotEmpty(t, e.Warnings)
			}
		}}, map[string]world{"live": w})
		require.NoError(t, err)
		assert.Equal(t, min(times, 1), spoiled)
		assert.Len(t, w.order, 9+min(times, 1))
		assert.Equal(t, 9, out.Finished)
		b := out.Result.Summaries[1]
		assert.Equal(t, "b", b.Variant)
		assert.Equal(t, 3, b.Runs)
		assert.Equal(t, trusted, b.Trusted, "spoiled %d times", times)
		assert.Equal(t, trusted, b.Figure(measure.Metric{Name: "p50"}).Value < .05, "the spoiled run is in no figure")
		if times > 0 {
			assert.FileExists(t, filepath.Join(dir, "runs", "live-b-3-spoiled", "run.json"))
		}
	}
}

// Cases of the simulator run side by side, those of the live world do not.
func TestAbreast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for width, want := range map[int]time.Duration{1: 9 * time.Second, 3: 3 * time.Second} {
			w := &scripted{name: "sim", width: width, on: func(*scenarios.Case, *measure.Run) error { time.Sleep(time.Second); return nil }}
			began := time.Now()
			_, err := execute(t.Context(), asking(), Options{Worlds: []string{"sim"}, Dir: t.TempDir()}, map[string]world{"sim": w})
			require.NoError(t, err)
			assert.Equal(t, want, time.Since(began))
		}
	})
}

func TestUnknownWorld(t *testing.T) {
	_, err := Execute(t.Context(), asking(), Options{Worlds: []string{"moon"}, Dir: t.TempDir()})
	assert.EqualError(t, err, `run asking: there is no world "moon"`)
}

func TestFoldNamesWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	_, _, err := Fold(dir)
	assert.EqualError(t, err, "read result directory "+dir+": it holds no plan.json")
}

func TestEstimate(t *testing.T) {
	s := asking()
	s.JudgeBy = measure.Metric{Name: "p99"}
	s.Expect = append(s.Expect,
		measure.Expectation{Variant: "b", Metric: measure.Metric{Name: "p50", Class: "bob"}},
		measure.Expectation{Variant: "b", Metric: measure.Metric{Name: "availability"}})
	s.Variants[1].Warmup = time.Second
	e := EstimateOf(s, []string{"live"})
	assert.Equal(t, 9, e.Runs)
	assert.Equal(t, 20*time.Second, e.Takes)
	p99, p50 := measure.Metric{Name: "p99"}, measure.Metric{Name: "p50"}
	bob := measure.Metric{Name: "p50", Class: "bob"}
	assert.Equal(t, []VariantEstimate{
		{"a", 200, false, 2 * time.Second, []QuantileEstimate{{p99, 1000, 200, false}, {p50, 20, 200, true}}},
		{"b", 100, false, 2 * time.Second, []QuantileEstimate{{p99, 1000, 100, false}, {bob, 20, 0, false}}},
		{"c", 200, false, 2 * time.Second, []QuantileEstimate{{p99, 1000, 200, false}, {p50, 20, 200, true}}},
	}, e.Variants)
}

// However many processors there are, simulated cases take no more than their
// room; and one runs however large it is.
func TestSimulatedCasesFitInMemory(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(64))
	for replicas, want := range map[int]int{1: 64, 100: 64, 10_000: 5, 1_000_000: 1} {
		s := asking()
		for i := range s.Variants {
			s.Variants[i].Topology = &topologies.Topology{Nodes: []*topologies.Node{{Name: "lb", Replicas: 1}}}
		}
		s.Variants[1].Topology.Nodes = append(s.Variants[1].Topology.Nodes, &topologies.Node{Name: "api", Replicas: replicas, Numbered: true})
		assert.Equal(t, want, simWorld{scenario: s}.abreast(), replicas)
	}
}
