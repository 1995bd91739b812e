package sim

import (
	"cmp"
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/components"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// crowd is a steady stream beside clients whom a crash lets ask in step, all
// at one instant, for twenty seconds.
func crowd() *scenarios.Case {
	c := steady(chain("api"), ms, 20_000, scenarios.Fault{At: 200 * ms, For: 10 * ms, On: []topologies.Place{"api"}, Crash: true})
	c.Variant.Load.Streams = append(c.Variant.Load.Streams, looping(50, topologies.Distribution{Law: "constant", Mean: 50 * ms}, 20*time.Second))
	return c
}

// Samples are handed over while the run goes on, each once, in order of instant
// and number, and are not kept.
func TestSamplesAreHandedOver(t *testing.T) {
	c := crowd()
	w, err := newWorld(c, Costs{}, func(topologies.Place) component { return answering(5 * ms) })
	require.NoError(t, err)
	var samples []measure.Sample
	var first time.Duration
	w.clients.tell = func(s *measure.Sample) {
		if len(samples) == 0 {
			first = w.clock.now
		}
		samples = append(samples, *s)
	}
	require.NoError(t, w.play(context.Background()))
	w.clients.handOver(components.Forever)

	require.Greater(t, len(samples), 35_000)
	require.Less(t, first, 5*time.Second)
	require.LessOrEqual(t, len(w.clients.samples.slots), 4*handful)
	ties := 0
	next := map[int]uint64{} // by client; -1 for all who wait for nobody
	for i, s := range samples {
		client, closed := scenarios.ClientOf(s.Number)
		if !closed {
			client = -1
		} else if next[client] == 0 {
			next[client] = s.Number
		}
		require.Equal(t, next[client], s.Number, "sample %d", i)
		next[client]++
		if i > 0 {
			before := samples[i-1]
			require.Negative(t, cmp.Or(cmp.Compare(before.At, s.At), cmp.Compare(before.Number, s.Number)), "samples %d and %d", i-1, i)
			if before.At == s.At {
				ties++
			}
		}
	}
	require.Greater(t, ties, 500)
	require.EqualValues(t, 20_000, next[-1])
	require.Zero(t, w.clients.open)
}

// Run and Play tell the same.
func TestPlayIsRunThatKeepsNothing(t *testing.T) {
	c := crowd()
	kept, err := Run(context.Background(), c, Costs{})
	require.NoError(t, err)
	var told []measure.Sample
	played, err := Play(context.Background(), c, Costs{}, func(s *measure.Sample) { told = append(told, *s) })
	require.NoError(t, err)
	require.True(t, slices.Equal(kept.Samples, told))
	require.Nil(t, played.Samples)
	require.NotEmpty(t, played.Courses)
	kept.Samples, played.Courses = nil, nil
	require.Equal(t, kept, played)
	require.Greater(t, played.Target, 1000.0, "what clients asked for is counted though it is not kept")
}

// Those of the instant that is not over yet wait for the rest of it: another
// may come, and belong before them.
func TestWholeInstantsAreHandedOver(t *testing.T) {
	var told []uint64
	k := clients{looped: true, oldest: 3, tell: func(s *measure.Sample) { told = append(told, s.Number) }}
	for _, sample := range []measure.Sample{{Number: 4, At: 1}, {Number: 9, At: 2}, {Number: 1, At: 2}, {Number: 3, At: 3}} {
		k.samples.push(sample)
		k.waiting.push(nil)
	}
	k.handOver(2)
	require.Equal(t, []uint64{4}, told)
	k.handOver(3)
	require.Equal(t, []uint64{4, 1, 9}, told)
	require.Equal(t, 3, k.told)
	require.Equal(t, 1, k.samples.len)
}
