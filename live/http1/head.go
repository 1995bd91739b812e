package http1

import "trafficlab/components"

// Head is the head of a request that came by another version of HTTP, under the
// rules of this one: what it means there it would mean here. also is what Host
// said beside the authority.
func Head(method, target, host string, also []string, h components.Header, length int64) (*Request, *Error) {
	for _, other := range also {
		if other != host {
			return nil, errHostDisagrees
		}
	}
	q := &Request{Method: method, Minor: 1, Header: h, Length: length, Keep: true}
	f := fields{host: host, hosts: min(len(host), 1)}
	switch {
	case !all(method, inToken):
		return nil, errMethod
	case !all(target, inTarget):
		return nil, errTarget
	}
	if wrong := q.aim(target, &f); wrong != nil {
		return nil, wrong
	}
	return q, nil
}
