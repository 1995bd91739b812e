package policy

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// dumbLRU is a list, the latest used last.
type dumbLRU struct {
	capacity int64
	entries  []dumbEntry
}

type dumbEntry struct {
	key   string
	value int
	size  int64
}

func (d *dumbLRU) lookup(key string) (int, bool) {
	i := d.find(key)
	if i < 0 {
		return 0, false
	}
	e := d.entries[i]
	d.entries = append(slices.Delete(d.entries, i, i+1), e)
	return e.value, true
}

func (d *dumbLRU) put(e dumbEntry) bool {
	d.remove(e.key)
	if e.size > d.capacity {
		return false
	}
	d.entries = append(d.entries, e)
	for d.size() > d.capacity {
		d.entries = d.entries[1:]
	}
	return true
}

func (d *dumbLRU) remove(key string) bool {
	i := d.find(key)
	if i >= 0 {
		d.entries = slices.Delete(d.entries, i, i+1)
	}
	return i >= 0
}

func (d *dumbLRU) find(key string) int {
	return slices.IndexFunc(d.entries, func(e dumbEntry) bool { return e.key == key })
}

func (d *dumbLRU) size() (sum int64) {
	for _, e := range d.entries {
		sum += e.size
	}
	return sum
}

func TestLRUAgainstASlice(t *testing.T) {
	random := newRandom(6)
	var l Cache[int] = NewLRU[int](100)
	dumb := &dumbLRU{capacity: 100}
	for step := range 50_000 {
		key := fmt.Sprint(random.IntN(30))
		switch random.IntN(6) {
		case 0, 1, 2:
			want, wantOK := dumb.lookup(key)
			got, ok := l.Lookup(key)
			require.Equal(t, wantOK, ok, "step %d", step)
			require.Equal(t, want, got, "step %d", step)
		case 3, 4:
			size := int64(random.IntN(25))
			if random.IntN(50) == 0 {
				size = 101 // larger than everything
			}
			require.Equal(t, dumb.put(dumbEntry{key, step, size}), l.Put(key, step, size))
		case 5:
			require.Equal(t, dumb.remove(key), l.Remove(key))
		}
		require.Equal(t, dumb.size(), l.Size())
		require.Equal(t, len(dumb.entries), l.Len())
		require.LessOrEqual(t, l.Size(), int64(100))
	}
}

func BenchmarkLRU(b *testing.B) {
	l := NewLRU[int](1000)
	keys := make([]string, 2000)
	for i := range keys {
		keys[i] = fmt.Sprint("/products/", i)
	}
	random := newRandom(1)
	b.ReportAllocs()
	for i := range b.N {
		key := keys[random.IntN(len(keys))]
		if _, ok := l.Lookup(key); !ok {
			l.Put(key, i, 1)
		}
	}
}
