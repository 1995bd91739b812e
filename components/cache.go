package components

import (
	"sync"
	"sync/atomic"
	"time"

	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// store is a shared cache (RFC 9111, without validation; RFC 5861).
//
//	decide ──► stored and fresh: answer
//	  ▲   ├──► stored and stale, but may be given: answer, and renew beside it
//	  │   ├──► another fetches it: wait ──┐
//	  └───┼───────────────────────────────┘
//	      └──► fetch ──► keeper: commit at the last byte, or not for sharing
//	                └──► failed: what is stored, if it may be given then
type store struct {
	capacity int64
	collapse bool
	stale    topologies.Stale
	negative time.Duration

	mu    sync.Mutex
	kept  *policy.Cache[stored]
	under fetches                // under way
	dated []scenarios.DatedPurge // to come
}

func newStore(c *topologies.Cache, dated []scenarios.DatedPurge) *store {
	kind, known := policy.Evictions[c.Evict.Name]
	if !known {
		kind = policy.Evictions["lru"]
	}
	return &store{
		capacity: c.Capacity,
		collapse: c.Collapse,
		stale:    c.Stale,
		negative: c.Negative,
		kept:     policy.NewCache[stored](c.Capacity, kind.New(c.Capacity, kind.Params(c.Evict.Params))),
		under:    fetches{},
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
		v.ask = p.cacheAsk(v.req)
	}
	if !v.ask.fromStore {
		p.store.passBy(v)
		return p.admit(v)
	}
	entry, found := p.store.decide(v)
	switch {
	case found:
		if v.renews != nil {
			p.renew(v)
		}
		p.replyStored(v, &entry)
		return over()
	case v.waits != nil:
		return v.pause(following, Forever, v.waits.ended, v.x.Canceled())
	case v.ask.directives.onlyIfCached:
		p.refuse(v, nothingStored)
		return over()
	}
	return p.admit(v)
}

// passBy is for a request that is not to be answered from the store.
func (s *store) passBy(v *visit) {
	v.word = bypass
	if v.ask.toStore {
		s.mu.Lock()
		v.leads = s.fetch(v, false)
		s.mu.Unlock()
	}
}

// decide looks what there is: an answer, a fetch to wait for (then v.waits is
// set), or neither. It leaves its word in v.
func (s *store) decide(v *visit) (entry stored, found bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	waited := v.waits
	v.waits = nil
	now := v.x.Now()
	s.catchUp(now)
	entry, kept := s.kept.Lookup(v.ask.key)
	if (!kept || entry.mark) && waited != nil && waited.brought != nil {
		entry, kept = *waited.brought, true
	}
	if kept && !entry.mark {
		if v.word = s.worth(v, &entry, now, waited); v.word != noWord {
			return entry, true
		}
	}
	if v.ask.toStore {
		marked := kept && entry.mark && entry.fresh(now)
		share := s.collapse && !marked && (waited == nil || !waited.failed)
		if share {
			if v.waits = s.under.shared(v.ask.key); v.waits != nil {
				return stored{}, false
			}
		}
		v.leads = s.fetch(v, share)
	}
	v.word = fetched(&v.ask, kept && !entry.mark)
	return stored{}, false
}

// worth is the word for a stored answer that may be given, or noWord. If it
// is to be renewed, v.renews is set.
func (s *store) worth(v *visit, entry *stored, now time.Duration, waited *fetch) word {
	switch {
	case v.ask.takes(entry, now) && waited != nil:
		return collapsed
	case v.ask.takes(entry, now):
		return hit
	case v.ask.whileRenewed(entry, now):
		if !s.under.any(v.ask.key) {
			v.renews = s.fetch(v, s.collapse)
		}
		return updating
	case waited != nil && waited.failed && v.ask.insteadOfFailure(entry, now):
		return stale
	}
	return noWord
}

// fetch enters a fetch of what the visit asks for among those under way.
func (s *store) fetch(v *visit, share bool) *fetch {
	f := &fetch{key: v.ask.key, path: v.req.Path}
	if share {
		f.ended = v.x.NewSignal()
	}
	s.under.add(f)
	return f
}

// keeper decides, by the head of an answer, whether it is to be stored, and
// returns what is to be done with its body.
func (s *store) keeper(v *visit, head Response) func(Body) {
	if !safe(v.req.Method) && head.Status < 400 {
		s.invalidate(v)
	}
	if !v.ask.toStore {
		return nil
	}
	d := parseDirectives(head.Header.Values("Cache-Control"))
	fresh, grace, ok := s.lifetime(v.req, head.Status, head.Header, &d)
	if !ok {
		s.pass(v, head.Status)
		return nil
	}
	entry := stored{
		response: head,
		born:     v.attempt.started - ageOf(head.Header),
		lifetime: fresh,
		grace:    grace,
		strict:   d.mustRevalidate,
		path:     v.req.Path,
		tags:     tagsOf(head.Header),
		dress:    new(atomic.Pointer[dress]),
	}
	entry.response.Header = head.Header.Clone().Del("Age").Del(cacheField).Del("Content-Length")
	return func(body Body) {
		entry.response.Body = body
		s.commit(v, &entry)
	}
}

// commit stores an answer, unless a write or a purge has overtaken it. Those
// who wait for it get it all the same: they came before.
func (s *store) commit(v *visit, entry *stored) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp(v.x.Now())
	v.leads.brought = entry
	if !v.leads.outdated(entry.tags) {
		s.kept.Put(v.ask.key, *entry, weigh(v.ask.key, &entry.response))
	}
}

// invalidate forgets what is stored for the target of a write, and sees to it
// that what was asked for before is not stored after.
func (s *store) invalidate(v *visit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range [...]string{v.ask.key, v.ask.key + gzipKey} {
		s.under.void(key)
		s.kept.Remove(key)
	}
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
	switch {
	case v.leads.void:
	case v.leads.ended == nil:
		if entry, kept := s.kept.Peek(v.ask.key); kept && !entry.mark { // a mark stays for its time
			s.kept.Remove(v.ask.key)
		}
	default:
		mark := stored{mark: true, born: v.x.Now(), lifetime: passFor}
		s.kept.Put(v.ask.key, mark, weigh(v.ask.key, &mark.response))
	}
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
	s.under.remove(f)
	f.failed = failed
	s.mu.Unlock()
	if f.ended != nil {
		f.ended.Fire()
	}
}
