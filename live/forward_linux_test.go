package live

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// The load of BenchmarkForward: a closed loop.
const (
	forwardClients = 16
	forwardRound   = 1600 // requests of a round, all clients together
	forwardPairs   = 25   // pairs of rounds, ours and plain
	forwardBody    = 1 << 10
)

// BenchmarkForward measures the CPU time that our proxy takes for a forwarded
// request, as it runs in a topology (with its counters and access log), beside
// a plain httputil.ReverseProxy with the same connection pool and collector
// settings, and beside NGINX and HAProxy with one worker where they are
// installed. Each proxy is a process of its own, whose CPU clock is read before
// and after its round; clients and origin are in this process and not counted.
// Rounds alternate, and each ratio is the median of those of its pairs.
func BenchmarkForward(b *testing.B) {
	b.Setenv("GOMAXPROCS", "1") // of the proxies: one worker, as the others have
	body := components.Filler(forwardBody)
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(body) }))
	defer origin.Close()
	proxies := []*rival{oursBefore(b, origin.URL), plainBefore(b, origin.URL)}
	for _, name := range slices.Sorted(maps.Keys(rivalConfigs)) {
		if found, err := exec.LookPath(name); err == nil {
			proxies = append(proxies, rivalBefore(b, name, found, rivalConfigs[name], origin.URL))
		}
	}
	for _, p := range proxies {
		_, err := p.round() // warms it up
		require.NoError(b, err)
	}
	for b.Loop() {
		for n := range forwardPairs {
			for i := range proxies {
				p := proxies[(i+n)%len(proxies)] // who goes first changes
				cost, err := p.round()
				require.NoError(b, err)
				p.costs = append(p.costs, float64(cost.Nanoseconds())/1e3)
			}
		}
	}
	ours := proxies[0]
	for _, p := range proxies {
		if p != ours {
			b.ReportMetric(median(ratios(ours.costs, p.costs)), "ratio-to-"+p.name)
		}
	}
	for _, p := range proxies {
		b.ReportMetric(median(p.costs), "µs-"+p.name)
	}
	b.ReportMetric(0, "ns/op") // of rounds with clients and origin: says nothing
}

func ratios(of, to []float64) []float64 {
	all := make([]float64, len(of))
	for i := range of {
		all[i] = of[i] / to[i]
	}
	return all
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}

// rival is a proxy in a process of its own.
type rival struct {
	name    string
	address string
	pid     int
	costs   []float64 // of a request in each round, in µs
}

// round sends a round of requests and returns the proxy's CPU time for one.
func (r *rival) round() (time.Duration, error) {
	before, err := CPUTime(r.pid)
	if err != nil {
		return 0, err
	}
	ended := make(chan error, forwardClients)
	for range forwardClients {
		go func() { ended <- r.client() }()
	}
	for range forwardClients {
		err = errors.Join(err, <-ended)
	}
	if err != nil {
		return 0, err
	}
	after, err := CPUTime(r.pid)
	return (after - before) / forwardRound, err
}

// client sends its part of a round over one connection.
func (r *rival) client() error {
	conn, err := net.Dial("tcp", r.address)
	if err != nil {
		return err
	}
	defer conn.Close()
	answers := bufio.NewReader(conn)
	for range forwardRound / forwardClients {
		if _, err := io.WriteString(conn, "GET /products/1 HTTP/1.1\r\nHost: shop.test\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"); err != nil {
			return err
		}
		answer, err := http.ReadResponse(answers, nil)
		if err != nil {
			return err
		}
		n, err := io.Copy(io.Discard, answer.Body)
		if err != nil || n != forwardBody || answer.StatusCode != 200 {
			return fmt.Errorf("answer %s of %d bytes: %v", answer.Status, n, err)
		}
	}
	return nil
}

