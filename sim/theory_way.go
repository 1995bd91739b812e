package sim

import (
	"math"
	"time"

	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// way is what the machinery costs a request on its way to a backend and back.
type way struct {
	constant time.Duration
	jitter   time.Duration // on average, of all visits
	pieces   []piece       // of work, in order
	visits   int           // each with its jitter
	cores    int           // 0: there is no machine to share
	checks   float64       // of health, per second
	check    time.Duration // the work of each

	hop, blur time.Duration // of constant and jitter, after the choice of a backend
}

// piece is work that keeps a core busy from some time on after a request came,
// and the jitter of some visits.
type piece struct {
	at     time.Duration
	visits int
	work   time.Duration
}

// way is that of the system's requests.
func (s *system) way(c Costs) way {
	w := way{cores: c.Cores}
	w.pay(c.Client, c.Work.Client)
	ask, work := time.Duration(0), time.Duration(0)
	if s.proxied() {
		kind := s.balancer.Kind
		w.visit(c.Visit[kind], c.Work.Visit[kind], c.Jitter)
		ask, work = c.Ask, c.Work.Ask
	}
	w.hop, w.blur = c.Visit[topologies.Backend]+ask, c.Jitter
	w.visit(w.hop, c.Work.Visit[topologies.Backend]+work, c.Jitter)
	if s.proxied() && s.balancer.Health != nil {
		w.checks = float64(s.backends) / s.balancer.Health.Every.Seconds()
		w.check = c.Work.Visit[topologies.Backend] + c.Work.Ask
	}
	return w
}

func (w *way) visit(constant, work, jitter time.Duration) {
	w.pay(constant, work)
	w.jitter += jitter
	w.visits++
}

func (w *way) pay(constant, work time.Duration) {
	w.pieces = append(w.pieces, piece{w.constant, w.visits, work})
	w.constant += constant
}

// mean is what all of it takes, but for waits for a core.
func (w *way) mean() time.Duration { return w.constant + w.jitter }

// crowded is about how long requests that come at a rate wait for cores: for
// their own work, and in front of each piece for that of others, as if it came
// all at once, to be shared among all cores or to keep one busy. It is on the
// long side.
func (w *way) crowded(rate float64) time.Duration {
	if w.cores == 0 {
		return 0
	}
	work := time.Duration(0)
	for _, p := range w.pieces {
		work += p.work
	}
	q := station{rate: rate, mean: work.Seconds() + w.checks*w.check.Seconds()/rate, workers: w.cores}
	if q.mean == 0 {
		return 0
	}
	if q.load() >= 1 {
		return time.Hour
	}
	shared := q.mean / float64(w.cores) * (pollaczek(q.load(), 0) - 1)
	return w.alone() + seconds(float64(len(w.pieces))*(shared+q.wait()))
}

// alone is how long a request that is alone waits for its own work to leave a
// core free, on average over the jitter.
func (w *way) alone() time.Duration {
	const draws = 500
	var all time.Duration
	for i := range uint64(draws) {
		var m machine
		m.reset(w.cores, 0)
		var jitter, waited time.Duration
		visits := 0
		for k, p := range w.pieces {
			for ; visits < p.visits; visits++ {
				u := scenarios.Unit(scenarios.Mix(i, uint64(k)))
				jitter -= time.Duration(math.Log(u) * float64(w.jitter) / float64(w.visits))
			}
			waited += m.wait(p.at+jitter+waited, p.work)
		}
		all += waited
	}
	return all / draws
}

// mostWaiting is the share of the mean latency that waits for cores may come to.
const mostWaiting = .03

// smallJitter is the share of the mean latency up to which jitter may be added
// to quantiles: to an exponential tail it adds its mean and half the square of
// it over the tail's.
const smallJitter = .1

// added is a solution with the way before it.
func (w *way) added(s solution, rate float64) (Theory, bool) {
	t := Theory{Model: s.model, Rate: rate, Loss: s.loss, Mean: w.mean() + seconds(s.mean), Bias: s.bias}
	jitter := w.jitter.Seconds() / t.Mean.Seconds()
	if s.beyond != nil && s.loss == 0 && (jitter == 0 || jitter <= smallJitter && !s.jagged) {
		t.P50 = w.mean() + seconds(s.beyond.quantile(.5))
		t.P99 = w.mean() + seconds(s.beyond.quantile(.99))
		t.Bias += jitter * jitter
	}
	return t.among(w, rate)
}

// among is what the theory is worth where requests wait for cores too: nothing,
// unless they do so for so little that it may be left out.
func (t Theory) among(w *way, rate float64) (Theory, bool) {
	waiting := w.crowded(rate).Seconds() / t.Mean.Seconds()
	if waiting > mostWaiting {
		return Theory{}, false
	}
	t.Bias += waiting
	return t, true
}
