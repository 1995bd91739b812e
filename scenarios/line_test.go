package scenarios

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
	"trafficlab/topologies"
)

// lineOf is the link from a to b with strains from one second to two.
func lineOf(strains ...Strain) *Line {
	var faults []Fault
	for _, s := range strains {
		faults = append(faults, Fault{At: second, For: second, On: on("a > b"), Link: s})
	}
	return NewWeather(1, faults).Line("a > b")
}

func around(d, jitter time.Duration) topologies.Distribution {
	return topologies.Distribution{Law: "uniform", Low: d - jitter, High: d + jitter}
}

func steadily(d time.Duration) topologies.Distribution {
	return topologies.Distribution{Law: "constant", Mean: d}
}

func TestWhenMessagesArrive(t *testing.T) {
	const at = 1100 * ms
	for name, c := range map[string]struct {
		strain Strain
		there  time.Duration // how late
		back   time.Duration
		dials  time.Duration
	}{
		"a delay":                    {Strain{Delay: steadily(20 * ms)}, 20 * ms, 20 * ms, 40 * ms},
		"a delay there":              {Strain{Delay: steadily(20 * ms), Only: There}, 20 * ms, 0, 20 * ms},
		"a bandwidth back":           {Strain{Bandwidth: 10_000, Only: Back}, 0, 100 * ms, 100 * ms},
		"a hole: tries at .2 .6 1.4": {Strain{Cut: BlackHole, Only: There}, 1400 * ms, 0, time.Second},
		"a hole back":                {Strain{Cut: BlackHole, Only: Back}, 0, 1400 * ms, time.Second},
		"refusals":                   {Strain{Cut: Refuse}, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			l := lineOf(c.strain)
			require.Equal(t, at+c.there, l.Send(at, 0, There, 1000).Arrives)
			require.Equal(t, at+c.back, l.Send(at, 0, Back, 1000).Arrives)
			dial := l.Dial(at, false)
			require.Equal(t, at+c.dials, dial.Arrives)
			require.Equal(t, c.strain.Cut == Refuse, dial.Why == policy.Refused)
			for _, calm := range []time.Duration{0, second - 1, 3 * second} {
				require.Equal(t, calm, lineOf(c.strain).Send(calm, 0, There, 1000).Arrives)
				require.Equal(t, calm, lineOf(c.strain).Dial(calm, true).Arrives)
			}
		})
	}
}

// Those who share a bandwidth wait for each other.
func TestBandwidthIsShared(t *testing.T) {
	l := lineOf(Strain{Bandwidth: 10_000})
	for i := range 5 {
		require.Equal(t, second+time.Duration(i+1)*100*ms, l.Send(second, 0, There, 1000).Arrives)
	}
	require.Equal(t, second+100*ms, l.Send(second, 0, Back, 1000).Arrives, "ways are apart")
	p := l.Send(1600*ms, 0, Back, 1000)
	l.More(1600*ms, 0, Back, 1000, &p)
	require.Equal(t, 1800*ms, p.Arrives)
}

func TestHolesForGoodEndConnections(t *testing.T) {
	l := NewWeather(1, []Fault{{At: 0, For: ForGood, On: on("a > b"), Link: Strain{Cut: BlackHole}}}).Line("a > b")
	p := l.Send(0, 0, There, 1)
	require.Equal(t, policy.Reset, p.Why)
	require.Equal(t, 924_600*ms, p.Arrives, "as the kernel's documentation has it for tcp_retries2 = 15")
	p = l.Dial(0, false)
	require.Equal(t, policy.Timeout, p.Why)
	require.Equal(t, 127*second, p.Arrives, "the same for tcp_syn_retries = 6")
}