func oursBefore(b *testing.B, origin string) *rival {
	proxy := &topologies.Node{Name: "proxy", Kind: topologies.ReverseProxy, Replicas: 1, To: []string{"origin"},
		Pick: policy.Choice{Name: "round-robin"}, Retry: topologies.Retry{Tries: 1}, Connections: 64}
	shape := &topologies.Topology{Name: "bench", Entry: "proxy", Nodes: []*topologies.Node{proxy,
		{Name: "origin", Kind: topologies.External, Replicas: 1, URL: origin}}}
	c := &scenarios.Case{Seed: 1, Variant: scenarios.Variant{Topology: shape}}
	s, err := Start(b.Context(), c, SystemOptions{Dir: b.TempDir()})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, s.Stop()) })
	s.Begin()
	address, _ := s.Entry()
	return &rival{name: "ours", address: strings.TrimPrefix(address, "http://"), pid: s.pids()[0]}
}

func plainBefore(b *testing.B, origin string) *rival {
	command := exec.Command(os.Args[0], "plain", origin)
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	require.NoError(b, err)
	out, err := command.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, command.Start())
	b.Cleanup(func() {
		in.Close()
		require.NoError(b, command.Wait())
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(b, err)
	return &rival{name: "plain", address: strings.TrimSpace(address), pid: command.Process.Pid}
}

// rivalConfig is how a proxy that others have made is told to do the same: one
// worker, connections to the origin kept, an access log, the usual fields.
type rivalConfig struct {
	text string // LISTEN, ORIGIN and DIR stand for what they are
	args []string
}

var rivalConfigs = map[string]rivalConfig{
	"nginx": {`
daemon off; master_process off; pid DIR/nginx.pid; error_log DIR/error.log;
events { worker_connections 1024; }
http {
	access_log DIR/access.log combined buffer=64k;
	client_body_temp_path DIR; proxy_temp_path DIR; fastcgi_temp_path DIR; uwsgi_temp_path DIR; scgi_temp_path DIR;
	keepalive_requests 1000000;
	upstream origin { server ORIGIN; keepalive 64; keepalive_requests 1000000; }
	server {
		listen LISTEN;
		location / {
			proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";
			proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
			proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $host;
		}
	}
}
`, []string{"-p", "DIR", "-c", "CONFIG"}},
	"haproxy": {`
global
	nbthread 1
defaults
	mode http
	option forwardfor
	timeout connect 5s
	timeout client 60s
	timeout server 60s
	http-reuse always
frontend front
	bind LISTEN
	http-request set-header X-Forwarded-Proto http
	http-request set-header X-Forwarded-Host %[req.hdr(host)]
	default_backend origin
backend origin
	server origin ORIGIN
`, []string{"-db", "-f", "CONFIG"}},
}

func rivalBefore(b *testing.B, name, program string, config rivalConfig, origin string) *rival {
	spare, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	address := spare.Addr().String()
	require.NoError(b, spare.Close())
	dir := b.TempDir()
	file := filepath.Join(dir, name+".conf")
	fill := strings.NewReplacer("LISTEN", address, "ORIGIN", strings.TrimPrefix(origin, "http://"), "DIR", dir, "CONFIG", file)
	require.NoError(b, os.WriteFile(file, []byte(fill.Replace(config.text)), 0o600))
	var args []string
	for _, arg := range config.args {
		args = append(args, fill.Replace(arg))
	}
	command := exec.Command(program, args...)
	command.Stderr = os.Stderr
	require.NoError(b, command.Start())
	b.Cleanup(func() {
		command.Process.Kill()
		command.Wait() // it was killed: that says no more
	})
	require.Eventually(b, func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	}, 5*time.Second, 10*time.Millisecond, "%s does not listen", name)
	return &rival{name: name, address: address, pid: command.Process.Pid}
}

// plainRole is httputil.ReverseProxy, until its standard input ends.
func plainRole(args []string) error {
	debug.SetGCPercent(400)
	origin, err := url.Parse(args[0])
	if err != nil {
		return err
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(origin)
			r.SetXForwarded()
		},
		Transport: &http.Transport{MaxConnsPerHost: 64, MaxIdleConnsPerHost: 64, DisableCompression: true},
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	go http.Serve(listener, proxy)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
