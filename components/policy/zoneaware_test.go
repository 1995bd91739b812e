package policy

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// zoned is a picker for a proxy in zone 0 of the given shares of proxies, over
// so many backends in each zone.
func zoned(pick string, traffic []float64, backends ...int) (*ZoneAware, []int) {
	var of []int
	for zone, n := range backends {
		for range n {
			of = append(of, zone)
		}
	}
	pool, random := equal(len(of)), newRandom(1)
	within := func() Picker {
		kind := Pickers[pick]
		return kind.New(pool, kind.Params(nil), random)
	}
	return NewZoneAware(pool, of, ZoneRule{Own: 0, Traffic: traffic, Hosts: 6}, within, random), of
}

// TestZonesSpillOver: what stays is min(1, capacity/traffic); the rest goes
// where there is capacity to spare, in proportion.
func TestZonesSpillOver(t *testing.T) {
	third := []float64{1. / 3, 1. / 3, 1. / 3}
	for name, c := range map[string]struct {
		traffic  []float64
		backends []int
		want     []float64
	}{
		"even":               {third, []int{4, 4, 4}, []float64{1, 0, 0}},
		"more than enough":   {third, []int{8, 2, 2}, []float64{1, 0, 0}},
		"half of its share":  {third, []int{2, 5, 5}, []float64{.5, .25, .25}},
		"spare in one only":  {third, []int{2, 4, 6}, []float64{.5, 0, .5}},
		"none of its own":    {third, []int{0, 4, 8}, []float64{0, 1. / 3, 2. / 3}},
		"all proxies in one": {[]float64{1, 0}, []int{4, 8}, []float64{1. / 3, 2. / 3}},
		"too few backends":   {third, []int{1, 1, 2}, []float64{.25, .25, .5}},
	} {
		t.Run(name, func(t *testing.T) {
			z, of := zoned("random", c.traffic, c.backends...)
			counts := make([]float64, len(c.want))
			const rounds = 40_000
			for range rounds {
				i, ok := z.Pick(0, 0, nil)
				require.True(t, ok)
				counts[of[i]]++
			}
			for zone, want := range c.want {
				require.InDelta(t, want, counts[zone]/rounds, .013)
			}
		})
	}
}

// TestZonesKeepTheRules: never a down one; an avoided one only if no other in
// any zone is up; whatever the picker within.
func TestZonesKeepTheRules(t *testing.T) {
	for name := range Pickers {
		random := newRandom(5)
		z, of := zoned(name, []float64{.5, .25, .25}, 3, 2, 2)
		p := &pool{z, make([]bool, len(of)), make([]int, len(of))}
		for i := range p.up {
			p.up[i] = true
		}
		for range 5000 {
			disturb(p, random)
			avoid := random.Perm(len(of))[:random.IntN(len(of)+1)]
			i, ok := p.Pick(0, random.Uint64(), avoid)
			require.Equal(t, p.anyUp(nil), ok, name)
			if !ok {
				continue
			}
			require.True(t, p.up[i], name)
			if slices.Contains(avoid, i) {
				require.False(t, p.anyUp(avoid), "%s picked %d in spite of %v", name, i, avoid)
			}
			p.start(i)
		}
	}
}
