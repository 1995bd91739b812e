package bench

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
	"trafficlab/live"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// On the wire: how many connections are made, and what is spoken on them.
func TestHabitsOnTheWire(t *testing.T) {
	const requests, clients = 60, 5
	for name, test := range map[string]struct {
		habits      scenarios.Habits
		tls         bool
		connections int
	}{
		"of one request":                  {scenarios.Habits{Requests: 1}, false, requests},
		"of one request, over TLS":        {scenarios.Habits{Requests: 1}, true, requests},
		"their own":                       {scenarios.Habits{Own: true}, false, clients},
		"their own, of 4 requests":        {scenarios.Habits{Own: true, Requests: 4}, true, requests / 4},
		"HTTP/2, for all":                 {scenarios.Habits{HTTP2: true}, true, 1},
		"HTTP/2, each its own":            {scenarios.Habits{HTTP2: true, Own: true}, true, clients},
		"HTTP/2 of 6 requests, their own": {scenarios.Habits{HTTP2: true, Own: true, Requests: 6}, true, requests / 6},
		"HTTP/2 without TLS":              {scenarios.Habits{HTTP2: true, Requests: 1}, false, requests},
	} {
		t.Run(name, func(t *testing.T) {
			var made, spoke2 atomic.Int64
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.ProtoMajor == 2 {
					spoke2.Add(1)
				}
				w.Write(make([]byte, 100))
			}))
			server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
				if s == http.StateNew {
					made.Add(1)
				}
			}
			transport := NewTransport()
			if test.tls {
				server.EnableHTTP2 = true
				server.StartTLS()
				trust := x509.NewCertPool()
				trust.AddCert(server.Certificate())
				transport.TLSClientConfig = &tls.Config{RootCAs: trust}
			} else {
				server.Config.Protocols = new(http.Protocols)
				server.Config.Protocols.SetHTTP1(true)
				server.Config.Protocols.SetUnencryptedHTTP2(true)
				server.Start()
			}
			defer server.Close()
			// Clients of a closed stream, one after the other: nobody shares what is only being dialled.
			c := closedCase()
			s := &c.Variant.Load.Streams[0]
			s.Closed = &scenarios.Closed{Clients: clients, Think: topologies.Distribution{}, For: time.Hour}
			s.Mix[0].Habits = &test.habits
			ctx := t.Context()
			cohorts, err := newCohorts(c, Aim{URL: server.URL, Transport: transport})
			require.NoError(t, err)
			defer cohorts.close()
			by := sender{Aim{URL: server.URL, Began: time.Now(), Transport: transport, Sleep: live.SleepUntil}, ctx, time.Minute, nil, cohorts}
			l := &loops{sender: by}
			for _, client := range c.Clients() {
				a, _ := client.First()
				for range requests / clients {
					sample, err := l.ask(&a)
					require.NoError(t, err)
					require.Equal(t, policy.OK, sample.Reason)
					a, _ = client.Next(a.At)
				}
			}
			require.EqualValues(t, test.connections, made.Load())
			require.Equal(t, test.habits.HTTP2, spoke2.Load() == requests)
		})
	}
}
