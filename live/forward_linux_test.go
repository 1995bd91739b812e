package live

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
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
// settings. Each proxy is a process of its own, whose CPU clock is read before
// and after its round; clients and origin are in this process and not counted.
// Rounds alternate, and ratio is the median of those of the pairs.
func BenchmarkForward(b *testing.B) {
	body := components.Filler(forwardBody)
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(body) }))
	defer origin.Close()
	proxies := []*rival{oursBefore(b, origin.URL), plainBefore(b, origin.URL)}
	for _, p := range proxies {
		_, err := p.round() // warms it up
		require.NoError(b, err)
	}
	var ratios []float64
	var costs [2][]float64
	for b.Loop() {
		for n := range forwardPairs {
			var pair [2]float64
			for i := range proxies {
				i = (i + n) % 2 // who goes first changes
				cost, err := proxies[i].round()
				require.NoError(b, err)
				pair[i] = float64(cost.Nanoseconds()) / 1e3
				costs[i] = append(costs[i], pair[i])
			}
			ratios = append(ratios, pair[0]/pair[1])
		}
	}
	b.ReportMetric(median(costs[0]), "µs-ours")
	b.ReportMetric(median(costs[1]), "µs-plain")
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(0, "ns/op") // of rounds with clients and origin: says nothing
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}

// rival is a proxy in a process of its own.
type rival struct {
	address string
	pid     int
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
	return &rival{strings.TrimPrefix(address, "http://"), s.pids()[0]}
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
	return &rival{strings.TrimSpace(address), command.Process.Pid}
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
