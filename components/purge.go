package components

import (
	"slices"
	"strings"
	"time"

	"trafficlab/scenarios"
)

// purge is a scenarios.Purge, made ready to match.
type purge struct {
	scenarios.Purge
	prefix  string
	subtree bool
}

func newPurge(p scenarios.Purge) *purge {
	prefix, subtree := strings.CutSuffix(p.Path, "*")
	return &purge{p, prefix, subtree}
}

// matchesTarget tells whether the purge is about a target. One with a query is
// about that very target, one without about all of its path.
func (p *purge) matchesTarget(path, query string) bool {
	switch {
	case p.subtree:
		return strings.HasPrefix(path, p.prefix)
	case strings.IndexByte(p.Path, '?') >= 0:
		return len(p.Path) == len(path)+1+len(query) && strings.HasPrefix(p.Path, path) && strings.HasSuffix(p.Path, query)
	}
	return p.Path != "" && path == p.Path
}

func (p *purge) matches(r *resource) bool {
	if p.Tag == "" {
		return len(r.variants) > 0 && p.matchesTarget(r.path, r.query)
	}
	return slices.ContainsFunc(r.variants, func(e *stored) bool { return slices.Contains(e.tags, p.Tag) })
}

// Purge makes the component's cache forget answers, and what is under way
// is not stored either. It returns how many were forgotten; false if there is
// no cache here.
func (c *Component) Purge(what scenarios.Purge) (n int, ok bool) {
	p, ok := c.server.(*proxy)
	if !ok || p.store == nil {
		return 0, false
	}
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	return p.store.purge(what), true
}

// purge looks at all that is stored, and forgets all variants of a target at
// once. It returns how many answers there were.
func (s *store) purge(what scenarios.Purge) int {
	p := newPurge(what)
	s.under.purge(p)
	n := 0
	s.kept.RemoveAll(func(r *resource) bool {
		if !p.matches(r) {
			return false
		}
		n += len(r.variants)
		return true
	})
	return n
}

// catchUp does the purges of the scenario that have come due. Done before each
// decision they take effect as if done at their instants: nothing has been
// asked of the store in between.
func (s *store) catchUp(now time.Duration) {
	for len(s.dated) > 0 && s.dated[0].At <= now {
		s.purge(s.dated[0].Purge)
		s.dated = s.dated[1:]
	}
}

// anyOf tells whether the lists have a word in common.
func anyOf(a, b []string) bool {
	return slices.ContainsFunc(a, func(word string) bool { return slices.Contains(b, word) })
}
