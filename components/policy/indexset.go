package policy

import "math/rand/v2"

// indexSet is a set of backends in an arbitrary order, so that one can be
// drawn, added or removed in O(1). Several disjoint sets may share one at.
type indexSet struct {
	members []int32
	at      []int32 // at[i] is the position of i in members, while i is one
}

// fullSet holds 0 to n-1.
func fullSet(n int) indexSet {
	s := indexSet{make([]int32, n), make([]int32, n)}
	for i := range s.members {
		s.members[i], s.at[i] = int32(i), int32(i)
	}
	return s
}

func (s *indexSet) len() int { return len(s.members) }

func (s *indexSet) has(i int) bool {
	p := int(s.at[i])
	return p < len(s.members) && s.members[p] == int32(i)
}

func (s *indexSet) add(i int) {
	s.at[i] = int32(len(s.members))
	s.members = append(s.members, int32(i))
}

func (s *indexSet) remove(i int) {
	last := len(s.members) - 1
	s.swap(int(s.at[i]), last)
	s.members = s.members[:last]
}

func (s *indexSet) set(i int, in bool) {
	switch {
	case in && !s.has(i):
		s.add(i)
	case !in && s.has(i):
		s.remove(i)
	}
}

func (s *indexSet) swap(p, q int) {
	a, b := s.members[p], s.members[q]
	s.members[p], s.members[q] = b, a
	s.at[a], s.at[b] = int32(q), int32(p)
}

// without moves the avoided members to the end and returns how many others
// come first.
func (s *indexSet) without(avoid []int) int {
	n := len(s.members)
	for _, i := range avoid {
		if s.has(i) && int(s.at[i]) < n {
			n--
			s.swap(int(s.at[i]), n)
		}
	}
	return n
}

// choice is without, or all members if nothing else is left.
func (s *indexSet) choice(avoid []int) int {
	if n := s.without(avoid); n > 0 {
		return n
	}
	return len(s.members)
}

// sample brings k of the first n members to the front, drawn without
// repetition and with equal chances.
func (s *indexSet) sample(k, n int, random *rand.Rand) {
	for p := range k {
		if p < n-1 {
			s.swap(p, p+random.IntN(n-p))
		}
	}
}
