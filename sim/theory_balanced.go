package sim

import (
	"fmt"

	"trafficlab/components/policy"
)

// balanced is the theory of Poisson arrivals that a balancer spreads over
// backends, each of which is a station.
func (s *system) balanced(q station, w way) (solution, bool) {
	single := s.node.Workers == 1 && s.node.ServiceTime.Law == "exponential" && !s.node.Sharing && q.roomy() && q.load() < .999
	switch d := drawn(s.balancer.Pick); {
	case d == 1: // a random part of Poisson arrivals is Poisson
		found, ok := q.solve(s.node)
		found.model = fmt.Sprintf("%d × %s", s.backends, found.model)
		return found, ok && found.loss == 0
	case s.balancer.Pick.Name == "round-robin" && single:
		return s.inTurns(q, w), true
	case d > 1 && d <= s.backends && single:
		return s.supermarket(q, w, d)
	}
	return solution{}, false
}

// drawn is how many backends a picker draws before it takes the least busy of
// them. 0: that is not what it does.
func drawn(pick policy.Choice) int {
	switch pick.Name {
	case "random":
		return 1
	case "p2c":
		return 2
	case "power-of-d":
		return policy.Pickers[pick.Name].Params(pick.Params).Int("d")
	}
	return 0
}

// inTurns: each backend gets each k-th request. Jitter blurs that.
func (s *system) inTurns(q station, w way) solution {
	mean := q.mean * turns(s.backends, q.load())
	blur := w.blur.Seconds() * q.rate
	return solution{model: fmt.Sprintf("%d × E%d/M/1", s.backends, s.backends), mean: mean, beyond: exponential(mean), bias: 2 * blur * blur}
}

// mostBias of a limit leaves it of some use.
const mostBias = .2

// supermarket is the limit for very many backends. With n of them times are
// longer, by some 0.12/n(1-load) for d = 2 (after Mitzenmacher's simulations of
// 100). More than that is allowed for, and for requests on their way to a
// backend, which are counted as there.
func (s *system) supermarket(q station, w way, d int) (solution, bool) {
	bias := float64(d)/10/float64(s.backends)/(1-q.load()) + (w.hop+w.blur).Seconds()/q.mean
	return solution{
		model: fmt.Sprintf("supermarket, d = %d", d), mean: q.mean * choices(d, q.load()),
		beyond: chosen(d, q.load()).times(q.mean), bias: bias,
	}, bias <= mostBias
}
