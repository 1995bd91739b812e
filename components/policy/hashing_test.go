package policy

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// renamed is a pool whose hashes are another draw of the same lottery.
func renamed(n, lot int) Pool {
	pool := equal(n)
	for i := range pool.Names {
		pool.Names[i] = fmt.Sprintf("lot-%d-%d", lot, i)
	}
	return pool
}

// shares is the length of each backend's arcs, as parts of the ring.
func (r *RingHash) shares() []float64 {
	parts := make([]float64, r.pool.Size())
	last := r.points[len(r.points)-1].at
	for _, p := range r.points {
		parts[p.of] += float64(p.at-last) / (1 << 63) / 2
		last = p.at
	}
	return parts
}

// TestRingSharesAreDirichlet: their coefficient of variation is
// sqrt((S-1)/(SV+1)) exactly; here over 400 rings, to 4 standard errors or so.
func TestRingSharesAreDirichlet(t *testing.T) {
	for _, c := range []struct {
		servers, vnodes int
		cv              float64
	}{{10, 1, .9045}, {10, 10, .2985}, {10, 100, .0948}, {10, 160, .0750}, {100, 10, .3144}} {
		rings, squares := 400, 0.0
		for lot := range rings {
			for _, part := range NewRingHash(renamed(c.servers, lot), c.vnodes, 0).shares() {
				d := part*float64(c.servers) - 1
				squares += d * d
			}
		}
		cv := math.Sqrt(squares / float64(rings*c.servers))
		require.InEpsilon(t, c.cv, cv, 0.06, "%d servers, %d points", c.servers, c.vnodes)
		require.InEpsilon(t, math.Sqrt(float64(c.servers-1)/float64(c.servers*c.vnodes+1)), c.cv, 0.01)
	}
}

func TestRingSharesFollowWeights(t *testing.T) {
	weights := []int{500, 100, 400}
	parts := NewRingHash(weighted(weights...), 2000, 0).shares()
	for i, w := range weights {
		require.InEpsilon(t, float64(w)/1000, parts[i], 0.1)
	}
}

// TestConsistentHashingMovesNobodyElse: when one of ten goes down, its keys
// move and no other; when it is back they come home. Maglev moves a few more.
func TestConsistentHashingMovesNobodyElse(t *testing.T) {
	const n, keys = 10, 20_000
	for name, needless := range map[string]float64{"ring-hash": 0, "rendezvous": 0, "maglev": .006} {
		t.Run(name, func(t *testing.T) {
			p := newPicker(name, n, 1)
			home, moved, had := make([]int, keys), 0, 0
			for k := range home {
				home[k], _ = p.Pick(0, uint64(k), nil)
			}
			p.SetUp(6, false)
			for k, was := range home {
				is, _ := p.Pick(0, uint64(k), nil)
				if was == 6 {
					had++
				} else if is != was {
					moved++
				}
			}
			require.LessOrEqual(t, float64(moved)/keys, needless)
			require.InDelta(t, keys/n, had, keys/n/4)
			p.SetUp(6, true)
			for k, was := range home {
				is, _ := p.Pick(0, uint64(k), nil)
				require.Equal(t, was, is)
			}
		})
	}
}

// lose tells which parts of a Maglev table change, and change needlessly, when
// backend gone goes down.
func lose(n, size, lot int) (changed, needless float64) {
	m := NewMaglev(renamed(n, lot), size, 0)
	m.fill()
	before := append([]int32(nil), m.slots...)
	gone := lot % n
	m.SetUp(gone, false)
	m.fill()
	for s, was := range before {
		if was != m.slots[s] {
			changed++
			if int(was) != gone {
				needless++
			}
		}
	}
	return changed / float64(len(before)), needless / float64(len(before))
}

// TestMaglevDisruption reproduces what removing one of N backends changes.
func TestMaglevDisruption(t *testing.T) {
	for _, c := range []struct {
		n, size           int
		changed, needless float64
	}{{10, 65537, .1022, .0022}, {100, 65537, .0155, .0055}, {1000, 65537, .0067, .0057}, {100, 5003, .0370, .0270}} {
		var changed, needless float64
		const tables = 8
		for lot := range tables {
			a, b := lose(c.n, c.size, lot)
			changed, needless = changed+a/tables, needless+b/tables
		}
		require.InDelta(t, c.changed, changed, 0.12*c.changed, "%d of %d", c.n, c.size)
		require.InDelta(t, c.needless, needless, 0.25*c.needless, "%d of %d", c.n, c.size)
	}
}

