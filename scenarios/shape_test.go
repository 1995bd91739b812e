package scenarios

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/topologies"
)

// shaped reads a stream from its fields.
func shaped(t *testing.T, fields string) Stream {
	t.Helper()
	text := strings.Replace(base, "poisson: 100/s, for: 10s", fields, 1)
	s, err := parse("f", "testdata", []byte(text+"worlds: [sim]\n"), Options{})
	require.NoError(t, err)
	return s.Variants[0].Load.Streams[0]
}

// shapes are streams of every shape that has a rate, and the rate that is meant
// at an instant in seconds; nil where chance decides.
var shapes = map[string]struct {
	fields string
	rate   func(t float64) float64
}{
	"poisson":  {"poisson: 200/s, for: 20s", func(float64) float64 { return 200 }},
	"constant": {"constant: 200/s, for: 20s", func(float64) float64 { return 200 }},
	"ramp":     {"ramp: {from: 10/s, to: 300/s}, for: 20s", func(t float64) float64 { return 10 + 14.5*t }},
	"steps": {"steps: [{rate: 100/s, for: 5s}, {rate: 0/s, for: 5s}, {rate: 300/s, for: 10s}]", func(t float64) float64 {
		return []float64{100, 0, 300, 300}[int(t/5)]
	}},
	"spike": {"spike: {base: 50/s, peak: 450/s, at: 5s, rise: 2s, for: 3s, fall: 4s}, for: 20s", func(t float64) float64 {
		return 50 + 400*max(0, min((t-5)/2, 1, (14-t)/4))
	}},
	"spike without slopes": {"spike: {base: 0/s, peak: 450/s, at: 5s, for: 3s}, for: 20s", func(t float64) float64 {
		if t >= 5 && t < 8 {
			return 450
		}
		return 0
	}},
	"sine": {"sine: {mean: 200/s, amplitude: 150/s, period: 6s}, for: 20s", func(t float64) float64 {
		return 200 + 150*math.Sin(2*math.Pi*t/6)
	}},
	"sine down to nothing": {"sine: {mean: 200/s, amplitude: 200/s, period: 20s}, for: 20s", func(t float64) float64 {
		return 200 + 200*math.Sin(2*math.Pi*t/20)
	}},
	"bursts": {"bursts: {rate: 500/s, idle: 20/s, on: 1500ms, off: 2500ms}, for: 20s", func(t float64) float64 {
		if math.Mod(t, 4) < 1.5 {
			return 500
		}
		return 20
	}},
	"random bursts":        {"bursts: {rate: 500/s, on: {exponential: 1s}, off: {exponential: 2s}}, for: 20s", nil},
	"bursts of one length": {"bursts: {rate: 500/s, idle: 50/s, on: 300ms, off: {exponential: 2s}}, for: 20s", nil},
}

// TestEvenRequestsFollowTheIntegral: evenly spaced, as many requests have come
// by any instant as the intended rate has summed up to, to within one.
func TestEvenRequestsFollowTheIntegral(t *testing.T) {
	for name, shape := range shapes {
		for seed := range uint64(3) {
			stream := shaped(t, shape.fields)
			stream.Poisson = false
			c := Case{Seed: seed, Variant: Variant{Load: Load{[]Stream{stream}}}}
			require.Equal(t, 20*second, c.Duration())
			all := slices.Collect(c.Arrivals())
			const steps = 20_000
			sum, come := 0.0, 0
			for i := range steps {
				from := float64(i) / steps * 20
				if shape.rate == nil {
					sum = stream.due(time.Duration(from*1e9), rateSeed(c.streamSeed(0)))
				}
				for come < len(all) && all[come].At.Seconds() < from {
					come++
				}
				require.InDelta(t, sum, come, 1.5, "%s at %v", name, from)
				if shape.rate != nil {
					sum += shape.rate(from+10./steps) * 20 / steps
				}
			}
			require.InDelta(t, float64(len(all)), c.Target(0)*20, 1.1, name)
		}
	}
}

