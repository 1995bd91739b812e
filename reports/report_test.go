package reports

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

var (
	update = flag.Bool("update", false, "write the golden pages anew")
	keep   = flag.String("keep", "", "a folder in which to leave the pages, to be looked at")
)

// pages are the reports of the invented results and their index, as files.
func pages(t *testing.T) (folder string, names []string) {
	folder = *keep
	if folder == "" {
		folder = t.TempDir()
	}
	var entries []IndexEntry
	for _, invent := range []func(*testing.T) IndexEntry{
		func(t *testing.T) IndexEntry { s, r := pickers(t); return IndexEntry{"crash.html", s, r} },
		func(t *testing.T) IndexEntry { s, r := systemsCompared(t); return IndexEntry{"hops.html", s, r} },
		func(t *testing.T) IndexEntry { s, r := crowded(t); return IndexEntry{"crowded.html", s, r} },
		func(*testing.T) IndexEntry { s, r := small(); return IndexEntry{"small.html", s, r} },
	} {
		e := invent(t)
		var b bytes.Buffer
		require.NoError(t, Write(&b, e.Scenario, e.Result))
		require.NoError(t, os.WriteFile(filepath.Join(folder, e.Link), b.Bytes(), 0o644))
		entries, names = append(entries, e), append(names, e.Link)
	}
	var b bytes.Buffer
	bearer, borne := bearing()
	require.NoError(t, WriteCapacity(&b, bearer, borne))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "capacity.html"), b.Bytes(), 0o644))
	names = append(names, "capacity.html")
	b.Reset()
	require.NoError(t, WriteIndex(&b, entries, []CapacityEntry{{"capacity.html", borne}}))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "index.html"), b.Bytes(), 0o644))
	return folder, append(names, "index.html")
}

// small is a result made by hand, with one of everything.
func small() (*scenarios.Scenario, *measure.Result) {
	topology := &topologies.Topology{Name: "pair", About: "a balancer over two backends", Entry: "lb", Nodes: []*topologies.Node{
		{Name: "lb", Kind: topologies.LoadBalancer, Replicas: 1, To: []string{"api"}},
		{Name: "api", Kind: topologies.Backend, Replicas: 2, Numbered: true},
	}}
	p99, up := measure.Metric{Name: "p99"}, measure.Metric{Name: "availability"}
	crash := scenarios.Fault{At: time.Second, For: time.Second, On: []topologies.Place{"api[1]"}, Crash: true}
	load := scenarios.Load{Streams: []scenarios.Stream{{Rate: []scenarios.Leg{{From: 100, To: 100, For: 3 * time.Second}},
		Mix: []scenarios.Ask{{Share: 1, Method: "GET", Path: scenarios.Template{Before: "/"}}}}}}
	s := &scenarios.Scenario{Name: "small", Question: "Is it small?", File: "small", Baseline: "one", JudgeBy: p99, Repeat: 3, Seed: 7}
	r := &measure.Result{Scenario: "small", Question: s.Question, Answer: "It is, by 50% (45% to 55%).", Baseline: "one", JudgeBy: p99,
		Worlds: []string{"live", "sim"}, Variants: []string{"one", "two"}, Repeat: 3, Seed: 7, Duration: 3 * time.Second, Partial: true,
		Warnings: []measure.Warning{{Kind: "late", Severe: true, Text: "The generator was late."}, {Kind: "drift", Text: "It drifts."}},
		Machine:  measure.Provenance{Version: "v1", Go: "go1.26", System: "Linux", CPU: "abacus", Cores: 2}, Command: "trafficlab run small"}
	for i, name := range r.Variants {
		s.Variants = append(s.Variants, scenarios.Variant{Name: name, Topology: topology, Load: load, Faults: []scenarios.Fault{crash},
			Changes: []scenarios.Change{{Path: "lb.pick", Value: name}}})
		for _, world := range r.Worlds {
			r.Summaries = append(r.Summaries, smallSummary(name, world, 0.020/float64(i+1)))
		}
	}
	r.Summaries[2].Trusted = false
	r.Comparisons = []measure.Comparison{{World: "live", Variant: "two", Metric: p99, Relative: true, Verdict: measure.Better, Text: "50% shorter (45% to 55%)",
		Ratio: measure.Figure{Value: 0.5, Low: 0.45, High: 0.55, N: 3, Known: true}}}
	r.Checks = []measure.Check{
		{Expectation: measure.Expectation{Variant: "two", Metric: p99, Less: true, Bound: 1, Relative: true, Text: "< baseline"}, World: "live", Variant: "two",
			Figure: r.Comparisons[0].Ratio, Met: measure.IsMet},
		{Expectation: measure.Expectation{Variant: "all", Metric: up, Bound: 0.9999, Text: "> 99.99%"}, World: "live", Variant: "one",
			Figure: measure.Figure{Value: 0.98, Low: 0.97, High: 0.99, N: 3, Known: true}, Met: measure.NotMet},
	}
	return s, r
}

