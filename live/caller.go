package live

import (
	"crypto/tls"
	"io"
	"net"

	"trafficlab/components"
	"trafficlab/live/http1"
)

// caller is who is to be answered, over HTTP/1.1 (http1.Answer, which see) or
// HTTP/2.
type caller interface {
	io.Writer
	Begin(status int, h components.Header, length int64)
	Flush() error
	End(trailer components.Header) error
	Interim(status int, h components.Header)
	Continue()
	Switch(h components.Header, protocol string) (*http1.Stream, error)

	Gone() <-chan struct{}
	Guard(http1.Guarded) bool
	Unguard()

	Peer() net.Addr
	Secure() bool
	TLS() *tls.ConnectionState
}

// incoming is the body of a caller's request.
type incoming interface {
	io.Reader
	Refused() *http1.Error
	Ready() bool
	Trailer() components.Header
}
