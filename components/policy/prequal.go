package policy

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Prober is a picker that asks backends how busy they are. It says whom to ask,
// its owner carries question and answer.
type Prober interface {
	Picker

	// Probes adds to a list whom to ask on behalf of a request that has just
	// been picked for.
	Probes(to []int) []int

	// Probed takes an answer. Who does not answer in time is not told of.
	Probed(now time.Duration, i int, load Load)
}

// Prequal picks among the few backends that have lately said how busy they are,
// and has some more of them asked for each request: the answers serve later
// ones, so that nobody waits for them. Hot is a backend with more requests in
// flight than a quantile of what backends have said of late. The fastest cold
// one is picked, or the least busy if all are hot; between equals any. With
// fewer than two answers any backend is picked.
//
// An answer goes when it is too old or its backend down, when it has been used
// as often as its budget allows, when a newer one comes from the same backend or
// needs the room; and for each request the oldest or the worst goes, in turn, as
// long as two are left. The budget lets a little more come than go:
//
//	max(1, (1+surplus) / ((1 - pool/backends)·probes - remove))
//
// rounded up or down by chance, and without end where probes bring no more than
// remove takes, as with few backends: a random pick would be worse.
//
// Source: Wydrowski, Kleinberg, Rumble, Archer, "Load is not what you should
// balance: Introducing Prequal", NSDI 2024. Unlike there, with an answer's
// requests in flight its latency grows too when a request is sent there (else
// 16 equal servers at 80% took 1.8 times as long: all went to the one that
// seemed fastest), and nobody is asked while there are no requests.
// Cost: O(pool) to pick and to be told; the probes, each a request of its own.
// Weak spot: a backend that fails fast looks idle and fast, unless it fails
// probes too. Below one probe a request it soon does worse than without any.
type Prequal struct {
	rule     PrequalRule
	up       indexSet
	answers  answerPool
	recent   recent[int] // requests in flight, as told
	asking   fraction
	thinning fraction
	random   *rand.Rand
}

// PrequalRule is what a Prequal picker is told.
type PrequalRule struct {
	Probes   float64       // a request
	Pool     int           // answers at most, and at least 2
	Age      time.Duration // of an answer at most
	Remove   float64       // answers a request
	Surplus  float64       // δ of the budget
	Quantile float64       // of requests in flight; 0: all are hot, 1: all are cold
}

// MostProbes is how many probes a request may have sent.
const MostProbes = 16

const (
	fewestAnswers = 2   // that it takes to choose among them
	recentAnswers = 128 // that the quantile is taken of: those of some forty requests
)

// NewPrequal returns a picker over n backends, all up.
func NewPrequal(n int, rule PrequalRule, random *rand.Rand) *Prequal {
	return &Prequal{rule: rule, up: fullSet(n), random: random, answers: answerPool{most: rule.Pool}, recent: newRecent[int](recentAnswers)}
}

func newPrequal(pool Pool, params Params, random *rand.Rand) Picker {
	return NewPrequal(pool.Size(), PrequalRule{
		Probes: params.Number("probes"), Pool: params.Int("pool"), Age: params.Duration("age"),
		Remove: params.Number("remove"), Surplus: params.Number("surplus"), Quantile: params.Number("quantile"),
	}, random)
}

// SetUp implements Picker.
func (p *Prequal) SetUp(i int, up bool) {
	p.up.set(i, up)
	if at := p.answers.of(i); !up && at >= 0 {
		p.answers.drop(at)
	}
}

// Pick implements Picker.
func (p *Prequal) Pick(now time.Duration, _ uint64, avoid []int) (int, bool) {
	n := p.up.choice(avoid)
	if n == 0 {
		return 0, false
	}
	p.answers.expire(now - p.rule.Age)
	threshold := p.threshold()
	i, ok := p.best(avoid, threshold)
	if !ok {
		i = int(p.up.members[p.random.IntN(n)])
	}
	for range p.thinning.spend(p.rule.Remove) {
		if len(p.answers.list) > fewestAnswers {
			p.answers.thin(threshold)
		}
	}
	return i, true
}

// threshold is the number of requests in flight above which a backend is hot.
func (p *Prequal) threshold() int {
	switch {
	case p.rule.Quantile == 0 || len(p.recent.sorted) == 0:
		return -1
	case p.rule.Quantile == 1:
		return math.MaxInt
	}
	return p.recent.quantile(p.rule.Quantile)
}

// best is the backend of the best answer, beginning anywhere so that of equals
// any may win. It is not ok if there are too few answers.
func (p *Prequal) best(avoid []int, threshold int) (i int, ok bool) {
	list := p.answers.list
	if len(list) < fewestAnswers {
		return 0, false
	}
	var best *answer
	found, from := 0, p.random.IntN(len(list))
	for k := range list {
		one := &list[(from+k)%len(list)]
		if slices.Contains(avoid, one.backend) {
			continue
		}
		found++
		if best == nil || one.better(best, threshold) {
			best = one
		}
	}
	if found < fewestAnswers {
		return 0, false
	}
	return best.backend, true
}

// Started implements Picker: an answer counts what was sent there since.
func (p *Prequal) Started(i int) {
	at := p.answers.of(i)
	if at < 0 {
		return
	}
	one := &p.answers.list[at]
	one.latency += one.latency / time.Duration(one.inFlight+1)
	one.inFlight++
	if one.uses--; one.uses == 0 {
		p.answers.drop(at)
	}
}

// Done implements Picker. Backends tell themselves what has ended.
func (p *Prequal) Done(time.Duration, int, Outcome) {}

// Probes implements Prober: distinct backends that are up.
func (p *Prequal) Probes(to []int) []int {
	k := min(p.asking.spend(p.rule.Probes), p.up.len())
	p.up.sample(k, p.up.len(), p.random)
	for _, i := range p.up.members[:k] {
		to = append(to, int(i))
	}
	return to
}

// Probed implements Prober.
func (p *Prequal) Probed(now time.Duration, i int, load Load) {
	p.recent.add(now, load.InFlight)
	if p.up.has(i) {
		p.answers.add(answer{backend: i, inFlight: load.InFlight, latency: load.Latency, came: now, uses: p.budget()})
	}
}

// budget is how often an answer may be used.
func (p *Prequal) budget() int {
	share := float64(p.rule.Pool) / float64(p.up.len())
	gain := (1-share)*p.rule.Probes - p.rule.Remove
	if gain <= 0 {
		return math.MaxInt
	}
	return int(max(1, (1+p.rule.Surplus)/gain) + p.random.Float64())
}

// fraction turns a rate into whole numbers that keep to it.
type fraction float64

func (f *fraction) spend(more float64) int {
	*f += fraction(more)
	whole := math.Floor(float64(*f))
	*f -= fraction(whole)
	return int(whole)
}
