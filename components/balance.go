package components

import (
	"math/rand/v2"
	"sync"
	"time"

	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// pool is the places that a route may go to, and who chooses among them.
type pool struct {
	places []topologies.Place
	keyed  bool
	source affinity // of keys

	mu     sync.Mutex
	picker policy.Picker
	asked  []int64 // attempts by place
}

// newPool makes a pool whose draws depend on the seed and its name alone.
func newPool(seed uint64, name string, pick policy.Choice, places []topologies.Place) *pool {
	kind, known := policy.Pickers[pick.Name]
	if !known {
		kind = policy.Pickers["round-robin"]
	}
	params := kind.Params(pick.Params)
	random := rand.New(rand.NewPCG(seed, scenarios.Hash("pool "+name)))
	return &pool{
		places: places,
		keyed:  kind.Keyed,
		source: newAffinity(params.Word("key")),
		picker: kind.New(policyPool(places), params, random),
		asked:  make([]int64, len(places)),
	}
}

// policyPool is the places as a picker knows them.
func policyPool(places []topologies.Place) policy.Pool {
	pool := policy.Pool{Names: make([]string, len(places))}
	for i, place := range places {
		pool.Names[i] = string(place)
	}
	return pool
}

// start picks a place and begins an attempt there, in one move: two requests
// at once do not both see it idle.
func (p *pool) start(now time.Duration, key uint64, avoid []int) (i int, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i, ok = p.picker.Pick(now, key, avoid)
	if ok {
		p.picker.Started(i)
		p.asked[i]++
	}
	return i, ok
}

func (p *pool) done(now time.Duration, i int, o policy.Outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.picker.Done(now, i, o)
}

func (p *pool) setUp(place topologies.Place, up bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.places {
		if p.places[i] == place {
			p.picker.SetUp(i, up)
		}
	}
}

func (p *pool) countInto(asked map[string]int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, place := range p.places {
		asked[string(place)] += p.asked[i]
	}
}

// attempt is one try at a request.
type attempt struct {
	pool    *pool
	i       int
	open    bool // its end has not been told to the pool yet
	started time.Duration
	call    Call
	head    Response
	answer  bool // head is an upstream's; else it is our own word for the failure
	reason  policy.Reason
	sent    bool // some of the request may have reached the upstream
}

// done tells the pool how the attempt ended. Only the first call counts.
func (a *attempt) done(now time.Duration, reason policy.Reason) {
	if a.open {
		a.open = false
		a.pool.done(now, a.i, policy.Outcome{Reason: reason, Latency: now - a.started})
	}
}

// ask tries upstreams until one has given an answer that stands, which it
// leaves in v.attempt. If there is none it answers so and is false.
func (p *proxy) ask(v *visit) bool {
	pool, hop := v.route.pool, p.hop(v)
	var key uint64
	if pool.keyed {
		key = p.keyOf(pool.source, &v.req)
	}
	a, avoid := &v.attempt, v.tried[:0]
	for tries := 1; ; tries++ {
		i, ok := pool.start(v.x.Now(), key, avoid)
		if !ok {
			break
		}
		if tries > 1 {
			a.call.Cancel()
			hop.Request.Attempt = scenarios.Mix(v.req.Attempt, uint64(tries-1))
		}
		*a = attempt{pool: pool, i: i, open: true, started: v.x.Now()}
		hop.To = pool.places[i]
		p.try(v, &hop)
		if !p.mayRepeat(v, tries) {
			break
		}
		a.done(v.x.Now(), a.reason)
		avoid = append(avoid, i)
	}
	return p.stands(v)
}

// stands ends the tries: with an answer to hand on, or with our own.
func (p *proxy) stands(v *visit) bool {
	a := &v.attempt
	if a.answer {
		return true
	}
	a.done(v.x.Now(), a.reason)
	switch {
	case a.call == nil:
		p.refuse(v, noBackend)
	case a.reason != policy.Canceled:
		p.refuse(v, a.head)
	}
	return false
}

// try makes one attempt and waits for its head.
func (p *proxy) try(v *visit, hop *Hop) {
	a := &v.attempt
	a.call = v.x.Start(*hop)
	until := Forever
	if patience := p.node.Timeout.Response; patience > 0 {
		until = a.started + patience
	}
	v.events = [2]Event{a.call, v.x.Canceled()}
	switch v.x.Wait(until, v.events[:]...) {
	case 0:
		a.hear()
	case 1:
		a.reason = policy.Canceled
		a.call.Cancel()
	default:
		a.call.Cancel()
		a.reason, a.head, a.sent = policy.Timeout, noResponse, true
	}
}

// hear takes what the call came to.
func (a *attempt) hear() {
	a.head, a.reason = a.call.Head()
	switch a.reason {
	case policy.OK:
		a.answer, a.sent = true, true
		a.reason = ReasonOf(a.head.Status, a.head.Header)
	case policy.Refused:
		a.head = refused
	case policy.Timeout: // of the connection
		a.head = noConnection
	case policy.Reset:
		a.head, a.sent = terminated, true
	}
}

// mayRepeat asks the retrier. A body that may have been sent is gone: it is
// not kept for a second time.
func (p *proxy) mayRepeat(v *visit, tries int) bool {
	a := &v.attempt
	last := policy.Attempt{Reason: a.reason, Sent: a.sent}
	last.Safe = safe(v.req.Method) && (v.req.Size == 0 || !a.sent)
	if a.answer {
		last.Status = a.head.Status
	}
	return p.retrier.Again(tries, last)
}

// safe tells whether a method asks for no change (RFC 9110 section 9.2.1).
func safe(method string) bool {
	switch method {
	case "GET", "HEAD", "OPTIONS", "TRACE":
		return true
	}
	return false
}
