package live

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"trafficlab/topologies"
)

// pki is an authority for one test, and who trusts it.
type pki struct {
	*testing.T
	*authority
	dir   string
	roots *x509.CertPool
}

func newPKI(t *testing.T) *pki {
	t.Helper()
	p := &pki{T: t, dir: t.TempDir(), roots: x509.NewCertPool()}
	var err error
	p.authority, err = new(manifest).found(p.dir)
	require.NoError(t, err)
	p.roots.AddCert(p.certificate)
	return p
}

func (p *pki) serves(file string, names ...string) topologies.Certificate {
	p.Helper()
	c, err := p.issue(file, p.dir, x509.ExtKeyUsageServerAuth, names...)
	require.NoError(p, err)
	return c
}

func (p *pki) visits(file string, name string) tls.Certificate {
	p.Helper()
	c, err := p.issue(file, p.dir, x509.ExtKeyUsageClientAuth, name)
	require.NoError(p, err)
	pair, err := c.Load()
	require.NoError(p, err)
	return pair
}

// shake shakes hands over real sockets, sends a byte both ways (the tickets of
// TLS 1.3 come with the first read) and returns both ends' views.
func shake(t *testing.T, server, client *tls.Config) (atServer, atClient tls.ConnectionState, err error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	type end struct {
		state tls.ConnectionState
		err   error
	}
	ended := make(chan end, 1)
	go func() {
		raw, err := l.Accept()
		if err != nil {
			ended <- end{err: err}
			return
		}
		defer raw.Close()
		raw.SetDeadline(time.Now().Add(5 * time.Second))
		c := tls.Server(raw, server)
		if err = c.Handshake(); err == nil {
			if _, err = c.Write([]byte("x")); err == nil {
				_, err = c.Read(make([]byte, 1))
			}
		}
		ended <- end{c.ConnectionState(), err}
	}()
	raw, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	raw.SetDeadline(time.Now().Add(5 * time.Second))
	c := tls.Client(raw, client)
	if err = c.Handshake(); err == nil {
		if _, err = c.Read(make([]byte, 1)); err == nil {
			_, err = c.Write([]byte("x"))
		}
	}
	raw.Close()
	at := <-ended
	if err == nil {
		err = at.err
	}
	return at.state, c.ConnectionState(), err
}

// clock is set by its test.
type handClock struct{ at atomic.Int64 }

func newHandClock() *handClock {
	c := new(handClock)
	c.at.Store(time.Now().UnixNano())
	return c
}

func (c *handClock) now() time.Time       { return time.Unix(0, c.at.Load()) }
func (c *handClock) pass(d time.Duration) { c.at.Add(int64(d)) }

func TestTheNameAskedForChoosesTheCertificate(t *testing.T) {
	p := newPKI(t)
	door, err := newTLSDoor(papers{Pairs: []topologies.Certificate{
		p.serves("a", "a.test"), p.serves("b", "b.test"), p.serves("wild", "*.c.test"),
	}}, &topologies.TLS{}, time.Now)
	require.NoError(t, err)
	for name, want := range map[string]string{"a.test": "a.test", "b.test": "b.test", "x.c.test": "*.c.test"} {
		_, state, err := shake(t, door.config(), &tls.Config{ServerName: name, RootCAs: p.roots})
		require.NoError(t, err)
		assert.Equal(t, []string{want}, state.PeerCertificates[0].DNSNames)
	}
	_, _, err = shake(t, door.config(), &tls.Config{ServerName: "d.test", RootCAs: p.roots})
	assert.ErrorContains(t, err, "valid for a.test", "who asks for another name gets the first")
	_, _, err = shake(t, door.config(), &tls.Config{ServerName: "x.y.c.test", RootCAs: p.roots})
	assert.ErrorContains(t, err, "valid for a.test", "a wildcard is one label (RFC 6125)")
}

