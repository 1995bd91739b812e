package live

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// pairCase is a proxy before two backends.
func pairCase(faults ...scenarios.Fault) *scenarios.Case {
	lb := &topologies.Node{Name: "lb", Kind: topologies.LoadBalancer, Replicas: 1, To: []string{"api"},
		Pick: policy.Choice{Name: "round-robin"}, Retry: topologies.Retry{Tries: 1}, Connections: 16}
	api := &topologies.Node{Name: "api", Kind: topologies.Backend, Replicas: 2, Numbered: true, Workers: 4, Queue: 16,
		ServiceTime: topologies.Distribution{Law: "constant", Mean: time.Millisecond}, Response: 256}
	return &scenarios.Case{Scenario: "pair", Seed: 1, Variant: scenarios.Variant{Name: "only", Faults: faults,
		Topology: &topologies.Topology{Name: "pair", Entry: "lb", Nodes: []*topologies.Node{lb, api}}}}
}

func started(t *testing.T, c *scenarios.Case) *System {
	t.Helper()
	s, err := Start(t.Context(), c, SystemOptions{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Stop()) })
	return s
}

// get asks a system once and returns the status, or why there is none.
func get(t *testing.T, address string, client *http.Client) (int, error) {
	t.Helper()
	answer, err := client.Get(address)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, err
}

func client(s *System) *http.Client {
	_, trust := s.Entry()
	return &http.Client{Transport: &http.Transport{TLSClientConfig: trust}, Timeout: patience}
}

func (s *System) pids() (pids []int) {
	for _, p := range s.processes {
		p.mu.Lock()
		pids = append(pids, p.pid)
		p.mu.Unlock()
	}
	return pids
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func TestSystemAnswersAndCounts(t *testing.T) {
	s := started(t, pairCase())
	s.Begin()
	address, _ := s.Entry()
	for range 10 {
		status, err := get(t, address+"/x", client(s))
		require.NoError(t, err)
		require.Equal(t, 200, status)
	}
	uses, err := s.Use()
	require.NoError(t, err)
	require.Len(t, uses, 3)
	assert.Equal(t, "lb", uses[0].Place)
	assert.EqualValues(t, 10, uses[0].Requests)
	assert.EqualValues(t, 10, uses[0].Reasons["ok"])
	assert.EqualValues(t, 5, uses[0].Asked["api[0]"])
	assert.EqualValues(t, 5, uses[2].Requests)
	for _, u := range uses {
		assert.Positive(t, u.CPU)
		assert.Greater(t, u.Memory, int64(1<<20))
	}

	pids := s.pids()
	require.NoError(t, s.Stop())
	for _, pid := range pids {
		assert.False(t, alive(pid), "process %d is left", pid)
	}
	for _, door := range s.URLs() {
		_, err := net.Dial("tcp", strings.TrimPrefix(door.URL, "http://"))
		assert.ErrorIs(t, err, syscall.ECONNREFUSED, "the port of %s is left", door.Place)
	}
	log, err := os.ReadFile(s.manifest.file("lb", ".access.jsonl"))
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	require.Len(t, lines, 10)
	var line struct {
		Method, Path  string
		Status, Bytes int
	}
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &line))
	assert.Equal(t, "GET", line.Method)
	assert.Equal(t, "/x", line.Path)
	assert.Equal(t, 200, line.Status)
	assert.Equal(t, 256, line.Bytes)

	again := filepath.Join(t.TempDir(), "again.yaml")
	require.NoError(t, os.WriteFile(again, []byte("name: again\nquestion: what?\ntopology: lb\nload: {replay: {log: "+s.manifest.file("lb", ".access.jsonl")+", for: 9s}}\n"), 0o600))
	scenario, err := scenarios.Open(again, scenarios.Options{})
	require.NoError(t, err)
	replay := scenario.Variants[0].Load.Streams[0].Replay
	assert.Equal(t, 10, replay.Requests, "the log of a run can be replayed")
	assert.Empty(t, replay.Left)
}

func TestAdminPort(t *testing.T) {
	s := started(t, pairCase())
	s.Begin()
	address, _ := s.Entry()
	_, err := get(t, address, client(s))
	require.NoError(t, err)
	for path, want := range map[string]string{
		"/healthz": "ok",
		"/readyz":  "ready",
		"/metrics": `trafficlab_requests_total{reason="ok"} 1`,
		"/stats":   `"Requests":1`,
	} {
		answer, err := http.Get(s.URLs()[0].Admin + path)
		require.NoError(t, err)
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		answer.Body.Close()
		assert.Equal(t, 200, answer.StatusCode, path)
		assert.Contains(t, string(text), want, path)
	}
}

