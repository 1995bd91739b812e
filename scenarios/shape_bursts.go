package scenarios

import (
	"time"

	"trafficlab/topologies"
	"trafficlab/topologies/strict"
)

// Bursts is a rate that is there and gone in turns. If both last for a constant
// time, a burst begins with the stream. Else the load is found wherever it may
// be in its turns, and how long they take is drawn from the seed: with Poisson
// arrivals and exponential turns, that is Kuczura's interrupted Poisson process
// ("The interrupted Poisson process as an overflow process", Bell System
// Technical Journal 52, 1973).
type Bursts struct {
	Rate float64 // requests per second in a burst
	Idle float64 // between bursts
	On   topologies.Distribution
	Off  topologies.Distribution
	For  time.Duration
}

var bursts = ShapeKind{
	About:   "rate while on, and idle (0/s if not given) while off, in turns; each lasts for a constant or an exponential time",
	Example: "{rate: 500/s, on: {exponential: 1s}, off: {exponential: 4s}}",
	read: func(_ loadReader, v, stream strict.Value, s *Stream) {
		b := &Bursts{Rate: 1, For: lasts(stream)}
		if v.Fields("rate", "on", "off", "idle") {
			needs(v, "rate: 500/s", "on: 1s", "off: 4s")
			b.Rate = v.Get("rate").Rate(1, 0.01, maxRate)
			b.Idle = v.Get("idle").Rate(0, 0, maxRate)
			b.On, b.Off = turn(v.Get("on")), turn(v.Get("off"))
			if b.Idle >= b.Rate {
				v.Get("idle").Wrong("is no less than the rate of a burst", "below "+strict.Rate(b.Rate))
			}
		}
		s.Bursts = b
	},
}

// turn reads how long something is there: 1s, if that is a mistake, so that
// what looks at the load meanwhile does not go through turns of no length.
func turn(v strict.Value) topologies.Distribution {
	d := topologies.ReadDistribution(v)
	switch {
	case !v.Present() || v.Noted():
		return aSecond
	case d.Law != "constant" && d.Law != "exponential":
		v.Wrong("is neither constant nor exponential", "1s, or {exponential: 1s}")
	case d.Mean < time.Millisecond:
		v.Wrong("is too short", "at least "+strict.Duration(time.Millisecond))
	default:
		return d
	}
	return aSecond
}

var aSecond = topologies.Distribution{Law: "constant", Mean: time.Second}

// drawn tells whether chance decides how long turns take.
func (b *Bursts) drawn() bool { return b.On.Law != "constant" || b.Off.Law != "constant" }

// mean is the rate of bursts and pauses together.
func (b *Bursts) mean() float64 {
	on, off := b.On.Mean.Seconds(), b.Off.Mean.Seconds()
	return (b.Rate*on + b.Idle*off) / (on + off)
}

// turns yields the bursts and pauses in turn, as a seed draws them.
func (b *Bursts) turns(seed uint64) func() (Leg, bool) {
	on, left, n := true, b.For, uint64(0)
	if b.drawn() {
		on = Unit(Mix(seed, 0))*float64(b.On.Mean+b.Off.Mean) < float64(b.On.Mean)
	}
	return func() (leg Leg, ok bool) {
		if left <= 0 {
			return leg, false
		}
		law, rate := b.Off, b.Idle
		if on {
			law, rate = b.On, b.Rate
		}
		n++
		u := Unit(Mix(seed, n))
		length := law.Quantile(u)
		if n == 1 && b.drawn() && law.Law == "constant" { // what is left of it, of which an exponential time has no memory
			length = time.Duration(u * float64(length))
		}
		length = min(length, left)
		left -= length
		on = !on
		return Leg{From: rate, To: rate, For: length}, true
	}
}