func TestOnlyModernTLS(t *testing.T) {
	p := newPKI(t)
	pairs := papers{Pairs: []topologies.Certificate{p.serves("a", "a.test")}}
	const none = ""
	for _, c := range []struct {
		what   string
		only13 bool
		client *tls.Config
		want   string
	}{
		{"1.3", false, &tls.Config{}, none},
		{"1.3 alone", true, &tls.Config{}, none},
		{"1.2", false, &tls.Config{MaxVersion: tls.VersionTLS12}, none},
		{"1.2 where 1.3 is asked for", true, &tls.Config{MaxVersion: tls.VersionTLS12}, "protocol version"},
		{"1.1", false, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, "protocol version"},
		{"CBC", false, &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}}, "handshake failure"},
		{"no forward secrecy", false, &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}}, "handshake failure"},
		{"ChaCha20", false, &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256}}, none},
	} {
		t.Run(c.what, func(t *testing.T) {
			door, err := newTLSDoor(pairs, &topologies.TLS{Only13: c.only13}, time.Now)
			require.NoError(t, err)
			client := c.client.Clone()
			client.ServerName, client.RootCAs = "a.test", p.roots
			_, _, err = shake(t, door.config(), client)
			if c.want == none {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestSessionsAreResumedWhileTheirKeyLasts(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			p, clock := newPKI(t), newHandClock()
			door, err := newTLSDoor(papers{Pairs: []topologies.Certificate{p.serves("a", "a.test")}}, &topologies.TLS{}, clock.now)
			require.NoError(t, err)
			client := func() *tls.Config {
				return &tls.Config{ServerName: "a.test", RootCAs: p.roots, MaxVersion: version,
					ClientSessionCache: tls.NewLRUClientSessionCache(0), Time: clock.now}
			}
			resumed := func(c *tls.Config) bool {
				state, _, err := shake(t, door.config(), c)
				require.NoError(t, err)
				return state.DidResume
			}
			known := client()
			require.False(t, resumed(known))
			require.True(t, resumed(known))
			require.NoError(t, door.renew())
			require.True(t, resumed(known), "what is read anew does not end sessions")

			late := client()
			require.False(t, resumed(late))
			clock.pass(2*ticketTurn - time.Second)
			require.True(t, resumed(late), "two turns of keys later")
			clock.pass(3 * ticketTurn)
			require.False(t, resumed(late), "its key is gone")
			require.True(t, resumed(late))
		})
	}
}

func TestTicketKeysTurn(t *testing.T) {
	var k tickets
	at := time.Unix(1000, 0)
	require.True(t, k.turn(at))
	first := k.keys[0]
	require.False(t, k.turn(at.Add(ticketTurn-1)))
	for i := 1; i <= 5; i++ {
		require.True(t, k.turn(at.Add(time.Duration(i)*ticketTurn)))
		require.Len(t, k.keys, min(i+1, ticketKeys))
		require.NotEqual(t, k.keys[0], k.keys[1])
		require.Equal(t, i < ticketKeys, k.keys[len(k.keys)-1] == first, "the oldest goes")
	}
	require.True(t, k.turn(at.Add(100*ticketTurn)))
	require.Len(t, k.keys, 1, "none is kept over a long quiet")
}

func TestClientCertificates(t *testing.T) {
	p, foreign := newPKI(t), newPKI(t)
	pairs := papers{Pairs: []topologies.Certificate{p.serves("a", "a.test")}, Clients: p.file}
	good, bad := p.visits("cart", "cart.test"), foreign.visits("cart", "cart.test")
	asServer, err := p.serves("b", "b.test").Load()
	require.NoError(t, err)
	for _, c := range []struct {
		what     string
		optional bool
		shows    *tls.Certificate
		identity string
		refused  bool
	}{
		{"required and shown", false, &good, "cart.test", false},
		{"required and not shown", false, nil, "", true},
		{"required, and somebody else signs", false, &bad, "", true},
		{"required, and the certificate is a server's", false, &asServer, "", true},
		{"optional and shown", true, &good, "cart.test", false},
		{"optional and not shown", true, nil, "", false},
		{"optional, and somebody else signs", true, &bad, "", true},
	} {
		t.Run(c.what, func(t *testing.T) {
			door, err := newTLSDoor(pairs, &topologies.TLS{Clients: &topologies.Clients{Optional: c.optional}}, time.Now)
			require.NoError(t, err)
			for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
				client := &tls.Config{ServerName: "a.test", RootCAs: p.roots, MaxVersion: version}
				client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
					if c.shows == nil {
						return new(tls.Certificate), nil
					}
					return c.shows, nil
				}
				state, _, err := shake(t, door.config(), client)
				require.Equal(t, c.refused, err != nil, "%v", err)
				if err == nil {
					require.Equal(t, c.identity, identity(&state))
				}
			}
		})
	}
}

