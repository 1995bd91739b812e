package sim

import (
	"fmt"
	"time"

	"trafficlab/scenarios"
)

// population is clients who wait for their answers: N of them, who think for a
// while on average.
type population struct {
	clients int
	think   time.Duration
	law     string // of thinking
}

// populationOf is the one closed stream that a variant's load is, in calm
// weather.
func populationOf(v *scenarios.Variant) (p population, ok bool) {
	if len(v.Faults) > 0 || len(v.Load.Streams) != 1 {
		return p, false
	}
	s := &v.Load.Streams[0]
	if s.Closed == nil || s.At != 0 {
		return p, false
	}
	return population{s.Closed.Clients, s.Closed.Think.Expected(), s.Closed.Think.Law}, true
}

// closed is the repairman's model: nobody is turned away, and nobody loses
// patience. The law of thinking is of no account, nor is that of service where
// one worker shares itself.
func (s *system) closed(p population, w way) (Theory, bool) {
	service := s.node.ServiceTime
	q := station{mean: service.Expected().Seconds(), workers: s.node.Workers, room: p.clients}
	shared := s.node.Sharing && s.node.Workers == 1
	reach := q.fullLine()
	if shared {
		reach = float64(p.clients) * longest(service)
	}
	switch {
	case s.backends > 1, p.clients > s.node.Workers+s.room, p.hurries(q, w):
		return Theory{}, false
	case s.node.Sharing != shared, service.Law != "exponential" && !shared, q.mean == 0:
		return Theory{}, false
	case reach > (s.patience - w.constant - patienceOf*w.jitter).Seconds():
		return Theory{}, false
	}
	rate := p.rate(q, (p.think + w.mean()).Seconds())
	t := Theory{Model: fmt.Sprintf("M/M/%d//%d", q.workers, p.clients), Rate: rate, Mean: seconds(float64(p.clients)/rate) - p.think}
	switch {
	case shared:
		t.Model = fmt.Sprintf("M/G/1-PS//%d", p.clients)
	case p.law != "exponential":
		t.Model = "G" + t.Model[1:]
	}
	return t.among(&w, rate)
}

// hurries tells whether clients could often ask faster than they may.
func (p population) hurries(q station, w way) bool {
	const often = 100
	return w.constant < scenarios.Breath && p.think+w.mean()+seconds(q.mean) < often*scenarios.Breath
}

// rate is how many requests a second are served, of clients who are away for a
// time on average before they are back.
func (p population) rate(q station, away float64) float64 {
	share, sum, busy := 1.0, 1.0, 0.0 // of the time that so many are at the station
	for n := 1; n <= p.clients; n++ {
		working := float64(min(n, q.workers))
		if away == 0 {
			share, sum, busy = 1, 1, working // all are always there
			continue
		}
		share *= float64(p.clients-n+1) / away * q.mean / working
		sum, busy = sum+share, busy+share*working
		if sum > 1e200 { // only proportions matter
			share, busy, sum = share/sum, busy/sum, 1
		}
	}
	return busy / sum / q.mean
}
