package components

import (
	"strings"

	"trafficlab/scenarios"
)

// affinity is what of a request a keyed picker hashes: address, path,
// header NAME or cookie NAME.
type affinity struct{ what, name string }

func newAffinity(source string) affinity {
	what, name, _ := strings.Cut(source, " ")
	return affinity{what, name}
}

// keyOf is the hash that keeps like requests with one backend. Requests
// without the header or the cookie are alike by the client's address.
func (p *proxy) keyOf(a affinity, req *Request) uint64 {
	value := ""
	switch a.what {
	case "path":
		return scenarios.Hash(req.Path)
	case "header":
		value = req.Header.Get(a.name)
	case "cookie":
		value = cookie(req.Header, a.name)
	}
	if value == "" {
		return addressKey(p.trust.client(req))
	}
	return scenarios.Hash(value)
}

// cookie is the value of the named cookie of a request, or "" (RFC 6265
// section 4.2).
func cookie(h Header, name string) string {
	for _, f := range h {
		if !equalName(f.Name, "Cookie") {
			continue
		}
		for pair := range strings.SplitSeq(f.Value, ";") {
			if key, value, ok := strings.Cut(strings.TrimSpace(pair), "="); ok && key == name {
				return value
			}
		}
	}
	return ""
}
