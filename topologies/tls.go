package topologies

import "time"

// TLS says how a node terminates TLS. Versions below 1.2 and suites without
// forward secrecy and authenticated encryption are not spoken (RFC 9325).
type TLS struct {
	// SelfSigned says that a private authority that the clients trust makes
	// the certificates when the system starts: one for localhost and the
	// node's own name, and one for each of Names ("*.shop.test" is one).
	SelfSigned bool
	Names      []string
	// Certificates are given instead. Of several, a caller gets the first that
	// is good for the name it asks for, and else the first.
	Certificates []Certificate

	Only13   bool     // TLS 1.2 is refused
	HTTP2    *HTTP2   // nil: not offered
	Clients  *Clients // nil: callers are not asked for certificates
	HSTS     string   // value of Strict-Transport-Security (RFC 6797); "": not sent
	Redirect bool     // plain HTTP on the same port is sent to https; else it is refused
}

// Certificate is two PEM files, relative to the topology's file: a chain, the
// leaf first, and its key.
type Certificate struct{ Chain, Key string }

// HTTP2 bounds what a client may ask of one connection.
type HTTP2 struct {
	Streams int   // at once
	Header  int64 // bytes of a request's header list (RFC 9113 section 6.5.2)
}

// Clients says which certificates callers show. With Authority empty, nodes
// that ask, and the load, have them from the run's own authority.
type Clients struct {
	Authority string // PEM file of those who sign them
	Optional  bool   // callers without one are let in; a bad one never is
}

// Upstream says how a node asks others.
type Upstream struct {
	// HTTP2 is instead of HTTP/1.1: agreed on in the handshake, or without TLS
	// known before (RFC 9113 section 3.3). Tunnels stay with HTTP/1.1.
	HTTP2 bool

	Authority   string       // PEM file of who signs upstreams' certificates; "": the run's own, or for externals the system's
	Name        string       // that those certificates must be good for; "": the address's
	Certificate *Certificate // shown to upstreams that ask for one
}

const year = 365 * 24 * time.Hour
