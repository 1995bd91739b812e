package sim

import (
	"fmt"
	"math"

	"trafficlab/topologies"
)

// station is workers with a line before them, in seconds.
type station struct {
	rate, mean    float64
	workers, room int
}

func (q station) load() float64 { return q.rate * q.mean / float64(q.workers) }

// drain is the rate at which busy workers finish.
func (q station) drain() float64 { return float64(q.workers) / q.mean }

// roomy says that the line is hardly ever full: its length falls off about as
// the powers of the load, or faster, unless work varies wildly.
func (q station) roomy() bool { return math.Pow(q.load(), float64(q.room)/4) < 1e-4 }

// solve is what is known of the station with Poisson arrivals.
func (q station) solve(node *topologies.Node) (solution, bool) {
	service := node.ServiceTime
	switch {
	case service.Law == "exponential" && !node.Sharing:
		return q.markov(), true
	case q.load() >= .999, node.Workers > 1, !q.roomy():
		return solution{}, false // it has no long run, or no formula
	case node.Sharing:
		return q.shared(service), true
	}
	found := solution{model: "M/G/1", mean: q.mean * pollaczek(q.load(), service.Variation())}
	found.reach = patienceOf*(found.mean-q.mean)/q.load() + longest(service)/(1-q.load())
	if service.Law == "constant" {
		found.model, found.beyond, found.jagged = "M/D/1", constantWork(q.load()).times(q.mean), true
	}
	return found, true
}

// longest is what hardly any service takes longer than.
func longest(d topologies.Distribution) float64 { return d.Quantile(1 - hardlyAny/100).Seconds() }

// shared is a worker that shares itself. Its times fall off as those of
// exponential work do, at a rate of (1-√load)², or else as the work itself,
// which takes 1/(1-load) times as long in company.
func (q station) shared(service topologies.Distribution) solution {
	slack := 1 - math.Sqrt(q.load())
	return solution{model: "M/G/1-PS", mean: q.mean / (1 - q.load()),
		reach: patienceOf*q.mean/slack/slack + longest(service)/(1-q.load())}
}

// markov is M/M/c/K. Who finds all workers busy and k in line waits for k+1 of
// them to finish, one of c at a time.
func (q station) markov() solution {
	shares := q.shares()
	loss := shares[len(shares)-1]
	ahead := shares[:len(shares)-1] // found by those that are let in
	mean := q.mean
	for n := q.workers; n < len(ahead); n++ {
		mean += ahead[n] / (1 - loss) * float64(n-q.workers+1) / q.drain()
	}
	found := solution{model: fmt.Sprintf("M/M/%d", q.workers), mean: mean}
	if loss <= hardlyAny/10 {
		found.beyond = q.law()
		return found
	}
	found.model, found.loss, found.reach = fmt.Sprintf("%s/%d", found.model, q.workers+q.room), loss, q.fullLine()
	if q.load() < 1 {
		found.reach = min(found.reach, q.law().quantile(1-hardlyAny))
	}
	return found
}

// fullLine is what hardly any of those take longer who come last in a full line
// of exponential work.
func (q station) fullLine() float64 {
	room := float64(q.room)
	return (room+5*math.Sqrt(room)+patienceOf)/q.drain() + patienceOf*q.mean
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

// blocked is Erlang's B: the share that is lost if nobody may wait, whatever
// the law of service.
func (q station) blocked() float64 {
	q.room = 0
	return q.shares()[q.workers]
}

// waits is Erlang's C: the share of requests that find all workers busy, if
// there is room for all.
func (q station) waits() float64 {
	b := q.blocked()
	return b / (1 - q.load()*(1-b))
}

// wait is for a worker, on average, if there is room for all.
func (q station) wait() float64 { return q.waits() / q.drain() / (1 - q.load()) }

// law is that of M/M/c with room for all.
func (q station) law() law {
	waits, drain := q.waits(), float64(q.workers)*(1-q.load())
	return func(t float64) float64 {
		t /= q.mean
		if math.Abs(drain-1) < 1e-9 {
			return math.Exp(-t) * (1 + waits*t)
		}
		return (1-waits)*math.Exp(-t) + waits*(math.Exp(-drain*t)-drain*math.Exp(-t))/(1-drain)
	}
}
