package components

import (
	"strings"
	"sync/atomic"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// proxy is every kind that hands requests on. Its capabilities are the node's:
// one without routes, keys, limit or cache skips that step.
type proxy struct {
	place topologies.Place
	node  *topologies.Node
	seed  uint64

	topology *topologies.Topology
	via      string

	passed atomic.Pointer[Field] // where the last header lies that went out as it was

	onwards, outwards, dressed headerMemo

	trust   trustList
	onward  *route       // where everything goes if there are no routes
	routes  *routeTable  // nil: no routes
	auth    *auth        // nil: nobody is asked who they are
	limits  []limits     // nil: no limit
	plans   *plans       // nil: none
	tells   *limitFields // nil: callers are told of no limits
	cors    *cors        // nil: nothing is said to other origins
	store   *store       // nil: no cache
	codings []string     // that it offers; nil: it does not compress
	pools   []*pool
	budget  *budget // of retries; nil: no bounds
	pauses  uint64  // what their lengths are drawn from
	tries   uint64  // what tells this node's tries from another's
	hedge   *hedge  // nil: none

	issuers []topologies.Place // of token keys

	ends    bool // has the last word on answers
	detours bool // limits, a cache or a gate
	plain   bool // a GET goes onward as it comes: nothing on the way is for it
	alters  bool // requests, beyond their headers
	dresses bool // answers, beyond what goes out of their headers

	gate     *gate     // nil: any number of requests at once
	fallback *Response // nil: failures are told as they are
}

func newProxy(c *scenarios.Case, node *topologies.Node, place topologies.Place, tallies Tallies, old *proxy) *proxy {
	p := &proxy{
		place:    place,
		node:     node,
		seed:     scenarios.Mix(c.Seed, scenarios.Hash(string(place))),
		via:      "1.1 " + node.Name,
		topology: c.Variant.Topology,
		trust:    newTrustList(node.Trust),
		codings:  node.Compress,
		budget:   newBudget(node.Retry.Budget),
	}
	p.gate = newGate(node.Concurrency)
	p.fallback = newFallback(node.Fallback)
	p.pauses = scenarios.Mix(p.seed, scenarios.Hash("pauses"))
	p.tries = scenarios.Hash("tries of " + node.Name)
	if node.Hedge != nil {
		p.hedge = newHedge(node.Hedge)
	}
	p.layRoutes(c, old)
	p.auth = newAuth(node)
	if node.Auth != nil && node.Auth.Tokens != nil && node.Auth.Tokens.Set != nil {
		p.issuers = c.Variant.Topology.Pool([]string{node.Auth.Tokens.Set.From})
	}
	p.limits = newLimits(node.Name, namedApart("", node.Limits), tallies, node.LimitFields != nil)
	p.plans = newPlans(node, tallies)
	p.tells = newLimitFields(node)
	if node.Cache != nil {
		p.store = newStore(c.Variant.Topology, node, c.Weather().Purges(place))
		p.store.auth = p.auth
	}
	p.cors = newCORS(node.CORS)
	p.inherit(old)
	p.ends = p.endings()
	p.detours = p.ends || p.hedge != nil || p.editsRequests() || p.limits != nil || p.plans != nil || p.store != nil || p.gate != nil
	p.plain = p.auth == nil && p.cors == nil && !p.detours && p.onward.open()
	p.alters = p.auth != nil || p.store != nil || p.routes != nil || p.onward.timeout.Propagate
	p.dresses = p.store != nil || p.routes != nil || p.compresses() || !p.onward.response.Empty() || node.Sticky != ""
	return p
}

// unlock does without locks.
func (p *proxy) unlock() {
	for _, pool := range p.pools {
		pool.mu.alone = true
	}
	for _, l := range p.limits {
		if m, ok := l.tally.(*memory); ok {
			m.mu.alone = true
		}
	}
	if p.store != nil {
		p.store.mu.alone = true
	}
}

// layRoutes builds the table of routes. Routes to the same nodes share a pool.
func (p *proxy) layRoutes(c *scenarios.Case, old *proxy) {
	t, pools := c.Variant.Topology, map[string]*pool{}
	to := func(nodes ...string) *pool {
		name := strings.Join(nodes, " ")
		if pools[name] == nil {
			pools[name] = old.poolFor(p, name, nodes)
			if pools[name] == nil {
				pools[name] = p.newPool(t, name, nodes)
				pools[name].fit(p.node.Breaker)
				pools[name].watch(&c.Variant)
			}
			p.pools = append(p.pools, pools[name])
		}
		return pools[name]
	}
	if p.node.Routes == nil {
		p.onward = newRoute(p.node, topologies.Route{Path: "*"}, to(p.node.To...))
		p.onward.metered = p.node.Knows()
		p.onward.meaning = meaning(topologies.Route{Path: "*"}, p.node.To)
		return
	}
	p.routes = new(routeTable)
	seed := scenarios.Mix(c.Seed, scenarios.Hash(p.node.Name)) // all replicas split alike
	for _, r := range p.node.Routes {
		made := newRoute(p.node, r, nil)
		switch {
		case r.Redirect != nil:
		case r.Split != nil:
			made.meaning = meaning(r, nil)
			made.split = newSplit(seed, made, r.Split, to)
		case r.To != nil:
			made.pool, made.meaning = to(r.To...), meaning(r, r.To)
		default:
			made.pool, made.meaning = to(p.node.To...), meaning(r, p.node.To)
		}
		p.routes.add(r.Hosts, r.Path, made)
	}
}

// step plays a visit to its next pause, or to its end.
func (p *proxy) step(v *visit, woken int) (Pause, bool) {
	pause, over := p.goOn(v, woken)
	if over {
		p.leave(v)
	}
	return pause, over
}

// goOn is the order of events: each of them asks for a pause, ends the visit
// or leads to the next.
//
//	enter ─► check ─► limit ─► recall ─► admit ─► ask ─► heard ─► conclude
//	                             ▲ │              ▲ │      │
//	                             └─┘              │ └──────┤
//	                          another's fetch     └─ rest ◄┘
func (p *proxy) goOn(v *visit, woken int) (Pause, bool) {
	switch v.stage {
	case arriving:
		return p.enter(v)
	case learning:
		if woken == 1 {
			return over()
		}
		return p.check(v)
	case counting:
		return p.told(v)
	case held:
		if woken == 0 {
			return over()
		}
		return p.recall(v)
	case following:
		if woken == 1 {
			return over()
		}
		return p.recall(v)
	case renewing:
		return p.admit(v)
	case atGate:
		return p.called(v, woken)
	case alone:
		return p.hedged(v, woken)
	case racing:
		return p.decided(v, woken)
	case resting:
		if woken == 0 {
			return over()
		}
		return p.try(v)
	case passing:
		return p.bodyEnded(v)
	}
	return p.answered(v, woken)
}

// greet makes ready for what a visit will come to.
func (p *proxy) greet(v *visit) {
	if p.detours {
		v.turnOff()
	}
	if p.ends {
		v.ending = p
	}
}

func (p *proxy) enter(v *visit) (Pause, bool) {
	if p.plain && v.req.Method == "GET" && !v.at.timed {
		v.route = p.onward
		return p.ask(v)
	}
	p.greet(v)
	if p.preflight(v) || p.isLast(v) || !p.routed(v) || p.redirected(v) {
		return over()
	}
	return p.check(v)
}

// check goes on with those who may pass.
func (p *proxy) check(v *visit) (Pause, bool) {
	if pause, over, passed := p.authenticate(v); !passed {
		return pause, over
	}
	if p.limits == nil && p.plans == nil {
		return p.recall(v)
	}
	return p.limit(v)
}

// leave is called when a visit is over, whatever became of it.
func (p *proxy) leave(v *visit) {
	if p.gate != nil && v.inside {
		p.gate.leave(v, v.x.Now())
	}
	if p.store != nil {
		p.store.end(v)
	}
}

// handOn forwards the answer that an upstream gave.
func (p *proxy) handOn(v *visit) (Pause, bool) {
	if p.dresses {
		return p.handOnDressed(v)
	}
	said, _ := v.attempt.call.Head()
	pass := passage{head: said.Response()}
	pass.head.Header = p.outwardHeader(v, pass.head.Header)
	if pause, waits := v.pass(&pass); waits {
		return pause, false
	}
	return p.passedOn(v, &pass)
}

// handOnDressed forwards it as the cache and the route want it to be; or what
// the cache has in its place.
func (p *proxy) handOnDressed(v *visit) (Pause, bool) {
	if p.store != nil {
		if p.rescued(v, v.attempt.status, v.attempt.reason) {
			v.attempt.done(v.x.Now(), v.attempt.reason)
			return over()
		}
		if v.validates != nil && v.attempt.status == 304 {
			p.stillHolds(v)
			return over()
		}
	}
	said, _ := v.attempt.call.Head()
	head := said.Response()
	if v.route.body.edits(v.req, &head) {
		if pause, waits := v.await(v.attempt.call); waits {
			return pause, false
		}
		p.handOnEdited(v, head)
		return over()
	}
	head.Header = p.outwardHeader(v, head.Header)
	var keep func(Body)
	var limit int64
	if p.store != nil {
		keep, limit = p.store.keeper(v, head), p.store.capacity
	}
	p.dress(v, &head)
	head.Header = v.route.pool.sticky.settle(v, head.Header)
	pass := passage{head, limit, keep}
	if pause, waits := v.pass(&pass); waits {
		return pause, false
	}
	return p.passedOn(v, &pass)
}

// passedOn ends a visit with the body of an answer.
func (p *proxy) passedOn(v *visit, pass *passage) (Pause, bool) {
	v.forward(pass)
	if pass.keep != nil {
		p.store.handedOn(v)
	}
	v.attempt.done(v.x.Now(), v.reason)
	return over()
}

// bodyEnded goes on when a body that took its time has ended, or nobody waits for
// it any more.
func (p *proxy) bodyEnded(v *visit) (Pause, bool) {
	if pass := v.passes; pass != nil {
		v.passes = nil
		return p.passedOn(v, pass)
	}
	said, _ := v.attempt.call.Head()
	p.handOnEdited(v, said.Response())
	return over()
}

// dress makes an answer ready for the caller: the cache's word, the route's
// edits, a coding.
func (p *proxy) dress(v *visit, r *Response) {
	r.Header = p.decorate(v, r.Header)
	if p.compresses() {
		if v.req.Lasting {
			r.Header = r.Header.Clone()
		}
		p.encode(v, r)
	}
}

// decorate adds the cache's word and the route's edits.
func (p *proxy) decorate(v *visit, h Header) Header {
	edit := &v.route.response
	if v.word == noWord && edit.Empty() {
		return h
	}
	if !v.req.Lasting {
		return p.decorated(h, v.note(), edit)
	}
	from := origin{header: h, route: v.route, note: v.note()}
	if h, ok := p.dressed.find(&from); ok {
		return h
	}
	return p.dressed.keep(&from, p.decorated(h.Clone(), v.note(), edit))
}

func (p *proxy) decorated(h Header, n note, edit *topologies.Edit) Header {
	return edited(noted(h, n, p.node.Name, 0), edit)
}

// refuse answers with a failure of ours in the place of an upstream's answer.
func (p *proxy) refuse(v *visit, r Response) {
	if v.word != noWord {
		r.Header = noted(r.Header.Clone(), v.note(), p.node.Name, 0)
	}
	v.reply(r)
}

func (p *proxy) waiting() int {
	if p.gate == nil {
		return 0
	}
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	return p.gate.policy.Waiting()
}

func (p *proxy) use(u *measure.NodeUse) {
	u.Asked, u.Sent = map[string]int64{}, map[string]measure.Series{}
	for _, pool := range p.pools {
		pool.countInto(u, p)
	}
	if p.store == nil {
		u.Cache = nil
	}
}
