package live

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"sync"
	"time"

	"trafficlab/scenarios"
)

// expiring is a configuration that shows an expired certificate whenever the
// weather has it so, and resumes no session then: who resumes one is not shown
// any.
func (n *Node) expiring(config *tls.Config) *tls.Config {
	if !n.weather.Any(func(e scenarios.Effect) bool { return e.Expired }) {
		return config
	}
	expired := sync.OnceValues(func() (tls.Certificate, error) { return expiredAt(n.clock.Now()) })
	outer := config.Clone()
	outer.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		inner, err := config.GetConfigForClient(hello)
		if err != nil || !n.weather.At(n.now()).Expired {
			return inner, err
		}
		certificate, err := expired()
		if err != nil {
			return nil, err
		}
		inner = inner.Clone()
		inner.Certificates, inner.SessionTicketsDisabled = []tls.Certificate{certificate}, true
		inner.GetCertificate = nil
		return inner, nil
	}
	return outer
}

// expiredAt makes a certificate whose time was over an hour before an instant.
// Nobody has signed it but itself: that it has expired is what clients look at
// first.
func expiredAt(now time.Time) (c tls.Certificate, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return c, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "expired"},
		DNSNames:     []string{"localhost"},
		NotBefore:    now.Add(-validity),
		NotAfter:     now.Add(-time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
