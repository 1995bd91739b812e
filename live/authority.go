package live

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"trafficlab/topologies"
)

// authority is the private certificate authority of one run. Its key is never
// written anywhere.
type authority struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
	file        string // of the certificate
}

const validity = 30 * 24 * time.Hour

// identify gives every node that terminates TLS its papers, and those who ask
// it what they show, writing into dir what it makes itself.
func (m *manifest) identify(t *topologies.Topology, dir string) error {
	m.Papers, m.Badges = map[string]papers{}, map[string]topologies.Certificate{}
	var a *authority
	own := func() (_ *authority, err error) {
		if a == nil {
			a, err = m.found(dir)
		}
		return a, err
	}
	for _, n := range t.Nodes {
		if n.TLS == nil {
			continue
		}
		p, err := m.present(n, dir, own)
		if err != nil {
			return fmt.Errorf("make a certificate for %s: %w", n.Name, err)
		}
		if n.TLS.Clients != nil {
			if p.Clients, err = m.admit(t, n, dir, own); err != nil {
				return fmt.Errorf("make certificates for the callers of %s: %w", n.Name, err)
			}
		}
		m.Papers[n.Name] = p
	}
	return nil
}

// present takes the certificates a node was given, which are trusted as they
// stand, or makes them.
func (m *manifest) present(n *topologies.Node, dir string, own func() (*authority, error)) (p papers, err error) {
	if !n.TLS.SelfSigned {
		p.Pairs = n.TLS.Certificates
		for _, c := range p.Pairs {
			m.Trust = append(m.Trust, c.Chain)
		}
		pair, err := p.Pairs[0].Load()
		if err == nil {
			p.Name = nameOf(pair.Leaf)
		}
		return p, err
	}
	a, err := own()
	if err != nil {
		return p, err
	}
	p.Name = "localhost"
	for i, names := range append([][]string{{"localhost", n.Name}}, each(n.TLS.Names)...) {
		file := n.Name
		if i > 0 {
			file = fmt.Sprintf("%s-%d", n.Name, i)
		}
		c, err := a.issue(file, dir, x509.ExtKeyUsageServerAuth, names...)
		if err != nil {
			return p, err
		}
		p.Pairs = append(p.Pairs, c)
	}
	return p, nil
}

func each(names []string) (lists [][]string) {
	for _, name := range names {
		lists = append(lists, []string{name})
	}
	return lists
}

// nameOf is a name that a certificate is good for.
func nameOf(leaf *x509.Certificate) string {
	switch {
	case len(leaf.DNSNames) > 0:
		return strings.Replace(leaf.DNSNames[0], "*", "any", 1)
	case len(leaf.IPAddresses) > 0:
		return leaf.IPAddresses[0].String()
	}
	return ""
}

// admit makes certificates for the callers of a node, unless somebody else
// signs them, and says who does.
func (m *manifest) admit(t *topologies.Topology, n *topologies.Node, dir string, own func() (*authority, error)) (string, error) {
	if n.TLS.Clients.Authority != "" {
		return n.TLS.Clients.Authority, nil
	}
	a, err := own()
	if err != nil {
		return "", err
	}
	callers := []string{}
	if t.Entry == n.Name {
		callers = append(callers, load)
	}
	for _, asker := range t.Nodes {
		if slices.Contains(asker.Upstreams(), n.Name) {
			callers = append(callers, asker.Name)
		}
	}
	for _, caller := range callers {
		if _, has := m.Badges[caller]; has {
			continue
		}
		if m.Badges[caller], err = a.issue(caller+"-client", dir, x509.ExtKeyUsageClientAuth, caller); err != nil {
			return "", err
		}
	}
	return a.file, nil
}

// load is whom the generator's certificate names.
const load = "load"

// found makes an authority that the clients of this run trust.
func (m *manifest) found(dir string) (*authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "trafficlab, for one run"},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	der, err := sign(template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "authority.pem")
	m.Trust = append(m.Trust, file)
	return &authority{key, certificate, file}, writePEM(file, "CERTIFICATE", der, 0o644)
}

// issue makes a certificate that is good for the names, and its key. The first
// certificate of a node is good for loopback too.
func (a *authority) issue(file, dir string, use x509.ExtKeyUsage, names ...string) (topologies.Certificate, error) {
	c := topologies.Certificate{Chain: filepath.Join(dir, file+".pem"), Key: filepath.Join(dir, file+".key")}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return c, err
	}
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: file},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{use},
		DNSNames:    names,
	}
	if names[0] == "localhost" {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	der, err := sign(template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		return c, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return c, err
	}
	if err := writePEM(c.Chain, "CERTIFICATE", der, 0o644); err != nil {
		return c, err
	}
	return c, writePEM(c.Key, "PRIVATE KEY", secret, 0o600)
}

func sign(template, parent *x509.Certificate, public *ecdsa.PublicKey, by *ecdsa.PrivateKey) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	template.NotBefore = time.Now().Add(-time.Hour)
	template.NotAfter = time.Now().Add(validity)
	return x509.CreateCertificate(rand.Reader, template, parent, public, by)
}

func writePEM(path, kind string, der []byte, mode os.FileMode) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode)
}
