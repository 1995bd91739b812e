package policy

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// dumbCache is a slice, searched from end to end.
type dumbCache struct {
	capacity int64
	entries  []dumbEntry // in the order they came
	clock    int
	goes     func(a, b dumbEntry) bool // a goes before b
}

type dumbEntry struct {
	key        string
	value      int
	size       int64
	came, used int
	uses       int
}

var dumbOrders = map[string]func(a, b dumbEntry) bool{
	"lru":  func(a, b dumbEntry) bool { return a.used < b.used },
	"fifo": func(a, b dumbEntry) bool { return a.came < b.came },
	"lfu": func(a, b dumbEntry) bool {
		return a.uses < b.uses || a.uses == b.uses && a.used < b.used
	},
}

func (d *dumbCache) lookup(key string) (int, bool) {
	d.clock++
	i := d.find(key)
	if i < 0 {
		return 0, false
	}
	e := &d.entries[i]
	e.used = d.clock
	e.uses++
	return e.value, true
}

func (d *dumbCache) put(key string, value int, size int64) bool {
	d.clock++
	if size > d.capacity {
		d.remove(key)
		return false
	}
	if i := d.find(key); i >= 0 {
		d.entries[i].value, d.entries[i].size = value, size
		d.evict(0)
		return d.find(key) >= 0
	}
	d.evict(size)
	d.entries = append(d.entries, dumbEntry{key, value, size, d.clock, d.clock, 1})
	return true
}

// evict makes room.
func (d *dumbCache) evict(room int64) {
	for d.size()+room > d.capacity {
		first := 0
		for i := range d.entries {
			if d.goes(d.entries[i], d.entries[first]) {
				first = i
			}
		}
		d.entries = slices.Delete(d.entries, first, first+1)
	}
}

func (d *dumbCache) remove(key string) bool {
	i := d.find(key)
	if i >= 0 {
		d.entries = slices.Delete(d.entries, i, i+1)
	}
	return i >= 0
}

func (d *dumbCache) find(key string) int {
	return slices.IndexFunc(d.entries, func(e dumbEntry) bool { return e.key == key })
}

func (d *dumbCache) size() (sum int64) {
	for _, e := range d.entries {
		sum += e.size
	}
	return sum
}

func newEviction(name string, capacity int64) Eviction {
	kind := Evictions[name]
	return kind.New(capacity, kind.Params(nil))
}

func TestCacheAgainstASlice(t *testing.T) {
	for name, goes := range dumbOrders {
		t.Run(name, func(t *testing.T) {
			random := newRandom(6)
			c := NewCache[int](100, newEviction(name, 100))
			dumb := &dumbCache{capacity: 100, goes: goes}
			for step := range 50_000 {
				key := fmt.Sprint(random.IntN(30))
				switch random.IntN(6) {
				case 0, 1, 2:
					want, wantOK := dumb.lookup(key)
					got, ok := c.Lookup(key)
					require.Equal(t, wantOK, ok, "step %d", step)
					require.Equal(t, want, got, "step %d", step)
				case 3, 4:
					size := int64(random.IntN(25))
					if random.IntN(50) == 0 {
						size = 101 // larger than everything
					}
					require.Equal(t, dumb.put(key, step, size), c.Put(key, step, size), "step %d", step)
				case 5:
					require.Equal(t, dumb.remove(key), c.Remove(key))
				}
				require.Equal(t, dumb.size(), c.Size())
				require.Equal(t, len(dumb.entries), c.Len())
			}
		})
	}
}

// TestCacheProperties: the capacity is never exceeded; what was put is there
// with its latest value until it goes; nothing goes while there is room; the
// eviction's lists hold what the cache holds, each once.
func TestCacheProperties(t *testing.T) {
	for name := range Evictions {
		for _, capacity := range []int64{100, 1000, 5000} {
			t.Run(fmt.Sprint(name, " ", capacity), func(t *testing.T) {
				random := newRandom(8)
				e := newEviction(name, capacity)
				c := NewCache[int](capacity, e)
				latest := map[string]int{}
				for step := range 20_000 {
					key := fmt.Sprint(int(300 * random.Float64() * random.Float64()))
					before := c.Len()
					switch random.IntN(8) {
					case 0:
						_, had := latest[key]
						require.Equal(t, had, c.Remove(key), "step %d", step)
						delete(latest, key)
					case 1, 2, 3:
						size := int64(random.IntN(40))
						room := c.Size()+size <= capacity
						if !c.Put(key, step, size) {
							delete(latest, key)
							require.False(t, room, "step %d: there was room", step)
							break
						}
						_, had := latest[key]
						latest[key] = step
						if room && !had {
							require.Equal(t, before+1, c.Len(), "step %d: there was room for all", step)
						}
					default:
						value, ok := c.Lookup(key)
						want, had := latest[key]
						require.Equal(t, had, ok, "step %d", step)
						require.Equal(t, want, value, "step %d", step)
					}
					maps.DeleteFunc(latest, func(key string, _ int) bool { _, ok := c.Peek(key); return !ok })
					require.Len(t, latest, c.Len(), "step %d", step)
					require.LessOrEqual(t, c.Size(), capacity)
				}
				require.Equal(t, c.Len(), c.RemoveAll(func(int) bool { return true }))
				require.Zero(t, c.Size())
				for _, l := range listsOf(e) {
					require.Nil(t, l.newest)
					require.Nil(t, l.eldest)
					require.Zero(t, l.size)
				}
			})
		}
	}
}

