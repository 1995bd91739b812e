package components

// fetch is an answer under way for the store. It belongs to the visit that
// leads it; its store guards it.
type fetch struct {
	key, path string
	ended     Signal   // that others wait for; nil: nobody may
	failed    bool     // set before ended fires, as is brought
	brought   *stored  // for those who waited, even if it is not to be stored
	void      bool     // the answer is not to be stored: what it answers has changed since
	tags      []string // purged since: an answer that carries one is not to be stored
	next      *fetch   // for the same key
}

// fetches are those under way, by key. Those that nobody may wait for are
// among them: a write or a purge has to reach all.
type fetches map[string]*fetch

func (all fetches) add(f *fetch) {
	f.next = all[f.key]
	all[f.key] = f
}

func (all fetches) remove(f *fetch) {
	first := all[f.key]
	if first == f {
		if f.next == nil {
			delete(all, f.key)
		} else {
			all[f.key] = f.next
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

// shared is the one for the key that others may wait for, or nil.
func (all fetches) shared(key string) *fetch {
	for f := all[key]; f != nil; f = f.next {
		if f.ended != nil && !f.void {
			return f
		}
	}
	return nil
}

// any tells whether something is under way for the key that will be stored.
func (all fetches) any(key string) bool {
	for f := all[key]; f != nil; f = f.next {
		if !f.void {
			return true
		}
	}
	return false
}

// void makes that what is under way for the key is not stored, nor waited for
// by those who come from now on.
func (all fetches) void(key string) {
	for f := all[key]; f != nil; f = f.next {
		f.void = true
	}
}

// purge is void for all that a purge matches. Tags are known by the answer
// only: they are noted until then.
func (all fetches) purge(p *purge) {
	for _, f := range all {
		for ; f != nil; f = f.next {
			if p.Tag != "" {
				f.tags = append(f.tags, p.Tag)
				continue
			}
			f.void = f.void || p.matchesPath(f.path)
		}
	}
}

// outdated tells whether an answer with the given tags has been overtaken by a
// write or a purge.
func (f *fetch) outdated(tags []string) bool {
	return f.void || anyOf(f.tags, tags)
}
