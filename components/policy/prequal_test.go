package policy

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// prequalOf is a Prequal picker over n backends that keeps every answer, unless
// told otherwise.
func prequalOf(n int, given Params) *Prequal {
	params := Params{"remove": {Number: 0}}
	for name, param := range given {
		params[name] = param
	}
	return told("prequal", params, equal(n), 1).(*Prequal)
}

// say tells the picker of the backends in turn.
func say(p *Prequal, now time.Duration, loads ...Load) {
	for i, load := range loads {
		p.Probed(now, i, load)
	}
}

// picksOf is whom the picker picks, without sending anything there.
func picksOf(p *Prequal, now time.Duration, avoid ...int) (picks []int) {
	seen := map[int]bool{}
	for range 200 {
		i, _ := p.Pick(now, 0, avoid)
		seen[i] = true
	}
	for i := range p.up.at {
		if seen[i] {
			picks = append(picks, i)
		}
	}
	return picks
}

func TestHotAndCold(t *testing.T) {
	loads := []Load{{4, 5 * ms}, {1, 30 * ms}, {3, 10 * ms}, {2, 20 * ms}}
	tests := []struct {
		name     string
		quantile float64
		loads    []Load
		avoid    []int
		want     []int
	}{
		{"the fastest of the cold", .5, loads, nil, []int{3}},
		{"of more cold ones", .75, loads, nil, []int{2}},
		{"of but one cold one", .25, loads, nil, []int{1}},
		{"all are hot", 0, loads, nil, []int{1}},
		{"all are cold", 1, loads, nil, []int{0}},
		{"the fastest was tried", .75, loads, []int{2}, []int{3}},
		{"all cold ones were tried", .5, loads, []int{3, 1}, []int{2}},
		{"as busy and as fast", .5, []Load{{2, ms}, {2, ms}, {2, ms}, {3, ms}}, nil, []int{0, 1, 2}},
		{"as fast", 1, []Load{{2, ms}, {1, ms}, {1, ms}, {3, ms}}, nil, []int{1, 2}},
		{"as busy, and all hot", 0, []Load{{2, 9 * ms}, {2, ms}, {3, ms}, {3, ms}}, nil, []int{0, 1}},
		{"not known to be slow", 1, []Load{{2, ms}, {1, 0}, {0, 0}, {3, ms}}, nil, []int{2}},
		{"only one answer", .5, []Load{{0, ms}}, nil, []int{0, 1, 2, 3}},
		{"only one answer from those not tried", .5, []Load{{0, ms}, {9, 9 * ms}}, []int{0}, []int{1, 2, 3}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := prequalOf(4, Params{"quantile": {Number: test.quantile}})
			say(p, 0, test.loads...)
			require.Equal(t, test.want, picksOf(p, 0, test.avoid...))
		})
	}
}

// TestAnswersCountWhatWasSentSince: until the next answer, and in both figures.
func TestAnswersCountWhatWasSentSince(t *testing.T) {
	for quantile, want := range map[float64][]int{
		0: {0, 0},          // in flight: 0 2, 1 2
		1: {0, 1, 1, 1, 0}, // ms: 1 1.2, 2 1.2, 2 1.5, 2 1.8, 2 2.1
	} {
		p := prequalOf(2, Params{"quantile": {Number: quantile}})
		say(p, 0, Load{0, ms}, Load{2 + int(quantile), 1200 * time.Microsecond})
		for _, want := range want {
			i, _ := p.Pick(0, 0, nil)
			require.Equal(t, want, i)
			p.Started(i)
			p.Done(0, i, Outcome{})
		}
	}
	p := prequalOf(2, nil)
	say(p, 0, Load{2, 3 * ms}, Load{0, 0})
	p.Started(0)
	p.Started(1)
	require.Equal(t, []Load{{3, 4 * ms}, {1, 0}}, p.said(), "a latency that is not known remains so")
}

// said is the answers that the picker has.
func (p *Prequal) said() (loads []Load) {
	for _, one := range p.answers.list {
		loads = append(loads, Load{one.inFlight, one.latency})
	}
	return loads
}

