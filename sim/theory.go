package sim

import (
	"fmt"
	"math"
	"time"

	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// Theory is what queueing theory says of a variant in the long run. It is
// exact, but for a run's beginning, which finds all idle.
type Theory struct {
	Model string        // "M/M/4"
	Rate  float64       // requests per second that come
	Mean  time.Duration // of the latency of those that are served
	Loss  float64       // share that is turned away

	// P50 and P99 are 0 where there is no formula.
	P50, P99 time.Duration
}

// TheoryOf tells what theory says, if it has a formula: for a single backend
// that Poisson arrivals of a constant rate meet, or the clients of a closed
// stream, in calm weather.
//
//   - exponential service: M/M/c/K, with K the workers and the queue (Erlang)
//   - any service, one worker, and a queue that is hardly ever full: M/G/1
//     (Pollaczek and Khinchine), the mean alone
//   - one worker that shares itself: M/G/1 processor sharing, the mean alone,
//     whatever the law of service
//   - clients in a closed loop: M/M/c//N, or a shared worker, the mean alone
//
// The machinery's costs on a request's way are constant and added.
func TheoryOf(v *scenarios.Variant, costs Costs) (Theory, bool) {
	node := v.Topology.Node(v.Topology.Entry)
	if node.Kind != topologies.Backend || node.Replicas > 1 || node.DropExpired || node.Order.Name != "fifo" && node.Order.Name != "" {
		return Theory{}, false
	}
	way := costs.Client + costs.Visit[node.Kind] + costs.Jitter
	if p, closed := populationOf(v); closed {
		return p.theory(v, node, way)
	}
	rate, steady := poissonRate(v)
	if !steady {
		return Theory{}, false
	}
	t, ok := open(v, node, rate, way)
	t.Rate = rate
	return t, ok
}

// open is the theory of Poisson arrivals.
func open(v *scenarios.Variant, node *topologies.Node, rate float64, way time.Duration) (Theory, bool) {
	q := station{rate: rate, mean: node.ServiceTime.Expected().Seconds(), workers: node.Workers, room: node.Queue}
	switch law := node.ServiceTime.Law; {
	case q.load() >= .999 && (law != "exponential" || node.Sharing):
		return Theory{}, false // it has no long run
	case q.load() > .9 && q.longest() > v.Timeout:
		return Theory{}, false // clients leave, which is not in the formulas
	case node.Sharing && node.Workers == 1 && q.roomy():
		return Theory{Model: "M/G/1-PS", Mean: way + seconds(q.mean/(1-q.load()))}, true
	case node.Sharing:
		return Theory{}, false
	case law == "exponential":
		return q.markov(way), true
	case node.Workers == 1 && q.roomy():
		wait := q.load() * q.mean * (1 + node.ServiceTime.Variation()) / 2 / (1 - q.load())
		return Theory{Model: "M/G/1", Mean: way + seconds(wait+q.mean)}, true
	}
	return Theory{}, false
}

// poissonRate is the variant's rate, if nothing changes it nor what it meets.
func poissonRate(v *scenarios.Variant) (rate float64, ok bool) {
	if len(v.Faults) > 0 || len(v.Load.Streams) == 0 {
		return 0, false
	}
	for _, s := range v.Load.Streams {
		if !s.Poisson || s.At != 0 || len(s.Rate) != 1 || s.Rate[0].From != s.Rate[0].To || s.Rate[0].For != v.Load.Duration() {
			return 0, false
		}
		rate += s.Rate[0].From
	}
	return rate, rate > 0
}

// station is workers with a line before them, in seconds.
type station struct {
	rate, mean    float64
	workers, room int
}

func (q station) load() float64 { return q.rate * q.mean / float64(q.workers) }

// roomy says that the line is hardly ever full: its length falls off about as
// the powers of the load, or faster, unless work varies wildly.
func (q station) roomy() bool { return math.Pow(q.load(), float64(q.room)/4) < 1e-4 }

// longest is about how long the last in a full line waits.
func (q station) longest() time.Duration {
	return seconds(1.5 * float64(q.room) * q.mean / float64(q.workers))
}

// markov is M/M/c/K. Who finds all workers busy and k in line waits for k+1 of
// them to finish, one of c at a time.
func (q station) markov(way time.Duration) Theory {
	shares := q.shares()
	loss := shares[len(shares)-1]
	ahead := shares[:len(shares)-1] // found by those that are let in
	drain := float64(q.workers) / q.mean
	mean := q.mean
	for n := q.workers; n < len(ahead); n++ {
		mean += ahead[n] / (1 - loss) * float64(n-q.workers+1) / drain
	}
	t := Theory{Model: fmt.Sprintf("M/M/%d", q.workers), Mean: way + seconds(mean), Loss: loss}
	if loss > 1e-6 {
		t.Model += fmt.Sprintf("/%d", q.workers+q.room)
		return t
	}
	t.P50, t.P99 = way+seconds(q.quantile(.5)), way+seconds(q.quantile(.99))
	return t
}

// shares is how much of the time 0, 1, … K requests are there.
func (q station) shares() []float64 {
	shares := []float64{1}
	sum, last := 1.0, 1.0
	for n := 1; n <= q.workers+q.room; n++ {
		last *= q.rate * q.mean / float64(min(n, q.workers))
		if last > 1e200 { // only proportions matter
			for i := range shares {
				shares[i] /= last
			}
			sum, last = sum/last, 1
		}
		shares = append(shares, last)
		sum += last
	}
	for i := range shares {
		shares[i] /= sum
	}
	return shares
}

// waits is Erlang's C: the share of requests that find all workers busy.
func (q station) waits() float64 {
	waits := 0.0
	for _, share := range q.shares()[q.workers:] {
		waits += share
	}
	return waits
}

// beyond is the share of requests that take longer than t, if so many wait and
// none is lost.
func (q station) beyond(t, waits float64) float64 {
	t /= q.mean
	drain := float64(q.workers) * (1 - q.load())
	if math.Abs(drain-1) < 1e-9 {
		return math.Exp(-t) * (1 + waits*t)
	}
	return (1-waits)*math.Exp(-t) + waits*(math.Exp(-drain*t)-drain*math.Exp(-t))/(1-drain)
}

// quantile inverts beyond by bisection.
func (q station) quantile(p float64) float64 {
	low, high, waits := 0.0, q.mean, q.waits()
	for q.beyond(high, waits) > 1-p {
		high *= 2
	}
	for range 60 {
		if middle := (low + high) / 2; q.beyond(middle, waits) > 1-p {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

func seconds(s float64) time.Duration { return time.Duration(s * 1e9) }
