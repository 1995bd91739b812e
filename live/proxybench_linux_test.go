package live

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
	"trafficlab/topologies"
)

// task is something that proxies do, for clients who ask over and over.
type task struct {
	name  string
	asked float64 // of ours: times the CPU time of NGINX at most; 0: nobody asks

	say     string // what clients send beside the usual
	answer  canned // of the origins
	origins int    // 0: one
	round   int    // requests in a round

	TLS    bool // 1.3, in front
	H2     bool // likewise
	Anew   bool // a connection for each request
	Cached bool // answers come from the proxy's store
	Gzip   bool // level 1

	ours  func(*topologies.Node)
	plain bool // httputil.ReverseProxy can do it, too
}

// tasks of BenchmarkProxy.
func tasks() []task {
	text := canned{Body: products(1 << 10), Header: "Content-Type: text/plain\r\n"}
	lasting := text
	lasting.Header += "Cache-Control: max-age=3600\r\n"
	return []task{
		{name: "forward 1 KiB", asked: 2, answer: text, round: 1600, plain: true},
		{name: "forward 1 KiB over TLS 1.3", asked: 1.8, answer: text, round: 1600, TLS: true},
		{name: "TLS 1.3 handshake and forward", answer: text, round: 160, TLS: true, Anew: true},
		{name: "forward 1 KiB over HTTP/2", answer: text, round: 1600, TLS: true, H2: true},
		{name: "1 KiB from the cache", asked: .8, answer: lasting, round: 3200, Cached: true,
			ours: func(n *topologies.Node) {
				n.Kind, n.Cache = topologies.CDN, &topologies.Cache{Capacity: 1 << 20}
			}},
		{name: "balance over 4 backends", asked: 2, answer: text, origins: 4, round: 1600,
			ours: func(n *topologies.Node) { n.Pick = policy.Choice{Name: "least-connections"} }},
		{name: "gzip of 32 KiB JSON", asked: 1.1, round: 160, Gzip: true,
			answer: canned{Body: products(32 << 10), Header: "Content-Type: application/json\r\n"},
			say:    "Accept-Encoding: gzip\r\n",
			ours:   func(n *topologies.Node) { n.Compress = []string{"gzip"} }},
	}
}

// pairs of rounds, ours and another's.
const pairs = 25

// BenchmarkProxy measures the CPU time that our proxy takes for a request, as
// it runs in a topology with its counters and access log, beside NGINX, HAProxy
// and Caddy as far as they are installed, and for plain forwarding
// httputil.ReverseProxy.
//
// Each proxy is a process of its own with one worker (GOMAXPROCS 1), whose CPU
// clock is read before and after its round. Clients (16 connections in a closed
// loop, kept alive unless it says otherwise) and origins are in this process and
// not counted: both say and read fixed bytes, so that they keep the proxy
// busy. All proxies keep connections to the origin and send it the usual
// X-Forwarded fields; all write an access log through a buffer but HAProxy,
// whose log is for another process to take: it has none. TLS is 1.3 with
// AES-128-GCM, X25519 and one certificate of P-256 for all, tickets as usual;
// sessions are not resumed. NGINX keeps what is cached in files, which it opens
// for each answer; nginx-tuned keeps them open (open_file_cache), which is off
// unless asked for. HAProxy and ours cache in memory; Caddy has no cache. gzip
// is of level 1 everywhere, and the table says how long what came of it was.
//
// Rounds alternate. The figure is the median of a proxy's rounds, a ratio the
// median of those of its rounds to NGINX's beside them, with the interval that
// has the median in 95% of cases (by order statistics, whatever the law).
func BenchmarkProxy(b *testing.B) {
	b.Setenv("GOMAXPROCS", "1")
	var results []result
	for _, t := range tasks() {
		b.Run(strings.ReplaceAll(t.name, " ", "-"), func(b *testing.B) {
			results = append(results, t.measure(b))
		})
	}
	printResults(results)
}

// result is what a task cost each proxy.
type result struct {
	task
	proxies []*rival // ours is the first
	nginx   *rival   // nil: not installed
}

