package scenarios

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const ms = time.Millisecond

// TestLogsAreRead: every format, with what cannot be sent left out and counted.
func TestLogsAreRead(t *testing.T) {
	combined, err := os.ReadFile("testdata/access.log")
	require.NoError(t, err)
	for name, c := range map[string]struct {
		text    string
		format  string
		methods []string
		span    time.Duration
		lines   []logged
		left    []LeftOut
	}{
		"combined": {string(combined), "combined", []string{"GET", "POST", "HEAD"}, 4 * second, []logged{
			{250 * ms, "/products/1?x=1", 0, 0}, {750 * ms, "/orders", 1, 0}, {1500 * ms, "/products/3", 0, 0},
			{2500 * ms, "/products/%7B2%7D", 0, 1}, {3500 * ms, "/a%20b", 2, 2},
		}, []LeftOut{{"a method that no load sends", 1, 5}, {"no request line", 2, 6}, {"no form of this log", 1, 8}, {"a target that is no path", 1, 9}}},
		"our own": {`{"at":1.250000,"number":3,"attempt":"0","peer":"127.0.0.1","method":"GET","path":"/a","status":200,"bytes":1,"took":0.002,"upstream":"api[1]"}
{"at":-0.250000,"number":4,"attempt":"0","peer":"127.0.0.1","method":"PUT","path":"/b","status":200,"bytes":1,"took":0.002}
{"at":0.750000,"number":5,"attempt":"0","peer":"127.0.0.2","method":"GET","path":"/c","status":0,"bytes":0,"took":0.002}
`, "json", []string{"GET", "PUT"}, 2250 * ms, []logged{{0, "/b", 1, 0}, {second, "/c", 0, 1}, {1500 * ms, "/a", 0, 0}}, nil},
		"Caddy": {`{"level":"info","ts":1646861401.25,"request":{"remote_ip":"10.0.0.1","proto":"HTTP/2.0","method":"GET","host":"x","uri":"/a?b=c"},"status":200}
{"level":"info","ts":1646861402.25,"request":{"remote_ip":"10.0.0.1","method":"GET"},"status":200}
{"level":"info","ts":1646861402.75,"request":{"remote_ip":"10.0.0.1","method":"DELETE","uri":"/"},"status":200}`,
			"json", []string{"GET", "DELETE"}, 3 * second, []logged{{0, "/a?b=c", 0, 0}, {1500 * ms, "/", 1, 0}}, []LeftOut{{"no method, or no path", 1, 2}}},
		"NGINX": {`
{"timestamp":"2025-10-10T13:55:36+02:00","remote_addr":"::1","request":"GET / HTTP/1.1"}
{"timestamp":"2025-10-10T13:55:37+02:00","remote_addr":"::1","request":"GET"}
{"timestamp":"noon","remote_addr":"::1","request":"GET / HTTP/1.1"}
{"remote_addr":"::1","request":"GET / HTTP/1.1"}
[]
{"@timestamp":"1760097337","client":"::1","method":"GET","path":"x"}
`, "json", []string{"GET"}, second, []logged{{500 * ms, "/", 0, 0}}, []LeftOut{
			{"no request line", 1, 3}, {"a time that is neither RFC 3339 nor seconds since 1970", 1, 4}, {"no time", 1, 5},
			{"no form of this log", 1, 6}, {"a target that is no path", 1, 7}}},
	} {
		l, err := parseLog([]byte(c.text), "")
		require.NoError(t, err, name)
		require.Equal(t, c.format, l.format, name)
		require.Equal(t, c.methods, l.methods, name)
		require.Equal(t, c.span, l.span, name)
		require.Equal(t, c.lines, l.lines, name)
		require.Equal(t, c.left, l.left, name)
	}
}

