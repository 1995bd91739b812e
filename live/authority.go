package live

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"trafficlab/topologies"
)

// authority is the private certificate authority of one run. Its key is never
// written anywhere.
type authority struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
}

const validity = 30 * 24 * time.Hour

// identify gives every node that terminates TLS its papers, writing into dir
// those it makes itself.
func (m *manifest) identify(t *topologies.Topology, dir string) error {
	m.Papers = map[string]papers{}
	var a *authority
	for _, n := range t.Nodes {
		var err error
		switch {
		case n.TLS == nil:
			continue
		case !n.TLS.SelfSigned:
			err = m.present(n)
		default:
			if a == nil {
				a, err = m.found(dir)
			}
			if err == nil {
				m.Papers[n.Name], err = a.issue(n.Name, dir)
			}
		}
		if err != nil {
			return fmt.Errorf("make a certificate for %s: %w", n.Name, err)
		}
	}
	return nil
}

// present takes the certificate a node was given. It is trusted as it stands.
func (m *manifest) present(n *topologies.Node) error {
	pair, err := tls.LoadX509KeyPair(n.TLS.Certificate, n.TLS.Key)
	if err != nil {
		return err
	}
	p := papers{Certificate: n.TLS.Certificate, Key: n.TLS.Key}
	switch leaf := pair.Leaf; {
	case len(leaf.DNSNames) > 0:
		p.Name = leaf.DNSNames[0]
	case len(leaf.IPAddresses) > 0:
		p.Name = leaf.IPAddresses[0].String()
	}
	m.Papers[n.Name] = p
	m.Trust = append(m.Trust, p.Certificate)
	return nil
}

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
	return &authority{key, certificate}, writePEM(file, "CERTIFICATE", der, 0o644)
}

// issue makes a certificate for a node on loopback, and its key.
func (a *authority) issue(name, dir string) (papers, error) {
	p := papers{filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key"), "localhost"}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return p, err
	}
	der, err := sign(&x509.Certificate{
		Subject:     pkix.Name{CommonName: name},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"localhost", name},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		return p, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return p, err
	}
	if err := writePEM(p.Certificate, "CERTIFICATE", der, 0o644); err != nil {
		return p, err
	}
	return p, writePEM(p.Key, "PRIVATE KEY", secret, 0o600)
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
