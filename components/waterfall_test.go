package components

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/topologies"
)

func chainThatTells(tells bool) *topologies.Topology {
	return &topologies.Topology{Entry: "edge-1", Nodes: []*topologies.Node{
		{Name: "edge-1", Kind: topologies.CDN, ServerTiming: tells}, {Name: "lb", Kind: topologies.LoadBalancer, ServerTiming: true},
		{Name: "api", Kind: topologies.Backend, ServerTiming: true},
	}}
}

func TestSpansOfAnAnswer(t *testing.T) {
	const (
		api = `api-queue;dur=1, api-service;dur=2.5;desc="api[0]", api-total;dur=3.6`
		lb  = `lb-queue;dur=4, lb-rest;dur=1, lb-retries;dur=7;desc="2", lb-upstream;dur=5;desc="api[0]", lb-total;dur=17.25`
	)
	for _, tt := range []struct {
		name, field string
		late        time.Duration
		want        measure.Spans
	}{
		{"all tell", api + ", " + lb + `, edge-1-delay;dur=0.5, edge-1-upstream;dur=18;desc="lb", edge-1-total;dur=19`, ms,
			"client:late=1000000 edge-1:network=10000000 edge-1:delayed=500000 edge-1:itself=500000 " +
				"lb:network=750000 lb:gate=4000000 lb:rest=1000000 lb:tries=7000000 lb:itself=250000 " +
				"api:network=1400000 api:queue=1000000 api:service=2500000 api:itself=100000"},
		{"one in the middle is silent", api + `, edge-1-upstream;dur=18, edge-1-total;dur=19`, 0,
			"edge-1:network=11000000 edge-1:itself=1000000 api:network=14400000 api:queue=1000000 api:service=2500000 api:itself=100000"},
		{"nobody tells", "", ms, "client:late=1000000 client:network=29000000"},
		{"the upstream is silent", `edge-1-upstream;dur=18, edge-1-total;dur=19`, 0,
			"edge-1:network=11000000 edge-1:itself=1000000 client:network=18000000"},
		{"a try that failed", `edge-1-failed;dur=18, edge-1-total;dur=19`, 0,
			"edge-1:network=11000000 edge-1:tries=18000000 edge-1:itself=1000000"},
		{"too much is cut short", `api-service;dur=99, api-total;dur=99, edge-1-limit;dur=9, edge-1-upstream;dur=18, edge-1-total;dur=27`, 0,
			"edge-1:network=3000000 edge-1:held=9000000 api:service=18000000"},
		{"much too much", `api-service;dur=99, api-total;dur=99, edge-1-upstream;dur=9000, edge-1-total;dur=10000`, 0, "api:service=30000000"},
		{"what others tell is passed over", `db-read;dur=5;desc="a, api-total;dur=1", cache, api-total;dur=nan, api-total;dur=-2, x-total;dur=3, edge-1-total;dur=30`, 0,
			"edge-1:itself=30000000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := NewTimings(chainThatTells(true)).Spans(tt.field, true, tt.late, 30*ms)
			require.Equal(t, tt.want, got)
			left := 30 * ms
			require.NoError(t, got.Each(func(_ string, took time.Duration) { left -= took }))
			require.Zero(t, left)
		})
	}
}

func TestSpansWithoutAnAnswer(t *testing.T) {
	all := NewTimings(chainThatTells(true))
	require.EqualValues(t, "client:late=2000000 client:unanswered=8000000", all.Spans("edge-1-total;dur=1", false, 2*ms, 10*ms))
	require.EqualValues(t, "client:late=10000000", all.Spans("", false, 20*ms, 10*ms), "it never left")
	require.EqualValues(t, "client:late=0", all.Spans("edge-1-total;dur=0", true, 0, 0))
	require.Nil(t, NewTimings(chainThatTells(false)))
	require.Empty(t, NewTimings(chainThatTells(false)).Spans("edge-1-total;dur=1", true, 0, ms))
}

// FuzzSpans: whatever is told, the parts add up.
func FuzzSpans(f *testing.F) {
	f.Add(`api-queue;dur=1, api-service;dur=2.5;desc="api[0]", api-total;dur=3.6, lb-total;dur=1e8`, int64(1), int64(30))
	all := NewTimings(chainThatTells(true))
	f.Fuzz(func(t *testing.T, field string, late, latency int64) {
		left := time.Duration(max(latency, 0))
		spans := all.Spans(field, true, time.Duration(max(late, 0)), left)
		require.NotEmpty(t, spans)
		require.NoError(t, spans.Each(func(_ string, took time.Duration) { left -= took }))
		require.Zero(t, left)
	})
}

// BenchmarkTelling is what one hop pays to tell its time, and the client to
// read that of three.
func BenchmarkTelling(b *testing.B) {
	b.Run("hop", func(b *testing.B) {
		room := [256]byte{}
		for b.Loop() {
			s := stopwatch{room[:0], "lb"}
			s.add(toldQueue, 1234567, "")
			s.add(toldRetries, 1234567, "1")
			s.add(toldUpstream, 5234567, "api[1]")
			s.add(toldTotal, 9234567, "")
			_ = string(s.text)
		}
	})
	b.Run("client", func(b *testing.B) {
		all := NewTimings(chainThatTells(true))
		for b.Loop() {
			all.Spans(`api-queue;dur=1, api-service;dur=2.5;desc="api[0]", api-total;dur=3.6, lb-upstream;dur=5;desc="api[0]", lb-total;dur=17.25, edge-1-upstream;dur=18;desc="lb", edge-1-total;dur=19`, true, 0, 30*ms)
		}
	})
}
