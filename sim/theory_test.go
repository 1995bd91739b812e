package sim

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// theory marks a test that plays very many requests one after the other: slow,
// and nothing for the race detector, under which tests run short.
func theory(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("plays too many requests for a short test")
	}
}

// model is a system of which theory knows a figure or several. Its runs are so
// many and so long that three standard errors of each figure are at most 1% of
// it. How long that is was worked out beforehand, where there is a formula
// (Whitt 1989: the relative variance of the mean of M/M/1 after N requests is
// some 2(1+ρ)/((1-ρ)²N)) or else by a pilot with other seeds, and is written
// down here. (As twenty runs tell a standard error to a sixth, a fifth more than
// 1% passes.)
type model struct {
	name     string
	runs     int // with the seeds 1, 2, …
	requests int // of a run, about
	system   func(requests int) *scenarios.Case
	figures  []figure
}

// figure is something to be seen of a run, and what theory says of it.
type figure struct {
	name string
	of   func(r *measure.Run) float64
	want float64
	bias float64 // of a limit or an approximation: how far the truth may be from want, relatively
}

// tolerated is how many standard errors a figure may be away from theory. With
// twenty runs one right figure in 1300 is farther away (Student); as seeds are
// fixed, that is a matter of whoever changes what is drawn.
const tolerated = 4

// hold plays a model and holds its figures against theory.
func (m model) hold(tb testing.TB) {
	tb.Helper()
	require.GreaterOrEqual(tb, m.runs, 20, "too few runs to know how much they scatter")
	figures := m.play(tb, Costs{})
	for i, f := range m.figures {
		mean, e := standard(figures[i])
		off := mean/f.want - 1
		tb.Logf("%s: %s %.5f, theory %.5f: off by %+.2f%%, three standard errors are %.2f%%",
			m.name, f.name, mean, f.want, 100*off, 300*e/f.want)
		if b, ok := tb.(*testing.B); ok {
			b.ReportMetric(100*off, "%-off-"+strings.ReplaceAll(f.name, " ", "-"))
		}
		require.InDelta(tb, f.want, mean, tolerated*e+f.bias*f.want, "%s: %s", m.name, f.name)
		require.LessOrEqual(tb, 3*e, .012*f.want, "%s: %s: too few requests to tell", m.name, f.name)
	}
	m.printed(tb)
}

// play is the figures by run, of runs on all cores.
func (m model) play(tb testing.TB, costs Costs) [][]float64 {
	figures := make([][]float64, len(m.figures))
	for i := range figures {
		figures[i] = make([]float64, m.runs)
	}
	failures := make([]error, m.runs)
	seeds := make(chan int)
	var work sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		work.Go(func() {
			for i := range seeds {
				c := m.system(m.requests)
				c.Seed = 1 + uint64(i)
				r, err := Run(context.Background(), c, costs)
				if failures[i] = err; err != nil {
					continue
				}
				for k, f := range m.figures {
					figures[k][i] = f.of(r)
				}
			}
		})
	}
	for i := range m.runs {
		seeds <- i
	}
	close(seeds)
	work.Wait()
	for _, err := range failures {
		require.NoError(tb, err)
	}
	return figures
}

// printed holds what is printed beside the figures of a run against the same
// theory, as exactly as it is said to be.
func (m model) printed(tb testing.TB) {
	theory, ok := TheoryOf(&m.system(m.requests).Variant, Costs{})
	if !ok {
		return
	}
	for _, f := range m.figures {
		for name, told := range map[string]float64{
			"mean": theory.Mean.Seconds() * 1000, "p50": theory.P50.Seconds() * 1000, "p99": theory.P99.Seconds() * 1000,
			"lost": theory.Loss, "rate": theory.Rate,
		} {
			if f.name == name && told > 0 {
				require.InEpsilon(tb, f.want, told, 2e-4+theory.Bias, "%s: %s, as printed", m.name, name)
			}
		}
	}
}

// standard is the mean of independent figures and its standard error.
func standard(figures []float64) (mean, e float64) {
	n := float64(len(figures))
	for _, x := range figures {
		mean += x / n
	}
	squares := 0.0
	for _, x := range figures {
		squares += (x - mean) * (x - mean)
	}
	return mean, math.Sqrt(squares / (n - 1) / n)
}