func listsOf(e Eviction) []*itemList {
	switch e := e.(type) {
	case *LRU:
		return []*itemList{&e.items}
	case *FIFO:
		return []*itemList{&e.items}
	case *SIEVE:
		return []*itemList{&e.items}
	case *S3FIFO:
		return []*itemList{&e.small, &e.main}
	case *WTinyLFU:
		return []*itemList{&e.window, &e.probation, &e.protected}
	case *LFU:
		if e.least != nil {
			return []*itemList{&e.least.items}
		}
		return nil
	}
	panic("lists of an unknown eviction")
}

func TestRemoveAllTakesWhatMatches(t *testing.T) {
	c := NewCache[int](1000, NewSIEVE())
	for i := range 100 {
		c.Put(fmt.Sprint(i), i, 1)
	}
	require.Equal(t, 50, c.RemoveAll(func(i int) bool { return i%2 == 0 }))
	require.Equal(t, 50, c.Len())
	_, even := c.Peek("42")
	_, odd := c.Peek("43")
	require.False(t, even)
	require.True(t, odd)
}

// playLetters asks for single letters, each of size 1, putting what is missed, and
// returns the hits in capitals' place and what is left, in alphabetical order.
func playLetters(c *Cache[int], letters string) (told, left string) {
	for _, r := range letters {
		if _, ok := c.Lookup(string(r)); ok {
			told += string(r - 'a' + 'A')
			continue
		}
		told += string(r)
		c.Put(string(r), 0, 1)
	}
	for r := 'a'; r <= 'z'; r++ {
		if _, ok := c.Peek(string(r)); ok {
			left += string(r)
		}
	}
	return told, left
}

func TestEvictionsStepByStep(t *testing.T) {
	tests := []struct {
		name           string
		eviction       Eviction
		capacity       int64
		letters        string
		told, left, on string
	}{
		{"lru", NewLRU(), 3, "abcadbe", "abcAdbe", "bde", "c went for d, c for b, a for e"},
		{"fifo", NewFIFO(), 3, "abcada", "abcAda", "acd", "a went although used"},
		{"lfu", NewLFU(), 3, "aabbcda", "aAbBcdA", "abd", "c came last and was used least"},
		{"lfu ties", NewLFU(), 3, "abcbacd", "abcBACd", "acd", "all used twice: b longest ago"},
		// As in figure 1 of the paper: the hand spares a used item where it
		// stands, and stays where it is.
		{"sieve", NewSIEVE(), 3, "abcad", "abcAd", "acd", "the hand spares a, takes b"},
		{"sieve keeps its hand", NewSIEVE(), 3, "abcadae", "abcAdAe", "ade", "from b on to c, though a is older"},
		{"sieve starts over", NewSIEVE(), 3, "abcABCd", "abcABCd", "bcd", "all spared once: a goes"},
		{"s3-fifo, scan", NewS3FIFO(3, .4, 2), 3, "aaabcdef", "aAAbcdef", "aef", "a was used twice and lives in main; the rest passes through"},
		{"s3-fifo, ghost", NewS3FIFO(3, .4, 2), 3, "abcdaefg", "abcdaefg", "afg", "a came back through the ghost, into main"},
		{"s3-fifo, one use is not two", NewS3FIFO(3, .4, 2), 3, "aabcd", "aAbcd", "bcd", "a was used once only"},
		{"s3-fifo, promote at one", NewS3FIFO(3, .4, 1), 3, "aabcd", "aAbcd", "acd", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			told, left := playLetters(NewCache[int](tt.capacity, tt.eviction), lower(tt.letters))
			require.Equal(t, tt.told, told, tt.on)
			require.Equal(t, tt.left, left, tt.on)
		})
	}
}

func lower(s string) string {
	b := []byte(s)
	for i := range b {
		b[i] |= 0x20
	}
	return string(b)
}