func TestTLSWithAPrivateAuthority(t *testing.T) {
	c := pairCase()
	front := *c.Variant.Topology.Node("lb")
	front.Name, front.To, front.TLS = "front", []string{"lb"}, &topologies.TLS{SelfSigned: true}
	c.Variant.Topology.Node("lb").TLS = &topologies.TLS{SelfSigned: true}
	c.Variant.Topology.Entry = "front"
	c.Variant.Topology.Nodes = append([]*topologies.Node{&front}, c.Variant.Topology.Nodes...)
	s := started(t, c)
	address, trust := s.Entry()
	require.True(t, strings.HasPrefix(address, "https://127.0.0.1:"))
	require.NotNil(t, trust)
	status, err := get(t, address, client(s))
	require.NoError(t, err)
	assert.Equal(t, 200, status)

	_, err = get(t, address, &http.Client{Transport: &http.Transport{}})
	assert.ErrorContains(t, err, "certificate", "nobody else trusts it")
	info, err := os.Stat(filepath.Join(s.keys(), "front.key"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.FileExists(t, s.Authority())
	require.NoError(t, s.Stop())
	assert.NoDirExists(t, s.keys(), "keys end with the run")
}

func TestCrashAndRestart(t *testing.T) {
	c := pairCase(scenarios.Fault{At: 300 * time.Millisecond, For: 400 * time.Millisecond,
		On: []topologies.Place{"api[1]"}, Crash: true})
	s := started(t, c)
	before := s.pids()
	s.Begin()
	direct := s.URLs()[2].URL + "/direct"
	for range 7 {
		status, err := get(t, direct, client(s))
		require.NoError(t, err)
		require.Equal(t, 200, status)
	}
	until(t, "the crash refuses connections", func() bool {
		_, err := get(t, direct, client(s))
		return errors.Is(err, syscall.ECONNREFUSED)
	})
	until(t, "the restart answers", func() bool {
		status, err := get(t, direct, client(s))
		return err == nil && status == 200
	})
	after := s.pids()
	assert.Equal(t, before[:2], after[:2])
	assert.NotEqual(t, before[2], after[2])
	uses, err := s.Use()
	require.NoError(t, err)
	assert.GreaterOrEqual(t, uses[2].Requests, int64(8), "both lives are counted")
	assert.Equal(t, "api[1]", uses[2].Place)
	select {
	case err := <-s.Died():
		t.Errorf("a crash on the timeline is no surprise: %v", err)
	default:
	}
}

// Who crashes for good is missed, and the rest goes on.
func TestCrashForGood(t *testing.T) {
	s := started(t, pairCase(scenarios.Fault{At: 100 * time.Millisecond, For: scenarios.ForGood, On: []topologies.Place{"api[1]"}, Crash: true}))
	s.Begin()
	address, _ := s.Entry()
	client := client(s)
	until(t, "every second request finds nobody", func() bool {
		one, err := get(t, address, client)
		require.NoError(t, err)
		other, err := get(t, address, client)
		require.NoError(t, err)
		return one+other == 200+502
	})
	_, err := get(t, s.URLs()[2].URL, client)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.Empty(t, s.Died(), "nobody is surprised")
}

func TestFreezeAndThaw(t *testing.T) {
	c := pairCase(scenarios.Fault{At: 100 * time.Millisecond, For: 600 * time.Millisecond,
		On: []topologies.Place{"api[0]"}, Freeze: true})
	s := started(t, c)
	began := s.Begin()
	require.NoError(t, SleepUntil(t.Context(), began.Add(250*time.Millisecond)))
	uses, err := s.Use()
	require.NoError(t, err, "a frozen process is not asked")
	assert.Positive(t, uses[1].CPU)
	status, err := get(t, s.URLs()[1].URL, client(s))
	require.NoError(t, err)
	assert.Equal(t, 200, status)
	assert.GreaterOrEqual(t, time.Since(began), 700*time.Millisecond, "what comes to a frozen process is answered at the thaw")
}

// Who asks a frozen process waits; all of them come at once at the thaw, and are
// served in their turns.
func TestAHerdAfterTheThaw(t *testing.T) {
	const work = 100 * time.Millisecond
	c := pairCase(scenarios.Fault{At: 100 * time.Millisecond, For: time.Second, On: []topologies.Place{"api"}, Freeze: true})
	api := c.Variant.Topology.Node("api")
	api.Replicas, api.Numbered, api.Workers, api.ServiceTime.Mean = 1, false, 1, work
	s := started(t, c)
	began := s.Begin()
	address, _ := s.Entry()
	require.NoError(t, SleepUntil(t.Context(), began.Add(300*time.Millisecond)))
	var answered [6]time.Duration
	var herd sync.WaitGroup
	for i := range answered {
		herd.Go(func() {
			status, err := get(t, address, client(s))
			assert.NoError(t, err)
			assert.Equal(t, 200, status)
			answered[i] = time.Since(began)
		})
	}
	herd.Wait()
	const thaw = 1100 * time.Millisecond
	require.GreaterOrEqual(t, slices.Min(answered[:]), thaw)
	require.GreaterOrEqual(t, slices.Max(answered[:]), thaw+6*work, "none skips the line")
}

func TestDeathThatNobodyAskedFor(t *testing.T) {
	s := started(t, pairCase())
	s.Begin()
	require.NoError(t, syscall.Kill(s.pids()[1], syscall.SIGQUIT)) // a Go process says a lot before it goes
	select {
	case err := <-s.Died():
		assert.ErrorContains(t, err, "api[0] ended by itself")
		assert.ErrorContains(t, err, "SIGQUIT: quit", "its last words")
	case <-time.After(patience):
		t.Fatal("nobody told")
	}
}

func TestNodeThatDiesAtStart(t *testing.T) {
	s, err := prepare(pairCase(), SystemOptions{Dir: t.TempDir()})
	require.NoError(t, err)
	taken, err := net.Listen("tcp", s.manifest.Seats["api[1]"].Address)
	require.NoError(t, err)
	defer taken.Close()
	err = s.start(t.Context(), SystemOptions{})
	assert.ErrorContains(t, err, "api[1] ended by itself (exit status 3)")
	assert.ErrorContains(t, err, "address already in use")
	require.NoError(t, s.Stop())
}

func TestStartIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Start(ctx, pairCase(), SystemOptions{Dir: t.TempDir()})
	assert.ErrorIs(t, err, context.Canceled)
}

func TestGuardianThatDies(t *testing.T) {
	s, err := Start(t.Context(), pairCase(), SystemOptions{Dir: t.TempDir()})
	require.NoError(t, err)
	defer s.Stop()
	pids := s.pids()
	require.NoError(t, s.guard.command.Process.Kill())
	select {
	case err := <-s.Died():
		assert.ErrorContains(t, err, "guardian")
	case <-time.After(patience):
		t.Fatal("nobody told")
	}
	until(t, "the nodes go with it", func() bool { return !anyAlive(pids) })
}

func anyAlive(pids []int) bool {
	for _, pid := range pids {
		if state(pid) != 'Z' && alive(pid) {
			return true
		}
	}
	return false
}

// state is a process's letter in /proc: Z is one that has ended.
func state(pid int) byte {
	text, err := os.ReadFile(filepath.Join("/proc", itoa(pid), "stat"))
	if err != nil {
		return 0
	}
	rest := string(text)[strings.LastIndexByte(string(text), ')')+2:]
	return rest[0]
}

func itoa(n int) string { text, _ := json.Marshal(n); return string(text) }

func TestNothingOutlivesAKilledRunner(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "temporary")
	runner := exec.Command(os.Args[0], "runner", dir)
	runner.Stderr = os.Stderr
	out, err := runner.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, runner.Start())
	line, err := bufio.NewReader(out).ReadBytes('\n')
	require.NoError(t, err)
	var pids []int
	require.NoError(t, json.Unmarshal(line, &pids))
	require.GreaterOrEqual(t, len(pids), 4, "a guardian and three nodes")
	require.True(t, anyAlive(pids))

	require.NoError(t, runner.Process.Kill())
	runner.Wait() // says that it was killed
	require.Eventually(t, func() bool { return !anyAlive(pids) }, 2*time.Second, 5*time.Millisecond)
	until(t, "its files go too", func() bool {
		_, err := os.Stat(dir)
		return errors.Is(err, os.ErrNotExist)
	})
}