func (t *task) measure(b *testing.B) result {
	bed := newBed(b, t)
	r := result{task: *t, proxies: bed.proxies()}
	for _, p := range r.proxies {
		if p.name == "nginx" {
			r.nginx = p
		}
		_, err := p.round() // warms it up
		require.NoError(b, err)
		p.length = bed.prove(p)
	}
	before := bed.asked.Load()
	for b.Loop() {
		for n := range pairs {
			for i := range r.proxies {
				p := r.proxies[(i+n)%len(r.proxies)] // who goes first changes
				cost, err := p.round()
				require.NoError(b, err)
				p.costs = append(p.costs, float64(cost.Nanoseconds())/1e3)
			}
		}
	}
	if t.Cached {
		require.Equal(b, before, bed.asked.Load(), "all came from the caches")
	}
	b.ReportMetric(0, "ns/op") // of rounds with clients and origin: says nothing
	for _, p := range r.proxies {
		b.ReportMetric(median(p.costs), "µs-"+p.name)
		if r.nginx != nil && p != r.nginx {
			b.ReportMetric(median(ratios(p.costs, r.nginx.costs)), p.name+"/nginx")
		}
	}
	return r
}

func ratios(of, to []float64) []float64 {
	all := make([]float64, len(of))
	for i := range of {
		all[i] = of[i] / to[i]
	}
	return all
}

func median(x []float64) float64 { return slices.Sorted(slices.Values(x))[len(x)/2] }

// around is an interval that has the median of what x are drawn from with a
// probability of 95% at least.
func around(x []float64) (low, high float64) {
	x = slices.Sorted(slices.Values(x))
	n := len(x)
	// Less than k of n are below the median with the probability of less than
	// k heads in n throws.
	k, below, of := 0, 0.0, math.Pow(.5, float64(n))
	for 2*(below+of) <= .05 {
		below += of
		of *= float64(n-k) / float64(k+1)
		k++
	}
	k = max(k, 1)
	return x[k-1], x[n-k]
}

// printResults prints a table: a line for each task, a column for each proxy.
func printResults(all []result) {
	if len(all) == 0 {
		return
	}
	names := []string{"trafficlab", "nginx"}
	for _, r := range all {
		for _, p := range r.proxies {
			if !slices.Contains(names, p.name) {
				names = append(names, p.name)
			}
		}
	}
	fmt.Printf("\nCPU time of the proxy for a request in µs, and its ratio to NGINX's (95%% interval, %d rounds)\n", pairs)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\tasked\t%s\t\n", strings.Join(names, "\t"))
	for _, r := range all {
		line := []string{r.name, "-"}
		if r.asked > 0 {
			line[1] = fmt.Sprintf("≤ %.1f", r.asked)
		}
		for _, name := range names {
			line = append(line, r.cell(name))
		}
		fmt.Fprintf(w, "%s\t\n", strings.Join(line, "\t"))
	}
	w.Flush()
	for _, r := range all {
		if r.Gzip {
			fmt.Printf("%s: %s\n", r.name, r.lengths())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(rivals)) {
		if _, err := exec.LookPath(name); err != nil {
			fmt.Println("left out:", name, "(not installed)")
		}
	}
	fmt.Println()
}

// cell is what a task cost a proxy.
func (r *result) cell(name string) string {
	i := slices.IndexFunc(r.proxies, func(p *rival) bool { return p.name == name })
	if i < 0 {
		return "-"
	}
	p := r.proxies[i]
	text := fmt.Sprintf("%.1f", median(p.costs))
	if r.nginx == nil || p == r.nginx {
		return text
	}
	ratio := ratios(p.costs, r.nginx.costs)
	low, high := around(ratio)
	return fmt.Sprintf("%s  %.2f (%.2f–%.2f)", text, median(ratio), low, high)
}

// lengths is how long the bodies were that came.
func (r *result) lengths() string {
	var all []string
	for _, p := range slices.SortedFunc(slices.Values(r.proxies), func(p, q *rival) int { return cmp.Compare(p.length, q.length) }) {
		all = append(all, fmt.Sprintf("%s %d", p.name, p.length))
	}
	return fmt.Sprintf("%d bytes became %s", len(r.answer.Body), strings.Join(all, ", "))
}
