package sim

import "math"

// law is how long requests take: the share of them that takes longer than t.
type law func(t float64) float64

// quantile inverts a law by bisection.
func (beyond law) quantile(p float64) float64 {
	low, high := 0.0, 1e-9
	for beyond(high) > 1-p {
		high *= 2
	}
	for range 60 {
		if middle := (low + high) / 2; beyond(middle) > 1-p {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// times is the law of times that are so much longer.
func (beyond law) times(unit float64) law {
	return func(t float64) float64 { return beyond(t / unit) }
}

func exponential(mean float64) law {
	return func(t float64) float64 { return math.Exp(-t / mean) }
}

// The formulas below are in units of the mean service time.

// pollaczek is the mean of M/G/1 (Pollaczek and Khinchine) for a law of service
// with the given squared coefficient of variation.
func pollaczek(load, variation float64) float64 { return 1 + load*(1+variation)/2/(1-load) }

// constantWork is the law of M/D/1 by Franx, "A simple solution for the M/D/c
// waiting time distribution" (Operations Research Letters 29, 2001): who waits
// for less than k services finds at most k-1 requests before it, so late in a
// service that no more of those before it are left. No term is negative. Cost:
// O(t), the first time.
func constantWork(load float64) law {
	c := occupancy{tails: poissonTails(load), counts: []float64{1 - load}, sums: []float64{1 - load}, grow: math.Exp(load)}
	return func(t float64) float64 {
		t-- // the wait
		if t < 0 {
			return 1
		}
		k := int(t) + 1
		rest := load * (float64(k) - t)
		share, sum := math.Exp(-rest), 0.0
		for j := 0; j < k && share > 1e-18; j++ {
			sum += share * c.atMost(k-j)
			share *= rest / float64(j+1)
		}
		return max(0, 1-sum)
	}
}

// occupancy is how many requests M/D/1 holds, as far as anybody asked.
type occupancy struct {
	counts, sums []float64            // of the time with n there, and with n at most
	tails        [fewArrivals]float64 // chances of at least n arrivals in a service
	grow         float64
}

// fewArrivals is more than come in the time of a service of a station that is
// not overloaded.
const fewArrivals = 40

// atMost is the share of time with n requests at most. What leads from fewer
// than n to n or more, in the time of a service, leads back as often.
func (c *occupancy) atMost(n int) float64 {
	for m := len(c.counts); m <= n; m++ {
		up := 0.0
		for i := max(0, m+2-fewArrivals); i < m; i++ {
			up += c.counts[i] * c.tails[min(m, m-i+1)]
		}
		c.counts = append(c.counts, up*c.grow)
		c.sums = append(c.sums, c.sums[m-1]+c.counts[m])
	}
	return c.sums[n]
}

// poissonTails is the chances that at least 0, 1, … come, of a load below 1.
func poissonTails(load float64) (tails [fewArrivals]float64) {
	term, terms := math.Exp(-load), [fewArrivals]float64{}
	for i := range terms {
		terms[i] = term
		term *= load / float64(i+1)
	}
	beyond := 0.0
	for i := fewArrivals - 1; i >= 0; i-- {
		beyond += terms[i]
		tails[i] = beyond
	}
	return tails
}

// turns is the mean of E_k/M/1, to which round robin over k makes Poisson
// arrivals; the law is exponential. k = 0 is its limit D/M/1.
func turns(k int, load float64) float64 {
	x, n := load, float64(k)
	for range 2000 {
		if k == 0 {
			x = math.Exp(-(1 - x) / load)
		} else {
			x = math.Pow(n*load/(n*load+1-x), n)
		}
	}
	return 1 / (1 - x)
}

// longer is the share of arrivals for whom even the best of d choices among
// very many has i requests or more (Mitzenmacher 1996; Vvedenskaya,
// Dobrushin, Karpelevich 1996).
func longer(d int, load float64, i int) float64 {
	exponent := 0.0 // d + d² + … + d^i
	for range i {
		exponent = float64(d) * (1 + exponent)
	}
	return math.Pow(load, exponent)
}

// choices is the mean with the best of d choices.
func choices(d int, load float64) float64 {
	sum := 0.0
	for i := 0; ; i++ {
		share := longer(d, load, i)
		if sum += share; share < 1e-15 {
			return sum
		}
	}
}

// chosen is the law with the best of d choices: who finds i requests has gone
// once i+1 are served.
func chosen(d int, load float64) law {
	return func(t float64) float64 {
		term, sum := math.Exp(-t), 0.0
		for i := 0; ; i++ {
			share := longer(d, load, i)
			sum += term * share
			if term *= t / float64(i+1); share < 1e-15 {
				return sum
			}
		}
	}
}
