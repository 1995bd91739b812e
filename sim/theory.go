package sim

import (
	"slices"
	"time"

	"trafficlab/scenarios"
)

// Theory is what queueing theory says of a variant in the long run: all but a
// run's beginning, which finds all idle.
type Theory struct {
	Model string        // "M/M/4"
	Rate  float64       // requests per second that come
	Mean  time.Duration // of the latency of those that are served
	Loss  float64       // share that is turned away

	// P50 and P99 are 0 where there is no formula.
	P50, P99 time.Duration

	// Bias is how far the truth may be from each of the latencies, as a share
	// of it, or of Mean if that is longer. 0: they are exact.
	Bias float64
}

// TheoryOf tells what theory says, if it has a formula that holds: for Poisson
// arrivals of a constant rate, or the clients of a closed stream, in calm
// weather, that meet one backend or a plain balancer before some that are all
// alike.
//
//   - exponential service: M/M/c/K, with K the workers and the queue (Erlang)
//   - any service, one worker, and a queue that is hardly ever full: M/G/1
//     (Pollaczek and Khinchine), the mean alone unless service is constant
//   - one worker that shares itself: M/G/1 processor sharing, the mean alone,
//     whatever the law of service
//   - clients in a closed loop: M/M/c//N, or a shared worker, the mean alone
//   - a random choice of backend: each is one of the above
//   - backends in turns, exponential service by one worker each: E_k/M/1
//   - the best of d backends drawn, service likewise: the limit for very many
//     (the supermarket model), with its bias
//
// There is none where clients or proxies run out of patience before all but
// 1e-5 are served, where backends fail, or where requests wait for the
// processors of the machine for more than a little: those waits are in no
// formula, but in Bias. What a hop costs is added, and so is the mean of its
// jitter; quantiles bear that where the jitter is small.
func TheoryOf(v *scenarios.Variant, costs Costs) (Theory, bool) {
	s, ok := systemOf(v)
	if !ok {
		return Theory{}, false
	}
	w := s.way(costs)
	if p, closed := populationOf(v); closed {
		return s.closed(p, w)
	}
	rate, steady := poissonRate(v)
	if !steady {
		return Theory{}, false
	}
	found, ok := s.open(rate, w)
	if !ok || !found.within(s.patience-w.constant-patienceOf*w.jitter) {
		return Theory{}, false
	}
	return w.added(found, rate)
}

// hardlyAny is a share of requests that may be left out of account.
const hardlyAny = 1e-5

// patienceOf is how many times its mean hardly any exponential time exceeds.
const patienceOf = 12

// solution is what a formula says of times at a backend, in seconds.
type solution struct {
	model  string
	mean   float64
	beyond law     // nil: only the mean is known
	reach  float64 // that hardly any time is longer than; 0: as beyond says
	jagged bool    // beyond has steps
	loss   float64
	bias   float64 // a share of the mean
}

// within tells whether hardly any request takes longer.
func (s *solution) within(patience time.Duration) bool {
	if s.reach > 0 {
		return s.reach <= patience.Seconds()
	}
	return s.beyond(patience.Seconds()) <= hardlyAny
}

// open is the theory of Poisson arrivals.
func (s *system) open(rate float64, w way) (solution, bool) {
	q := station{rate: rate / float64(s.backends), mean: s.node.ServiceTime.Expected().Seconds(), workers: s.node.Workers, room: s.room}
	switch {
	case q.mean <= 0:
		return solution{}, false
	case s.backends > 1:
		return s.balanced(q, w)
	}
	found, ok := q.solve(s.node)
	return found, ok && (!s.proxied() || found.loss == 0) // who is turned away is sent again
}

// poissonRate is the variant's rate, if nothing changes it nor what it meets.
func poissonRate(v *scenarios.Variant) (rate float64, ok bool) {
	rate, level := v.Load.Level()
	return rate, level && rate > 0 && len(v.Faults) == 0 && !slices.ContainsFunc(v.Load.Streams, func(s scenarios.Stream) bool { return !s.Poisson })
}

func seconds(s float64) time.Duration { return time.Duration(s * 1e9) }
