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

func (p *purge) matchesPath(path string) bool {
	if p.subtree {
		return strings.HasPrefix(path, p.prefix)
	}
	return p.Path != "" && path == p.Path
}

func (p *purge) matches(entry stored) bool {
	if p.Tag != "" {
		return slices.Contains(entry.tags, p.Tag)
	}
	return !entry.mark && p.matchesPath(entry.path)
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

// purge looks at all that is stored.
func (s *store) purge(what scenarios.Purge) int {
	p := newPurge(what)
	s.under.purge(p)
	return s.kept.RemoveAll(p.matches)
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

// tagsOf are the names that an answer can be purged by: Surrogate-Key's, apart
// by spaces (Fastly), and Cache-Tag's, apart by commas (Cloudflare, Akamai).
func tagsOf(h Header) []string {
	tags := strings.Fields(h.Values("Surrogate-Key"))
	for tag := range strings.SplitSeq(h.Values("Cache-Tag"), ",") {
		if tag = strings.TrimSpace(tag); tag != "" {
			tags = append(tags, tag)
		}
	}
	return tags
}

// anyOf tells whether the lists have a word in common.
func anyOf(a, b []string) bool {
	return slices.ContainsFunc(a, func(word string) bool { return slices.Contains(b, word) })
}