// TestLogsThatCannotBeReplayed.
func TestLogsThatCannotBeReplayed(t *testing.T) {
	dir := t.TempDir()
	long := filepath.Join(dir, "long.log")
	require.NoError(t, os.WriteFile(long, nil, 0o600))
	require.NoError(t, os.Truncate(long, mostLog+1))
	require.NoError(t, os.WriteFile(dir+"/empty.log", []byte("\n"), 0o600))
	require.NoError(t, os.WriteFile(dir+"/else.log", []byte("\nHello,\nWorld\n"), 0o600))
	require.NoError(t, os.WriteFile(dir+"/year.log", []byte(`{"at": 1, "method": "GET", "path": "/"}`+"\n"+`{"at": 3e7, "method": "GET", "path": "/"}`), 0o600))
	require.NoError(t, os.WriteFile(dir+"/other.log", []byte(`{"at": 1, "method": "GET", "path": "/"}`), 0o600))
	for fields, want := range map[string]string{
		"replay: {log: gone.log}":                      "load.replay.log: read " + dir + "/gone.log: no such file",
		"replay: {log: .}":                             "load.replay.log: read " + dir + ": is a directory",
		"replay: {log: long.log}":                      "load.replay.log: long.log is too long: a log of at most 64MiB is replayed",
		"replay: {log: empty.log}":                     "load.replay.log: empty.log is empty",
		"replay: {log: else.log}":                      "load.replay.log: else.log holds no request that can be sent: line 2 has no form of this log",
		"replay: {log: other.log, format: combined}":   "load.replay.log: other.log holds no request that can be sent: line 1 has no form of this log",
		"replay: {log: year.log}":                      "load.replay: lasts for 8333h20m (at most 24h: give it a speed, or a for)",
		"replay: {log: other.log, format: csv}":        `load.replay.format: unknown value "csv"`,
		"replay: {log: other.log, speed: 2x, for: 3s}": "load.replay.for: stands beside speed",
		"replay: {log: other.log}, for: 3s":            "load.for: stands beside replay (replay.for stretches the log)",
		"replay: {log: other.log}, spacing: even":      "load.spacing: does not go with replay",
		"replay: {log: other.log}, mix: [{get: /}]":    "load.mix: stands beside replay (which says itself what is asked for)",
		"replay: {log: other.log, key: \"!\"}":         "load.replay.key: is no name for a class",
		"replay: {speed: 2x}":                          "load.replay.log: missing",
	} {
		_, err := parse("f", dir, []byte("name: base\nquestion: what?\ntopology: lb\nload: {"+fields+"}\n"), Options{})
		require.ErrorContains(t, err, want, fields)
	}
}

// replayed reads the replay of a log.
func replayed(t *testing.T, dir, fields string) *Scenario {
	t.Helper()
	s, err := parse("f", dir, []byte("name: base\nquestion: what?\ntopology: lb\nload: {replay: {"+fields+"}}\nworlds: [sim]\n"), Options{})
	require.NoError(t, err)
	return s
}

// writeLog writes a log of requests that come at seconds.
func writeLog(t *testing.T, seconds []float64) (dir string) {
	t.Helper()
	dir = t.TempDir()
	var text strings.Builder
	for i, at := range seconds {
		fmt.Fprintf(&text, `{"at":%f,"peer":"10.0.0.%d","method":"GET","path":"/%d"}`+"\n", at, i%7, i)
	}
	require.NoError(t, os.WriteFile(dir+"/access.jsonl", []byte(text.String()), 0o600))
	return dir
}

// TestReplaysKeepTheirTimes: as they are, faster, slower, stretched.
func TestReplaysKeepTheirTimes(t *testing.T) {
	seconds := []float64{100.5, 101, 101, 101.25, 104.5}
	dir := writeLog(t, seconds)
	for fields, speed := range map[string]float64{"": 1, ", speed: 4x": 4, ", speed: 0.5x": .5, ", for: 10s": .5} {
		c := replayed(t, dir, "log: access.jsonl"+fields).Cases()[0]
		require.InDelta(t, 5/speed, c.Duration().Seconds(), 1e-9, "the span, and a gap")
		c.Variant.Load.Streams[0].At = second
		n := 0
		for a := range c.Arrivals() {
			require.Equal(t, second+time.Duration((seconds[n]-100.5)/speed*1e9), a.At)
			require.Equal(t, fmt.Sprintf("/%d", n), a.Path)
			require.Equal(t, fmt.Sprintf("10.1.0.%d", 1+n), a.Client.String())
			require.Equal(t, "GET", a.Method)
			n++
		}
		require.Equal(t, 5, n)
		require.False(t, c.Variant.Steady())
	}
}

