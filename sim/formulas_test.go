package sim

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// What tests know beside the package's own theory, in units of the mean service
// time.

// density is how fast the share that takes longer falls at t.
func (beyond law) density(t float64) float64 {
	const h = 1e-4
	return (beyond(t-h) - beyond(t+h)) / (2 * h)
}

// queue is M/M/c, in units of the mean service time.
type queue struct {
	workers int
	load    float64 // per worker
}

func (q queue) station(room int) station {
	return station{rate: q.load * float64(q.workers), mean: 1, workers: q.workers, room: room}
}

func (q queue) blocked() float64 { return q.station(0).blocked() }

func (q queue) mean() float64 { return 1 + q.station(0).wait() }

func (q queue) beyond(t float64) float64 { return q.station(0).law()(t) }

// bounded is M/M/c/K with room for so many to wait: the share that is lost,
// and how long the others take.
func (q queue) bounded(room int) (lost, mean float64) {
	found := q.station(room).markov()
	return found.loss, found.mean
}

// hedged is the law of the better of two independent copies, the second sent
// after a delay.
func hedged(beyond law, delay float64) law {
	return func(t float64) float64 {
		if t < delay {
			return beyond(t)
		}
		return beyond(t) * beyond(t-delay)
	}
}

// mean integrates a law.
func (beyond law) mean() float64 {
	const step = 1e-3
	sum := 0.0
	for t := step / 2; t < 100; t += step {
		sum += beyond(t) * step
	}
	return sum
}

// lognormal has a mean of 1.
func lognormal(sigma float64) law {
	return func(t float64) float64 {
		if t <= 0 {
			return 1
		}
		return math.Erfc((math.Log(t)+sigma*sigma/2)/sigma/math.Sqrt2) / 2
	}
}

// meanValues is the mean value analysis of one station with a delay (Reiser and
// Lavenberg, 1980): throughput and response time of n clients.
func meanValues(n int, think, service float64) (x, r float64) {
	queue := 0.0
	for i := 1; i <= n; i++ {
		r = service * (1 + queue)
		x = float64(i) / (think + r)
		queue = x * r
	}
	return x, r
}

// che is the hit ratio of a cache with room for so many of the keys, which are
// asked for by Zipf's law (Che, Tung, Wang 2002; FIFO after Fricker, Robert,
// Roberts 2012).
func che(keys, room int, skew float64, there func(q, t float64) float64) float64 {
	shares, sum := make([]float64, keys), 0.0
	for i := range shares {
		shares[i] = math.Pow(float64(i+1), -skew)
		sum += shares[i]
	}
	held := func(t float64) (kept, hit float64) {
		for _, s := range shares {
			p := there(s/sum, t)
			kept, hit = kept+p, hit+p*s/sum
		}
		return kept, hit
	}
	low, high := 0.0, 1e9
	for range 200 {
		middle := (low + high) / 2
		if kept, _ := held(middle); kept < float64(room) {
			low = middle
		} else {
			high = middle
		}
	}
	_, hit := held(low)
	return hit
}

func keptByLRU(q, t float64) float64  { return 1 - math.Exp(-q*t) }
func keptByFIFO(q, t float64) float64 { return q * t / (1 + q*t) }

// chain3 solves three exponential servers with Poisson arrivals that a rule
// sends to one of them by their lengths, and is the mean time of a request. No
// length reaches most, or nearly so.
func chain3(load float64, most int, rule func(lengths [3]int) [3]float64) float64 {
	size := most * most * most
	at := func(l [3]int) int { return (l[0]*most+l[1])*most + l[2] }
	shares, now := make([][3]float64, size), make([]float64, size)
	each := func(visit func(i int, l [3]int)) {
		for i := range size {
			visit(i, [3]int{i / most / most, i / most % most, i % most})
		}
	}
	each(func(i int, l [3]int) { shares[i] = rule(l) })
	now[0] = 1
	pace := 3*load + 3
	mean := func() float64 {
		sum := 0.0
		each(func(i int, l [3]int) { sum += now[i] * float64(l[0]+l[1]+l[2]) })
		return sum / (3 * load)
	}
	for last := -1.0; ; {
		for range 100 {
			next := make([]float64, size)
			each(func(i int, l [3]int) {
				p := now[i] / pace
				for k := range l {
					up, down := l, l
					up[k], down[k] = min(l[k]+1, most-1), max(l[k]-1, 0)
					next[at(up)] += p * 3 * load * shares[i][k]
					next[at(down)] += p
				}
			})
			now = next
		}
		m := mean()
		if math.Abs(m-last) < 1e-6 {
			return m
		}
		last = m
	}
}

// The rules of chain3. Weights of those among whom chance decides.
func shortest(l [3]int) [3]float64 { return among(l, func(k int) int { return l[k] }) }

