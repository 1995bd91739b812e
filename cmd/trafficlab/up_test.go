package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"trafficlab/topologies"
)

// What up prints gets an answer: keys, certificates, data and admin ports.
func TestEveryCurlLineIsAnswered(t *testing.T) {
	if !linux {
		t.Skip("the live world needs Linux")
	}
	t.Setenv("TMPDIR", t.TempDir())
	cmd := exec.Command("trafficlab", "up", "cdn-gateway-lb")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	overdue := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer overdue.Stop()

	asked, posts := 0, 0
	for lines := bufio.NewScanner(out); lines.Scan() && !strings.HasPrefix(lines.Text(), "Running"); {
		if _, line, ok := strings.Cut(lines.Text(), "curl "); ok {
			asked++
			posts += strings.Count(line, "-X POST")
			assert.Equal(t, http.StatusOK, ask(t, line), lines.Text())
		}
	}
	assert.Greater(t, asked, 10)
	assert.Equal(t, 2, posts, "of the cdn and of the gateway, whose route it is")
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.NoError(t, cmd.Wait(), "Ctrl-C is the normal end of up")
}

// The system follows its file, and a file with mistakes changes nothing.
func TestUpFollowsItsFile(t *testing.T) {
	if !linux {
		t.Skip("the live world needs Linux")
	}
	t.Setenv("TMPDIR", t.TempDir())
	file := filepath.Join(t.TempDir(), "mine.yaml")
	write := func(route string) {
		text := "name: mine\nentry: lb\nnodes:\n  lb: {kind: load-balancer, routes: [{path: /, " + route + "}]}\n  api: {kind: backend}\n"
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	write("to: api")
	cmd := exec.Command("trafficlab", "up", file, "--watch")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	overdue := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer overdue.Stop()
	lines := bufio.NewScanner(out)
	until := func(begins string) (last string) {
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), begins) {
				return last
			}
			if strings.Contains(lines.Text(), "curl -i ") || !strings.Contains(lines.Text(), "curl") {
				last += lines.Text() + "\n"
			}
		}
		t.Fatalf("up never said %q", begins)
		return ""
	}
	first, _, _ := strings.Cut(until("Running"), "\n  api") // the entry is first
	curl := first[strings.LastIndex(first, "curl"):]
	require.Equal(t, 200, ask(t, curl))
	write("to: api, retry: {tries: 2}, response: {status: {200: 404}}")
	until("The system is set anew")
	require.Equal(t, 404, ask(t, curl))
	write("two: api")
	said := until("All stays as it was.")
	require.Contains(t, said, file+`:4:48: nodes.lb.routes[0].two: unknown field (did you mean "to"?)`)
	write("to: api}], tls: {self-signed: true}, sticky: {cookie: a")
	require.Equal(t, 404, ask(t, curl))
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.NoError(t, cmd.Wait())
}

// ask does what curl would do with that line.
func ask(t *testing.T, line string) int {
	words := strings.Fields(line)
	method := http.MethodGet
	if strings.Contains(line, "-X POST") {
		method = http.MethodPost
	}
	r, err := http.NewRequest(method, words[len(words)-1], nil)
	require.NoError(t, err)
	if header := regexp.MustCompile(`-H '(\S+): (\S+)'`).FindStringSubmatch(line); header != nil {
		r.Header.Set(header[1], header[2])
	}
	roots := x509.NewCertPool()
	if authority := regexp.MustCompile(`--cacert (\S+)`).FindStringSubmatch(line); authority != nil {
		pem, err := os.ReadFile(authority[1])
		require.NoError(t, err)
		require.True(t, roots.AppendCertsFromPEM(pem))
	}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
	answer, err := client.Do(r)
	require.NoError(t, err)
	answer.Body.Close()
	return answer.StatusCode
}

// A path that a cache keeps shows what the cache is for.
func TestPathsToTry(t *testing.T) {
	for name, want := range map[string][3]string{ // GET, key, POST
		"direct":         {"", "", ""},
		"cdn":            {"/products/1", "", ""},
		"gateway-lb":     {"/products/1", "k-alice-1", "/orders"},
		"cdn-gateway-lb": {"/products/1", "k-alice-1", "/orders"},
	} {
		system, err := topologies.Load(name, "")
		require.NoError(t, err)
		entry := system.Node(system.Entry)
		get, key := passport(system, entry, http.MethodGet)
		post, _ := passport(system, entry, http.MethodPost)
		require.Equal(t, want, [3]string{get, key, post}, name)
	}
}