// TestScaledReplays: so many times the requests, in order, each so often, and
// as many by any instant as are expected.
func TestScaledReplays(t *testing.T) {
	var seconds []float64
	for i := range 400 {
		seconds = append(seconds, 10*math.Pow(float64(i)/400, 2))
	}
	v := replayed(t, writeLog(t, seconds), "log: access.jsonl").Variants[0]
	for _, factor := range []float64{.1, .5, 1, 1.7, 3} {
		c := Case{Variant: v}
		c.Variant.Load = v.Load.Scaled(factor)
		require.Equal(t, v.Load.Duration(), c.Duration())
		all := slices.Collect(c.Arrivals())
		require.InDelta(t, 400*factor, len(all), 1)
		times := map[string]int{}
		for i, a := range all {
			require.True(t, i == 0 || a.At >= all[i-1].At)
			times[a.Path]++
		}
		for path, n := range times {
			require.InDelta(t, factor, n, 1, path)
		}
		for at := time.Duration(0); at < c.Duration()+second; at += 73 * ms {
			come := 0
			for come < len(all) && all[come].At < at {
				come++
			}
			require.EqualValues(t, come, c.Variant.Load.Expected(0, at, ""))
		}
		c.Variant.Warmup = 0
		require.InEpsilon(t, float64(len(all))/c.Duration().Seconds(), c.Target(0), 1e-9)
	}
	require.Greater(t, v.MostScaled(), 100.)
}

// TestStoredReplaysAreRecalled: from the log that they were made of, and no
// other. Where that lies is no part of what a case is.
func TestStoredReplaysAreRecalled(t *testing.T) {
	dir := writeLog(t, []float64{1, 2, 3})
	c := replayed(t, dir, "log: access.jsonl").Cases()[0]
	text, err := json.Marshal(&c)
	require.NoError(t, err)
	var back Case
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, c.Duration(), back.Duration())
	require.InDelta(t, c.Target(0), back.Target(0), .5)
	require.NoError(t, back.Recall())
	require.Equal(t, slices.Collect(c.Arrivals()), slices.Collect(back.Arrivals()))

	there := writeLog(t, []float64{1, 2, 3})
	other := replayed(t, there, "log: access.jsonl").Cases()[0]
	here, err := json.Marshal(c.Anywhere())
	require.NoError(t, err)
	moved, err := json.Marshal(other.Anywhere())
	require.NoError(t, err)
	require.Equal(t, string(here), string(moved))
	require.NotEmpty(t, c.Variant.Load.Streams[0].Replay.File, "a copy was changed")

	require.NoError(t, os.WriteFile(dir+"/access.jsonl", []byte(`{"at":1,"method":"GET","path":"/"}`), 0o600))
	require.NoError(t, json.Unmarshal(text, &back))
	back.Variant.Load.Streams[0].Replay.lines = nil
	require.ErrorContains(t, back.Recall(), "it is another log than when the scenario was read")
	require.NoError(t, os.Remove(dir+"/access.jsonl"))
	require.ErrorContains(t, back.Recall(), "replay access.jsonl: read")
}

// TestReplaysHaveClassesAndKeys.
func TestReplaysHaveClassesAndKeys(t *testing.T) {
	s := replayed(t, "testdata", "log: access.log, key: alice, headers: {x-a: b}")
	stream := s.Variants[0].Load.Streams[0]
	require.Equal(t, []Ask{
		{Share: .6, Method: "GET", Path: Template{Before: "/"}, Clients: 3, Class: "alice", Header: []HeaderField{{"X-Api-Key", "alice"}, {"X-A", "b"}}},
		{Share: .2, Method: "POST", Path: Template{Before: "/"}, Clients: 3, Class: "alice", Header: []HeaderField{{"X-Api-Key", "alice"}, {"X-A", "b"}}},
		{Share: .2, Method: "HEAD", Path: Template{Before: "/"}, Clients: 3, Class: "alice", Header: []HeaderField{{"X-Api-Key", "alice"}, {"X-A", "b"}}},
	}, stream.Mix)
	require.Equal(t, "replay of access.log, 5 requests of 3 clients over 4s; lines left out: 1 with a method that no load sends (the first is line 5), "+
		"2 with no request line (the first is line 6), 1 with no form of this log (the first is line 8), 1 with a target that is no path (the first is line 9)", stream.Words())
}
