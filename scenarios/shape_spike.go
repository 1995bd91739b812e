package scenarios

import (
	"time"

	"trafficlab/topologies/strict"
)

var spike = ShapeKind{
	About:   "base, and once, at: an instant of the stream, up to peak for: a while; rise and fall (as the rise) take their time",
	Example: "{base: 50/s, peak: 500/s, at: 5s, for: 2s, rise: 500ms, fall: 3s}",
	read: func(_ loadReader, v, stream strict.Value, s *Stream) {
		length := lasts(stream)
		if !v.Fields("base", "peak", "at", "for", "rise", "fall") {
			return
		}
		needs(v, "base: 50/s", "peak: 500/s", "at: 5s", "for: 2s")
		base, peak := v.Get("base").Rate(1, 0, maxRate), v.Get("peak").Rate(2, 0.01, maxRate)
		at, top := v.Get("at").Duration(0, 0, longest), v.Get("for").Duration(0, 0, longest)
		rise := v.Get("rise").Duration(0, 0, longest)
		fall := v.Get("fall").Duration(rise, 0, longest)
		rest := length - at - rise - top - fall
		switch {
		case v.Noted() || stream.Get("for").Noted():
		case peak <= base:
			v.Get("peak").Wrong("is not above the base", "more than "+strict.Rate(base))
		case rise+top+fall == 0:
			v.Get("for").Wrong("is no time at all", "for: 2s, or a rise")
		case rest < 0:
			v.Wrong("is not over when the stream is", "at, rise, for and fall within "+strict.Duration(length))
		}
		for _, leg := range []Leg{
			{From: base, To: base, For: at},
			{From: base, To: peak, For: rise},
			{From: peak, To: peak, For: top},
			{From: peak, To: base, For: fall},
			{From: base, To: base, For: max(rest, time.Duration(0))},
		} {
			if leg.For > 0 {
				s.Rate = append(s.Rate, leg)
			}
		}
	},
}
