package components

// fetch is an answer under way for the store. It belongs to the visit that
// leads it; its store guards it.
type fetch struct {
	key, path, query string
	route            *route
	secondary        string   // what of the request its answer is known to depend on
	shared           bool     // others may wait for it
	ended            Signal   // that others wait for; nil: nobody does
	failed           bool     // set before ended fires, as is brought
	brought          *stored  // for those who waited, even if it is not to be stored
	void             bool     // the answer is not to be stored: what it answers has changed since
	tags             []string // purged since: an answer that carries one is not to be stored
	next             *fetch   // for the same key
}

// fetches are those under way, by key. Those that nobody may wait for are
// among them: a write or a purge has to reach all.
type fetches struct {
	byKey map[string]*fetch
	idle  []*fetch // that nobody refers to any more
}

// begin enters a fetch.
func (all *fetches) begin(of fetch) *fetch {
	var f *fetch
	if n := len(all.idle); n > 0 {
		f, all.idle = all.idle[n-1], all.idle[:n-1]
	} else {
		f = new(fetch)
	}
	*f = of
	f.next = all.byKey[f.key]
	all.byKey[f.key] = f
	return f
}

// end takes a fetch out. What those who wait for it are to know has to be in it
// by then.
func (all *fetches) end(f *fetch) {
	all.unlink(f)
	f.next = nil
	if f.ended == nil && len(all.idle) < mostIdle {
		all.idle = append(all.idle, f)
	}
}

// mostIdle bounds the fetches that are kept to be used again.
const mostIdle = 1024

func (all *fetches) unlink(f *fetch) {
	first := all.byKey[f.key]
	if first == f {
		if f.next == nil {
			delete(all.byKey, f.key)
		} else {
			all.byKey[f.key] = f.next
		}
		return
	}
	for at := first; at != nil; at = at.next {
		if at.next == f {
			at.next = f.next
			return
		}
	}
}

// of is the latest for a key, or nil.
func (all *fetches) of(key []byte) *fetch { return all.byKey[string(key)] }

// sharing is the first in a list that others may wait for, whose answer will
// do for them as far as that is known; or nil.
func (f *fetch) sharing(by *route, secondary string) *fetch {
	for ; f != nil; f = f.next {
		if f.shared && !f.void && f.route.meaning == by.meaning && f.secondary == secondary {
			return f
		}
	}
	return nil
}

// pending tells whether a list has something that will be stored.
func (f *fetch) pending() bool {
	for ; f != nil; f = f.next {
		if !f.void {
			return true
		}
	}
	return false
}

// cancel makes that what is under way in a list is not stored, nor waited for
// by those who come from now on.
func (f *fetch) cancel() {
	for ; f != nil; f = f.next {
		f.void = true
	}
}

// purge is cancel for all that a purge matches. Tags are known by the answer
// only: they are noted until then.
func (all *fetches) purge(p *purge) {
	for _, f := range all.byKey {
		for ; f != nil; f = f.next {
			if p.Tag != "" {
				f.tags = append(f.tags, p.Tag)
				continue
			}
			f.void = f.void || p.matchesTarget(f.path, f.query)
		}
	}
}

// outdated tells whether an answer with the given tags has been overtaken by a
// write or a purge.
func (f *fetch) outdated(tags []string) bool {
	return f.void || anyOf(f.tags, tags)
}
