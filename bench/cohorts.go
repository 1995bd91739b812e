package bench

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"

	"trafficlab/scenarios"
)

// cohorts are the connections of clients who do not behave as usual, by kind of
// request; nil where they do. Kinds of one cohort share theirs.
type cohorts []*cohort

// cohort is the connections of clients who behave alike. It is safe for
// concurrent use.
type cohort struct {
	habits    scenarios.Habits
	transport *http.Transport

	mu   sync.Mutex
	sent map[string]int
}

func newCohorts(c *scenarios.Case, aim Aim) (cohorts, error) {
	var all cohorts
	known := map[scenarios.Cohort]*cohort{}
	for _, kind := range c.Variant.Load.Kinds() {
		var k *cohort
		if of, ok := kind.Cohort(); ok {
			if known[of] == nil {
				made, err := newCohort(of.Habits, aim)
				if err != nil {
					return nil, fmt.Errorf("connect clients with habits of their own: %w", err)
				}
				known[of] = made
			}
			k = known[of]
		}
		all = append(all, k)
	}
	return all, nil
}

func newCohort(h scenarios.Habits, aim Aim) (*cohort, error) {
	like, ok := aim.Transport.(*http.Transport)
	if !ok {
		return nil, errors.New("the transport aimed with makes no connections")
	}
	at, err := url.Parse(aim.URL)
	if err != nil {
		return nil, err
	}
	t := NewTransport()
	if h.HTTP2 {
		t.Protocols = new(http.Protocols)
		t.Protocols.SetHTTP2(at.Scheme == "https")
		t.Protocols.SetUnencryptedHTTP2(at.Scheme != "https")
	}
	if at.Scheme == "https" {
		t.TLSClientConfig = new(tls.Config)
		if like.TLSClientConfig != nil {
			t.TLSClientConfig = like.TLSClientConfig.Clone()
		}
		if t.TLSClientConfig.ServerName == "" {
			t.TLSClientConfig.ServerName = at.Hostname()
		}
	}
	dial := like.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	to := address(at)
	t.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		conn, err := dial(ctx, network, to)
		if err != nil {
			return nil, err
		}
		if tcp, ok := conn.(*net.TCPConn); ok && h.Reads > 0 {
			tcp.SetReadBuffer(littleRoom) // if it cannot be little, it is not
		}
		return &usedConn{Conn: conn}, nil
	}
	if h.Sends > 0 {
		t.WriteBufferSize = pieceOf(h.Sends) // else pieces wait for one another
	}
	return &cohort{habits: h, transport: t, sent: map[string]int{}}, nil
}

// address is where a URL's host listens.
func address(at *url.URL) string {
	port := at.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[at.Scheme]
	}
	return net.JoinHostPort(at.Hostname(), port)
}

func (all cohorts) close() {
	for _, k := range all {
		if k != nil {
			k.transport.CloseIdleConnections()
		}
	}
}

// url is where the transport looks for a connection: for each that is not to be
// shared it knows a host, and dials the one. HTTP/2 has a host for as many
// requests as a connection takes: they would else share one that is only being
// dialled with all who wait.
func (k *cohort) url(u *url.URL, a *scenarios.Arrival) *url.URL {
	var who, which string
	if k.habits.Own {
		who = a.Client.String()
	}
	if k.habits.HTTP2 && k.habits.Requests > 0 {
		which = strconv.Itoa(k.count(who) / k.habits.Requests)
	}
	if who+which == "" {
		return u
	}
	own := *u
	own.Host = who + "-" + which
	return &own
}

// count is how many requests over HTTP/2 were sent before, by a client or by all.
func (k *cohort) count(who string) (before int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	before = k.sent[who]
	k.sent[who]++
	return before
}

// got has the request with the given header be the last of its connection, once
// that has been used often enough.
func (k *cohort) got(h http.Header) func(httptrace.GotConnInfo) {
	if k.habits.Requests == 0 {
		return nil
	}
	return func(on httptrace.GotConnInfo) {
		conn := on.Conn
		if secure, ok := conn.(*tls.Conn); ok {
			conn = secure.NetConn()
		}
		if used, ok := conn.(*usedConn); ok && used.requests.Add(1) >= int64(k.habits.Requests) {
			h["Connection"] = []string{"close"}
		}
	}
}

// usedConn is a connection that counts its requests.
type usedConn struct {
	net.Conn
	requests atomic.Int64
}
