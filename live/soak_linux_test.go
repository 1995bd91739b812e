package live

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"trafficlab/scenarios"
	"trafficlab/topologies"
)

const soakText = `
name: soak
entry: cdn
nodes:
  cdn: {kind: cdn, to: gateway, tls: {self-signed: true}, cache: {capacity: 1MiB}, compress: [gzip], retry: {tries: 3}%s}
  gateway: {kind: gateway, limit: {rate: 1000000/s, burst: 100000}, retry: {tries: 3}, routes: [{path: /cached/*, to: lb}, {path: /*, to: lb%s}]}
  lb: {kind: load-balancer, to: api, retry: {tries: 5}, health: {every: 100ms}%s}
  api: {kind: backend, replicas: 3, echo: true, workers: 16, queue: 1000, response: 20KiB, service-time: {exponential: 2ms}, cache-control: {/cached/*: "max-age=1"}%s}
`

// soakSets are what the nodes are set to, one after the other.
var soakSets = []string{
	fmt.Sprintf(soakText, "", "", "", ""),
	fmt.Sprintf(soakText, "", "", ", pick: least-connections", ""),
	fmt.Sprintf(soakText, ", max-url: 4KiB", ", response: {set: {X-Set: a}}", ", pick: p2c", ""),
	fmt.Sprintf(soakText, ", concurrency: {limit: 500, queue: 500}", ", max-body: 1MiB", ", ejection: {}", ", drop-expired: true"),
	fmt.Sprintf(soakText, ", connections: 32", "", ", hedge: {after: 50ms}", ""),
}

// soak is a system under everything at once, and what is known of it.
type soak struct {
	*testing.T
	*System
	began time.Time
	ends  time.Time

	mu      sync.Mutex
	kills   []span // of backends
	drains  []span
	reloads int

	asked, repeated, crashed atomic.Int64
	byKind                   [len(soakKinds)]atomic.Int64
}

type span struct{ from, to time.Time }

// TestSoak holds the whole chain, CDN, gateway, balancer and three backends, to
// its word: under mixed load, while all nodes are reloaded, and backends
// killed or drained and started again, no answer is lost, cut short or another
// request's. Each carries the words, or the body, of its request. Requests that
// must not be repeated and met a crash may fail, and say so; so may, half way
// through, an answer whose backend was killed. TRAFFICLAB_SOAK says how long.
func TestSoak(t *testing.T) {
	long := 10 * time.Second
	if testing.Short() {
		long = 2 * time.Second
	}
	if told := os.Getenv("TRAFFICLAB_SOAK"); told != "" {
		var err error
		long, err = time.ParseDuration(told)
		require.NoError(t, err)
	}
	top, err := topologies.Parse("soak.yaml", []byte(soakSets[0]))
	require.NoError(t, err)
	s := &soak{T: t, System: started(t, &scenarios.Case{Scenario: "soak", Variant: scenarios.Variant{Topology: top}})}
	s.began = s.Begin()
	s.ends = time.Now().Add(long)

	var all sync.WaitGroup
	for k := range 12 {
		all.Go(func() { s.client(k) })
	}
	all.Go(s.reloading)
	all.Go(s.weather)
	all.Wait()
	select {
	case err := <-s.Died():
		t.Error(err)
	default:
	}
	uses, err := s.Use()
	require.NoError(t, err)
	for i, kind := range soakKinds {
		t.Logf("%7d %s", s.byKind[i].Load(), kind.name)
		assert.Positive(t, s.byKind[i].Load(), kind.name)
	}
	t.Logf("%d answers in %s, cache %v; %d reloads, %d crashes, %d drains; met a crash: %d could not be repeated, %d broke off and were",
		s.asked.Load(), long, uses[0].Cache, s.reloads, len(s.kills), len(s.drains), s.crashed.Load(), s.repeated.Load())
	assert.Positive(t, s.reloads)
	assert.Positive(t, len(s.kills))
}

// reloading sets all nodes anew every second.
func (s *soak) reloading() {
	for i := 1; time.Now().Before(s.ends); i++ {
		if err := s.Reload("soak.yaml", []byte(soakSets[i%len(soakSets)])); !assert.NoError(s, err) {
			return
		}
		s.reloads++
		time.Sleep(time.Second)
	}
}

// weather kills a backend, or drains it, and starts it again.
func (s *soak) weather() {
	for i := 0; time.Now().Before(s.ends); i++ {
		p := s.processes[len(s.processes)-1-rand.IntN(3)]
		if i%2 == 0 {
			var err error
			s.during(&s.kills, func() { err = s.crash(p) })
			if !assert.NoError(s, err) {
				return
			}
		} else {
			s.during(&s.drains, func() { s.drain(s.T, p) })
			if !assert.Equal(s, "exit status 0", p.howEnded()) {
				return
			}
		}
		time.Sleep(100 * time.Millisecond)
		if !assert.NoError(s, s.spawn(p, s.began.Sub(s.epoch))) || !assert.NoError(s, s.awaitReady(s.Context(), p)) {
			return
		}
		time.Sleep(400 * time.Millisecond)
	}
}

// during notes when something was done.
func (s *soak) during(spans *[]span, do func()) {
	s.mu.Lock()
	*spans = append(*spans, span{from: time.Now()})
	s.mu.Unlock()
	do()
	s.mu.Lock()
	(*spans)[len(*spans)-1].to = time.Now()
	s.mu.Unlock()
}

