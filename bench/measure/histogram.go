package measure

import (
	"math"
	"math/bits"
	"slices"
	"time"
)

// Histogram counts durations in buckets, 32 to each doubling, so that those of
// several places, lives and repetitions can be added. The zero value is empty.
//
// Source: the log-linear buckets of HdrHistogram (Gil Tene).
// Cost: eight bytes for each bucket between the shortest and the longest: some
// hundred for latencies that span three powers of ten.
// Weak spot: a quantile is up to 1.6% off, and nothing below 32 ns is told
// apart from its neighbours by more than one.
type Histogram struct {
	First  int     // number of the first bucket that is counted
	Counts []int64 // of it and those that follow
}

// A bucket's number is the place of its durations' highest bit, and the five
// bits that follow it.
const (
	fine    = 5
	fineBit = 1 << fine
)

func bucketOf(d time.Duration) int {
	n := uint64(max(d, 0))
	if n < fineBit {
		return int(n)
	}
	shift := bits.Len64(n) - 1 - fine
	return (shift+1)<<fine + int(n>>shift) - fineBit
}

// middleOf is the middle of a bucket.
func middleOf(bucket int) time.Duration {
	if bucket < fineBit {
		return time.Duration(bucket)
	}
	shift := bucket>>fine - 1
	low := uint64(bucket&(fineBit-1)|fineBit) << shift
	return time.Duration(low + (uint64(1)<<shift)/2)
}

// Add counts a duration.
func (h *Histogram) Add(d time.Duration) { h.add(d, 1) }

func (h *Histogram) add(d time.Duration, times int64) {
	bucket := bucketOf(d)
	h.reach(bucket, bucket+1)
	h.Counts[bucket-h.First] += times
}

// histogramOf counts a pile.
func histogramOf(p *pile) (h Histogram) {
	for d, times := range p.all() {
		h.add(d, int64(times))
	}
	return h
}

// Merge adds what another has counted so many times: -1 takes it away.
func (h *Histogram) Merge(other Histogram, times int64) {
	if len(other.Counts) == 0 {
		return
	}
	h.reach(other.First, other.First+len(other.Counts))
	for i, n := range other.Counts {
		h.Counts[other.First-h.First+i] += times * n
	}
	h.trim()
}

// reach makes room for the buckets from first to end.
func (h *Histogram) reach(first, end int) {
	if len(h.Counts) == 0 {
		h.First = first
	}
	if first < h.First {
		h.Counts = slices.Insert(h.Counts, 0, make([]int64, h.First-first)...)
		h.First = first
	}
	if missing := end - h.First - len(h.Counts); missing > 0 {
		h.Counts = append(h.Counts, make([]int64, missing)...)
	}
}

// trim leaves out empty buckets at both ends, so that equal histograms look
// alike.
func (h *Histogram) trim() {
	first, end := 0, len(h.Counts)
	for first < end && h.Counts[first] == 0 {
		first++
	}
	for first < end && h.Counts[end-1] == 0 {
		end--
	}
	if first == end {
		*h = Histogram{}
		return
	}
	h.First, h.Counts = h.First+first, h.Counts[first:end]
}

// Clone shares nothing with h.
func (h Histogram) Clone() Histogram { return Histogram{h.First, slices.Clone(h.Counts)} }

// Count is how many durations were counted.
func (h Histogram) Count() (all int64) {
	for _, n := range h.Counts {
		all += n
	}
	return all
}

// Quantile is the middle of the bucket in which the quantile lies. It is false
// if fewer than 30 durations lie beyond, too few to tell it.
func (h Histogram) Quantile(q float64) (time.Duration, bool) {
	all := h.Count()
	if beyond(int(all), q) < beyondAll {
		return 0, false
	}
	rank := int64(math.Ceil(q * float64(all)))
	for i, n := range h.Counts {
		if rank -= n; rank <= 0 {
			return middleOf(h.First + i), true
		}
	}
	return 0, false
}
