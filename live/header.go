package live

import (
	"crypto/tls"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"trafficlab/components"
	"trafficlab/live/http1"
)

// RequestHeader carries a request's number and attempt between the places of
// a system: "<number> <attempt in hexadecimal>". Only hosts and generators see
// it: it is in no components.Header, in no answer, and in nothing that externals
// are asked. It is believed of who is on this machine, as all of them are.
const RequestHeader = "Trafficlab-Request"

// FormatRequest is the value of RequestHeader.
func FormatRequest(number, attempt uint64) string {
	text := strconv.AppendUint(make([]byte, 0, 40), number, 10)
	return string(strconv.AppendUint(append(text, ' '), attempt, 16))
}

func parseRequest(value string) (number, attempt uint64, ok bool) {
	if value == "" {
		return 0, 0, false
	}
	head, tail, found := strings.Cut(value, " ")
	number, errNumber := strconv.ParseUint(head, 10, 64)
	attempt, errAttempt := strconv.ParseUint(tail, 16, 64)
	return number, attempt, found && errNumber == nil && errAttempt == nil
}

// received is the head of a request as handlers see it.
func (n *Node) received(a caller, q *http1.Request) components.Request {
	from := peer(a.Peer())
	number, attempt, ok := parseRequest(q.Header.Get(RequestHeader))
	if !ok || from.IsValid() && !from.IsLoopback() {
		number, attempt = 1<<63|n.unnumbered.Add(1), 0
	}
	return components.Request{
		Number: number, Attempt: attempt,
		Method: q.Method, Host: q.Host, Path: q.Path, Query: q.Query,
		Header: q.Header.Del(RequestHeader),
		Peer:   from,
		Size:   q.Length,
		TLS:    a.Secure(), Identity: n.identity(a),
	}
}

// identity is whom a verified client's certificate names.
func (n *Node) identity(a caller) string {
	if n.node.TLS == nil || n.node.TLS.Clients == nil {
		return ""
	}
	return identity(a.TLS())
}

func identity(state *tls.ConnectionState) string {
	if state == nil || len(state.VerifiedChains) == 0 {
		return ""
	}
	leaf := state.VerifiedChains[0][0]
	switch {
	case len(leaf.URIs) > 0:
		return leaf.URIs[0].String()
	case len(leaf.DNSNames) > 0:
		return leaf.DNSNames[0]
	}
	return leaf.Subject.CommonName
}

func peer(remote net.Addr) netip.Addr {
	if tcp, ok := remote.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	at, err := netip.ParseAddrPort(remote.String())
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap()
}
