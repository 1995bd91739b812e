package components

import (
	"cmp"
	"sync/atomic"
	"time"

	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// store is a shared cache (RFC 9111, 5861, 8246, 9211 and 9213).
//
//	decide ──► stored and fresh: answer
//	  ▲   ├──► stored and stale, but may be given: answer, and renew beside it
//	  │   ├──► another fetches it: wait ──┐
//	  └───┼───────────────────────────────┘
//	      └──► fetch, asking whether what is stored still holds
//	             ├──► it does: renew its head, and answer
//	             ├──► keeper: commit at the last byte, or not for sharing
//	             └──► failed: what is stored, if it may be given then
type store struct {
	capacity int64
	collapse bool
	stale    topologies.Stale
	negative time.Duration
	cookies  bool     // answers that set some are stored too
	targets  bool     // CDN-Cache-Control is for us
	plain    bool     // upstreams are not asked for codings
	auth     *auth    // nil: the node asks nobody who they are
	secrets  []string // fields that nodes behind take keys from, beside X-Api-Key

	wishes   memo[*wish]
	tellings memo[*telling]

	mu    lock
	kept  *policy.Cache[*resource]
	under fetches                // under way
	dated []scenarios.DatedPurge // to come
}

func newStore(t *topologies.Topology, node *topologies.Node, dated []scenarios.DatedPurge) *store {
	c := node.Cache
	kind := policy.Evictions[cmp.Or(c.Evict.Name, policy.DefaultEviction)]
	return &store{
		capacity: c.Capacity,
		collapse: c.Collapse,
		stale:    c.Stale,
		negative: c.Negative,
		cookies:  c.Cookies,
		targets:  node.Kind == topologies.CDN,
		plain:    len(node.Compress) > 0,
		secrets:  secretsBehind(t, node),
		kept:     policy.NewCache[*resource](c.Capacity, kind.New(c.Capacity, kind.Params(c.Evict.Params))),
		under:    fetches{byKey: map[string]*fetch{}},
		dated:    dated,
	}
}

// recall answers from the store if it can, waiting for another's fetch if
// there is one.
func (p *proxy) recall(v *visit) (Pause, bool) {
	if p.store == nil {
		return p.admit(v)
	}
	if v.stage != following {
		v.ask = p.store.askOf(v)
	}
	if !v.ask.fromStore {
		p.store.passBy(v)
		return p.admit(v)
	}
	e, found := p.store.decide(v)
	switch {
	case found:
		if v.renews != nil {
			p.renew(v, e)
		}
		p.replyStored(v, e)
		return over()
	case v.waits != nil:
		return v.pause(following, Forever, v.waits.ended, v.x.Canceled())
	case v.ask.onlyIfCached:
		p.refuse(v, nothingStored)
		return over()
	}
	return p.admit(v)
}

// passBy is for a request that is not to be answered from the store, unless the
// origin says that what is stored still holds.
func (s *store) passBy(v *visit) {
	v.word, v.why = bypass, byRequest
	switch {
	case v.req.Method != "GET" && v.req.Method != "HEAD":
		v.why = byMethod
	case v.req.Size != 0:
		v.why = byRule
	}
	if !v.ask.toStore {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, _ := s.kept.PeekBytes(v.ask.key)
	if e := r.pick(v); e != nil && e.validates() {
		v.validates = e
	}
	v.leads = s.fetch(v, r, "", false)
}

// decide looks what there is: an answer, a fetch to wait for (then v.waits is
// set), or neither. It leaves its word in v.
func (s *store) decide(v *visit) (e *stored, found bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	waited := v.waits
	v.waits = nil
	now := v.x.Now()
	s.catchUp(now)
	r, _ := s.kept.LookupBytes(v.ask.key)
	e = r.pick(v)
	if e == nil && waited != nil && waited.brought != nil && waited.brought.suits(v) {
		e = waited.brought
	}
	if e != nil {
		if v.word = s.worth(v, r, e, now, waited); v.word != noWord {
			return e, true
		}
	}
	v.word, v.why = fetched(r, e, now)
	if !v.ask.toStore {
		return nil, false
	}
	if e != nil && e.validates() {
		v.validates = e
	}
	secondary := s.secondary(v, r)
	share := s.collapse && !r.marked(now) && (e == nil || !e.always) && (waited == nil || !waited.failed && waited.brought == nil)
	if share {
		if f := s.under.of(v.ask.key).sharing(v.route, secondary); f != nil {
			if f.ended == nil {
				f.ended = v.x.NewSignal()
			}
			v.waits, v.validates = f, nil
			return nil, false
		}
	}
	v.leads = s.fetch(v, r, secondary, share && (!v.ask.alone || v.validates != nil))
	return nil, false
}

// worth is the word for a stored answer that may be given, or noWord. If it
// is to be renewed, v.renews is set.
func (s *store) worth(v *visit, r *resource, e *stored, now time.Duration, waited *fetch) word {
	switch {
	case v.ask.takes(e, now) && waited != nil:
		return collapsed
	case v.ask.takes(e, now):
		v.why = noCause
		return hit
	case v.ask.whileRenewed(e, now):
		v.why = noCause
		if !s.under.of(v.ask.key).pending() {
			v.renews = s.fetch(v, r, s.secondary(v, r), s.collapse)
		}
		return updating
	case waited != nil && waited.failed && v.ask.insteadOfFailure(e, now):
		return stale
	case v.ask.takesStale(e, now):
		v.why = noCause
		return stale
	}
	return noWord
}

// fetched is the word and the cause of a request that goes upstream.
func fetched(r *resource, e *stored, now time.Duration) (word, cause) {
	switch {
	case e != nil && e.fresh(now) && !e.always:
		return expired, byRequest
	case e != nil:
		return expired, gone
	case r != nil && len(r.variants) > 0:
		return miss, varyMiss
	}
	return miss, uriMiss
}

// secondary is what of a request its answer is known to depend on, by what is
// stored; before that the codings only.
func (s *store) secondary(v *visit, r *resource) string {
	if r == nil || len(r.variants) == 0 {
		return v.ask.codings
	}
	all := ""
	for _, f := range r.variants[0].vary {
		all += selecting(f.Name, v) + "\n"
	}
	return all
}

// fetch enters a fetch of what the visit asks for among those under way.
func (s *store) fetch(v *visit, r *resource, secondary string, share bool) *fetch {
	f := fetch{route: v.route, path: v.req.Path, query: s.auth.query(v.req.Query), secondary: secondary, shared: share}
	if r != nil {
		f.key = r.key
	} else if other := s.under.of(v.ask.key); other != nil {
		f.key = other.key
	} else {
		f.key = string(v.ask.key)
	}
	return s.under.begin(f)
}

// keeper decides, by the head of an answer, whether it is to be stored, and
// returns what is to be done with its body.
func (s *store) keeper(v *visit, head Response) func(Body) {
	switch {
	case !safe(v.req.Method):
		if head.Status < 400 {
			s.invalidate(v, head.Header)
		}
		return nil
	case v.req.Method == "HEAD":
		s.overhear(v, head)
		return nil
	case !v.ask.toStore:
		return nil
	case head.Status == 206, head.Status == 304, head.Status == 416:
		// An answer to this request alone. A cache is free not to keep parts
		// (RFC 9111 section 3.3): NGINX, Varnish and Squid do not either.
		s.release(v, true)
		return nil
	}
	e, ok := s.entry(v, head)
	if !ok {
		s.pass(v, head.Status)
		return nil
	}
	v.keeps = true
	return func(body Body) {
		e.response.Body = body
		s.commit(v, e)
	}
}

// entry is an answer as it is to be stored, but for its body. It is false if
// it is not to be.
func (s *store) entry(v *visit, head Response) (*stored, bool) {
	t := s.told(head.Header, v.req.Lasting)
	given, ok := s.judge(s.personal(v), head.Status, t, v.x.Date())
	if !ok {
		return nil, false
	}
	e := newStored(v, given, t, t, head)
	e.vary = s.varying(t, v)
	return e, e.validates() || e.age(v.x.Now()) < e.lifetime || e.grace != grace{}
}

// newStored is an answer as it is stored. What t tells of it was told now by
// the head that latest tells of, which may be a later one.
func newStored(v *visit, given terms, t, latest *telling, r Response) *stored {
	came, now := v.x.Date(), v.x.Now()
	age, ok := latest.initialAge(came, now-v.attempt.started)
	if !ok {
		given = terms{always: given.always}
	}
	r.Header = storedHeader(r.Header, t)
	return &stored{
		terms:     given,
		response:  r,
		born:      now - age,
		made:      t.made(came),
		dated:     t.date != "",
		strict:    t.strict(),
		immutable: t.immutable,
		route:     v.route,
		etag:      t.etag,
		modified:  t.modified,
		tags:      t.tagList(),
		dress:     new(atomic.Pointer[dress]),
	}
}

// personal tells whether an answer may be for its caller only: who shows
// credentials (RFC 9111 section 3.5), or is known here or in front, where they
// may have been taken off.
func (s *store) personal(v *visit) bool { return v.ask.personal || v.consumer != "" }

// secretsBehind is the fields by which nodes that a node asks, and those behind
// them, know their callers.
func secretsBehind(t *topologies.Topology, node *topologies.Node) (fields []string) {
	for _, behind := range t.Behind(node) {
		headers, _ := keyPlaces(behind)
		for _, name := range headers {
			if !oneOf(fields, name) && !equalName(name, keyField) {
				fields = append(fields, name)
			}
		}
	}
	return fields
}

// commit stores an answer, unless a write or a purge has overtaken it. Those
// who wait for it get it all the same: they came before.
func (s *store) commit(v *visit, e *stored) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp(v.x.Now())
	v.leads.brought = e
	if !v.leads.outdated(e.tags) {
		s.put(v, e)
	}
}

// put adds an answer to those of its target.
func (s *store) put(v *visit, e *stored) {
	r := s.resource(v)
	r.until = 0
	r.add(e, v, s.capacity)
	s.keep(r)
}

// keep puts a resource into the store, or out of it if there is nothing in it.
func (s *store) keep(r *resource) {
	if len(r.variants) == 0 && r.until == 0 {
		s.kept.Remove(r.key)
		return
	}
	s.kept.Put(r.key, r, r.weight())
}

// resource is what is stored for the visit's target, or a new one.
func (s *store) resource(v *visit) *resource {
	if r, kept := s.kept.PeekBytes(v.ask.key); kept {
		return r
	}
	f := v.leads
	return &resource{key: f.key, path: f.path, query: f.query}
}

// pass deals with an answer that is not for sharing. Those who wait for it go,
// and a mark in the place of what was stored lets the next ones go their own
// ways at once.
func (s *store) pass(v *visit, status int) {
	failed := status >= 500
	if v.word != bypass && !failed {
		s.mu.Lock()
		s.forget(v)
		s.mu.Unlock()
	}
	s.release(v, failed)
}

func (s *store) forget(v *visit) {
	if v.leads.void {
		return
	}
	r := s.resource(v)
	r.drop(v)
	if v.leads.shared {
		r.until = v.x.Now() + passFor
	}
	s.keep(r)
}

// handedOn is called when an answer that was to be stored has been handed on.
// One that was too long to be kept is not for sharing either.
func (s *store) handedOn(v *visit) {
	if v.reason == policy.OK && v.leads.brought == nil {
		s.pass(v, v.status)
	}
}

// end is called when a visit is over, whatever became of it.
func (s *store) end(v *visit) {
	s.release(v, v.reason != policy.OK && v.reason != policy.Canceled)
}

// release lets those go who wait for the visit's fetch. After one that failed
// each tries alone, or they would fail one after the other; after one whose
// caller went away, one of them leads the rest.
func (s *store) release(v *visit, failed bool) {
	f := v.leads
	if f == nil {
		return
	}
	v.leads = nil
	s.mu.Lock()
	f.failed = failed
	ended := f.ended
	s.under.end(f)
	s.mu.Unlock()
	if ended != nil {
		ended.Fire()
	}
}
