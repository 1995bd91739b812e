package http1

import (
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// lateComers are clients whose connections the kernel has made and nobody has
// accepted yet, when a listener closes: they would be reset with what they have
// sent. Nil is none.
type lateComers struct{ door *os.File }

// lateAt is those of a listener that is about to be closed. The kernel listens
// on until takeAll.
func lateAt(l net.Listener) *lateComers {
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return nil
	}
	door, err := tcp.File()
	if err != nil {
		return nil
	}
	return &lateComers{door}
}

// takeAll accepts who is there, and then listens no more.
func (l *lateComers) takeAll(accept func(net.Conn)) {
	if l == nil {
		return
	}
	var there []int
	raw, err := l.door.SyscallConn()
	if err == nil {
		raw.Control(func(door uintptr) {
			for {
				fd, _, err := unix.Accept4(int(door), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
				if err != nil {
					return
				}
				there = append(there, fd)
			}
		})
	}
	l.door.Close()
	for _, fd := range there {
		file := os.NewFile(uintptr(fd), "")
		if conn, err := net.FileConn(file); err == nil {
			accept(conn)
		}
		file.Close()
	}
}
