package scenarios

import (
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func arrivals(seed uint64, streams ...Stream) []Arrival {
	c := Case{Seed: seed, Variant: Variant{Load: Load{streams}}}
	return slices.Collect(c.Arrivals())
}

func ask(path string) []Ask {
	return []Ask{{Share: 1, Method: "GET", Path: Template{Before: path}, Clients: 10}}
}

func flat(rate float64, d time.Duration) []Leg { return []Leg{{From: rate, To: rate, For: d}} }

const second = time.Second

func TestArrivalsAreInOrderAndNumbered(t *testing.T) {
	got := arrivals(7,
		Stream{Poisson: true, Rate: flat(500, 10*second), Mix: ask("/a")},
		Stream{At: 2 * second, Rate: flat(100, 3*second), Mix: ask("/b")},
		Stream{Poisson: true, Rate: []Leg{{From: 0, To: 300, For: 5 * second}, {From: 300, To: 0, For: 5 * second}}, Mix: ask("/c")},
	)
	var last time.Duration
	for i, a := range got {
		require.EqualValues(t, i, a.Number)
		require.GreaterOrEqual(t, a.At, last)
		require.Less(t, a.At, 10*second)
		if a.Path == "/b" {
			require.True(t, a.At >= 2*second && a.At < 5*second)
		}
		last = a.At
	}
	require.Equal(t, got, arrivals(7,
		Stream{Poisson: true, Rate: flat(500, 10*second), Mix: ask("/a")},
		Stream{At: 2 * second, Rate: flat(100, 3*second), Mix: ask("/b")},
		Stream{Poisson: true, Rate: []Leg{{From: 0, To: 300, For: 5 * second}, {From: 300, To: 0, For: 5 * second}}, Mix: ask("/c")},
	), "the same seed, the same load")
}

func TestEvenArrivalsKeepTheirGap(t *testing.T) {
	got := arrivals(3, Stream{Rate: flat(50, 10*second), Mix: ask("/")})
	require.Len(t, got, 500)
	for i := 1; i < len(got); i++ {
		require.InDelta(t, float64(20*time.Millisecond), float64(got[i].At-got[i-1].At), 2)
	}
	other := arrivals(4, Stream{Rate: flat(50, 10*second), Mix: ask("/")})
	require.NotEqual(t, got[0].At, other[0].At, "each seed has its phase")
}

// Counts in windows are Poisson: their mean is the integral of the rate, and so
// is their variance.
func TestPoissonCounts(t *testing.T) {
	stream := Stream{Poisson: true, Mix: ask("/"), Rate: []Leg{{From: 20, To: 100, For: 4 * second}, {From: 100, To: 100, For: 2 * second}, {From: 0, To: 0, For: second}, {From: 60, To: 0, For: 3 * second}}}
	load := Load{[]Stream{stream}}
	const runs, windows = 1500, 10
	var sum, squares [windows]float64
	for seed := range uint64(runs) {
		var n [windows]float64
		for _, a := range arrivals(Mix(99, seed), stream) {
			n[a.At/second]++
		}
		for i := range n {
			sum[i] += n[i]
			squares[i] += n[i] * n[i]
		}
	}
	for i := range sum {
		want := load.Expected(time.Duration(i)*second, time.Duration(i+1)*second, "")
		mean := sum[i] / runs
		require.InDelta(t, want, mean, 5*math.Sqrt(want/runs)+1e-9, "window %d", i)
		if want > 0 {
			require.InEpsilon(t, want, squares[i]/runs-mean*mean, 0.2, "window %d", i)
		}
	}
	require.InDelta(t, 240+200+0+90, load.Expected(0, load.Duration(), ""), 1e-9)
}

// The gaps of a Poisson stream are exponential (Kolmogorov and Smirnov).
func TestPoissonGaps(t *testing.T) {
	got := arrivals(5, Stream{Poisson: true, Rate: flat(1000, 20*second), Mix: ask("/")})
	gaps := make([]float64, len(got)-1)
	for i := range gaps {
		gaps[i] = (got[i+1].At - got[i].At).Seconds() * 1000
	}
	slices.Sort(gaps)
	worst := 0.0
	for i, g := range gaps {
		worst = max(worst, math.Abs(1-math.Exp(-g)-float64(i)/float64(len(gaps))))
	}
	require.Less(t, worst, 1.95/math.Sqrt(float64(len(gaps))))
}

func TestSharesAndClients(t *testing.T) {
	mix := []Ask{
		{Share: 0.7, Method: "GET", Path: Template{Before: "/a"}, Clients: 3, Class: "alice"},
		{Share: 0.2, Method: "PUT", Path: Template{Before: "/b"}, Clients: 3, Class: "bob", Body: 9, Header: []HeaderField{{"X-Api-Key", "k"}}},
		{Share: 0.1, Method: "GET", Path: Template{Before: "/c"}, Clients: 1000, Class: "alice"},
	}
	count := map[string]float64{}
	addresses := map[string]map[netip.Addr]bool{}
	got := arrivals(11, Stream{Rate: flat(10_000, 5*second), Mix: mix})
	for _, a := range got {
		count[a.Path]++
		if addresses[a.Path] == nil {
			addresses[a.Path] = map[netip.Addr]bool{}
		}
		addresses[a.Path][a.Client] = true
		require.Equal(t, a.Path == "/b", a.Method == "PUT" && a.Body == 9 && len(a.Header) == 1 && a.Class == "bob")
	}
	for _, ask := range mix {
		n := float64(len(got))
		require.InDelta(t, ask.Share*n, count[ask.Path.Before], 5*math.Sqrt(n*ask.Share), ask.Path.Before)
	}
	require.Len(t, addresses["/a"], 3)
	require.Len(t, addresses["/b"], 3)
	require.Greater(t, len(addresses["/c"]), 980)
	require.Contains(t, addresses["/a"], netip.MustParseAddr("10.1.0.1"))
	require.Contains(t, addresses["/c"], netip.MustParseAddr("10.1.0.1"), "a class asks from the same clients")
	require.Contains(t, addresses["/b"], netip.MustParseAddr("10.2.0.1"))
	for a := range addresses["/c"] {
		last := a.As4()[3]
		require.True(t, last != 0 && last != 255)
	}
}

// What is asked for does not depend on how fast, nor on other streams.
func TestRequestsDoNotDependOnTheRate(t *testing.T) {
	mix := []Ask{{Share: 1, Method: "GET", Path: Template{Before: "/", Law: "zipf", Keys: 50, Skew: 1}, Clients: 9}}
	slow := arrivals(2, Stream{Poisson: true, Rate: flat(100, 5*second), Mix: mix})
	fast := arrivals(2, Stream{Poisson: true, Rate: flat(1000, 5*second), Mix: mix}, Stream{Rate: flat(1, 5*second), Mix: ask("/other")})
	fast = slices.DeleteFunc(fast, func(a Arrival) bool { return a.Path == "/other" })
	for i, a := range slow {
		require.Equal(t, [2]string{a.Path, a.Client.String()}, [2]string{fast[i].Path, fast[i].Client.String()})
	}
}

// TestKeysFollowTheirLaw: the shares of keys are those told of each law.
func TestKeysFollowTheirLaw(t *testing.T) {
	zipf := func(n, skew float64) func(key float64) float64 {
		norm := 0.0
		for k := 1.; k <= n; k++ {
			norm += math.Pow(k, -skew)
		}
		return func(key float64) float64 { return math.Pow(key, -skew) / norm }
	}
	hot := func(key float64) float64 {
		if key <= 4 {
			return .8 / 4
		}
		return .2 / 46
	}
	for _, law := range []struct {
		text  string
		keys  int
		share func(key float64) float64
	}{
		{"/p/{zipf 100 1.1}", 100, zipf(100, 1.1)},
		{"/p/{zipf 7 0}?x=1", 7, zipf(7, 0)},
		{"/p/{zipf 1 2}", 1, zipf(1, 2)},
		{"/p/{uniform 20}", 20, zipf(20, 0)},
		{"/p/{hotspot 50 4 80%}", 50, hot},
	} {
		path := read(t, strings.Replace(base, "/products/1", `"`+law.text+`"`, 1), Options{}).Variants[0].Load.Streams[0].Mix[0].Path
		require.Equal(t, law.text, path.String())
		got := arrivals(8, Stream{Rate: flat(40_000, 5*second), Mix: []Ask{{Share: 1, Path: path}}})
		count := map[string]float64{}
		for _, a := range got {
			count[a.Path]++
		}
		require.LessOrEqual(t, len(count), law.keys)
		chi := 0.0
		for k := range law.keys {
			want := float64(len(got)) * law.share(float64(k+1))
			d := count[path.with(k+1)] - want
			chi += d * d / want
		}
		free := float64(law.keys - 1)
		require.LessOrEqual(t, chi, free+5*math.Sqrt(2*free)+5, law.text)
	}
}

// TestBodiesFollowTheirLaw, and belong to a request whatever its rate.
func TestBodiesFollowTheirLaw(t *testing.T) {
	laws := map[string]Sizes{
		"4KiB":                              {Law: "constant", Mean: 4096},
		"{exponential: 4KiB}":               {Law: "exponential", Mean: 4096},
		"{uniform: {from: 1KiB, to: 9KiB}}": {Law: "uniform", Low: 1024, High: 9216},
		"{lognormal: {median: 2KiB, p99: 20KiB}}":      {Law: "lognormal", Median: 2048, P99: 20480},
		"{pareto: {from: 1KiB, to: 1MiB, shape: 1.8}}": {Law: "pareto", Low: 1024, High: 1 << 20, Shape: 1.8},
		"{pareto: {from: 32MiB, to: 64MiB, shape: 1}}": {Law: "pareto", Low: 32 << 20, High: 64 << 20, Shape: 1},
	}
	for text, law := range laws {
		load := strings.Replace(base, "get: /products/1", "post: /orders, body: "+text, 1)
		mix := read(t, load, Options{}).Variants[0].Load.Streams[0].Mix
		got := arrivals(3, Stream{Rate: flat(10_000, 5*second), Mix: mix})
		sum := 0.0
		for _, a := range got {
			sum += float64(a.Body)
		}
		spread := math.Sqrt(law.Variation() / float64(len(got)))
		require.InEpsilon(t, float64(law.Expected()), sum/float64(len(got)), 5*spread+1e-9, text)
		for i, a := range arrivals(3, Stream{Poisson: true, Rate: flat(300, 5*second), Mix: mix}) {
			require.Equal(t, got[i].Body, a.Body)
		}
	}
}

func TestTheTableOfAnAliasIsExact(t *testing.T) {
	weights := []float64{5, 1, 0, 3, 1, 0.25, 7}
	a := newAlias(weights)
	share, sum := make([]float64, len(weights)), 17.25
	for i, c := range a {
		share[i] += c.keep / float64(len(weights))
		share[c.other] += (1 - c.keep) / float64(len(weights))
	}
	for i, w := range weights {
		require.InDelta(t, w/sum, share[i], 1e-12)
	}
}

func TestClassesOfALoad(t *testing.T) {
	l := Load{[]Stream{
		{Rate: flat(100, 10*second), Mix: []Ask{{Share: 0.25, Class: "a"}, {Share: 0.75, Class: "b"}}},
		{At: 5 * second, Rate: flat(40, 10*second), Mix: []Ask{{Share: 1, Class: "a"}}},
	}}
	require.Equal(t, []string{"a", "b"}, l.Classes())
	require.Equal(t, 15*second, l.Duration())
	require.InDelta(t, 0.25*900+40*10, l.Expected(second, l.Duration(), "a"), 1e-9)
	require.InDelta(t, 0.75*900, l.Expected(second, l.Duration(), "b"), 1e-9)
	require.Zero(t, l.Expected(0, second, "c"))
}

// The same kind and client have the same address and header, whatever the
// stream: who keeps something for a client can find it by two small numbers.
func TestKindAndWhoTellClientsApart(t *testing.T) {
	ask := func(class string, clients int) Ask { return Ask{Share: 1, Class: class, Clients: clients} }
	c := Case{Seed: 4, Variant: Variant{Load: Load{[]Stream{
		{Rate: flat(500, 2*second), Mix: []Ask{ask("a", 20), ask("b", 1)}},
		{Closed: &Closed{Clients: 30, For: second}, Mix: []Ask{ask("c", 0)}},
		{Poisson: true, Rate: flat(500, 2*second), Mix: []Ask{ask("b", 300), ask("a", 0)}},
	}}}}
	asks := []*Ask{}
	for _, s := range c.Variant.Load.Streams {
		for i := range s.Mix {
			asks = append(asks, &s.Mix[i])
		}
	}
	all := slices.Collect(c.Arrivals())
	for _, client := range c.Clients() {
		a, ok := client.First()
		require.True(t, ok)
		all = append(all, a)
	}
	addresses := map[[2]int]netip.Addr{}
	for _, a := range all {
		require.Same(t, asks[a.Kind], a.Ask)
		key := [2]int{a.Kind, a.Who}
		if known, ok := addresses[key]; ok {
			require.Equal(t, known, a.Client)
		}
		addresses[key] = a.Client
	}
	kinds := map[int]int{}
	for key := range addresses {
		kinds[key[0]]++
	}
	require.Equal(t, map[int]int{0: 20, 1: 1, 2: 30, 3: kinds[3], 4: 1}, kinds)
	require.Greater(t, kinds[3], 200)
}

func TestStoppingEarlyIsHarmless(t *testing.T) {
	c := Case{Variant: Variant{Load: Load{[]Stream{{Rate: flat(100, second), Mix: ask("/")}}}}}
	n := 0
	for range c.Arrivals() {
		if n++; n == 5 {
			break
		}
	}
	require.Equal(t, 5, n)
}

func BenchmarkArrivals(b *testing.B) {
	c := Case{Variant: Variant{Load: Load{[]Stream{{
		Poisson: true, Rate: flat(1e6, 24*time.Hour),
		Mix: []Ask{
			{Share: 0.9, Method: "GET", Path: Template{Before: "/products/", Law: "zipf", Keys: 1000, Skew: 1.1}, Clients: 100},
			{Share: 0.1, Method: "POST", Path: Template{Before: "/orders"}, Clients: 100},
		},
	}}}}}
	b.ReportAllocs()
	n := 0
	for range c.Arrivals() {
		if n++; n == b.N {
			break
		}
	}
}
