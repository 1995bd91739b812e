package live

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"trafficlab/components"
	"trafficlab/live/http1"
	"trafficlab/topologies"
)

type callerFrom struct {
	caller
	from string
}

func (c callerFrom) Peer() net.Addr {
	return &net.TCPAddr{IP: net.ParseIP(c.from), Port: 7}
}
func (callerFrom) Secure() bool { return false }

// TestNumbersStayAtHome says who may number a request, and who is told.
func TestNumbersStayAtHome(t *testing.T) {
	for from, believed := range map[string]bool{"127.0.0.1": true, "127.9.9.9": true, "::1": true, "10.0.0.1": false, "2001:db8::1": false} {
		n := &Node{node: new(topologies.Node)}
		r := n.received(callerFrom{from: from}, &http1.Request{Header: components.Header{{Name: RequestHeader, Value: "17 a0"}}})
		require.Equal(t, believed, r.Number == 17 && r.Attempt == 0xa0, from)
		require.False(t, r.Header.Has(RequestHeader), from)
	}
	for kind, told := range map[topologies.Kind]bool{topologies.Backend: true, topologies.External: false} {
		shape := &topologies.Topology{Name: "x", Entry: "a", Nodes: []*topologies.Node{
			{Name: "a", Kind: topologies.ReverseProxy, To: []string{"b"}}, {Name: "b", Kind: kind, Replicas: 1, URL: "http://b.test"}}}
		ups, err := upstreamsOf(shape, shape.Nodes[0], func(topologies.Place) string { return "b:1" })
		require.NoError(t, err)
		place := shape.Nodes[1].Places()[0]
		x, c := &exchange{by: &setup{upstreams: ups}}, new(call)
		require.NoError(t, c.pack(x, &components.Hop{To: place, Request: components.Request{Number: 17}}))
		require.Equal(t, told, c.over1.Ask.More.Has(RequestHeader), kind)
	}
}
