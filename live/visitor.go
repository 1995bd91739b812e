package live

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"sync"
	"sync/atomic"

	"trafficlab/topologies"
)

// visitor is the client's side of TLS at a node, or of the load. It is safe for
// concurrent use.
type visitor struct {
	trust []string                // PEM files of those who sign for the nodes of the system
	known map[string]string       // their address → the name their certificate is good for
	badge *topologies.Certificate // to show if the node has no other; nil: none

	current atomic.Pointer[trusted]
}

// trusted is what the files of a visitor held when they were read.
type trusted struct {
	want        topologies.Upstream
	ours, asked *x509.CertPool // asked: as wanted for all; nil: nothing was
	badge       []tls.Certificate
	configs     sync.Map // address → *tls.Config, which holds its sessions
}

// visitor is how a node asks those who terminate TLS.
func (m *manifest) visitor(node string, want *topologies.Upstream) (*visitor, error) {
	v := &visitor{trust: m.Trust, known: map[string]string{}}
	for place, s := range m.Seats {
		if p, ok := m.Papers[place.Node()]; ok {
			v.known[s.Address] = p.Name
		}
	}
	if badge, ok := m.Badges[node]; ok {
		v.badge = &badge
	}
	return v, v.take(want, false)
}

// files implements renewable.
func (v *visitor) files() []string {
	want := v.current.Load().want
	all := v.trust[:len(v.trust):len(v.trust)]
	if want.Authority != "" {
		all = append(all, want.Authority)
	}
	if c := want.Certificate; c != nil {
		all = append(all, c.Chain, c.Key)
	}
	return all
}

// renew reads all files anew. If any cannot be used, all stays as it was.
func (v *visitor) renew() error {
	want := v.current.Load().want
	return v.take(&want, false)
}

// take takes what is wanted of upstreams, or only looks whether it can. A nil
// visitor takes everything.
func (v *visitor) take(want *topologies.Upstream, try bool) error {
	if v == nil {
		return nil
	}
	t, err := v.read(want)
	if err == nil && !try {
		v.current.Store(t)
	}
	return err
}

func (v *visitor) read(given *topologies.Upstream) (*trusted, error) {
	want := topologies.Upstream{Certificate: v.badge}
	if given != nil {
		want = *given
	}
	if want.Certificate == nil {
		want.Certificate = v.badge
	}
	t := &trusted{want: want, ours: x509.NewCertPool()}
	for _, file := range v.trust {
		if _, err := topologies.LoadAuthority(file, t.ours); err != nil {
			return nil, err
		}
	}
	if want.Authority != "" {
		t.asked = x509.NewCertPool()
		if _, err := topologies.LoadAuthority(want.Authority, t.asked); err != nil {
			return nil, err
		}
	}
	if want.Certificate != nil {
		pair, err := want.Certificate.Load()
		if err != nil {
			return nil, err
		}
		t.badge = []tls.Certificate{pair}
	}
	return t, nil
}

// config is how to shake hands at an address; nil where nobody speaks TLS that
// we know, and nothing is wanted of others.
func (v *visitor) config(address string) *tls.Config {
	t := v.current.Load()
	if had, ok := t.configs.Load(address); ok {
		return had.(*tls.Config)
	}
	name, known := v.known[address]
	if !known && t.want == (topologies.Upstream{}) {
		return nil
	}
	c := &tls.Config{
		ServerName: name, RootCAs: t.asked, Certificates: t.badge,
		MinVersion: tls.VersionTLS12, CipherSuites: suites,
		ClientSessionCache: tls.NewLRUClientSessionCache(0),
	}
	switch {
	case t.want.Name != "":
		c.ServerName = t.want.Name
	case !known:
		c.ServerName, _, _ = net.SplitHostPort(address) // it has a port
	}
	if known && t.asked == nil {
		c.RootCAs = t.ours
	}
	kept, _ := t.configs.LoadOrStore(address, c)
	return kept.(*tls.Config)
}