// TestClockInvertsTheIntegral: when the n-th request is due, n have been due,
// to what a nanosecond brings.
func TestClockInvertsTheIntegral(t *testing.T) {
	for name, shape := range shapes {
		stream := shaped(t, shape.fields)
		clock, last := clock{legs: stream.legs(7)}, 0.0
		total := stream.due(20*second, 7)
		for n := 0.0; n < total; n += .37 {
			at, ok := clock.when(n)
			require.True(t, ok)
			require.GreaterOrEqual(t, at, last, name)
			last = at
			whole := time.Duration(at * 1e9)
			require.LessOrEqual(t, stream.due(whole, 7), n+1e-5, "%s: %g", name, n)
			require.GreaterOrEqual(t, stream.due(whole+2, 7), n-1e-5, "%s: %g", name, n)
		}
		_, ok := clock.when(total)
		require.False(t, ok)
	}
}

// TestCountsAreAsExpected: over many seeds, what comes in each second is on
// average what is told beforehand; and as it is where chance decides when.
func TestCountsAreAsExpected(t *testing.T) {
	for name, shape := range shapes {
		stream := shaped(t, shape.fields)
		stream.Poisson = true
		load := Load{[]Stream{stream}}
		const runs = 150
		var sum, squares [20]float64
		for seed := range uint64(runs) {
			var n [20]float64
			for _, a := range arrivals(Mix(5, seed), stream) {
				n[a.At/second]++
			}
			for i := range n {
				sum[i], squares[i] = sum[i]+n[i], squares[i]+n[i]*n[i]
			}
		}
		for i := range sum {
			mean := sum[i] / runs
			deviation := math.Sqrt(max(squares[i]/runs-mean*mean, 0))
			want := load.Expected(time.Duration(i)*second, time.Duration(i+1)*second, "")
			require.InDelta(t, want, mean, 5*deviation/math.Sqrt(runs)+1e-9, "%s, second %d", name, i)
		}
	}
}

// TestBurstsLastAsTheirLawSays.
func TestBurstsLastAsTheirLawSays(t *testing.T) {
	b := shaped(t, "bursts: {rate: 500/s, on: {exponential: 100ms}, off: {exponential: 300ms}}, for: 10m").Bursts
	var on, off []float64
	begins, runs := 0, 200
	for seed := range uint64(runs) {
		turns := b.turns(seed)
		total := time.Duration(0)
		for leg, ok := turns(); ok; leg, ok = turns() {
			if total == 0 && leg.From > 0 {
				begins++
			}
			if total += leg.For; total == b.For {
				break // cut off
			}
			if leg.From > 0 {
				on = append(on, leg.For.Seconds())
			} else {
				off = append(off, leg.For.Seconds())
			}
		}
		require.Equal(t, b.For, total)
	}
	require.InDelta(t, .25, float64(begins)/float64(runs), .16)
	for mean, lengths := range map[float64][]float64{.1: on, .3: off} {
		sum, beyond := 0.0, 0.0
		for _, l := range lengths {
			sum += l
			if l > 2*mean {
				beyond++
			}
		}
		n := float64(len(lengths))
		require.InEpsilon(t, mean, sum/n, 5/math.Sqrt(n))
		require.InDelta(t, math.Exp(-2), beyond/n, 5/math.Sqrt(n))
	}
}

// TestScaledShapes: so many times the load is so many times the rate at any
// instant, up to the most that may be.
func TestScaledShapes(t *testing.T) {
	for name, shape := range shapes {
		v := Variant{Load: Load{[]Stream{shaped(t, shape.fields)}}}
		for _, factor := range []float64{.25, 3, v.MostScaled()} {
			scaled := v.Load.Scaled(factor)
			for at := range 21 {
				now := time.Duration(at) * second
				require.InDelta(t, factor*v.Load.Streams[0].due(now, 3), scaled.Streams[0].due(now, 3), 1e-9*factor*5000, name)
			}
			bigger := Variant{Load: scaled}
			was, _ := v.Offered()
			is, clients := bigger.Offered()
			require.False(t, clients)
			require.InEpsilon(t, factor*was, is, 1e-9)
		}
		require.LessOrEqual(t, v.Load.Scaled(v.MostScaled()).Expected(0, 20*second, ""), maxLive*1.0001)
		level := name == "poisson" || name == "constant"
		require.Equal(t, level, v.Steady(), name)
	}
}