// A session that is resumed shows no certificate: it must not outlive the trust
// in who signed it.
func TestSessionsEndWithTheAuthorityOfTheirClients(t *testing.T) {
	p, next := newPKI(t), newPKI(t)
	signers := filepath.Join(p.dir, "clients.pem")
	copyFile(t, p.file, signers)
	door, err := newTLSDoor(papers{Pairs: []topologies.Certificate{p.serves("a", "a.test")}, Clients: signers},
		&topologies.TLS{Clients: &topologies.Clients{}}, time.Now)
	require.NoError(t, err)
	client := &tls.Config{ServerName: "a.test", RootCAs: p.roots, Certificates: []tls.Certificate{p.visits("cart", "cart.test")},
		ClientSessionCache: tls.NewLRUClientSessionCache(0)}
	for _, want := range []bool{false, true} {
		state, _, err := shake(t, door.config(), client)
		require.NoError(t, err)
		require.Equal(t, want, state.DidResume)
		require.Equal(t, "cart.test", identity(&state), "resumed: %t", want)
	}
	copyFile(t, next.file, signers)
	require.NoError(t, door.renew())
	_, _, err = shake(t, door.config(), client)
	require.Error(t, err)
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, text, 0o600))
}

func TestChangedFilesAreReadAnew(t *testing.T) {
	p := newPKI(t)
	served, other := p.serves("a", "a.test"), p.serves("b", "a.test", "b.test")
	door, err := newTLSDoor(papers{Pairs: []topologies.Certificate{served}}, &topologies.TLS{}, time.Now)
	require.NoError(t, err)
	names := func() int {
		_, state, err := shake(t, door.config(), &tls.Config{ServerName: "a.test", RootCAs: p.roots})
		require.NoError(t, err)
		return len(state.PeerCertificates[0].DNSNames)
	}
	ctx, cancel := context.WithCancel(t.Context())
	said, now, done := make(chan string, 10), make(chan os.Signal), make(chan struct{})
	go func() {
		defer close(done)
		renewUntil(ctx, now, time.Millisecond, []renewable{door}, func(f string, a ...any) { said <- fmt.Sprintf(f, a...) })
	}()
	now <- os.Interrupt // it has begun to look
	require.Contains(t, <-said, "anew")
	copyFile(t, other.Chain, served.Chain)
	require.Contains(t, <-said, "all stays as it was", "the key does not fit yet")
	require.Equal(t, 1, names())
	copyFile(t, other.Key, served.Key)
	for text := ""; !assert.ObjectsAreEqual("read "+served.Chain+", "+served.Key+" anew", text); {
		text = <-said // a file may be seen while it is being written
	}
	require.Equal(t, 2, names())
	cancel()
	<-done
}

func TestVisitorsVerifyUpstreams(t *testing.T) {
	p, foreign := newPKI(t), newPKI(t)
	door, err := newTLSDoor(papers{Pairs: []topologies.Certificate{p.serves("a", "a.test")}, Clients: p.file},
		&topologies.TLS{Clients: &topologies.Clients{Optional: true}}, time.Now)
	require.NoError(t, err)
	badge, err := p.issue("cart", p.dir, x509.ExtKeyUsageClientAuth, "cart.test")
	require.NoError(t, err)
	m := &manifest{Trust: []string{p.file}, Papers: map[string]papers{"api": {Name: "a.test"}},
		Seats: map[topologies.Place]seat{"api": {Address: "10.0.0.1:1"}}}
	for _, c := range []struct {
		what     string
		want     *topologies.Upstream
		address  string
		identity string
		refused  string
	}{
		{"known", nil, "10.0.0.1:1", "", ""},
		{"with a badge", &topologies.Upstream{Certificate: &badge}, "10.0.0.1:1", "cart.test", ""},
		{"another authority", &topologies.Upstream{Authority: foreign.file}, "10.0.0.1:1", "", "unknown authority"},
		{"another name", &topologies.Upstream{Name: "b.test"}, "10.0.0.1:1", "", "valid for a.test"},
		{"unknown, but named", &topologies.Upstream{Name: "a.test", Authority: p.file}, "10.0.0.2:1", "", ""},
		{"unknown", &topologies.Upstream{Authority: p.file}, "10.0.0.2:1", "", "10.0.0.2"},
		{"unknown, as the system has it", &topologies.Upstream{Name: "a.test"}, "10.0.0.2:1", "", "unknown authority"},
	} {
		t.Run(c.what, func(t *testing.T) {
			v, err := m.visitor("lb", c.want)
			require.NoError(t, err)
			state, _, err := shake(t, door.config(), v.config(c.address))
			if c.refused != "" {
				require.ErrorContains(t, err, c.refused)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.identity, identity(&state))
			state, _, err = shake(t, door.config(), v.config(c.address))
			require.NoError(t, err)
			require.True(t, state.DidResume)
		})
	}
	v, err := m.visitor("lb", nil)
	require.NoError(t, err)
	require.Nil(t, v.config("10.0.0.2:1"), "nothing is known and nothing wanted")
}