func TestMaglevGivesEqualTurns(t *testing.T) {
	m := NewMaglev(equal(7), 5003, 0)
	m.fill()
	counts := make([]int, 7)
	for _, i := range m.slots {
		counts[i]++
	}
	for _, c := range counts {
		require.Contains(t, []int{714, 715}, c, "5003/7 down or up")
	}
	require.Len(t, NewMaglev(equal(7), 5000, 0).slots, 5003, "the next prime")
	require.Len(t, NewMaglev(equal(70), 2, 0).slots, 71, "a slot for each")
}

// TestBoundedLoadsOnARing reproduces how many keys are not at their first
// choice, and how many more steps they take, with one point for each of 100
// servers, as a mean of 60 rings. The reference is a single ring; one standard
// deviation between rings, measured over 200, is what it may be off.
func TestBoundedLoadsOnARing(t *testing.T) {
	for _, c := range []struct{ bound, away, awayOff, steps, stepsOff float64 }{
		{1.05, .421, .030, 3.17, 1.26}, {1.25, .329, .033, 1.41, .47},
		{1.5, .248, .035, .76, .22}, {2, .141, .034, .29, .10},
	} {
		const n, keys, rings = 100, 10_000, 60
		away, steps := 0.0, 0.0
		for lot := range rings {
			r := NewRingHash(renamed(n, lot), 1, c.bound)
			r.total = keys - 1 // all of them, from the first on
			place := make([]int, n)
			for at, p := range r.points {
				place[p.of] = at
			}
			free := NewRingHash(renamed(n, lot), 1, 0)
			for k := range uint64(keys) {
				i, ok := r.Pick(0, k, nil)
				require.True(t, ok)
				r.inFlight[i]++
				if first, _ := free.Pick(0, k, nil); first != i {
					away++
					steps += float64((place[i] - place[first] + n) % n)
				}
			}
			for i, c := range r.inFlight {
				require.False(t, float64(c) > math.Ceil(r.bound*keys/n), "%d has %d", i, c)
			}
		}
		require.InDelta(t, c.away, away/(keys*rings), c.awayOff, "bound %g", c.bound)
		require.InDelta(t, c.steps, steps/(keys*rings), c.stepsOff, "bound %g", c.bound)
	}
}

// TestABoundHolds: no backend is given more than its share of what is in
// flight, times the bound.
func TestABoundHolds(t *testing.T) {
	for _, name := range []string{"ring-hash", "maglev"} {
		t.Run(name, func(t *testing.T) {
			random := newRandom(7)
			pool := weighted(3, 1, 1, 2, 1)
			p := told(name, Params{"bound": {Number: 1.2}}, pool, 1)
			var flying []int
			for range 20_000 {
				if k := len(flying); k > 0 && random.IntN(100) < k {
					at := random.IntN(k)
					p.Done(0, flying[at], Outcome{})
					flying[at] = flying[k-1]
					flying = flying[:k-1]
					continue
				}
				i, ok := p.Pick(0, uint64(random.IntN(3)), nil) // hot keys
				require.True(t, ok)
				p.Started(i)
				flying = append(flying, i)
				has := 0
				for _, j := range flying {
					if j == i {
						has++
					}
				}
				require.LessOrEqual(t, float64(has), math.Ceil(1.2*float64(len(flying))*float64(pool.Weight(i))/8))
			}
		})
	}
}

// TestRendezvousIsMultinomial: with 100 servers and many keys the fullest is
// only chance above the mean.
func TestRendezvousIsMultinomial(t *testing.T) {
	const n, keys = 100, 300_000
	p := newPicker("rendezvous", n, 1)
	counts := make([]float64, n)
	for k := range uint64(keys) {
		i, _ := p.Pick(0, k, nil)
		counts[i]++
	}
	chi := 0.0
	for _, c := range counts {
		chi += (c - keys/n) * (c - keys/n) / (keys / n)
	}
	require.InDelta(t, n-1, chi, 5*math.Sqrt(2*(n-1)), "chi-squared with 99 degrees of freedom")
}