// TestEveryShapeIsReadAsItsExample shows it.
func TestEveryShapeIsReadAsItsExample(t *testing.T) {
	for _, name := range ShapeNames() {
		kind := Shapes[name]
		require.NotEmpty(t, kind.About)
		rest := ", for: 20s"
		switch name {
		case "steps":
			rest = ""
		case "replay":
			rest = "}\n#"
		}
		stream := shaped(t, name+": "+kind.Example+rest)
		v := Variant{Load: Load{[]Stream{stream}}}
		require.Positive(t, v.Estimate(0, v.Load.Duration(), ""))
		require.Equal(t, name == "closed", v.Load.Closed())
	}
	for _, name := range KeyLawNames() {
		kind := KeyLaws[name]
		require.NotEmpty(t, kind.About)
		path := shaped(t, "constant: 9/s, for: 9s, mix: [{get: \"/"+kind.Example+"\"}]}\n#").Mix[0].Path
		require.Equal(t, "/"+kind.Example, path.String())
	}
}

func TestFormsOfShapes(t *testing.T) {
	s := time.Second
	for fields, want := range map[string]Stream{
		"spike: {base: 50/s, peak: 450/s, at: 5s, for: 3s}, for: 20s": {Poisson: true, Rate: []Leg{
			{From: 50, To: 50, For: 5 * s}, {From: 450, To: 450, For: 3 * s}, {From: 50, To: 50, For: 12 * s}}},
		"spike: {base: 0/s, peak: 10/s, at: 0, for: 0, rise: 1s}, for: 2s, spacing: even": {Rate: []Leg{
			{To: 10, For: s}, {From: 10, For: s}}},
		"sine: {mean: 5/s, amplitude: 4/s, period: 3s}, for: 2s, at: 1s": {At: s, Poisson: true, Rate: []Leg{
			{From: 5, To: 5, For: 2 * s, Swing: 4, Period: 3 * s}}},
		"bursts: {rate: 5/s, on: 1s, off: {exponential: 2s}}, for: 9s": {Poisson: true, Bursts: &Bursts{
			Rate: 5, On: topologies.Distribution{Law: "constant", Mean: s}, Off: topologies.Distribution{Law: "exponential", Mean: 2 * s}, For: 9 * s}},
	} {
		got := shaped(t, fields)
		want.Mix = got.Mix
		require.Equal(t, want, got, fields)
	}
}

func TestWordsOfStreams(t *testing.T) {
	for fields, want := range map[string]string{
		"poisson: 5/s, for: 1s":                                        "Poisson arrivals, 5/s for 1s",
		"ramp: {to: 9/s}, for: 1m, spacing: even, at: 5s":              "evenly spaced, 0/s to 9/s over 1m, from 5s on",
		"steps: [{rate: 1/s, for: 1s}, {rate: 2/s, for: 2s}]":          "Poisson arrivals, 1/s for 1s, then 2/s for 2s",
		"sine: {mean: 9/s, amplitude: 8/s, period: 2s}, for: 1m":       "Poisson arrivals, 9/s, up and down by 8/s every 2s, for 1m",
		"bursts: {rate: 9/s, on: 1s, off: {exponential: 2s}}, for: 1m": "Poisson arrivals, bursts of 9/s for 1s, with 0/s for 2s on average between them, for 1m",
		"closed: {clients: 20, think: {exponential: 1s}}, for: 2s":     "closed loop, 20 clients who think for 1s on average, for 2s",
		"closed: {clients: 1, think: 0}, for: 2s":                      "closed loop, 1 client who asks again at once, for 2s",
	} {
		require.Equal(t, want+": GET /products/1", shaped(t, fields).Words())
	}
	mix := shaped(t, `poisson: 5/s, for: 1s, mix: [{post: "/{hotspot 9 1 50%}/x", body: {exponential: 4KiB}, share: 10%}, {put: /x, body: 3KiB}]}`+"\n#")
	require.Equal(t, "Poisson arrivals, 5/s for 1s: 10% POST /{hotspot 9 1 50%}/x with 4KiB on average, 90% PUT /x with 3KiB", mix.Words())
}
