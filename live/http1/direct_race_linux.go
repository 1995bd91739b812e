//go:build linux && race

package http1

import "syscall"

// Under the race detector the calls are package syscall's: what goes through
// them it takes for an order of events.

func receive(fd uintptr, into *syscall.Iovec) (int, syscall.Errno) {
	n, err := syscall.Read(int(fd), bytesOf(into))
	return max(n, 0), number(err)
}

// send sends some of the pieces.
func send(fd uintptr, pieces *[2]syscall.Iovec) (int, syscall.Errno) {
	piece := bytesOf(&pieces[0])
	if len(piece) == 0 {
		piece = bytesOf(&pieces[1])
	}
	n, err := syscall.Write(int(fd), piece)
	return max(n, 0), number(err)
}

func number(err error) syscall.Errno {
	errno, _ := err.(syscall.Errno)
	return errno
}
