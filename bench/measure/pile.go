package measure

import (
	"encoding/binary"
	"iter"
	"slices"
	"time"
)

// pile is latencies in order, every one exact, in little room: each distinct
// one as its gap to the one before and, if it occurs again, a nought and how
// often. Of many, each takes a byte or two; and however many there are, they
// take no more than a few bytes for each nanosecond from the first to the
// last. Adding one costs O(log n) on average.
type pile struct {
	n     int // with the fresh ones
	coded []byte
	fresh []time.Duration // not in order yet
}

// Fresh latencies wait until they are as many as this, or this part of the
// pile: so each is moved only a few times.
const (
	freshLeast = 1 << 12
	freshPart  = 8
)

func (p *pile) add(latency time.Duration) {
	p.n++
	p.fresh = append(p.fresh, latency)
	if len(p.fresh) >= max(freshLeast, p.n/freshPart) {
		p.settle()
	}
}

// clone shares nothing with p.
func (p *pile) clone() *pile {
	p.settle()
	return &pile{n: p.n, coded: slices.Clone(p.coded)}
}

// plus adds a whole pile.
func (p *pile) plus(other *pile) {
	p.settle()
	other.settle()
	p.n += other.n
	p.coded = merged(p.coded, other.coded)
}

// settle puts what is fresh in its place.
func (p *pile) settle() {
	if len(p.fresh) == 0 {
		return
	}
	slices.Sort(p.fresh)
	p.coded = merged(p.coded, coded(p.fresh))
	p.fresh = p.fresh[:0]
}

// all goes through the distinct latencies in order, each with how often it
// occurs.
func (p *pile) all() iter.Seq2[time.Duration, int] {
	p.settle()
	return func(yield func(time.Duration, int) bool) {
		for w := walkOf(p.coded); w.times > 0; w.next() {
			if !yield(w.value, w.times) {
				return
			}
		}
	}
}

// at is the latency of a rank, from 1 to n, and the one of the next rank, or
// of the last.
func (p *pile) at(rank int) (this, next time.Duration) {
	passed := 0
	for v, times := range p.all() {
		if passed < rank {
			this = v
		}
		next = v
		if passed += times; passed > rank {
			break
		}
	}
	return this, next
}

// quantile is as that of all latencies in a slice. There must be some.
func (p *pile) quantile(q float64) time.Duration {
	rank, share := place(p.n, q)
	this, next := p.at(rank)
	return between(this, next, share)
}

// coder writes latencies in order.
type coder struct {
	coded []byte
	last  time.Duration
}

// put adds a latency, longer than the last, that occurs so often.
func (c *coder) put(latency time.Duration, times int) {
	c.coded = binary.AppendUvarint(c.coded, uint64(latency-c.last))
	c.last = latency
	if times > 1 {
		c.coded = binary.AppendUvarint(append(c.coded, 0), uint64(times-1))
	}
}

func coded(sorted []time.Duration) []byte {
	var c coder
	for len(sorted) > 0 {
		times := 1
		for times < len(sorted) && sorted[times] == sorted[0] {
			times++
		}
		c.put(sorted[0], times)
		sorted = sorted[times:]
	}
	return c.coded
}

// merged is two codes in one. It keeps neither, but may return one.
func merged(a, b []byte) []byte {
	if len(a) == 0 {
		return b
	}
	c := coder{coded: make([]byte, 0, len(a)+len(b))}
	x, y := walkOf(a), walkOf(b)
	for x.times > 0 && y.times > 0 {
		switch {
		case x.value < y.value:
			c.take(&x)
		case y.value < x.value:
			c.take(&y)
		default:
			y.times += x.times
			x.next()
		}
	}
	for x.times > 0 {
		c.take(&x)
	}
	for y.times > 0 {
		c.take(&y)
	}
	return c.coded
}

func (c *coder) take(w *walk) {
	c.put(w.value, w.times)
	w.next()
}

// walk goes through a code.
type walk struct {
	rest  []byte
	value time.Duration
	times int // 0 at the end
}

func walkOf(coded []byte) walk {
	w := walk{rest: coded}
	w.next()
	return w
}

func (w *walk) next() {
	if len(w.rest) == 0 {
		w.times = 0
		return
	}
	w.value += time.Duration(w.number())
	w.times = 1
	if len(w.rest) > 0 && w.rest[0] == 0 { // no gap is 0 but the first
		w.rest = w.rest[1:]
		w.times += int(w.number())
	}
}

func (w *walk) number() uint64 {
	n, size := binary.Uvarint(w.rest)
	w.rest = w.rest[size:]
	return n
}