// leastRunning counts those at work, and not those that wait for it.
func leastRunning(l [3]int) [3]float64 { return among(l, func(k int) int { return min(l[k], 1) }) }

// among shares an arrival among the least of all.
func among(l [3]int, count func(k int) int) (shares [3]float64) {
	least, n := count(0), 0.0
	for k := range l {
		least = min(least, count(k))
	}
	for k := range l {
		if count(k) == least {
			n++
		}
	}
	for k := range l {
		if count(k) == least {
			shares[k] = 1 / n
		}
	}
	return shares
}

// firstOfLeastRunning breaks ties by index.
func firstOfLeastRunning(l [3]int) (shares [3]float64) {
	for k, share := range leastRunning(l) {
		if share > 0 {
			shares[k] = 1
			return shares
		}
	}
	return shares
}

// twoOf draws two of three, distinct or not, and shares an arrival among the
// shorter of them.
func twoOf(distinct bool) func(l [3]int) [3]float64 {
	return func(l [3]int) (shares [3]float64) {
		pairs := 9.0
		if distinct {
			pairs = 6
		}
		for i := range l {
			for j := range l {
				switch {
				case i == j && distinct:
				case l[i] < l[j]:
					shares[i] += 1 / pairs
				case l[i] > l[j]:
					shares[j] += 1 / pairs
				default:
					shares[i] += 1 / pairs / 2
					shares[j] += 1 / pairs / 2
				}
			}
		}
		return shares
	}
}

// TestTheFormulasMatchTheTables holds theory against printed values.
func TestTheFormulasMatchTheTables(t *testing.T) {
	for q, want := range map[queue][2]float64{
		{1, .5}:  {2, 9.2103},
		{1, .8}:  {5, 23.0259},
		{2, .8}:  {2.777778, 11.9374},
		{4, .8}:  {1.745541, 6.8932},
		{10, .8}: {1.204590, 4.9461},
		{10, .9}: {1.668732, 6.2499},
	} {
		require.InDelta(t, want[0], q.mean(), 1e-5)
		require.InDelta(t, want[1], law(q.beyond).quantile(.99), 1e-3)
	}
	for load, want := range map[float64][3]float64{
		.5: {1.5157, 3.3363, 5.1684}, .7: {3.0771, 6.4855, 9.8944}, .8: {5.0115, 10.3559, 15.7003},
		.9: {10.7825, 21.8982, 33.0140}, .95: {22.3022, 44.9378, 67.5733},
	} {
		for i, p := range []float64{.9, .99, .999} {
			require.InDelta(t, 1+want[i], constantWork(load).quantile(p), 1e-4)
		}
	}
	for q, want := range map[queue]float64{{1, .8}: .444444, {5, .8}: .199067, {10, 1}: .214582, {20, .8}: .064411} {
		require.InDelta(t, want, q.blocked(), 1e-6)
	}
	for room, want := range map[int][2]float64{4: {.088819, 2.5631}, 9: {.023493, 3.7971}} {
		lost, mean := queue{1, .8}.bounded(room)
		require.InDelta(t, want[0], lost, 1e-6)
		require.InDelta(t, want[1], mean, 1e-4)
	}
	require.InDelta(t, 6.4366, pollaczek(.8, math.E-1), 1e-4)
	for k, want := range map[int]float64{2: 3.8440, 4: 3.2674, 10: 2.9223, 0: 2.6927} {
		require.InDelta(t, want, turns(k, .8), 1e-4)
	}
	for d, want := range map[int]float64{1: 5, 2: 1.9474, 3: 1.5809, 5: 1.3289} {
		require.InDelta(t, want, choices(d, .8), 1e-4)
		require.InDelta(t, want, chosen(d, .8).mean(), 2e-4)
	}
	twice := hedged(exponential(1), 2.995732)
	require.InDelta(t, .975, twice.mean(), 1e-4)
	require.InDelta(t, 3.8005, twice.quantile(.99), 1e-4)
	twice = hedged(lognormal(1), lognormal(1).quantile(.95))
	require.InDelta(t, 4.03, twice.quantile(.99), .02) // these two were simulated
	require.InDelta(t, 5.63, twice.quantile(.999), .03)
	x, r := meanValues(20, 1, .1)
	require.InDelta(t, 9.98131, x, 1e-5)
	require.InDelta(t, 1.00375, r, 1e-5)
	require.InDelta(t, .3778, che(1000, 100, .8, keptByLRU), 1e-4)
	require.InDelta(t, .3337, che(1000, 100, .8, keptByFIFO), 1e-4)
	require.InDelta(t, .5765, che(1000, 100, 1, keptByLRU), 1e-4)
}
