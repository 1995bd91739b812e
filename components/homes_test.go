package components

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/components/policy"
	"trafficlab/topologies"
)

// modulo is how not to do it: a key's place depends on how many there are.
type modulo struct {
	policy.Picker
	up []bool
}

func (m *modulo) SetUp(i int, up bool)                    { m.up[i] = up }
func (m *modulo) Started(int)                             {}
func (m *modulo) Done(time.Duration, int, policy.Outcome) {}
func (m *modulo) Pick(_ time.Duration, key uint64, _ []int) (int, bool) {
	var there []int
	for i, up := range m.up {
		if up {
			there = append(there, i)
		}
	}
	return there[int(key%uint64(len(there)))], true
}

// When one of five places is out, what hashes consistently moves the keys of
// that one alone, and what counts places most of all.
func TestKeysMovedByAChangeOfTheMembership(t *testing.T) {
	const places, keys = 5, 2000
	members := policy.Pool{Weights: []int{1, 1, 1, 1, 1}}
	for i := range places {
		members.Names = append(members.Names, fmt.Sprintf("api[%d]", i))
	}
	pickers := map[string]policy.Picker{"modulo": &modulo{up: []bool{true, true, true, true, true}}}
	most := map[string]float64{"modulo": .85, "maglev": .1} // the rest: none
	for name, kind := range policy.Pickers {
		if kind.Keyed {
			pickers[name] = kind.New(members, kind.Params(policy.Params{}), rand.New(rand.NewPCG(1, 2)))
		}
	}
	require.Greater(t, len(pickers), 3)
	for name, picker := range pickers {
		m := newMembership(&topologies.Node{}, picker, members)
		h := &homes{of: map[uint64]home{}}
		gone := 0
		ask := func() {
			for key := range uint64(keys) {
				i, ok := m.picker.Pick(0, key*0x9e3779b97f4a7c15>>8, nil)
				require.True(t, ok)
				h.note(&m, key, i)
				if i == 2 {
					gone++
				}
			}
		}
		ask()
		of2 := gone
		require.Zero(t, h.asked, "nobody is away yet")
		for range 2 { // who comes back finds the same keys
			m.mark(2, unwell, true)
			ask()
			ask()
			require.Equal(t, of2, gone, "%s: who is out is not asked", name)
			m.mark(2, unwell, false)
		}
		var u measure.NodeUse
		h.into(&u)
		require.EqualValues(t, keys-of2, u.Keys, "%s: those of the place that went away had to move", name)
		moved := float64(u.Moved) / float64(u.Keys)
		require.LessOrEqual(t, moved, most[name], name)
		if name == "modulo" {
			require.Greater(t, moved, .65) // 3/4, since one in four is at the same place by chance
		}
	}
}
