package scenarios

import (
	"math"
	"time"
)

// before is how many requests the leg brings in its first t seconds.
func (l *Leg) before(t float64) float64 {
	return l.From*t + (l.To-l.From)/l.For.Seconds()*t*t/2 + l.sway(t)
}

// requests is how many requests the leg brings.
func (l *Leg) requests() float64 {
	return (l.From+l.To)/2*l.For.Seconds() + l.sway(l.For.Seconds())
}

// peak is a rate that the leg does not exceed.
func (l *Leg) peak() float64 { return max(l.From, l.To) + l.Swing }

// legs yields the stretches of the stream's rate, as a seed draws them where
// chance does.
func (s Stream) legs(seed uint64) func() (Leg, bool) {
	if s.Bursts != nil {
		return s.Bursts.turns(seed)
	}
	rest := s.Rate
	return func() (leg Leg, ok bool) {
		if len(rest) == 0 {
			return leg, false
		}
		leg, rest = rest[0], rest[1:]
		return leg, true
	}
}

// due is how many arrivals of the stream a seed makes for before an instant, on
// average.
func (s Stream) due(now time.Duration, seed uint64) float64 {
	if s.Replay != nil {
		return s.Replay.before(now - s.At)
	}
	sum, left := 0.0, now-s.At
	legs := s.legs(seed)
	for leg, ok := legs(); ok && left > 0; leg, ok = legs() {
		if left >= leg.For {
			sum += leg.requests()
		} else {
			sum += leg.before(left.Seconds())
		}
		left -= leg.For
	}
	return sum
}

// expected is due for nobody knows what seed.
func (s Stream) expected(now time.Duration) float64 {
	if b := s.Bursts; b != nil && b.drawn() {
		return b.mean() * min(max(now-s.At, 0), b.For).Seconds()
	}
	return s.due(now, 0)
}

// Level is the rate of a load of open streams whose rate never changes; else it
// is not ok.
func (l Load) Level() (rate float64, ok bool) {
	for _, s := range l.Streams {
		if s.At > 0 || s.Session != nil || len(s.Rate) != 1 || s.Rate[0].From != s.Rate[0].To || s.Rate[0].Swing > 0 || s.Rate[0].For != l.Duration() {
			return 0, false
		}
		rate += s.Rate[0].From
	}
	return rate, true
}

// clock tells when the n-th request is due: the inverse of the integral of the
// rate over its legs. It only goes forward.
type clock struct {
	legs  func() (Leg, bool) // to come
	leg   stretch            // under way
	begin float64            // of the leg under way, in seconds
	done  float64            // requests before it
}

// stretch is a leg, and what is asked of it at every request.
type stretch struct {
	Leg
	total   float64 // requests
	seconds float64
}

func (c *clock) when(n float64) (seconds float64, ok bool) {
	for n >= c.done+c.leg.total {
		c.begin += c.leg.seconds
		c.done += c.leg.total
		leg, more := c.legs()
		if !more {
			return 0, false
		}
		c.leg = stretch{leg, leg.requests(), leg.For.Seconds()}
	}
	return c.begin + c.leg.after(n-c.done), true
}

// after is how many seconds into the leg n requests have come.
func (l *stretch) after(n float64) float64 {
	if l.Swing > 0 {
		return l.swayed(n)
	}
	return l.straight(n)
}

// straight is after for a leg without a sine: the root of From·t + slope·t²/2 =
// n, in the form that does not cancel.
func (l *stretch) straight(n float64) float64 {
	switch {
	case n <= 0:
		return 0
	case l.From == l.To:
		return min(n/l.From, l.seconds)
	}
	slope := (l.To - l.From) / l.seconds
	root := math.Sqrt(max(0, l.From*l.From+2*slope*n))
	return min(2*n/(l.From+root), l.seconds)
}
