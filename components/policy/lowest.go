package policy

import (
	"math"
	"math/rand/v2"
)

// lowest finds the backend with the lowest of many keys, and draws evenly
// among equals: a tournament tree whose nodes know the least key below and how
// many share it. A key of +Inf takes no part.
//
// Cost: O(log n) for a change and for a draw.
type lowest struct {
	leaves int // a power of 2
	keys   []float64
	ties   []int32
	saved  []float64 // keys of those that sit out one draw
}

// absent is the key of who takes no part.
var absent = math.Inf(1)

// newLowest makes a tree of n backends, none of which takes part yet.
func newLowest(n int) *lowest {
	leaves := 1
	for leaves < n {
		leaves *= 2
	}
	l := &lowest{leaves: leaves, keys: make([]float64, 2*leaves), ties: make([]int32, 2*leaves)}
	for node := range l.keys {
		l.keys[node] = absent
	}
	return l
}

func (l *lowest) key(i int) float64 { return l.keys[l.leaves+i] }

func (l *lowest) set(i int, key float64) {
	node := l.leaves + i
	l.keys[node], l.ties[node] = key, 1
	if key == absent {
		l.ties[node] = 0
	}
	for node /= 2; node > 0; node /= 2 {
		l.play(node)
	}
}

func (l *lowest) play(node int) {
	a, b := 2*node, 2*node+1
	switch {
	case l.keys[a] < l.keys[b]:
		l.keys[node], l.ties[node] = l.keys[a], l.ties[a]
	case l.keys[a] > l.keys[b]:
		l.keys[node], l.ties[node] = l.keys[b], l.ties[b]
	default:
		l.keys[node], l.ties[node] = l.keys[a], l.ties[a]+l.ties[b]
	}
}

// draw picks one of the lowest; of the avoided only if nobody else takes part.
func (l *lowest) draw(avoid []int, random *rand.Rand) (int, bool) {
	l.saved = l.saved[:0]
	for _, i := range avoid {
		l.saved = append(l.saved, l.key(i))
		l.set(i, absent)
	}
	picked, ok := l.any(random)
	for k := len(avoid) - 1; k >= 0; k-- { // backwards: a backend may be named twice
		l.set(avoid[k], l.saved[k])
	}
	if !ok && len(avoid) > 0 {
		return l.any(random)
	}
	return picked, ok
}

func (l *lowest) any(random *rand.Rand) (int, bool) {
	count := l.ties[1]
	if count == 0 {
		return 0, false
	}
	nth, node := int32(0), 1
	if count > 1 {
		nth = random.Int32N(count)
	}
	for node < l.leaves {
		node *= 2
		if left := l.tied(node, l.keys[1]); nth >= left {
			nth -= left
			node++
		}
	}
	return node - l.leaves, true
}

// tied is how many below a node have the key.
func (l *lowest) tied(node int, key float64) int32 {
	if l.keys[node] != key {
		return 0
	}
	return l.ties[node]
}