func smallSummary(variant, world string, p99 float64) measure.Summary {
	about := func(v float64) measure.Figure {
		return measure.Figure{Value: v, Low: v * 0.95, High: v * 1.05, N: 3, Known: true}
	}
	s := measure.Summary{Variant: variant, World: world, Runs: 3, Samples: 900, Trusted: true,
		Reasons: map[string]int64{"ok": 880, "refused": 15, "limited": 5},
		Curve:   []measure.Point{{Quantile: 0.5, Latency: about(p99 / 4)}, {Quantile: 0.9, Latency: about(p99 / 2)}, {Quantile: 0.99, Latency: about(p99)}},
		Series: []measure.Second{{At: 0.5, Offered: 100, Good: 100, P50: p99 / 4, P99: p99}, {At: 1.5, Offered: 100, Good: 80, Failed: 15, Refused: 5},
			{At: 2.5, Offered: 100, Good: 100, P50: p99 / 4, P99: p99}},
		Usage: []measure.Usage{{Consumer: "alice", Route: "/*", Requests: 900, Limited: 5, Errors: 15, Bytes: 900 << 10}}}
	for _, m := range []struct {
		name  string
		value float64
	}{{"offered", 100}, {"throughput", 97.8}, {"availability", 0.98}, {"p50", p99 / 4}, {"p90", p99 / 2}, {"p99", p99}} {
		s.Figures = append(s.Figures, measure.MetricFigure{Metric: measure.Metric{Name: m.name}, Figure: about(m.value)})
	}
	s.Nodes = []measure.NodeSummary{
		{Place: "lb", Kind: "load-balancer", Requests: 300, Rate: 100, Share: 1, Amplified: 1.02, Asked: map[string]float64{"api[0]": 70, "api[1]": 32},
			Reasons: map[string]int64{"ok": 880, "limited": 5, "failed": 15}},
		{Place: "api[0]", Kind: "backend", Requests: 210, Rate: 70, Share: 0.7, Reasons: map[string]int64{"ok": 630}},
		{Place: "api[1]", Kind: "backend", Requests: 90, Rate: 30, Share: 0.3, Reasons: map[string]int64{"ok": 250, "failed": 20}}}
	if world == "live" {
		for i := range s.Nodes {
			s.Nodes[i].CPU, s.Nodes[i].Memory = about(80e-6), 20<<20
		}
	}
	return s
}

func render(t *testing.T, s *scenarios.Scenario, r *measure.Result) string {
	var b bytes.Buffer
	require.NoError(t, Write(&b, s, r))
	return b.String()
}

func TestTheSmallReportIsTheGoldenOne(t *testing.T) {
	s, r := small()
	golden(t, "small.html", render(t, s, r))
	var b bytes.Buffer
	require.NoError(t, WriteIndex(&b, []IndexEntry{{"small/report.html", s, r}}, nil))
	golden(t, "index.html", b.String())
}

func golden(t *testing.T, name, got string) {
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, string(want) == got, "%s differs from what is drawn; look at it, then run go test ./reports -update", path)
}

func TestTheSameResultGivesTheSameBytes(t *testing.T) {
	s, r := systemsCompared(t)
	first := render(t, s, r)
	for range 5 {
		require.True(t, first == render(t, s, r))
	}
}

// Everything a page loads must be inside it: nothing may name a network.
func TestNoPageLoadsFromANetwork(t *testing.T) {
	loads := regexp.MustCompile(`(?i)(\b(src|srcset|href|action|data|poster)\s*=\s*["']?\s*([a-z]+:)?//)|@import|url\(|<link|<script|<iframe|<base`)
	folder, names := pages(t)
	for _, name := range names {
		page, err := os.ReadFile(filepath.Join(folder, name))
		require.NoError(t, err)
		require.Empty(t, loads.FindAllString(bare(t, string(page)), -1), name)
	}
}

