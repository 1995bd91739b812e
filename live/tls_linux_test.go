package live

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// A process that is told to (SIGHUP), or sees that files have changed, shows
// new certificates; who is connected stays so.
func TestReloadKeepsConnections(t *testing.T) {
	for _, told := range []bool{true, false} {
		p, c := newPKI(t), pairCase()
		served, next := p.serves("a", "localhost", "old.test"), p.serves("b", "localhost", "new.test")
		c.Variant.Topology.Node("lb").TLS = &topologies.TLS{Certificates: []topologies.Certificate{served}}
		s := started(t, c)
		address, trust := s.Entry()
		trust.RootCAs, trust.ClientSessionCache = p.roots, nil // a session that is resumed has the certificate that it began with
		before := &http.Client{Transport: &http.Transport{TLSClientConfig: trust}}
		reused := false
		ask := func() {
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused }})
			r, err := http.NewRequestWithContext(ctx, "GET", address, nil)
			require.NoError(t, err)
			answer, err := before.Do(r)
			require.NoError(t, err)
			_, err = io.Copy(io.Discard, answer.Body)
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())
			require.Equal(t, 200, answer.StatusCode)
		}
		ask()
		copyFile(t, next.Chain, served.Chain)
		copyFile(t, next.Key, served.Key)
		if told {
			require.NoError(t, syscall.Kill(s.pids()[0], syscall.SIGHUP))
		}
		until(t, "the new certificate is shown", func() bool {
			conn, err := tls.Dial("tcp", strings.TrimPrefix(address, "https://"), trust)
			require.NoError(t, err)
			defer conn.Close()
			return conn.ConnectionState().PeerCertificates[0].DNSNames[1] == "new.test"
		})
		ask()
		assert.True(t, reused, "the connection stands")
	}
}

// Nodes show certificates of the run's own authority to those who ask for one,
// and so does the load.
func TestMutualTLSInASystem(t *testing.T) {
	c := pairCase()
	top := c.Variant.Topology
	top.Node("lb").TLS = &topologies.TLS{SelfSigned: true, Names: []string{"shop.test"}, Clients: &topologies.Clients{}}
	top.Node("api").TLS = &topologies.TLS{SelfSigned: true, Clients: &topologies.Clients{}}
	s := started(t, c)
	address, trust := s.Entry()
	status, err := get(t, address, client(s))
	require.NoError(t, err)
	require.Equal(t, 200, status)

	named := trust.Clone()
	named.ServerName = "shop.test"
	conn, err := tls.Dial("tcp", strings.TrimPrefix(address, "https://"), named)
	require.NoError(t, err)
	assert.Equal(t, []string{"shop.test"}, conn.ConnectionState().PeerCertificates[0].DNSNames)
	conn.Close()

	trust.Certificates, trust.ClientSessionCache = nil, nil
	_, err = get(t, address, &http.Client{Transport: &http.Transport{TLSClientConfig: trust}, Timeout: 5 * time.Second})
	assert.ErrorContains(t, err, "certificate required")
}

// While its certificate has expired, a place is left alone by who is to make a
// connection: a client, and a node, which says that nothing was sent.
func TestExpiredCertificate(t *testing.T) {
	for name, on := range map[string]topologies.Place{"at the entry": "lb", "behind it": "api"} {
		t.Run(name, func(t *testing.T) {
			c := pairCase(scenarios.Fault{At: 400 * time.Millisecond, For: 400 * time.Millisecond, On: []topologies.Place{on}, Expired: true})
			c.Variant.Topology.Node("lb").Idle = &topologies.Idle{}
			api := c.Variant.Topology.Node("api")
			api.Replicas, api.Numbered = 1, false
			c.Variant.Topology.Node(string(on)).TLS = &topologies.TLS{SelfSigned: true}
			s := started(t, c)
			s.Begin()
			address, trust := s.Entry()
			kept := &http.Client{Transport: &http.Transport{TLSClientConfig: trust}}
			fresh := &http.Client{Transport: &http.Transport{TLSClientConfig: trust, DisableKeepAlives: true}}
			ask := func(client *http.Client) string {
				answer, err := client.Get(address)
				if err != nil {
					return err.Error()
				}
				defer answer.Body.Close()
				_, err = io.Copy(io.Discard, answer.Body)
				require.NoError(t, err)
				return answer.Status + answer.Header.Get("Proxy-Status")
			}
			require.Equal(t, "200 OK", ask(kept))
			require.Equal(t, "200 OK", ask(fresh))
			want := map[topologies.Place]string{"lb": "expired", "api": "connection_refused"}[on]
			until(t, "the certificate has expired", func() bool { return strings.Contains(ask(fresh), want) })
			if on == "lb" {
				require.Equal(t, "200 OK", ask(kept), "a connection that stands goes on")
			}
			until(t, "it is good again", func() bool { return ask(fresh) == "200 OK" })
		})
	}
}