// met tells whether that was done while a request was under way.
func (s *soak) met(spans *[]span, from, to time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range *spans {
		if !k.from.After(to) && (k.to.IsZero() || !k.to.Before(from)) {
			return true
		}
	}
	return false
}

// soakKind is one kind of request, and what its answer has to be.
type soakKind struct {
	name   string
	method string
	path   string // %s stands for a token
	fields []string
	body   int  // bytes
	chunks bool // are sent
	whole  int  // length of the answer's body; 0: of the request's
}

const soakAnswer = 20 << 10

var soakKinds = [...]soakKind{
	{name: "GET, cached", method: "GET", path: "/cached/%s", whole: soakAnswer},
	{name: "GET", method: "GET", path: "/%s?q=%s", whole: soakAnswer},
	{name: "GET, compressed", method: "GET", path: "/%s", fields: []string{"Accept-Encoding", "gzip"}, whole: soakAnswer},
	{name: "GET, cached, compressed", method: "GET", path: "/cached/%s", fields: []string{"Accept-Encoding", "gzip"}, whole: soakAnswer},
	{name: "GET, a range of what is cached", method: "GET", path: "/cached/%s", fields: []string{"Range", "bytes=1000-2999"}, whole: soakAnswer},
	{name: "HEAD", method: "HEAD", path: "/%s"},
	{name: "POST, nothing", method: "POST", path: "/%s", whole: soakAnswer},
	{name: "POST, small", method: "POST", path: "/%s", body: 100},
	{name: "POST, large", method: "POST", path: "/%s", body: 300_000},
	{name: "POST, chunks", method: "POST", path: "/%s", body: 5000, chunks: true},
	{name: "POST, large, chunks", method: "POST", path: "/%s", body: 100_000, chunks: true},
}

// client asks, over HTTP/1.1 or HTTP/2, one request after the other.
func (s *soak) client(k int) {
	address, trust := s.Entry()
	transport := &http.Transport{TLSClientConfig: trust.Clone(), DisableCompression: true, ForceAttemptHTTP2: k%2 == 0}
	defer transport.CloseIdleConnections()
	random := rand.New(rand.NewPCG(1, uint64(k)))
	for i := 0; time.Now().Before(s.ends) && !s.Failed(); i++ {
		kind := random.IntN(len(soakKinds))
		token := fmt.Sprintf("%d-%d", k, i)
		if strings.Contains(soakKinds[kind].name, "cached") {
			token = fmt.Sprint(random.IntN(40))
		}
		if !s.ask(transport, address, &soakKinds[kind], token) {
			return
		}
		s.asked.Add(1)
		s.byKind[kind].Add(1)
		time.Sleep(time.Millisecond)
	}
}

// ask makes a request and holds its answer to what it has to be. It is false if
// that was lost, or not its own.
func (s *soak) ask(by http.RoundTripper, address string, kind *soakKind, token string) bool {
	target := strings.ReplaceAll(kind.path, "%s", token)
	sent := []byte(strings.Repeat(token+" ", kind.body/(len(token)+1)+1)[:kind.body])
	var body io.Reader
	if kind.body > 0 {
		body = bytes.NewReader(sent)
	}
	r, err := http.NewRequest(kind.method, address+target, body)
	if !assert.NoError(s, err) {
		return false
	}
	if kind.chunks {
		r.ContentLength = -1
	}
	for i := 0; i < len(kind.fields); i += 2 {
		r.Header.Set(kind.fields[i], kind.fields[i+1])
	}
	from := time.Now()
	answer, err := by.RoundTrip(r)
	if !assert.NoError(s, err, "%s, %s %s", kind.name, kind.method, target) {
		return false
	}
	defer answer.Body.Close()
	got, err := bodyOf(answer)
	crash := s.met(&s.kills, from, time.Now())
	switch {
	case err != nil && crash && kind.method == "GET": // and a caller that sees so may ask again
		s.repeated.Add(1)
		return s.ask(by, address, kind, token)
	case crash && kind.method == "POST" && (err != nil || answer.StatusCode == 502):
		s.crashed.Add(1)
		return true
	}
	want := sent
	if kind.whole > 0 {
		line := kind.method + " " + target + "\n"
		want = []byte(strings.Repeat(line, kind.whole/len(line)+1)[:kind.whole])
	}
	if answer.StatusCode == 206 {
		want = want[1000:3000]
	}
	if err == nil && (answer.StatusCode == 200 || answer.StatusCode == 206) && bytes.Equal(want, got) && answer.Header.Get("Echo") == kind.method+" "+target {
		return true
	}
	s.Errorf("%s, %s %s: after %s %s, %d bytes of %d, %v, %v; crash %t, drain %t\n%s", kind.name, kind.method, target, time.Since(from),
		answer.Status, len(got), len(want), err, answer.Header, crash, s.met(&s.drains, from, time.Now()), s.story(target))
	return false
}

// story is what the nodes have noted of requests for a target.
func (s *soak) story(target string) (told string) {
	time.Sleep(2 * flushEvery)
	path, _, _ := strings.Cut(target, "?")
	for _, p := range s.processes {
		text, _ := os.ReadFile(s.manifest.file(p.place, ".access.jsonl"))
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, `"path":"`+path+`"`) {
				told += fmt.Sprintf("  %s %s", p.place, line)
			}
		}
	}
	return told
}

// bodyOf is the body of an answer, unpacked.
func bodyOf(answer *http.Response) ([]byte, error) {
	if answer.Header.Get("Content-Encoding") != "gzip" {
		return io.ReadAll(answer.Body)
	}
	plain, err := gzip.NewReader(answer.Body)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(plain)
}
