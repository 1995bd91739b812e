package live

import (
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// chain is the proxies of a topology, hosted in this process, before an origin
// of the test's: what clients that others have made are let loose on.
type chain struct {
	*testing.T
	*pki
	network network
	doors   map[string]net.Listener
	nodes   map[string]*Node
	log     bytes.Buffer
}

// network is where a chain listens: Memory, or loopback.
type network interface {
	Listen(address string) (net.Listener, error)
	Dial(ctx context.Context, network, address string) (net.Conn, error)
}

// loopback is real sockets.
type loopback struct{ net.Dialer }

func (*loopback) Listen(string) (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }
func (l *loopback) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return l.DialContext(ctx, network, address)
}

// inChain runs a test on a fake clock. The topology is YAML; its entry is edge,
// which listens on PORT, and its external node is at http://ORIGIN.
func inChain(t *testing.T, text string, origin http.Handler, test func(c *chain)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(newChain(t, new(Memory), Standard{}, text, origin))
	})
}

// onSockets is a chain over real sockets, until the test ends.
func onSockets(t *testing.T, text string, origin http.Handler) *chain {
	t.Helper()
	return newChain(t, new(loopback), Precise{}, text, origin)
}

func newChain(t *testing.T, on network, clock Clock, text string, origin http.Handler) *chain {
	t.Helper()
	c := &chain{T: t, network: on, doors: map[string]net.Listener{}, nodes: map[string]*Node{}}
	c.listen("edge", "edge")
	behind := c.listen("origin", "localhost:80")
	if origin != nil { // else the test plays it itself
		server := &http.Server{Handler: origin, DisableGeneralOptionsHandler: true, ErrorLog: log.New(io.Discard, "", 0)}
		go server.Serve(behind)
		t.Cleanup(func() { server.Close() })
	}
	fill := strings.NewReplacer("ORIGIN", c.address("origin"), "PORT", c.port())
	top, err := topologies.Parse("chain.yaml", []byte(fill.Replace(text)))
	require.NoError(t, err)
	for _, node := range top.Nodes {
		if node.Kind != topologies.External && node.Name != "edge" {
			c.listen(node.Name, node.Name)
		}
	}
	for _, node := range top.Nodes {
		if node.Kind != topologies.External {
			c.host(&scenarios.Case{Seed: 1, Variant: scenarios.Variant{Topology: top}}, node, clock)
		}
	}
	return c
}

func (c *chain) listen(name, address string) net.Listener {
	c.Helper()
	at, err := c.network.Listen(address)
	require.NoError(c, err)
	c.doors[name] = at
	return at
}

// address is where a node listens.
func (c *chain) address(name string) string { return c.doors[name].Addr().String() }

// port is the entry's.
func (c *chain) port() string {
	return c.address("edge")[strings.LastIndexByte(c.address("edge"), ':')+1:]
}

func (c *chain) host(k *scenarios.Case, node *topologies.Node, clock Clock) {
	c.Helper()
	o := Options{
		Addresses: func(p topologies.Place) string { return c.address(p.Node()) },
		Dial:      c.network.Dial, Clock: clock, Log: log.New(&c.log, "", 0),
	}
	if node.TLS != nil {
		c.pki = newPKI(c.T)
		door, err := newTLSDoor(papers{Pairs: []topologies.Certificate{c.serves(node.Name, "localhost")}}, node.TLS, time.Now)
		require.NoError(c, err)
		o.door = door
	}
	n, err := NewNode(k, topologies.Place(node.Name), o)
	require.NoError(c, err)
	n.Begin(time.Now())
	go n.Serve(c.doors[node.Name])
	c.nodes[node.Name] = n
	c.Cleanup(func() { assert.NoError(c, n.Close()) })
}

// client is Go's own, of a chain in memory or without TLS.
func (c *chain) client() *http.Client {
	t := &http.Transport{DialContext: c.network.Dial, DisableCompression: true}
	c.Cleanup(t.CloseIdleConnections)
	return &http.Client{Transport: t}
}
