package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
)

// wavering is a world whose latencies are off by so much, up and down in turn.
func wavering(by time.Duration) *scripted {
	return &scripted{name: "live", width: 1, on: func(c *scenarios.Case, run *measure.Run) error {
		for i := range run.Samples {
			run.Samples[i].Latency += by * time.Duration(1-c.Repetition%2*2)
		}
		return nil
	}}
}

func TestRepeatedUntilNarrowEnough(t *testing.T) {
	for _, c := range []struct {
		by           time.Duration
		until        float64
		most, repeat int
		wide         bool
	}{
		{by: 0, until: .01, most: 50, repeat: 5},
		{by: time.Millisecond, until: .05, most: 50, repeat: 18}, // ±10% of the fastest
		{by: time.Millisecond, until: .2, most: 50, repeat: 5},
		{by: time.Millisecond, until: .001, most: 8, repeat: 8, wide: true},
		{by: 0, until: .01, most: 3, repeat: 3},
	} {
		t.Run(fmt.Sprint(c.by, c.until, c.most), func(t *testing.T) {
			s, w := asking(), wavering(c.by)
			s.Repeat = c.most
			out, err := execute(t.Context(), s, Options{Worlds: []string{"live"}, Dir: t.TempDir(), Until: c.until, Budget: time.Hour}, map[string]world{"live": w})
			require.NoError(t, err)
			require.Equal(t, c.most, s.Repeat, "what was asked for stays as it is")
			require.InDelta(t, c.repeat, out.Result.Repeat, .15*float64(c.repeat))
			require.Equal(t, 3*out.Result.Repeat, out.Finished)
			require.Equal(t, out.Finished, out.Planned)
			require.False(t, out.Result.Partial)
			require.Equal(t, c.wide, slices.ContainsFunc(out.Result.Warnings, func(w measure.Warning) bool { return w.Kind == measure.Wide }))
		})
	}
}

func TestRepeatedUntilTimeIsUp(t *testing.T) {
	s := asking()
	s.Repeat = 50
	out, err := execute(t.Context(), s, Options{Worlds: []string{"live"}, Dir: t.TempDir(), Until: .001, Budget: 1}, map[string]world{"live": wavering(time.Millisecond)})
	require.NoError(t, err)
	require.Equal(t, leastRounds, out.Result.Repeat)
	require.Equal(t, measure.Wide, out.Result.Warnings[0].Kind)
}

// TestResumed: what was finished before an interruption is not run again.
func TestResumed(t *testing.T) {
	for _, until := range []float64{0, .001} {
		dir := t.TempDir()
		o := Options{Worlds: []string{"live"}, Dir: dir, Version: "v1", Until: until, Budget: time.Hour}
		s := asking()
		s.Repeat = 7
		ctx, cancel := context.WithCancel(t.Context())
		first := wavering(time.Millisecond)
		waver := first.on
		first.on = func(c *scenarios.Case, run *measure.Run) error {
			if len(first.order) == 20 {
				cancel()
			}
			return waver(c, run)
		}
		cut, err := execute(ctx, s, o, map[string]world{"live": first})
		require.NoError(t, err)
		require.True(t, cut.Interrupted)
		require.Equal(t, 19, cut.Finished)

		second := wavering(time.Millisecond)
		o.Resume = true
		whole, err := execute(t.Context(), s, o, map[string]world{"live": second})
		require.NoError(t, err)
		assert.Len(t, second.order, 2)
		assert.NotContains(t, second.order, first.order[18])
		assert.Equal(t, 21, whole.Finished)
		assert.Equal(t, 21, whole.Planned)
		assert.False(t, whole.Result.Partial)

		o.Resume, o.Dir = false, t.TempDir()
		atOnce, err := execute(t.Context(), s, o, map[string]world{"live": wavering(time.Millisecond)})
		require.NoError(t, err)
		assert.Equal(t, atOnce.Result.Summaries, whole.Result.Summaries, "as if nothing had happened")

		third := wavering(time.Millisecond)
		o.Resume, o.Dir = true, dir
		again, err := execute(t.Context(), s, o, map[string]world{"live": third})
		require.NoError(t, err)
		assert.Empty(t, third.order, "nothing is left to do")
		assert.Equal(t, whole.Result.Summaries, again.Result.Summaries)
	}
}

