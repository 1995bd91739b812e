package components

import "slices"

// bodyFields are the fields of a stored answer that a later head does not change,
// since they go with its body (RFC 9111 section 3.2).
var bodyFields = []string{"Content-Encoding", "Content-Length", "Content-MD5", "Content-Range", "ETag"}

// freshened is a stored header with the fields of a later one in the places of
// its own.
func freshened(old, later Header) Header {
	h := make(Header, 0, len(old)+len(later))
	for _, f := range old {
		if oneOf(bodyFields, f.Name) || !later.Has(f.Name) {
			h = append(h, f)
		}
	}
	for _, f := range later {
		if !oneOf(bodyFields, f.Name) {
			h = append(h, f)
		}
	}
	return h
}

// stillHolds answers from the store after the origin has said that what is
// stored still holds.
func (p *proxy) stillHolds(v *visit) {
	e := v.validates
	head, _ := v.attempt.call.Head()
	later := p.outwardHeader(v, head.Header)
	renewed := p.store.renewed(v, e, later)
	p.store.confirm(v, renewed)
	if renewed != nil {
		e = renewed
	}
	v.word = revalidated
	p.store.release(v, false)
	p.replyStored(v, e)
	v.attempt.done(v.x.Now(), v.reason)
}

// renewed is a stored answer under a later head. It is nil if that one is not
// to be stored any more; the answer may be given this once.
func (s *store) renewed(v *visit, e *stored, later Header) *stored {
	if !s.cookies {
		later = later.Clone().Del("Set-Cookie") // is for one, and says nothing of the answer
	}
	r := e.response
	r.Header = freshened(r.Header, later)
	t := tell(r.Header, s.targets)
	given, ok := s.judge(s.personal(v), r.Status, t, v.x.Date())
	if !ok {
		return nil
	}
	n := newStored(v, given, t, tell(later, s.targets), r)
	n.vary = e.vary
	return n
}

// confirm stores what has been renewed, for the visit that led to it; nil is to
// forget it.
func (s *store) confirm(v *visit, renewed *stored) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp(v.x.Now())
	if renewed == nil {
		s.forget(v)
		return
	}
	v.leads.brought = renewed
	if !v.leads.outdated(renewed.tags) {
		s.put(v, renewed)
	}
}

// overhear takes what the answer to a HEAD says about a stored one (RFC 9111
// section 4.3.5): that it still holds, or that it does not.
func (s *store) overhear(v *visit, head Response) {
	if head.Status != 200 || !v.ask.fromStore {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, _ := s.kept.PeekBytes(v.ask.key)
	e := r.pick(v)
	if e == nil || e.response.Status != 200 {
		return
	}
	i := slices.Index(r.variants, e)
	if later := s.renewed(v, e, head.Header); later != nil && e.like(head, s.told(head.Header, v.req.Lasting)) {
		r.variants[i] = later
	} else {
		r.variants = slices.Delete(r.variants, i, i+1)
	}
	s.keep(r)
}

// like tells whether a head may be that of the stored answer.
func (e *stored) like(head Response, t *telling) bool {
	size := max(e.response.Body.Size, int64(len(e.response.Body.Bytes)))
	return (t.etag == "" || t.etag == e.etag) && (t.modified == "" || t.modified == e.modified) &&
		(head.Body.Size <= 0 || head.Body.Size == size)
}