func TestExternalMustListen(t *testing.T) {
	c := pairCase()
	lb := c.Variant.Topology.Node("lb")
	lb.To = []string{"theirs"}
	theirs := &topologies.Node{Name: "theirs", Kind: topologies.External, Replicas: 1}
	c.Variant.Topology.Nodes = []*topologies.Node{lb, theirs}

	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.URL.Path)
	}))
	theirs.URL = server.URL + "/base"
	s := started(t, c)
	address, _ := s.Entry()
	answer, err := client(s).Get(address + "/thing")
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	assert.Equal(t, "/base/thing", string(text))

	server.Close()
	_, err = Start(t.Context(), c, SystemOptions{Dir: t.TempDir()})
	assert.ErrorContains(t, err, "find external theirs: nothing answers")
}

func TestLockNamesItsHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	release, err := lock(path)
	require.NoError(t, err)
	_, err = lock(path)
	assert.ErrorContains(t, err, "another live run is under way (process "+itoa(os.Getpid())+")")
	release()
	release, err = lock(path)
	require.NoError(t, err)
	release()
}

// A node that keeps no access log has no file for one.
func TestNoAccessLog(t *testing.T) {
	n := &topologies.Node{Name: "p", AccessLog: "off"}
	m := &manifest{Dir: t.TempDir()}
	m.Case.Variant.Topology = &topologies.Topology{Nodes: []*topologies.Node{n}}
	for _, form := range []string{"off", topologies.CombinedLog} {
		n.AccessLog = form
		log, err := m.accessLog("p")
		require.NoError(t, err)
		require.NoError(t, log.Close())
		files, err := os.ReadDir(m.Dir)
		require.NoError(t, err)
		require.Equal(t, form != "off", len(files) > 0, form)
	}
}
