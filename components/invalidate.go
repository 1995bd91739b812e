package components

import (
	"net/url"
	"strings"
)

// invalidate forgets what is stored for the target of a write that went well,
// and for what its answer says was written besides (RFC 9111 section 4.4); and
// it sees to it that what was asked for before is not stored after.
func (s *store) invalidate(v *visit, answer Header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(v.ask.key)
	for _, name := range [...]string{"Location", "Content-Location"} {
		if key := locationKey(v.req, answer.Get(name)); key != nil {
			s.drop(key)
		}
	}
}

func (s *store) drop(key []byte) {
	s.under.of(key).cancel()
	s.kept.Remove(string(key))
}

// locationKey names what a reference in the answer to a request points to; nil
// if it is of another origin, which is not to be trusted with ours.
func locationKey(r *Request, reference string) []byte {
	if reference == "" {
		return nil
	}
	base := &url.URL{Scheme: scheme(r.TLS), Host: r.Host, Path: "/"}
	if at, err := url.ParseRequestURI(r.Path); err == nil {
		base.Path, base.RawPath = at.Path, at.RawPath
	}
	to, err := base.Parse(reference)
	if err != nil || to.Scheme != base.Scheme || !strings.EqualFold(plainHost(to.Host, r.TLS), plainHost(r.Host, r.TLS)) {
		return nil
	}
	return appendKey(nil, plainHost(r.Host, r.TLS), to.EscapedPath(), to.RawQuery)
}
