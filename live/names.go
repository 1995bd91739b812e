package live

import (
	"crypto/x509"
	"net"
	"net/http"
	"strings"

	"trafficlab/components"
	"trafficlab/live/http1"
)

var errMisdirected = &http1.Error{Status: http.StatusMisdirectedRequest, Reason: "misdirected"}

// misdirected tells whether a request came over a connection that was made for
// another host: one for which another certificate is shown (RFC 9110 section
// 15.5.20). Clients share connections among hosts; so do gateways that are
// trusted, who vouch for theirs (section 7.4). Who named nobody has asked for
// none, and a check asks about the node.
func (s *setup) misdirected(a caller, r *components.Request) bool {
	d := s.of.door
	if d == nil || len(d.papers.Pairs) < 2 || r.Path == components.CheckPath {
		return false
	}
	named, host := a.TLS().ServerName, nameIn(r.Host)
	if named == "" || strings.EqualFold(named, host) || standsFor(d.shown(named), host) || !d.stands(host) {
		return false
	}
	relayed := r.Header.Has("Via") || r.Header.Has("Forwarded") || r.Header.Has("X-Forwarded-For")
	return !relayed || !s.trusts(r.Peer)
}

// shown is the certificate for who asks for a name.
func (d *tlsDoor) shown(name string) *x509.Certificate {
	all := d.current.Load().Certificates
	for i := range all {
		if standsFor(all[i].Leaf, name) {
			return all[i].Leaf
		}
	}
	return all[0].Leaf
}

// stands tells whether any of the certificates is good for a host.
func (d *tlsDoor) stands(host string) bool { return standsFor(d.shown(host), host) }

func standsFor(leaf *x509.Certificate, host string) bool { return leaf.VerifyHostname(host) == nil }

// nameIn is a host without its port, and without the brackets of an address.
func nameIn(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.Trim(host, "[]")
}
