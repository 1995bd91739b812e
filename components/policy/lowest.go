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
	nodes  []rank
	saved  []float64 // keys of those that sit out one draw
}

// rank is the least key below a node, and how many share it.
type rank struct {
	key  float64
	ties int
}

// absent is the key of who takes no part.
var absent = math.Inf(1)

// newLowest makes a tree of n backends, none of which takes part yet.
func newLowest(n int) *lowest {
	leaves := 1
	for leaves < n {
		leaves *= 2
	}
	l := &lowest{leaves: leaves, nodes: make([]rank, 2*leaves)}
	for node := range l.nodes {
		l.nodes[node].key = absent
	}
	return l
}

func (l *lowest) key(i int) float64 { return l.nodes[l.leaves+i].key }

// set changes a key, and the nodes above as far as they feel it.
func (l *lowest) set(i int, key float64) {
	node, now := l.leaves+i, rank{key, 1}
	if key == absent {
		now.ties = 0
	}
	for l.nodes[node] != now {
		l.nodes[node] = now
		if node == 1 {
			return
		}
		now = now.and(l.nodes[node^1])
		node /= 2
	}
}

// and is what stands above two nodes.
func (r rank) and(o rank) rank {
	switch {
	case r.key < o.key:
		return r
	case r.key > o.key:
		return o
	}
	return rank{r.key, r.ties + o.ties}
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
	least := l.nodes[1]
	if least.ties == 0 {
		return 0, false
	}
	nth, node := 0, 1
	if least.ties > 1 {
		nth = random.IntN(least.ties)
	}
	for node < l.leaves {
		node *= 2
		if left := l.nodes[node]; left.key != least.key {
			node++
		} else if nth >= left.ties {
			nth -= left.ties
			node++
		}
	}
	return node - l.leaves, true
}