func TestAnswersGoWithAge(t *testing.T) {
	p := prequalOf(4, Params{"age": {Number: float64(100 * ms)}, "quantile": {Number: 0}})
	say(p, 10*ms, Load{5, 5 * ms}, Load{1, 9 * ms})
	p.Probed(20*ms, 2, Load{5, 6 * ms})
	require.Equal(t, []int{1}, picksOf(p, 110*ms))
	require.Equal(t, []int{0, 1, 2, 3}, picksOf(p, 110*ms+1), "one is left: any")
	p.Probed(115*ms, 3, Load{7, 7 * ms})
	require.Equal(t, []int{2}, picksOf(p, 120*ms))
}

func TestAnswersGoWithTheirBackend(t *testing.T) {
	p := prequalOf(4, nil)
	say(p, 0, Load{0, ms}, Load{1, 2 * ms}, Load{2, 3 * ms})
	p.SetUp(0, false)
	require.Equal(t, []int{1}, picksOf(p, 0))
	p.Probed(0, 0, Load{0, ms})
	require.Equal(t, []int{1}, picksOf(p, 0), "what was under way when it went down")
	p.SetUp(0, true)
	require.Equal(t, []int{1}, picksOf(p, 0), "nothing is known of it yet")
	p.Probed(0, 0, Load{0, ms})
	require.Equal(t, []int{0}, picksOf(p, 0))
}

func TestNewerAnswersTakeTheRoom(t *testing.T) {
	p := prequalOf(9, Params{"pool": {Number: 3}, "quantile": {Number: 0}})
	for i, inFlight := range []int{5, 1, 4} {
		p.Probed(time.Duration(i)*ms, i, Load{inFlight, ms})
	}
	p.Probed(3*ms, 0, Load{6, ms})
	require.Equal(t, []int{1}, picksOf(p, 3*ms), "its own earlier answer went")
	p.Probed(4*ms, 7, Load{8, ms})
	require.Equal(t, []int{2}, picksOf(p, 4*ms), "the oldest went")
}

// TestOldestAndWorstGoInTurn: two of each, then no more.
func TestOldestAndWorstGoInTurn(t *testing.T) {
	p := prequalOf(6, Params{"remove": {Number: .5}})
	for i, inFlight := range []int{1, 9, 2, 8, 3, 4} {
		p.Probed(time.Duration(i)*ms, i, Load{inFlight, ms})
	}
	var left [][]int
	for k := range 12 {
		p.Pick(6*ms, 0, nil)
		if k%2 == 0 { // half an answer a request
			continue
		}
		var backends []int
		for _, one := range p.answers.list {
			backends = append(backends, one.backend)
		}
		slices.Sort(backends)
		left = append(left, backends)
	}
	require.Equal(t, [][]int{{1, 2, 3, 4, 5}, {2, 3, 4, 5}, {3, 4, 5}, {4, 5}, {4, 5}, {4, 5}}, left)
}

// TestBudgetOfReuse: the mean over many answers is the formula's.
func TestBudgetOfReuse(t *testing.T) {
	for n, want := range map[int]float64{
		1000: 2 / ((1-.016)*3 - 1),
		100:  2 / (.84*3 - 1),
		30:   2 / ((1-16./30)*3 - 1),
	} {
		p := prequalOf(n, Params{"remove": {Number: 1}})
		sum := 0
		for range 20_000 {
			uses := p.budget()
			require.InDelta(t, want, uses, 1)
			sum += uses
		}
		require.InDelta(t, want, float64(sum)/20_000, .02, "%d backends", n)
	}
	require.Equal(t, 1, prequalOf(1000, Params{"probes": {Number: 16}}).budget(), "once at least")
	for _, n := range []int{1, 3, 16, 24} {
		require.Equal(t, math.MaxInt, prequalOf(n, Params{"remove": {Number: 1}}).budget(), "%d backends", n)
	}
}

