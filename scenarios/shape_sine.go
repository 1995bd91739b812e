package scenarios

import (
	"math"
	"time"

	"trafficlab/topologies/strict"
)

var sine = ShapeKind{
	About:   "up and down around mean by amplitude, once a period; it begins at the mean and rises",
	Example: "{mean: 100/s, amplitude: 80/s, period: 10s}",
	read: func(_ loadReader, v, stream strict.Value, s *Stream) {
		leg := Leg{From: 1, To: 1, For: lasts(stream)}
		if v.Fields("mean", "amplitude", "period") {
			needs(v, "mean: 100/s", "amplitude: 80/s", "period: 10s")
			leg.From = v.Get("mean").Rate(1, 0.01, maxRate)
			leg.To = leg.From
			leg.Swing = v.Get("amplitude").Rate(0, 0, maxRate)
			leg.Period = v.Get("period").Duration(time.Second, time.Millisecond, longest)
			switch {
			case leg.Swing > leg.From:
				v.Get("amplitude").Wrong("is above the mean, and no rate is below 0", "at most "+strict.Rate(leg.From))
			case leg.peak() > maxRate:
				v.Wrong("goes up to "+strict.Rate(leg.peak()), "at most "+strict.Rate(maxRate))
			}
		}
		s.Rate = []Leg{leg}
	},
}

// sway is what a leg's sine adds to the requests of its first t seconds.
func (l *Leg) sway(t float64) float64 {
	if l.Swing == 0 {
		return 0
	}
	turn := 2 * math.Pi / l.Period.Seconds()
	return l.Swing / turn * (1 - math.Cos(turn*t))
}

// swayed is after for a leg with a sine on it, whose integral has no inverse in
// closed form. The sine brings as many requests as it takes, so that the root
// lies between those of the straight line with all that it can bring and with
// none; there Newton's steps, or halves where one leads out, close in on it to
// below a nanosecond, as far as the numbers tell one instant from another.
func (l *stretch) swayed(n float64) float64 {
	turn := 2 * math.Pi / l.Period.Seconds()
	low, high := l.straight(n-2*l.Swing/turn), l.straight(n)
	t := (low + high) / 2
	for range 60 {
		short := n - l.before(t)
		if short > 0 {
			low = t
		} else {
			high = t
		}
		next := t + short/(l.From+(l.To-l.From)*t/l.seconds+l.Swing*math.Sin(turn*t))
		if !(next >= low && next <= high) {
			next = (low + high) / 2
		}
		if math.Abs(next-t) < 1e-10 {
			return next
		}
		t = next
	}
	return t
}
