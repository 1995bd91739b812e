package components

import (
	"sync"
	"time"

	"trafficlab/components/policy"
	"trafficlab/topologies"
)

// store is a shared cache (RFC 9111, without validation).
//
//	decide ──► stored and fresh: answer
//	  ▲   ├──► another fetches it: wait ──┐
//	  └───┼───────────────────────────────┘
//	      └──► fetch ──► keeper: commit at the last byte, or not for sharing
type store struct {
	capacity int64
	collapse bool

	mu   sync.Mutex
	kept *policy.Cache[stored]
	open map[string]*fetch // those that others may wait for
}

// fetch is an answer under way that others wait for.
type fetch struct {
	ended  Signal
	failed bool // set before ended fires
}

func newStore(c *topologies.Cache) *store {
	return &store{
		capacity: c.Capacity,
		collapse: c.Collapse,
		kept:     policy.NewCache[stored](c.Capacity, policy.NewLRU()),
		open:     map[string]*fetch{},
	}
}

// recalled answers from the store if it can, waiting for another's fetch if
// there is one. If it is false, the visit goes on upstream.
func (p *proxy) recalled(v *visit) bool {
	v.ask = p.cacheAsk(&v.req)
	if !v.ask.fromStore {
		v.word = bypass
		return false
	}
	for {
		entry, found := p.store.decide(v)
		switch {
		case found:
			p.replyStored(v, &entry)
			return true
		case v.waits == nil && v.ask.directives.onlyIfCached:
			p.refuse(v, nothingStored)
			return true
		case v.waits == nil:
			return false
		}
		if v.x.Wait(Forever, v.waits.ended, v.x.Canceled()) == 1 {
			return true
		}
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
	entry, kept := s.kept.Lookup(v.ask.key)
	if kept && !entry.mark && v.ask.takes(&entry, now) {
		if v.word = hit; waited != nil {
			v.word = collapsed
		}
		return entry, true
	}
	marked := kept && entry.mark && entry.fresh(now)
	if s.collapse && v.ask.toStore && !marked && (waited == nil || !waited.failed) {
		if v.waits = s.open[v.ask.key]; v.waits != nil {
			return stored{}, false
		}
		v.leads = &fetch{ended: v.x.NewSignal()}
		s.open[v.ask.key] = v.leads
	}
	v.word = fetched(&v.ask, kept && !entry.mark)
	return stored{}, false
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
	fresh, ok := lifetime(&v.req, head.Status, head.Header)
	if !ok {
		s.pass(v, head.Status)
		return nil
	}
	asked := v.attempt.started
	entry := stored{response: head, born: asked - ageOf(head.Header), lifetime: fresh}
	entry.response.Header = head.Header.Clone().Del("Age").Del(cacheField).Del("Content-Length")
	return func(body Body) {
		entry.response.Body = body
		s.commit(v.ask.key, entry, asked)
	}
}

// commit stores an answer that was asked for at an instant, unless a write
// has been marked since.
func (s *store) commit(key string, entry stored, asked time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if mark, ok := s.kept.Lookup(key); ok && mark.mark && mark.born >= asked {
		return
	}
	s.kept.Put(key, entry, weigh(key, &entry.response))
}

// invalidate forgets what is stored for the target of a write. It leaves a
// mark, so that what was asked for before is not stored after.
func (s *store) invalidate(v *visit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range [...]string{v.ask.key, v.ask.key + gzipKey} {
		delete(s.open, key)
		s.kept.Put(key, stored{mark: true, born: v.x.Now()}, storedOverhead+int64(len(key)))
	}
}

// pass deals with an answer that is not for sharing. Those who wait for it go,
// and a mark lets the next ones go their own ways at once.
func (s *store) pass(v *visit, status int) {
	failed := status >= 500
	if v.leads != nil && !failed {
		s.mu.Lock()
		mark := stored{mark: true, born: v.x.Now(), lifetime: passFor}
		s.kept.Put(v.ask.key, mark, weigh(v.ask.key, &mark.response))
		s.mu.Unlock()
	}
	s.release(v, failed)
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
	if s.open[v.ask.key] == f {
		delete(s.open, v.ask.key)
	}
	f.failed = failed
	s.mu.Unlock()
	f.ended.Fire()
}
