package live

import (
	"crypto/tls"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"trafficlab/components"
)

// RequestHeader carries a request's number and attempt between the places of
// a system: "<number> <attempt in hexadecimal>". Only hosts and generators see
// it: it is in no components.Header and in no answer.
const RequestHeader = "Trafficlab-Request"

// FormatRequest is the value of RequestHeader.
func FormatRequest(number, attempt uint64) string {
	text := strconv.AppendUint(make([]byte, 0, 40), number, 10)
	return string(strconv.AppendUint(append(text, ' '), attempt, 16))
}

func parseRequest(value string) (number, attempt uint64, ok bool) {
	head, tail, found := strings.Cut(value, " ")
	number, errNumber := strconv.ParseUint(head, 10, 64)
	attempt, errAttempt := strconv.ParseUint(tail, 16, 64)
	return number, attempt, found && errNumber == nil && errAttempt == nil
}

// listed turns a header into the list that handlers edit. What belongs to the
// connection's framing stays with the host.
func listed(h http.Header) components.Header {
	list := make(components.Header, 0, len(h)+4)
	for name, values := range h {
		if name == RequestHeader || name == "Content-Length" {
			continue
		}
		for _, value := range values {
			list = append(list, components.Field{Name: name, Value: value})
		}
	}
	return list
}

// fill adds a list to a header. All values share one array.
func fill(h http.Header, list components.Header) {
	values := make([]string, len(list))
	for i, f := range list {
		name := components.Canonical(f.Name)
		if had, ok := h[name]; ok {
			h[name] = append(had, f.Value)
			continue
		}
		values[i] = f.Value
		h[name] = values[i : i+1 : i+1]
	}
}

// received is the head of a request as handlers see it.
func (n *Node) received(r *http.Request) components.Request {
	number, attempt, ok := parseRequest(r.Header.Get(RequestHeader))
	if !ok {
		number, attempt = 1<<63|n.unnumbered.Add(1), 0
	}
	path, query, _ := strings.Cut(target(r), "?")
	return components.Request{
		Number: number, Attempt: attempt,
		Method: r.Method, Host: r.Host, Path: path, Query: query,
		Header: listed(r.Header),
		Peer:   peer(r.RemoteAddr),
		Size:   r.ContentLength,
		TLS:    r.TLS != nil, Identity: identity(r.TLS),
	}
}

// identity is whom a verified client's certificate names.
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

// target is the request's path and query as they were sent.
func target(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	return r.URL.RequestURI() // was an absolute URI, or "*"
}

func peer(remote string) netip.Addr {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap()
}
