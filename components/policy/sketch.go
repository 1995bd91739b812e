package policy

// sketch estimates how often keys were seen lately: a count-min sketch of four
// rows of 4-bit counters. It never says too little, but for the halving and
// beyond 15.
type sketch struct {
	rows [4][]uint64 // 16 counters a word
	mask uint64      // counters a row, less one
}

const leastSketch = 64 // counters a row

func newSketch() sketch {
	s := sketch{mask: leastSketch - 1}
	for r := range s.rows {
		s.rows[r] = make([]uint64, leastSketch/16)
	}
	return s
}

// at is where the counter of a key lies in a row.
func (s *sketch) at(hash uint64, row int) (word *uint64, shift uint64) {
	i := scramble(hash+uint64(row)) & s.mask
	return &s.rows[row][i>>4], i & 15 * 4
}

func (s *sketch) add(hash uint64) {
	for r := range s.rows {
		if word, shift := s.at(hash, r); *word>>shift&15 < 15 {
			*word += 1 << shift
		}
	}
}

func (s *sketch) count(hash uint64) uint64 {
	least := uint64(15)
	for r := range s.rows {
		word, shift := s.at(hash, r)
		least = min(least, *word>>shift&15)
	}
	return least
}

// halve forgets half of every count.
func (s *sketch) halve() {
	for r := range s.rows {
		for i := range s.rows[r] {
			s.rows[r][i] = s.rows[r][i] >> 1 & 0x7777777777777777
		}
	}
}

// grow doubles the rows until there are so many counters in each. A key's new
// counter begins as the one it shared, so that it never says too little.
func (s *sketch) grow(counters int) {
	for s.mask+1 < uint64(counters) {
		for r := range s.rows {
			s.rows[r] = append(s.rows[r], s.rows[r]...)
		}
		s.mask = s.mask<<1 | 1
	}
}

// keyHash is FNV-1a: the same in every process.
func keyHash(key string) uint64 {
	h := uint64(0xcbf29ce484222325)
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * 0x100000001b3
	}
	return h
}
