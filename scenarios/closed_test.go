package scenarios

import (
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/topologies"
)

// thinkers is a closed stream of clients that think for a second.
func thinkers(n int, law string) Stream {
	return Stream{Closed: &Closed{Clients: n, Think: topologies.Distribution{Law: law, Mean: second}, For: 100 * second},
		Mix: []Ask{{Share: 1, Method: "GET", Path: Template{Before: "/", Law: "zipf", Keys: 50, Skew: 1}, Clients: 100}}}
}

func clients(seed uint64, streams ...Stream) []*Client {
	c := Case{Seed: seed, Variant: Variant{Load: Load{streams}}}
	return c.Clients()
}

// sends plays a client whose requests take a constant time.
func sends(c *Client, takes time.Duration) (all []Arrival) {
	a, more := c.First()
	for more {
		all = append(all, a)
		a, more = c.Next(a.At + takes)
	}
	return all
}

// What a client asks for next, and how long it thinks before, does not depend
// on how it was answered, nor on what others do.
func TestClientsKeepTheirMinds(t *testing.T) {
	fast, slow := clients(7, thinkers(3, "exponential")), clients(7, thinkers(5, "exponential"), Stream{Rate: flat(9, second), Mix: ask("/")})
	for i, c := range fast {
		quick := sends(c, 0)
		for k, a := range sends(slow[i], 300*time.Millisecond) {
			require.Equal(t, quick[k].At+time.Duration(k)*300*time.Millisecond, a.At)
			a.At = quick[k].At
			require.Equal(t, quick[k], a)
		}
	}
	require.NotEqual(t, sends(clients(7, thinkers(1, "exponential"))[0], 0), sends(clients(8, thinkers(1, "exponential"))[0], 0))
}

func TestNumbersOfClientsAreTheirOwn(t *testing.T) {
	seen := map[uint64]bool{}
	all := clients(1, thinkers(2, "constant"), Stream{Rate: flat(9, second), Mix: ask("/")}, thinkers(3, "constant"))
	require.Len(t, all, 5)
	for i, c := range all {
		for _, a := range sends(c, 0) {
			require.False(t, seen[a.Number])
			seen[a.Number] = true
			of, closed := ClientOf(a.Number)
			require.True(t, closed)
			require.Equal(t, i, of)
		}
	}
	_, closed := ClientOf(1e9)
	require.False(t, closed)
	load := Load{[]Stream{thinkers(2, "constant"), {Rate: flat(9, second), Mix: ask("/")}, thinkers(3, "constant")}}
	require.Equal(t, []measure.Loop{
		{First: 1 << 32, Beyond: 3 << 32, Clients: 2, Think: second},
		{First: 3 << 32, Beyond: 6 << 32, Clients: 3, Think: second},
	}, load.Loops())
}

// Each client has one address, thinks as the law says, does not march in step
// with the others, and stops with its stream.
func TestClientsThink(t *testing.T) {
	for _, law := range []string{"constant", "exponential"} {
		stream := thinkers(200, law)
		stream.At = 5 * second
		addresses, starts := map[netip.Addr]bool{}, map[time.Duration]bool{}
		sum, squares, n := 0.0, 0.0, 0.0
		for _, c := range clients(3, stream) {
			all := sends(c, 0)
			addresses[all[0].Client], starts[all[0].At] = true, true
			for k, a := range all {
				require.Equal(t, all[0].Client, a.Client)
				require.True(t, a.At >= 5*second && a.At < 105*second)
				if k > 0 {
					gap := (a.At - all[k-1].At).Seconds()
					sum, squares, n = sum+gap, squares+gap*gap, n+1
				}
			}
		}
		require.Len(t, addresses, 200)
		require.Len(t, starts, 200)
		mean := sum / n
		variance := squares/n - mean*mean
		require.InDelta(t, 1, mean, 3/math.Sqrt(n), law)
		require.InDelta(t, map[string]float64{"constant": 0, "exponential": 1}[law], variance, .1, law)
	}
}

// A client that is refused at once does not ask without end.
func TestAClientTakesBreath(t *testing.T) {
	stream := thinkers(1, "constant")
	stream.Closed.Think.Mean, stream.Closed.For = 0, second
	require.Len(t, sends(clients(1, stream)[0], 0), 10_000)
	require.Len(t, sends(clients(1, stream)[0], time.Millisecond), 1000, "but a slower answer is followed at once")
}

func TestWhatAClosedLoadBrings(t *testing.T) {
	v := Variant{Load: Load{[]Stream{thinkers(20, "exponential"), {Rate: flat(10, 50*second), Mix: ask("/")}}}, Warmup: 10 * second}
	v.Topology = &topologies.Topology{Nodes: []*topologies.Node{{Kind: topologies.Backend, ServiceTime: topologies.Distribution{Law: "constant", Mean: second / 4}}}}
	require.Equal(t, 100*second, v.Load.Duration())
	require.True(t, v.Load.Closed())
	require.InDelta(t, 500, v.Load.Expected(0, 100*second, ""), 1e-9, "of open streams alone")
	require.InDelta(t, 400+20*90/1.25, v.Estimate(v.Warmup, 100*second, ""), 1e-9)
	c := Case{Variant: v}
	require.InDelta(t, 402.0/90, c.Target(2), 1e-9, "what was sent is what was meant")
}
