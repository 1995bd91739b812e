package live

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// TestCacheSuite runs the public conformance suite for HTTP caches (npm
// package http-cache-tests, https://cache-tests.fyi) against a CDN of ours:
// the suite's client, our node, the suite's origin. It needs node, and the
// suite's folder in TRAFFICLAB_CACHE_TESTS; make cache-tests sees to both.
func TestCacheSuite(t *testing.T) {
	folder := os.Getenv("TRAFFICLAB_CACHE_TESTS")
	if folder == "" {
		t.Skip("the suite is not here: make cache-tests")
	}
	origin := suiteOrigin(t, folder)
	cdn := suiteCDN(t, origin)
	results := suiteResults(t, folder, cdn)
	tests := suiteTests(t, folder)
	count := map[string][2]int{}
	for _, id := range slices.Sorted(maps.Keys(tests)) {
		test := tests[id]
		if test.BrowserOnly || !test.applies(tests, results) {
			continue
		}
		n := count[test.Kind]
		n[1]++
		if results[test.ID].passed {
			n[0]++
		}
		count[test.Kind] = n
		why, excused := suiteExcuses[test.ID]
		switch passed := results[test.ID].passed; {
		case passed || test.Kind == "check":
			require.False(t, passed && excused, "%s passes now: no excuse is needed", test.ID)
		case test.Kind == "required" && !excused:
			t.Errorf("%s: %s\n\t%s", test.ID, test.Name, results[test.ID].why)
		case excused:
			t.Logf("excused: %s: %s", test.ID, why)
		default:
			t.Logf("not passed (%s): %s: %s", test.Kind, test.ID, results[test.ID].why)
		}
	}
	for _, kind := range []string{"required", "optimal", "check"} {
		t.Logf("%s: %d of %d that apply", kind, count[kind][0], count[kind][1])
	}
	require.Greater(t, count["required"][1], 100, "the suite did not run")
}

// suiteExcuses are required tests that no cache can pass together with others
// of the suite, or at all, and why. By the results that the suite comes with (of
// ten proxies, CDNs and browsers), nobody passes age-parse-prefix beside
// age-parse-dup-0 and age-parse-prefix-twoline, and nobody any of stale-close-*.
var suiteExcuses = map[string]string{
	"age-parse-prefix": `of "0,7200" the first is to count, as RFC 9111 section 5.1 would have it, but of "0, 0" and of two lines neither: here no list is trusted`,

	// They look for the origin's number in the 502 that stands for its answer.
	"stale-close-must-revalidate":  "the origin has closed the connection",
	"stale-close-proxy-revalidate": "the origin has closed the connection",
	"stale-close-no-cache":         "the origin has closed the connection",
	"stale-close-s-maxage=2":       "the origin has closed the connection",

	"headers-store-Transfer-Encoding": "the origin's coding does not exist: there is no telling where the body ends (502, as Squid, Varnish and Fastly say)",
}

// suiteTest is what the suite says about one of its tests.
type suiteTest struct {
	ID, Name, Kind string
	DependsOn      []string
	BrowserOnly    bool
}

// applies tells whether all that the test builds on has passed, as the suite
// counts it.
func (s suiteTest) applies(all map[string]suiteTest, results map[string]suiteResult) bool {
	for _, id := range s.DependsOn {
		if !results[id].passed || !all[id].applies(all, results) {
			return false
		}
	}
	return true
}

type suiteResult struct {
	passed bool
	why    string
}

// UnmarshalJSON reads true, or a list of the kind of failure and its message.
func (r *suiteResult) UnmarshalJSON(data []byte) error {
	if string(data) == "true" {
		r.passed = true
		return nil
	}
	var why []string
	err := json.Unmarshal(data, &why)
	r.why = strings.Join(why, ": ")
	return err
}

// inSuite is a program of the suite, on node.
func inSuite(t *testing.T, folder string, env []string, arguments ...string) *exec.Cmd {
	c := exec.CommandContext(t.Context(), "node", append([]string{"--no-warnings"}, arguments...)...)
	c.Dir, c.Stderr = folder, os.Stderr
	c.Env = append(os.Environ(), env...)
	return c
}

// suiteOrigin starts the suite's origin and returns where it listens.
func suiteOrigin(t *testing.T, folder string) string {
	c := inSuite(t, folder, []string{"npm_config_protocol=http", "npm_config_port=0",
		"npm_config_pidfile=" + filepath.Join(t.TempDir(), "pid")}, "server/server.mjs")
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	go io.Copy(io.Discard, out)
	port := line[strings.LastIndex(line, ":")+1:]
	return "http://localhost:" + strings.TrimRight(port, "/\n")
}

// suiteCDN starts a CDN in front of the origin and returns its URL. It gives
// stale answers in the place of failures where it may, so that the tests of
// when it may not apply; and it stores cookies, as the suite wants.
func suiteCDN(t *testing.T, origin string) string {
	top, err := topologies.Parse("suite.yaml", fmt.Appendf(nil, `
name: suite
entry: cdn
nodes:
  cdn: {kind: cdn, cache: {stale: {if-error: 1h}, cookies: true}, to: origin}
  origin: {kind: external, to: "%s"}
`, origin))
	require.NoError(t, err)
	c := &scenarios.Case{Seed: 1, Variant: scenarios.Variant{Topology: top}}
	n, err := NewNode(c, "cdn", Options{})
	require.NoError(t, err)
	t.Cleanup(func() { n.Close() })
	n.Begin(time.Now())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go n.Serve(listener)
	return "http://" + listener.Addr().String()
}

func suiteResults(t *testing.T, folder, base string) map[string]suiteResult {
	c := inSuite(t, folder, []string{"npm_config_base=" + base, "npm_config_id=", "npm_package_config_id="}, "cli.mjs")
	out, err := c.Output()
	require.NoError(t, err)
	from := slices.Index(out, '{')
	require.GreaterOrEqual(t, from, 0, "%s", out)
	var results map[string]suiteResult
	require.NoError(t, json.Unmarshal(out[from:], &results))
	return results
}

func suiteTests(t *testing.T, folder string) map[string]suiteTest {
	out, err := inSuite(t, folder, nil, "--input-type=module", "-e", `
import suites from './tests/index.mjs'
console.log(JSON.stringify(suites.flatMap(s => s.tests).map(t => ({
  ID: t.id, Name: t.name, Kind: t.kind || 'required', DependsOn: t.depends_on, BrowserOnly: t.browser_only}))))`).Output()
	require.NoError(t, err)
	var list []suiteTest
	require.NoError(t, json.Unmarshal(out, &list))
	tests := map[string]suiteTest{}
	for _, one := range list {
		tests[one.ID] = one
	}
	return tests
}
