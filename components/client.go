package components

import (
	"encoding/binary"
	"net/netip"
	"strings"

	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// trustList is the peers whose X-Forwarded-For is believed.
type trustList []netip.Prefix

// loopback is trusted unless a node says otherwise.
var loopback = []string{"127.0.0.0/8", "::1/128"}

// newTrustList reads networks and single addresses. The topology's check has
// refused all else.
func newTrustList(peers []string) trustList {
	if peers == nil {
		peers = loopback
	}
	var list trustList
	for _, text := range peers {
		if network, err := netip.ParsePrefix(text); err == nil {
			list = append(list, network)
		} else if addr, err := netip.ParseAddr(text); err == nil {
			list = append(list, netip.PrefixFrom(addr, addr.BitLen()))
		}
	}
	return list
}

// Trusted tells whom a node believes what they say of others' requests. Nodes
// that are told nothing of it believe who is on this machine.
func Trusted(node *topologies.Node) func(peer netip.Addr) bool { return newTrustList(node.Trust).has }

func (t trustList) has(peer netip.Addr) bool {
	peer = peer.Unmap()
	for _, network := range t {
		if network.Contains(peer) {
			return true
		}
	}
	return false
}

// client is the address that the request came from: of the chain that
// X-Forwarded-For and the peer make, the rightmost that is not trusted to tell
// of others.
func (t trustList) client(req *Request) netip.Addr {
	at := req.Peer.Unmap()
	rest := req.Header.Values("X-Forwarded-For")
	for t.has(at) && rest != "" {
		var last string
		if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
			rest, last = rest[:comma], rest[comma+1:]
		} else {
			rest, last = "", rest
		}
		addr, err := netip.ParseAddr(strings.TrimSpace(last))
		if err != nil {
			break // nobody can vouch for what stands left of this
		}
		at = addr.Unmap()
	}
	return at
}

// addressKey is the key that keeps a client with its backend.
func addressKey(client netip.Addr) uint64 {
	b := client.As16()
	return scenarios.Mix(binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:]))
}