func TestAnswersAreUsedUp(t *testing.T) {
	p := prequalOf(1000, Params{"probes": {Number: 2}, "surplus": {Number: 4.9}}) // 2.998 or so
	say(p, 0, Load{0, ms}, Load{1, ms}, Load{2, ms})
	for k := range 9 {
		require.Len(t, p.answers.list, 3-k/3)
		i := p.answers.list[0].backend
		p.Started(i)
	}
	require.Empty(t, p.answers.list)
}

// TestProbes: as many as said on average, of distinct backends that are up, all
// alike.
func TestProbes(t *testing.T) {
	const n, rounds = 8, 24_000
	for _, rate := range []float64{.25, 1, 2.5, 3, 16} {
		p := prequalOf(n, Params{"probes": {Number: rate}})
		p.SetUp(5, false)
		counts := make([]int, n)
		room, most := make([]int, 0, 16), int(math.Ceil(rate))
		for range rounds {
			asked := p.Probes(room)
			require.LessOrEqual(t, len(asked), most)
			for k, i := range asked {
				require.NotContains(t, asked[:k], i)
				counts[i]++
			}
		}
		require.Zero(t, counts[5])
		each := min(rate, n-1) * rounds / (n - 1)
		for i, c := range counts {
			if i != 5 {
				require.InDelta(t, each, c, 5*math.Sqrt(each), "%v a request, backend %d", rate, i)
			}
		}
	}
}

// TestPrequalKeepsItsRules drives the picker at random and holds what it keeps,
// and each pick, against the rules written down once more.
func TestPrequalKeepsItsRules(t *testing.T) {
	for seed := range uint64(40) {
		random := newRandom(seed)
		n, most := 2+random.IntN(40), 2+random.IntN(16)
		age := 50 * ms
		p := told("prequal", Params{"pool": {Number: float64(most)}, "age": {Number: float64(age)},
			"quantile": {Number: float64(random.IntN(5)) / 4}, "probes": {Number: 4 * random.Float64()}}, equal(n), seed).(*Prequal)
		now := time.Duration(0)
		for range 2000 {
			now += time.Duration(random.ExpFloat64() * float64(ms))
			if i := random.IntN(n); random.IntN(20) == 0 {
				p.SetUp(i, !p.up.has(i))
			}
			for _, i := range p.Probes(nil) {
				require.True(t, p.up.has(i))
				p.Probed(now+time.Duration(random.IntN(int(ms))), i, Load{random.IntN(9), time.Duration(random.IntN(5)) * ms})
			}
			now += ms
			usable := p.usable(now-age, nil)
			i, ok := p.Pick(now, 0, nil)
			require.Equal(t, p.up.len() > 0, ok)
			if len(usable) >= 2 && !p.isBest(i, usable) {
				t.Fatalf("picked %d of %v", i, usable)
			}
			if ok {
				p.Started(i)
			}
			require.NoError(t, p.sound(now))
		}
	}
}

// sound holds what the picker has kept against what it may keep.
func (p *Prequal) sound(now time.Duration) error {
	if len(p.answers.list) > p.rule.Pool {
		return fmt.Errorf("%d answers", len(p.answers.list))
	}
	for k, one := range p.answers.list {
		if !p.up.has(one.backend) || p.answers.of(one.backend) != k || now-one.came > p.rule.Age || one.uses < 1 {
			return fmt.Errorf("answer %d at %s: %+v", k, now, one)
		}
	}
	return nil
}

// usable is a copy of the answers that may be used.
func (p *Prequal) usable(since time.Duration, avoid []int) (list []answer) {
	for _, one := range p.answers.list {
		if one.came >= since && !slices.Contains(avoid, one.backend) {
			list = append(list, one)
		}
	}
	return list
}

// isBest tells whether the rule allows for a backend to be picked.
func (p *Prequal) isBest(i int, list []answer) bool {
	limit := p.threshold()
	var its answer
	fastest, least := time.Duration(math.MaxInt64), math.MaxInt
	for _, one := range list {
		if one.backend == i {
			its = one
		}
		least = min(least, one.inFlight)
		if one.inFlight <= limit {
			fastest = min(fastest, one.latency)
		}
	}
	if least > limit {
		return its.inFlight == least
	}
	return its.inFlight <= limit && its.latency == fastest
}

