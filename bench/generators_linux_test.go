package bench

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/components/policy"
	"trafficlab/live"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// The test binary is also the program that runs need: it does under the same
// words what trafficlab does.
func TestMain(m *testing.M) {
	role := map[string]func(args []string) error{
		"guard": func([]string) error { return live.Guard(os.Stdin, os.Stdout) },
		"node": func(args []string) error {
			flags := flag.NewFlagSet("node", flag.ContinueOnError)
			manifest, place := flags.String("manifest", "", ""), flags.String("place", "", "")
			if err := flags.Parse(args); err != nil {
				return err
			}
			return live.RunNode(context.Background(), *manifest, topologies.Place(*place), 0)
		},
		"generate": func(args []string) error {
			flags := flag.NewFlagSet("generate", flag.ContinueOnError)
			manifest, to := flags.String("manifest", "", ""), flags.String("to", "", "")
			var share Share
			flags.IntVar(&share.Index, "index", 0, "")
			flags.IntVar(&share.Of, "of", 1, "")
			if err := flags.Parse(args); err != nil {
				return err
			}
			return Generate(context.Background(), *manifest, *to, share)
		},
	}
	if len(os.Args) > 1 && role[os.Args[1]] != nil {
		if err := role[os.Args[1]](os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
		return
	}
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")) // or processes linger at their end
	m.Run()
}

// smallCase is open and closed streams and the replay of a log, on a backend
// that speaks TLS, with clients of several habits.
func smallCase(t *testing.T) *scenarios.Case {
	log := filepath.Join(t.TempDir(), "access.log")
	var lines strings.Builder
	for i := range 30 {
		fmt.Fprintf(&lines, "10.0.0.%d - - [10/Oct/2025:13:55:%02d +0000] \"GET /logged/%d HTTP/1.1\" 200 23\n", i%3, i%2, i)
	}
	save(t, log, lines.String())
	return caseOf(t, "entry: api\nnodes:\n  api: {kind: backend, workers: 20, service-time: 2ms, tls: self-signed}",
		`[{poisson: 150/s, for: 1500ms, mix: [{get: "/products/{zipf 50 1.1}", class: readers}, {post: /orders, body: 1KiB, class: buyers, clients: {count: 7, connections: own, http: 2, reads: 64KiB/s}}]},
  {closed: {clients: {count: 5, keep-alive: 3}, think: {exponential: 60ms}}, for: 1500ms, mix: [{get: /account, class: callers}]},
  {replay: {log: `+log+`}}]`, "")
}

// playedBy is a live run of a case by so many generators.
func playedBy(t *testing.T, generators int, c *scenarios.Case) (*measure.Run, error) {
	t.Helper()
	store, err := measure.Create(filepath.Join(t.TempDir(), "out"), &Plan{Scenario: &scenarios.Scenario{}})
	require.NoError(t, err)
	t.Cleanup(func() { store.Close() })
	draft, err := store.Draft(newRun(c, "live"))
	require.NoError(t, err)
	t.Cleanup(func() { draft.Drop() })
	return liveWorld{generators: generators}.play(t.Context(), c, draft)
}

// However many processes fire a load, it is the same load.
func TestGeneratorsShareALoad(t *testing.T) {
	type sent struct {
		at    time.Duration
		class string
	}
	var first map[uint64]sent
	for _, generators := range []int{1, 3} {
		c := smallCase(t)
		g, err := liveWorld{generators: generators}.generator(c)
		require.NoError(t, err)
		defer g.close()
		system, err := live.Start(t.Context(), c, live.SystemOptions{Dir: t.TempDir(), Beside: g.companions()})
		require.NoError(t, err)
		defer system.Stop()
		require.NoError(t, g.ready(t.Context(), system))
		samples, elsewhere, err := g.fire(t.Context(), system.Begin())
		require.NoError(t, err)
		require.Equal(t, generators > 1, elsewhere > 0)
		all := map[uint64]sent{}
		callers := map[int]int{}
		for i, s := range samples {
			require.Equal(t, policy.OK, s.Reason, "%+v", s)
			require.True(t, i == 0 || samples[i-1].At <= s.At, "in order of time")
			if client, closed := scenarios.ClientOf(s.Number); closed {
				callers[client]++
			} else {
				require.NotContains(t, all, s.Number)
				all[s.Number] = sent{s.At, s.Class}
			}
		}
		require.Len(t, callers, 5)
		for _, n := range callers {
			require.Greater(t, n, 3)
		}
		if first == nil {
			first = all
		}
		require.Equal(t, first, all)
		require.Greater(t, len(all), 150)
		require.NoError(t, system.Stop())
	}
}

// A generator that is killed ends the run, and leaves nothing behind.
func TestAGeneratorIsKilled(t *testing.T) {
	c := smallCase(t)
	c.Variant.Load.Streams[0].Rate[0].For = time.Minute
	go func() {
		for victim := 0; victim == 0; time.Sleep(10 * time.Millisecond) {
			victim = generatorOf(t, "1")
			if victim != 0 {
				time.Sleep(500 * time.Millisecond)
				syscall.Kill(victim, syscall.SIGKILL)
			}
		}
	}()
	began := time.Now()
	_, err := playedBy(t, 3, c)
	require.ErrorContains(t, err, "generator[1] ended by itself (SIGKILL)")
	require.Less(t, time.Since(began), 30*time.Second)
	require.Zero(t, generatorOf(t, "0"))
	require.Zero(t, generatorOf(t, "2"))
}

// generatorOf is the process of a generator that this test has started, 0 if
// there is none.
func generatorOf(t *testing.T, index string) int {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		text, _ := os.ReadFile(file)
		args := strings.Split(string(text), "\x00")
		if len(args) > 5 && args[0] == os.Args[0] && args[1] == "generate" && args[5] == index {
			var pid int
			fmt.Sscanf(file, "/proc/%d/", &pid)
			return pid
		}
	}
	return 0
}

func TestNobodyElseIsTakenForAGenerator(t *testing.T) {
	c := smallCase(t)
	g, err := newCrew(1)
	require.NoError(t, err)
	defer g.close()
	system, err := live.Start(t.Context(), c, live.SystemOptions{Dir: t.TempDir()})
	require.NoError(t, err)
	defer system.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	go func() {
		conn, err := net.Dial("tcp", g.at.Addr().String())
		if err == nil {
			conn.Write([]byte(strings.Repeat("x", 26)))
		}
	}()
	require.ErrorContains(t, g.ready(ctx, system), "wait for 1 generators: context deadline exceeded")
	require.Empty(t, g.conns)
}