// counted calls a function with each sample after the warm-up.
func counted(r *measure.Run, each func(s *measure.Sample)) {
	for i := range r.Samples {
		if s := &r.Samples[i]; s.At >= r.Warmup {
			each(s)
		}
	}
}

// meanOfServed is the mean latency in ms of those that were answered.
func meanOfServed(r *measure.Run) float64 {
	sum, n := time.Duration(0), 0
	counted(r, func(s *measure.Sample) {
		if s.Reason == policy.OK {
			sum += s.Latency
			n++
		}
	})
	return sum.Seconds() * 1000 / float64(n)
}

// share is the share of requests that something holds of.
func share(r *measure.Run, holds func(s *measure.Sample) bool) float64 {
	n, all := 0, 0
	counted(r, func(s *measure.Sample) {
		all++
		if holds(s) {
			n++
		}
	})
	return float64(n) / float64(all)
}

// mean is a figure in ms, which is the unit of work in most models.
func mean(want float64) figure { return figure{name: "mean", of: meanOfServed, want: want} }

// quantiles are figures in ms, of requests that are all answered. They are told
// by how many take longer than theory says: that is a mean, without the bias
// that the quantile of a sample has, and as theory knows how dense latencies
// are there it tells how far the quantile is off.
func quantiles(beyond law, ps ...float64) []figure {
	var figures []figure
	for _, p := range ps {
		q := beyond.quantile(p)
		density := beyond.density(q)
		limit := seconds(q / 1000)
		figures = append(figures, figure{fmt.Sprintf("p%g", 100*p), func(r *measure.Run) float64 {
			longer := share(r, func(s *measure.Sample) bool { return s.Latency > limit })
			return q + (longer-(1-p))/density
		}, q, 0})
	}
	return figures
}

// ends is the figure of the share of requests that end so.
func ends(name string, why policy.Reason, want float64) figure {
	return figure{name: name, of: func(r *measure.Run) float64 {
		return share(r, func(s *measure.Sample) bool { return s.Reason == why })
	}, want: want}
}

func lost(want float64) figure { return ends("lost", policy.Shed, want) }

// copies is the figure of how many requests a node gets for each of another's.
func copies(of, from string, want float64) figure {
	return figure{name: "requests of " + of, of: func(r *measure.Run) float64 {
		return requestsOf(r, of) / requestsOf(r, from)
	}, want: want}
}

func requestsOf(r *measure.Run, node string) (n float64) {
	for _, u := range r.Nodes {
		if topologies.Place(u.Place).Node() == node {
			n += float64(u.Requests)
		}
	}
	return n
}

// biased is a figure of a limit or an approximation, with its stated bias.
func biased(f figure, bias float64) figure {
	f.bias = bias
	return f
}

// poisson is a case of M/M/c with a mean service time of 1 ms.
func poisson(q queue, requests int, seed uint64) *scenarios.Case {
	top := chain("api")
	api := top.Nodes[0]
	api.Workers, api.Queue = q.workers, 1<<20
	api.ServiceTime = topologies.Distribution{Law: "exponential", Mean: ms}
	rate := q.load * float64(q.workers) * 1000
	c := steady(top, time.Duration(1e9/rate), requests)
	c.Seed = seed
	c.Variant.Load.Streams[0].Poisson = true
	c.Variant.Timeout = time.Hour
	c.Variant.Warmup = c.Duration() / 20
	return c
}

// single is one backend with a mean service time of 1 ms.
func single(law topologies.Distribution, load float64, requests int) *scenarios.Case {
	c := poisson(queue{1, load}, requests, 1)
	c.Variant.Topology.Nodes[0].ServiceTime = law
	return c
}

// spread is a balancer before backends with one exponential worker each.
func spread(pick string, backends int, load float64, requests int) *scenarios.Case {
	c := balanced(backends, requests)
	lb, api := c.Variant.Topology.Nodes[0], c.Variant.Topology.Nodes[1]
	lb.Pick, lb.Connections, api.Queue = policy.Choice{Name: pick}, 0, 1<<20
	rate := load * float64(backends) * 1000
	stream := &c.Variant.Load.Streams[0]
	stream.Rate[0] = scenarios.Leg{From: rate, To: rate, For: time.Duration(float64(requests) / rate * 1e9)}
	c.Variant.Timeout, c.Variant.Warmup = time.Hour, stream.Rate[0].For/5
	return c
}