// TestPrequalIsEvenAmongEquals: where all say the same, all are picked alike.
func TestPrequalIsEvenAmongEquals(t *testing.T) {
	const n, rounds = 10, 90_000
	p := told("prequal", nil, equal(n), 3).(*Prequal)
	counts := make([]int, n)
	for k := range rounds {
		now := time.Duration(k) * ms
		i, _ := p.Pick(now, 0, nil)
		p.Started(i)
		p.Done(now, i, Outcome{})
		counts[i]++
		for _, i := range p.Probes(nil) {
			p.Probed(now, i, Load{0, ms})
		}
	}
	for i, c := range counts {
		require.InDelta(t, rounds/n, c, 500, "backend %d", i)
	}
}

func TestPrequalAllocatesNothing(t *testing.T) {
	p, now, room := told("prequal", nil, equal(100), 3).(*Prequal), time.Duration(0), make([]int, 0, 16)
	request := func() { now = busyRequest(p, now, room) }
	for range 200 {
		request()
	}
	require.Zero(t, testing.AllocsPerRun(1000, request))
}

// busyRequest is all that a picker has to do with a request.
func busyRequest(p *Prequal, now time.Duration, room []int) time.Duration {
	now += ms
	i, _ := p.Pick(now, 0, nil)
	p.Started(i)
	for _, i := range p.Probes(room) {
		p.Probed(now, i, Load{i % 7, time.Duration(i%11) * ms})
	}
	p.Done(now, i, Outcome{})
	return now
}

func BenchmarkPrequal(b *testing.B) {
	p, now, room := told("prequal", nil, equal(100), 3).(*Prequal), time.Duration(0), make([]int, 0, 16)
	b.ReportAllocs()
	for range b.N {
		now = busyRequest(p, now, room)
	}
}

// TestRecentAgainstSorting holds the window against a list that is sorted each
// time.
func TestRecentAgainstSorting(t *testing.T) {
	const room = 20
	random := newRandom(5)
	r := newRecent[int](room)
	var list []reading[int]
	now := time.Duration(0)
	for range 5000 {
		now += time.Duration(random.ExpFloat64() * float64(ms))
		one := reading[int]{random.IntN(30), now}
		r.add(now, one.value)
		list = append(list, one)
		if random.IntN(3) == 0 {
			r.expire(now - 15*ms)
			list = slices.DeleteFunc(list, func(one reading[int]) bool { return one.at < now-15*ms })
		}
		list = list[max(0, len(list)-room):]
		var values []int
		for _, one := range list {
			values = append(values, one.value)
		}
		slices.Sort(values)
		require.Equal(t, values, r.sorted)
		for _, share := range []float64{.01, .5, .84, 1} {
			require.Equal(t, values[int(math.Ceil(share*float64(len(values))))-1], r.quantile(share))
		}
	}
}

func TestLoadGauge(t *testing.T) {
	g := NewLoadGauge()
	require.Equal(t, Load{}, g.Load(0))
	first, second, third := g.Begin(), g.Begin(), g.Begin()
	require.Equal(t, Load{InFlight: 3}, g.Load(0), "nothing is known yet")
	g.End(10*ms, second, 10*ms) // 5 ms each
	require.Equal(t, Load{2, 15 * ms}, g.Load(10*ms), "one more would be the third")
	g.End(12*ms, first, 12*ms)
	g.End(21*ms, third, 21*ms) // 7 ms each
	require.Equal(t, Load{0, 7 * ms}, g.Load(21*ms), "the median of 5, 12 and 7")
	g.End(22*ms, g.Begin(), 0)
	require.Equal(t, Load{0, 7 * ms}, g.Load(22*ms), "turned away at once: no reading")
	require.Equal(t, Load{0, 7 * ms}, g.Load(1012*ms), "of 12 and 7")
	require.Equal(t, Load{0, 7 * ms}, g.Load(1021*ms), "of 7 alone")
	require.Equal(t, Load{}, g.Load(1022*ms), "too long ago")
}
