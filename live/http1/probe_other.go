//go:build !linux

package http1

import "net"

// prober returns a function that tells whether an idle connection is alive.
func prober(raw net.Conn) func() bool { return func() bool { return looks(raw) } }