func TestHalfOpenConnectionsAreDeadAndNewOnesAreNot(t *testing.T) {
	l := lineOf(Strain{Cut: HalfOpen})
	p := l.Send(1300*ms, 900*ms, There, 1)
	require.Equal(t, Passage{Arrives: 2700 * ms, Lost: 3, Why: policy.Reset}, p, "told when it is over")
	require.Equal(t, 1300*ms, l.Send(1300*ms, 1200*ms, There, 1).Arrives)
	p = l.Send(9*second, 900*ms, There, 1)
	require.Equal(t, Passage{Arrives: 9 * second, Why: policy.Reset}, p, "it has long been forgotten")
	require.Equal(t, policy.OK, l.Send(500*ms, 0, There, 1).Why)
}

// Shares and correlations are as asked for, each way for itself, and the loss of
// what is sent again is drawn anew.
func TestDrawsOnLinksKeepTheirLaw(t *testing.T) {
	const n = 20_000
	for _, correlation := range []float64{0, .25, .8} {
		l := lineOf(Strain{Loss: .3, Delay: around(20*ms, 10*ms), Correlation: correlation})
		var lost, tries, sum, square, product, before float64
		var runs int
		for i := range n {
			p := l.Send(1100*ms, 0, There, 1)
			late := (p.held.Seconds() - .02) / .01
			if p.Lost > 0 {
				lost++
				tries += float64(p.Lost)
			}
			if i > 0 && late == before {
				runs++
			}
			sum, square, product = sum+late, square+late*late, product+late*before
			before = late
		}
		wide := 4 / math.Sqrt(n*(1-correlation)/(1+correlation))
		require.InDelta(t, .3, lost/n, wide)
		require.InDelta(t, 1/.7, tries/lost, 2*wide, "geometric")
		require.InDelta(t, 0, sum/n, wide)
		require.InDelta(t, 1./3, square/n, wide)
		require.InDelta(t, correlation, product/square, wide)
		require.InDelta(t, correlation, float64(runs)/n, wide)
	}
}

// What goes one way changes nothing on the other, nor does what goes elsewhere.
func TestDrawsOnLinksAreByNumber(t *testing.T) {
	strain := Strain{Delay: around(20*ms, 10*ms)}
	a, b := lineOf(strain), lineOf(strain)
	for range 9 {
		a.Send(1100*ms, 0, Back, 1)
	}
	require.Equal(t, a.Send(1100*ms, 0, There, 1).Arrives, b.Send(1100*ms, 0, There, 1).Arrives)
	w := NewWeather(1, []Fault{{For: second, On: on("a > b", "a > c"), Link: strain}})
	require.NotEqual(t, w.Line("a > b").Send(0, 0, There, 1), w.Line("a > c").Send(0, 0, There, 1))
	require.Nil(t, w.Line("b > a"))
	require.Equal(t, on("a > b", "a > c"), w.Links())
}

func TestStrainsComposeAndGrow(t *testing.T) {
	l := lineOf(Strain{Delay: steadily(20 * ms)}, Strain{Delay: steadily(5 * ms), Only: Back}, Strain{Bandwidth: 10_000}, Strain{Bandwidth: 20_000})
	require.Equal(t, 1120*ms, l.Send(second, 0, There, 1000).Arrives, "delays add up, and the narrower bandwidth counts")
	require.Equal(t, 1125*ms, l.Send(second, 0, Back, 1000).Arrives)
	w := NewWeather(1, []Fault{{At: 0, For: 2 * second, Ramp: second, On: on("a > b"), Link: Strain{Delay: steadily(20 * ms)}}})
	before := time.Duration(0)
	for at := time.Duration(0); at < 2*second; at += 50 * ms {
		late := w.Line("a > b").Send(at, 0, There, 1).Arrives - at
		require.GreaterOrEqual(t, late, before)
		before = late
	}
	require.Equal(t, 20*ms, before)
	require.Equal(t, []time.Duration{second, 3 * second}, NewWeather(1, []Fault{
		{At: second, For: second, Every: 2 * second, Times: 2, On: on("a > b"), Link: Strain{Cut: Reset}},
		{At: 1500 * ms, For: 100 * ms, On: on("a > b"), Link: Strain{Cut: Reset}},
	}).Resets("a > b"))
}
