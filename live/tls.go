package live

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"sync"
	"sync/atomic"
	"time"

	"trafficlab/topologies"
)

// suites are those of TLS 1.2 with forward secrecy and authenticated encryption
// (RFC 9325 section 4.2). Those of TLS 1.3 are all so.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// tlsDoor is the server's side of TLS at a node. What its files hold is good
// for the connections to come; those that stand go on. It is safe for
// concurrent use.
type tlsDoor struct {
	papers  papers
	want    *topologies.TLS
	now     func() time.Time
	current atomic.Pointer[tls.Config]

	mu      sync.Mutex
	tickets tickets
	signers string // of clients' certificates
}

func newTLSDoor(p papers, want *topologies.TLS, now func() time.Time) (*tlsDoor, error) {
	d := &tlsDoor{papers: p, want: want, now: now}
	return d, d.renew()
}

// config serves by what was read last.
func (d *tlsDoor) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			d.turn()
			return d.current.Load(), nil
		},
	}
}

// files implements renewable.
func (d *tlsDoor) files() (all []string) {
	for _, c := range d.papers.Pairs {
		all = append(all, c.Chain, c.Key)
	}
	if d.papers.Clients != "" {
		all = append(all, d.papers.Clients)
	}
	return all
}

// renew reads all files anew. If any cannot be used, all stays as it was. When
// others sign what clients show, tickets end with those who signed before: a
// session that is resumed is not asked for its certificate again.
func (d *tlsDoor) renew() error {
	c := &tls.Config{
		MinVersion:   tls.VersionTLS12,
		CipherSuites: suites,
		NextProtos:   []string{"http/1.1", "http/1.0"},
		Time:         d.now,
		// One write for an answer, as NGINX does: small records at first are
		// sooner there over slow lines, and cost a system call each.
		DynamicRecordSizingDisabled: true,
	}
	if d.want.Only13 {
		c.MinVersion = tls.VersionTLS13
	}
	if d.want.HTTP2 != nil {
		c.NextProtos = append([]string{"h2"}, c.NextProtos...)
	}
	for _, pair := range d.papers.Pairs {
		certificate, err := pair.Load()
		if err != nil {
			return err
		}
		c.Certificates = append(c.Certificates, certificate)
	}
	signers, err := d.ask(c)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if signers != d.signers {
		d.tickets = tickets{}
	}
	d.signers = signers
	d.tickets.turn(d.now())
	c.SetSessionTicketKeys(d.tickets.keys)
	d.current.Store(c)
	return nil
}

// ask makes clients show certificates, if they are to.
func (d *tlsDoor) ask(c *tls.Config) (signers string, err error) {
	if d.papers.Clients == "" {
		return "", nil
	}
	c.ClientAuth = tls.RequireAndVerifyClientCert
	if d.want.Clients.Optional {
		c.ClientAuth = tls.VerifyClientCertIfGiven
	}
	c.ClientCAs = x509.NewCertPool()
	text, err := topologies.LoadAuthority(d.papers.Clients, c.ClientCAs)
	return string(text), err
}

// turn changes the keys of tickets when it is time.
func (d *tlsDoor) turn() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.tickets.turn(d.now()) {
		d.current.Load().SetSessionTicketKeys(d.tickets.keys)
	}
}

// How long a key encrypts tickets, and how many keys are good: a ticket can be
// used for two to three hours. Who steals a key reads the sessions of TLS 1.2
// that it resumed (RFC 5077 section 5.5): the fewer the better.
const (
	ticketTurn = time.Hour
	ticketKeys = 3
)

// tickets are the keys of session tickets, the newest first.
type tickets struct {
	keys [][32]byte
	next time.Time
}

// turn makes a new key when it is time, and tells whether it did.
func (t *tickets) turn(now time.Time) bool {
	if now.Before(t.next) {
		return false
	}
	if now.Sub(t.next) >= (ticketKeys-1)*ticketTurn { // nobody came by for so long
		t.keys = nil
	}
	var key [32]byte
	rand.Read(key[:]) // which never fails
	t.keys = append([][32]byte{key}, t.keys[:min(len(t.keys), ticketKeys-1)]...)
	t.next = now.Add(ticketTurn)
	return true
}
