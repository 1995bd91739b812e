//go:build linux && !race

package http1

import (
	"syscall"
	"unsafe"
)

func receive(fd uintptr, into *syscall.Iovec) (int, syscall.Errno) {
	n, _, err := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(into.Base)), uintptr(into.Len))
	return int(n), err
}

// send sends some of the pieces.
func send(fd uintptr, pieces *[2]syscall.Iovec) (int, syscall.Errno) {
	if pieces[1].Len == 0 {
		n, _, err := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(pieces[0].Base)), uintptr(pieces[0].Len))
		return int(n), err
	}
	n, _, err := syscall.RawSyscall(syscall.SYS_WRITEV, fd, uintptr(unsafe.Pointer(pieces)), uintptr(len(pieces)))
	return int(n), err
}
