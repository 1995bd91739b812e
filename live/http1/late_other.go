//go:build !linux

package http1

import "net"

// lateComers are known on Linux alone.
type lateComers struct{}

func lateAt(net.Listener) *lateComers { return nil }

func (*lateComers) takeAll(func(net.Conn)) {}
