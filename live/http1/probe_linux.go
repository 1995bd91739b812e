package http1

import (
	"net"
	"syscall"
)

// prober returns a function that tells whether an idle connection is alive:
// neither closed by the peer nor with anything to read.
func prober(raw net.Conn) func() bool {
	if over, ok := raw.(interface{ NetConn() net.Conn }); ok {
		raw = over.NetConn() // TLS: what waits there is not an answer to anything either
	}
	socket, ok := raw.(syscall.Conn)
	if !ok {
		return func() bool { return looks(raw) }
	}
	control, err := socket.SyscallConn()
	if err != nil {
		return func() bool { return false }
	}
	var peeked error
	peek := func(fd uintptr) bool {
		var b [1]byte
		_, _, peeked = syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		return true
	}
	return func() bool {
		return control.Read(peek) == nil && (peeked == syscall.EAGAIN || peeked == syscall.EINTR)
	}
}
