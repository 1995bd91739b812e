package sim

import (
	"context"
	"maps"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/components"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// compositions are how many seeds the fuzzer begins with; tests play them all.
const compositions = 60

// FuzzComposition plays any mix of policies under any weather: every arrival
// has exactly one outcome, within its client's patience; what the places count
// agrees with what clients saw, with who asked whom and with what was begun;
// no connection, call or frame is lost or counted twice; no queue exceeds its
// bound; and all that was begun ends.
//
// A seed draws a mix, and each given byte replaces one of its first choices:
//
//	go test ./sim -run '^$' -fuzz FuzzComposition -fuzzminimizetime 10x
func FuzzComposition(f *testing.F) {
	for seed := range uint64(compositions) {
		f.Add(seed, []byte{})
	}
	f.Fuzz(func(t *testing.T, seed uint64, given []byte) {
		t.Parallel()
		m := newMix(seed, given)
		c := m.draw(seed)
		conserves(t, c, m.costs())
	})
}

func conserves(t *testing.T, c *scenarios.Case, costs Costs) {
	b := audit(t, c, costs)
	b.checkSamples()
	b.checkPools()
	b.checkCalls()
	b.checkReport()
	b.drain()
	b.checkCounters()
	b.checkOutcomes()
	b.checkTiers()

	alone, err := Run(context.Background(), c, costs)
	require.NoError(t, err)
	require.Equal(t, alone.Samples, b.report.Samples, "to be watched changes nothing")
}

// books are kept of one play, beside what its components count.
type books struct {
	t        *testing.T
	w        *world
	accounts map[topologies.Place]*account
	report   *measure.Run
}

// account is what came and went at a place, in all the lives of its process.
type account struct {
	books    *books
	place    topologies.Place
	lives    []*components.Component
	entered  map[[2]uint64]int // requests, by number and attempt
	requests int
	checks   int // and probes
	over     int // requests whose handler came to its end
	heard    int // of these, answered while their callers waited
	started  int // attempts that were begun at the place
	probed   int // checks and probes that were
	most     int // requests that it may hold at once; 0: any number
	inside   int
	now      time.Duration // of the last change
}

// audit plays a case, and keeps books.
func audit(t *testing.T, c *scenarios.Case, costs Costs) *books {
	t.Helper()
	b := &books{t: t, accounts: map[topologies.Place]*account{}}
	for _, p := range c.Variant.Topology.Places() {
		b.accounts[p] = &account{books: b, place: p, entered: map[[2]uint64]int{}, most: roomOf(c, p)}
	}
	stand := site(c, costs)
	w, err := newWorld(c, costs, func(p topologies.Place) component {
		a := b.accounts[p]
		a.inside = 0 // who was in an earlier life is gone
		life := stand(p).(*components.Component)
		a.lives = append(a.lives, life)
		return audited{life, a}
	})
	require.NoError(t, err)
	b.w = w
	var samples []measure.Sample
	w.clients.tell = func(s *measure.Sample) { samples = append(samples, *s) }
	require.NoError(t, w.play(context.Background()))
	w.clients.handOver(components.Forever)
	b.report = w.report()
	b.report.Samples = samples
	return b
}

// roomOf is how many requests a place can hold at once, if it is known: the
// bounds of a backend, or of the gate of a proxy that holds requests nowhere
// else. One that is frozen cannot turn anybody away, and those whom a fault
// delays before they are let in, or whose answers it slows down, take no room.
func roomOf(c *scenarios.Case, p topologies.Place) int {
	n := c.Variant.Topology.Node(p.Node())
	for _, f := range c.Variant.Faults {
		if f.Freeze || slices.Contains(f.On, p) && (f.Rule.Delay > 0 || f.Rule.Answer.Rate > 0) {
			return 0
		}
	}
	switch {
	case n.Kind == topologies.Backend:
		return n.Workers + n.Queue
	case n.Concurrency == nil, n.Cache != nil, len(n.Limits) > 0:
		return 0
	}
	for _, bound := range []string{"limit", "max"} {
		if most := n.Concurrency.Limit.Params.Int(bound); most > 0 {
			return most + n.Concurrency.Queue
		}
	}
	return 0
}

// tick looks at how many were inside when time went on.
func (a *account) tick(now time.Duration) {
	if now == a.now {
		return
	}
	if a.most > 0 {
		require.LessOrEqual(a.books.t, a.inside, a.most, "%s holds more than it has room for, at %s", a.place, a.now)
	}
	a.now = now
	for _, in := range a.books.inbound(a.place) {
		in.check(a.books.t)
	}
}

// audited is a component with an account.
type audited struct {
	*components.Component
	*account
}

func (a audited) Open(x components.Exchange, r *components.Request, used components.Steps) components.Steps {
	if s, ok := used.(*auditedSteps); ok {
		used = s.Steps
	}
	steps := &auditedSteps{account: a.account, x: x, check: isCheck(r)}
	if steps.check {
		a.checks++
	} else {
		a.tick(x.Now())
		a.requests++
		a.entered[[2]uint64{r.Number, r.Attempt}]++
		a.inside++
	}
	steps.Steps = a.Component.Open(auditing{x, a.account, steps}, r, used)
	return steps
}

// isCheck tells questions of proxies about a place from requests.
func isCheck(r *components.Request) bool {
	return r.Method == "GET" && (r.Path == components.CheckPath || r.Path == components.ProbePath)
}

type auditedSteps struct {
	components.Steps
	*account
	x        components.Exchange
	check    bool
	answered bool
}

func (s *auditedSteps) Step(woken int) (components.Pause, bool) {
	p, over := s.Steps.Step(woken)
	if over && !s.check {
		s.tick(s.x.Now())
		s.inside--
		s.account.over++
	}
	return p, over
}

// auditing is an exchange whose answer and attempts are counted. steps is nil
// in the background.
type auditing struct {
	components.Exchange
	*account
	steps *auditedSteps
}

func (a auditing) Start(h *components.Hop) components.Call {
	to := a.books.accounts[h.To]
	if isCheck(&h.Request) {
		to.probed++
	} else {
		to.started++
	}
	return a.Exchange.Start(h)
}

func (a auditing) Reply(r components.Response) {
	a.answer()
	a.Exchange.Reply(r)
}

func (a auditing) Forward(c components.Call, r components.Response, limit int64, keep func(components.Body)) policy.Reason {
	gone := a.Canceled().Fired()
	reason := a.Exchange.Forward(c, r, limit, keep)
	if !gone {
		a.answer()
	}
	return reason
}

func (a auditing) Lingers(c components.Call) (time.Duration, components.Event, bool) {
	return a.Exchange.(components.Lingerer).Lingers(c)
}

func (a auditing) Pass(c components.Call, r components.Response) {
	a.Exchange.(components.Lingerer).Pass(c, r)
}

func (a auditing) answer() {
	if a.steps == nil || a.steps.check {
		return
	}
	require.False(a.books.t, a.steps.answered, "%s answered twice", a.place)
	a.steps.answered = true
	if !a.Canceled().Fired() {
		a.heard++
	}
}

func (a auditing) Background(open func(components.Exchange) components.Steps) {
	a.Exchange.Background(func(x components.Exchange) components.Steps {
		return open(auditing{x, a.account, nil})
	})
}

func (a audited) Begin(x components.Exchange) { a.Component.Begin(auditing{x, a.account, nil}) }

// checkSamples holds the samples against what arrived.
func (b *books) checkSamples() {
	t, w := b.t, b.w
	var open []measure.Sample
	free := map[int]time.Duration{} // when each client of a closed stream has its outcome
	for _, s := range b.report.Samples {
		client, closed := scenarios.ClientOf(s.Number)
		if !closed {
			open = append(open, s)
			continue
		}
		require.GreaterOrEqual(t, s.At, free[client], "a client asks for one thing at a time")
		free[client] = s.At + s.Latency
	}
	i := 0
	for a := range w.c.Arrivals() {
		require.Equal(t, a.Number, open[i].Number)
		require.Equal(t, a.At, open[i].At)
		i++
	}
	require.Len(t, open, i)
	for _, s := range b.report.Samples {
		require.GreaterOrEqual(t, s.Latency, time.Duration(0))
		require.LessOrEqual(t, s.Latency, w.c.Variant.Timeout)
		require.NotEqual(t, policy.Canceled, s.Reason)
		if s.Reason == policy.Timeout && s.Status == 0 {
			require.Equal(t, w.c.Variant.Timeout, s.Latency)
		}
		if s.Status == 0 {
			require.True(t, s.Reason.Broke(), "request %d: no answer, and no reason", s.Number)
		}
	}
	require.Zero(t, w.clients.open)
}

func (b *books) inbound(p topologies.Place) []*pool { return b.w.byName[p].inbound }

func (b *books) checkPools() {
	for p := range b.accounts {
		for _, in := range b.inbound(p) {
			in.check(b.t)
		}
	}
}

// check holds a pool to its bound.
func (p *pool) check(t *testing.T) {
	require.False(t, p.busy < 0 || p.idle < 0, "%d busy, %d idle", p.busy, p.idle)
	if p.limit > 0 {
		require.LessOrEqual(t, p.busy+p.idle, p.limit)
	}
}

func (b *books) checkCalls() {
	t, w := b.t, b.w
	atWork, holding := 0, 0
	for slot := range w.frames.len {
		f := w.frames.at(slot)
		for c := f.calls; c != nil; c = c.next {
			atWork++
			if c.holds {
				holding++
			}
		}
	}
	wanted := 0
	for slot := range w.calls.len {
		c := w.calls.at(slot)
		if c.pool != nil && c.from != nil && !c.over {
			wanted++
		}
	}
	require.Equal(t, atWork, wanted, "calls that nobody owns")
	busy := 0
	for _, p := range w.places {
		for _, in := range p.inbound {
			busy += int(in.busy)
		}
	}
	require.Equal(t, holding, busy, "connections that nobody holds")
}

// checkReport holds what the run reports of places, which is the time after the
// warm-up, against what all the lives of their processes counted.
func (b *books) checkReport() {
	for _, reported := range b.report.Nodes {
		all := b.accounts[topologies.Place(reported.Place)].use()
		if b.w.c.Variant.Warmup == 0 {
			require.Equal(b.t, all.Requests, reported.Requests, reported.Place)
			require.Equal(b.t, all.Reasons, reported.Reasons, reported.Place)
			require.Equal(b.t, all.Asked, reported.Asked, reported.Place)
			require.Equal(b.t, all.Cache, reported.Cache, reported.Place)
		}
		require.LessOrEqual(b.t, reported.Requests, all.Requests, reported.Place)
	}
}

// use is what all lives counted.
func (a *account) use() (sum measure.NodeUse) {
	for _, life := range a.lives {
		add(&sum, life.Use(), 1)
	}
	return sum
}

// drain plays on until all that was begun has ended.
func (b *books) drain() {
	inside := func() (n int) {
		for _, a := range b.accounts {
			n += a.inside
		}
		return n
	}
	for range 1_000_000 {
		if inside() == 0 {
			return
		}
		e, more := b.w.clock.pop(components.Forever)
		if !more {
			break
		}
		require.NoError(b.t, b.w.step(context.Background(), e))
	}
	for p, a := range b.accounts {
		require.Zero(b.t, a.inside, "%s does not come to an end", p)
	}
}

// checkCounters holds what each place counted against its account.
func (b *books) checkCounters() {
	for p, a := range b.accounts {
		u := a.use()
		require.EqualValues(b.t, a.requests, u.Requests, p)
		require.EqualValues(b.t, a.checks, u.Checks+u.Probes, p)
		require.EqualValues(b.t, a.over, total(u.Reasons), "%s: reasons of those that came to their end", p)
		require.EqualValues(b.t, a.over-a.heard, u.Reasons["canceled"], "%s: those whose callers went away", p)
		require.LessOrEqual(b.t, a.over, a.requests, p)
		if len(a.lives) == 1 && !b.w.byName[p].down {
			require.Equal(b.t, a.requests, a.over, "%s: what came went", p)
		}
		require.LessOrEqual(b.t, total(u.Cache), u.Requests, "%s: one word for each request at most", p)
		for id, n := range a.entered {
			require.Equal(b.t, 1, n, "%s: the same attempt %x at request %d came more than once", p, id[1], id[0])
		}
	}
}

func total(counts map[string]int64) (n int64) {
	for _, c := range counts {
		n += c
	}
	return n
}

// checkOutcomes holds the outcomes of clients against what the entry counted.
func (b *books) checkOutcomes() {
	answers, counted := map[string]int64{}, map[string]int64{}
	requests, broken, unheard := 0, int64(0), int64(0)
	for _, s := range b.report.Samples {
		if s.Status == 0 {
			unheard++
		}
		switch {
		case s.Reason == policy.Corrupt: // which nobody else looks for
			answers["ok"]++
		case s.Status != 0:
			answers[s.Reason.String()]++
		case s.Reason == policy.Reset:
			broken++
		}
	}
	top := b.w.c.Variant.Topology
	for _, p := range top.Node(top.Entry).Places() {
		addAll(&counted, b.accounts[p].use().Reasons, 1)
		requests += b.accounts[p].requests
	}
	delete(counted, "canceled")
	cut := counted["reset"] - answers["reset"]
	require.True(b.t, cut >= 0 && cut <= broken, "the entry handed on %d answers that broke off, %d broke at clients", cut, broken)
	delete(counted, "reset")
	delete(answers, "reset")
	if b.w.clients.pools[0].link != nil { // answers may be lost on their way
		for reason, n := range answers {
			require.LessOrEqual(b.t, n, counted[reason], "clients saw more %s than the entry counted", reason)
		}
		require.LessOrEqual(b.t, total(counted)-total(answers), unheard, "clients saw %v, the entry counted %v", answers, counted)
		answers = counted
	}
	require.True(b.t, maps.Equal(answers, counted), "clients saw %v, the entry counted %v", answers, counted)
	require.LessOrEqual(b.t, requests, len(b.report.Samples), "each arrival comes to the entry once at most")
}

// checkTiers holds what places say they asked against what was begun at those
// whom they asked, and against what came there.
func (b *books) checkTiers() {
	asked := map[topologies.Place]int64{}
	top := b.w.c.Variant.Topology
	for _, a := range b.accounts {
		for p, n := range a.use().Asked {
			asked[topologies.Place(p)] += n
		}
	}
	seen := map[string]map[[2]uint64]topologies.Place{}
	for p, a := range b.accounts {
		if p.Node() != top.Entry {
			require.EqualValues(b.t, a.started, asked[p], "attempts at %s", p)
			require.LessOrEqual(b.t, a.requests, a.started, "requests of %s", p)
			require.LessOrEqual(b.t, a.checks, a.probed, "checks of %s", p)
		}
		for id := range a.entered {
			if seen[p.Node()] == nil {
				seen[p.Node()] = map[[2]uint64]topologies.Place{}
			}
			other, twice := seen[p.Node()][id]
			require.False(b.t, twice, "the same attempt %x at request %d came to %s and %s", id[1], id[0], p, other)
			seen[p.Node()][id] = p
		}
	}
}

// TestTheSameCaseGivesTheSameRun whatever the number of processors.
func TestTheSameCaseGivesTheSameRun(t *testing.T) {
	for seed := range uint64(8) {
		first, err := Run(context.Background(), anyCase(seed), DefaultCosts())
		require.NoError(t, err)
		was := runtime.GOMAXPROCS(1)
		second, err := Run(context.Background(), anyCase(seed), DefaultCosts())
		runtime.GOMAXPROCS(was)
		require.NoError(t, err)
		require.Equal(t, first, second)
	}
}
