//go:build !linux

package http1

import "net"

// Direct is a connection that may read and write faster than raw, or raw
// itself. One goroutine may read and one write at a time.
func Direct(raw net.Conn) net.Conn { return raw }
