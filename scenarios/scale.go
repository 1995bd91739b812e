package scenarios

import (
	"math"
	"slices"
)

// Scaled is the load so many times: the rates of open streams, and the clients
// of closed ones, of whom each stream keeps one at least.
func (l Load) Scaled(factor float64) Load {
	streams := make([]Stream, len(l.Streams))
	for i, s := range l.Streams {
		streams[i] = s.scaled(factor)
	}
	return Load{Streams: streams}
}

func (s Stream) scaled(factor float64) Stream {
	if s.Closed != nil {
		c := *s.Closed
		c.Clients = max(1, int(math.Round(float64(c.Clients)*factor)))
		s.Closed = &c
		return s
	}
	if s.Bursts != nil {
		b := *s.Bursts
		b.Rate, b.Idle = b.Rate*factor, b.Idle*factor
		s.Bursts = &b
	}
	if s.Replay != nil {
		p := *s.Replay
		p.Times *= factor
		s.Replay = &p
	}
	s.Rate = slices.Clone(s.Rate)
	for i := range s.Rate {
		leg := &s.Rate[i]
		leg.From, leg.To, leg.Swing = leg.From*factor, leg.To*factor, leg.Swing*factor
	}
	return s
}

// Offered is how much load a variant brings after its warm-up: the mean rate
// of its open streams or, if it has none, the clients of its closed ones.
func (v *Variant) Offered() (amount float64, clients bool) {
	from, to := v.Warmup, v.Load.Duration()
	if rate := v.Load.Expected(from, to, "") / (to - from).Seconds(); rate > 0 {
		return rate, false
	}
	for _, s := range v.Load.Streams {
		if s.Closed != nil {
			amount += float64(s.Closed.Clients)
		}
	}
	return amount, true
}

// MostScaled is the largest factor by which the load can be scaled and still be
// fired: live, that is bounded by what fits in memory, and in the simulator by
// the time that anybody would wait for it.
func (v *Variant) MostScaled() float64 {
	most := maxLive / max(1, v.Estimate(0, v.Load.Duration(), ""))
	for _, s := range v.Load.Streams {
		for _, leg := range s.Rate {
			most = min(most, maxRate/max(leg.peak(), 1e-9))
		}
		if s.Bursts != nil {
			most = min(most, maxRate/s.Bursts.Rate)
		}
		if s.Closed != nil {
			most = min(most, clientsPerClass/float64(s.Closed.Clients))
		}
	}
	return most
}
