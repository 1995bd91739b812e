package measure

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"time"
)

// Series counts by ticks of time since the run began: how many there were from
// i to i+1 of what Tick says. What lies beyond its end is 0.
type Series []uint32

// mostTicks bounds what a series takes: of 10,000 places each has one.
const mostTicks = 2000

// Tick is how finely a run of so long is counted by time: by 100 ms, or
// coarser where that would take too much room.
func Tick(duration time.Duration) time.Duration {
	tick := 100 * time.Millisecond
	for duration/tick > mostTicks {
		tick *= 2
	}
	return tick
}

// Ticks is how many there are in a run of so long.
func Ticks(duration time.Duration) int {
	tick := Tick(duration)
	return int((duration + tick - 1) / tick)
}

// Plus adds two series. Of two that are not there, there is no sum.
func (s Series) Plus(other Series) Series {
	if s == nil && other == nil {
		return nil
	}
	sum := make(Series, max(len(s), len(other)))
	copy(sum, s)
	for i, n := range other {
		sum[i] += n
	}
	return sum
}

// sum is how many there were from one tick until before another.
func (s Series) sum(from, to int) (n int64) {
	for i := max(from, 0); i < min(to, len(s)); i++ {
		n += int64(s[i])
	}
	return n
}

// at is how many there were in a tick.
func (s Series) at(tick int) uint32 {
	if tick < len(s) {
		return s[tick]
	}
	return 0
}

// rate is how many there were a second between two instants, of series in such
// ticks.
func (s Series) rate(tick, from, to time.Duration) float64 {
	if to <= from {
		return 0
	}
	n := 0.
	for i := int(from / tick); i < len(s) && time.Duration(i)*tick < to; i++ {
		begins := time.Duration(i) * tick
		within := min(to, begins+tick) - max(from, begins)
		n += float64(s[i]) * float64(within) / float64(tick)
	}
	return n / (to - from).Seconds()
}

// reached enters into the time line of some runs how many requests came to
// backends.
func reached(line []Second, runs []*Run) {
	var all Series
	for _, r := range runs {
		for i := range r.Nodes {
			if r.Nodes[i].Kind == "backend" {
				all = all.Plus(r.Nodes[i].Received)
			}
		}
	}
	if all == nil {
		return
	}
	duration := runs[0].Duration
	for i := range line {
		from := time.Duration(i) * time.Second
		line[i].Reached = all.rate(Tick(duration), from, min(from+time.Second, duration)) / float64(len(runs))
	}
}

// MarshalJSON writes a byte or two for each tick, up to the last that is not 0.
func (s Series) MarshalJSON() ([]byte, error) {
	var raw []byte
	zeros := 0
	for _, n := range s {
		if n == 0 {
			zeros++
			continue
		}
		raw = append(raw, make([]byte, zeros)...)
		raw, zeros = binary.AppendUvarint(raw, uint64(n)), 0
	}
	return json.Marshal(base64.RawStdEncoding.EncodeToString(raw))
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Series) UnmarshalJSON(text []byte) error {
	var coded string
	if err := json.Unmarshal(text, &coded); err != nil {
		return err
	}
	raw, err := base64.RawStdEncoding.DecodeString(coded)
	if err != nil {
		return err
	}
	*s = Series{}
	for len(raw) > 0 {
		n, size := binary.Uvarint(raw)
		if size <= 0 || n > 1<<32-1 {
			return errors.New("a series of counts is damaged")
		}
		*s, raw = append(*s, uint32(n)), raw[size:]
	}
	return nil
}

// AddSeries adds what others counted, by name. Who counted nothing is named
// still.
func AddSeries(a, b map[string]Series) map[string]Series {
	if len(a)+len(b) == 0 {
		return nil
	}
	sum := make(map[string]Series, len(a))
	for name, s := range a {
		sum[name] = s.Plus(nil)
	}
	for name, s := range b {
		sum[name] = sum[name].Plus(s)
	}
	return sum
}