// bare is a page without its one script, which is ours, and the files inside it.
func bare(t *testing.T, page string) string {
	js, err := script()
	require.NoError(t, err)
	ours := "<script>" + string(js) + "</script>"
	require.Equal(t, 1, strings.Count(page, ours))
	return regexp.MustCompile(`base64,[^"]*`).ReplaceAllString(strings.Replace(page, ours, "", 1), "")
}

// What comes from files is text, wherever it stands.
func TestHostileNamesStayText(t *testing.T) {
	const hostile = `"><script>alert('x')</script><img src=x onerror=alert(1)>`
	s, r := small()
	s.Name, s.Question, r.Question, r.Answer, r.Command = hostile, hostile, hostile, hostile, hostile
	r.Warnings[0].Text, r.Comparisons[0].Text, r.Machine.CPU = hostile, hostile, hostile
	r.Worlds[1], r.Summaries[1].World, r.Summaries[3].World = hostile, hostile, hostile
	r.Variants[0], s.Variants[0].Name, s.Baseline, r.Baseline = hostile, hostile, hostile, hostile
	for i := range r.Summaries {
		if r.Summaries[i].Variant == "one" {
			r.Summaries[i].Variant = hostile
		}
		r.Summaries[i].Usage[0].Consumer, r.Summaries[i].Usage[0].Route = hostile, hostile
		r.Summaries[i].Nodes[1].Place, r.Summaries[i].Nodes[1].Kind = hostile+"[0]", hostile
		r.Summaries[i].Nodes[2].Place = hostile + "[1]"
	}
	t0 := s.Variants[0].Topology
	t0.Name, t0.About, t0.Nodes[1].Name, t0.Nodes[1].Kind, t0.Nodes[0].To = hostile, hostile, hostile, hostile, []string{hostile}
	for i := range s.Variants {
		s.Variants[i].Faults[0].On[0] = topologies.Place(hostile + "[1]")
		s.Variants[i].Changes[0] = scenarios.Change{Path: hostile, Value: hostile}
		s.Variants[i].Load.Streams[0].Mix[0].Path.Before = hostile
	}
	for _, c := range r.Checks {
		c.Expectation.Text = hostile
	}
	page := bare(t, render(t, s, r))
	var b bytes.Buffer
	require.NoError(t, WriteIndex(&b, []IndexEntry{{"javascript:alert(1)", s, r}}, nil))
	page += bare(t, b.String())
	require.NotContains(t, page, "<script")
	require.NotContains(t, page, "<img")
	require.NotContains(t, page, "javascript:")
	require.NotContains(t, page, `""&gt;`)
	require.Contains(t, page, "&lt;script&gt;")
}

func TestTroubleIsSaid(t *testing.T) {
	s, r := small()
	page := render(t, s, r)
	require.Contains(t, page, "<b>Partial.</b>")
	require.Contains(t, page, "<b>Do not trust these figures.</b> The generator was late.")
	require.Contains(t, page, `title="The generator was late."`)
	require.Contains(t, page, `<td class="untrusted"`)
	require.Contains(t, page, "1 of 2 expectations met, 1 not met")
	require.Contains(t, page, `title="too few samples`)
	r.Partial, r.Warnings, r.Summaries[2].Trusted = false, nil, true
	page = render(t, s, r)
	require.NotContains(t, page, "<b>Partial.</b>")
	require.NotContains(t, page, "Do not trust")
	require.NotContains(t, page, `class="untrusted"`)
}

// A report is drawn of whatever there is.
func TestLittleIsEnough(t *testing.T) {
	s, r := small()
	require.NotEmpty(t, render(t, &scenarios.Scenario{}, &measure.Result{}))
	r.Summaries = r.Summaries[:1]
	require.Contains(t, render(t, s, r), "Figures, live")
	for i := range r.Summaries {
		r.Summaries[i] = measure.Summary{Variant: "one", World: "live", Series: []measure.Second{{}}, Curve: []measure.Point{{}}}
	}
	require.NotEmpty(t, render(t, s, r))
	var b bytes.Buffer
	require.NoError(t, WriteIndex(&b, nil, nil))
	require.Contains(t, b.String(), "No report yet")
}

func TestAWriterThatFailsIsReported(t *testing.T) {
	s, r := small()
	require.ErrorContains(t, Write(broken{}, s, r), "write report of small: no room")
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("no room") }
