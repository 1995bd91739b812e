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