// A repetition that was damaged is made again, and it alone: the result is as if
// nothing had happened.
func TestResumedFromDamage(t *testing.T) {
	dir := t.TempDir()
	o := Options{Worlds: []string{"live"}, Dir: dir, Version: "v1"}
	whole, err := execute(t.Context(), asking(), o, map[string]world{"live": wavering(time.Millisecond)})
	require.NoError(t, err)
	require.NoError(t, os.Truncate(filepath.Join(dir, "runs", "live-b-2", "samples.csv.gz"), 100))
	require.NoError(t, os.Remove(filepath.Join(dir, "runs", "live-c-3", "run.json")))
	_, _, err = Fold(dir)
	require.ErrorContains(t, err, "(trafficlab run --resume makes again what is damaged, and keeps the rest)")

	again := wavering(time.Millisecond)
	var said []string
	o.Resume, o.Progress = true, func(e Event) {
		if e.Stage == Aside {
			said = append(said, e.Err.Error())
		}
	}
	mended, err := execute(t.Context(), asking(), o, map[string]world{"live": again})
	require.NoError(t, err)
	slices.Sort(again.order)
	require.Equal(t, []string{"1b", "2c"}, again.order)
	require.Equal(t, 9, mended.Finished)
	require.Equal(t, whole.Result, mended.Result)
	require.Len(t, said, 2)
	require.Contains(t, said[0], "live-b-2/samples.csv.gz: it is damaged: ")
	require.Contains(t, said[0], "; it is made again, and what is left of it is in "+filepath.Join(dir, "runs", ".damaged-live-b-2"))
	require.Contains(t, said[1], "live-c-3/run.json: no such file")
}

func TestResumedWithNothingThere(t *testing.T) {
	w := &scripted{name: "live", width: 1}
	out, err := execute(t.Context(), asking(), Options{Worlds: []string{"live"}, Dir: t.TempDir(), Resume: true}, map[string]world{"live": w})
	require.NoError(t, err)
	require.Equal(t, 9, out.Finished)
}

// TestNotResumed: runs of anything else are left as they are.
func TestNotResumed(t *testing.T) {
	dir := t.TempDir()
	o := Options{Worlds: []string{"live"}, Dir: dir, Version: "v1"}
	worlds := func() map[string]world { return map[string]world{"live": &scripted{name: "live", width: 1}} }
	_, err := execute(t.Context(), asking(), o, worlds())
	require.NoError(t, err)
	_, before, err := Fold(dir)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		change func(s *scenarios.Scenario, o *Options)
		want   string
	}{
		"another seed":     {func(s *scenarios.Scenario, _ *Options) { s.Seed++ }, "its seed is"},
		"another load":     {func(s *scenarios.Scenario, _ *Options) { s.Variants[0].Timeout++ }, "its system, load or faults are others"},
		"less repetitions": {func(s *scenarios.Scenario, _ *Options) { s.Repeat = 2 }, "it is repetition 3 of 2"},
		"another version":  {func(_ *scenarios.Scenario, o *Options) { o.Version = "v2" }, "its runs are of version v1 of trafficlab, and this is v2"},
	} {
		s, o := asking(), o
		o.Resume = true
		c.change(s, &o)
		_, err := execute(t.Context(), s, o, worlds())
		require.ErrorContains(t, err, c.want, name)
		require.ErrorContains(t, err, "(without --resume it is begun anew)", name)
		_, after, err := Fold(dir)
		require.NoError(t, err)
		require.Equal(t, before, after)
	}
}
