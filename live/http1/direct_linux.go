package http1

import (
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"
)

// direct is a TCP connection whose reads and writes the scheduler is not told
// of. They do not block, so that there is no need to; and a scheduler that
// takes a call of 20 µs for a blocked one (a write on loopback does the
// receiver's work) hands its processor on and watches more closely, at a tenth
// of a proxy's CPU time. One goroutine may read and one write at a time.
type direct struct {
	*net.TCPConn
	control syscall.RawConn
	in, out transfer
}

// transfer is a call under way, or the room for the next. It lies with the
// connection, so that a call costs no allocation.
type transfer struct {
	try    func(fd uintptr) bool
	pieces [2]syscall.Iovec
	n      int
	err    syscall.Errno
}

// Direct is a connection that may read and write faster than raw, or raw
// itself. One goroutine may read and one write at a time.
func Direct(raw net.Conn) net.Conn {
	socket, ok := raw.(*net.TCPConn)
	if !ok {
		return raw
	}
	control, err := socket.SyscallConn()
	if err != nil {
		return raw
	}
	d := &direct{TCPConn: socket, control: control}
	d.in.try, d.out.try = d.in.read, d.out.write
	return d
}

func (d *direct) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	err := d.in.run(d.control.Read, "read", p, nil)
	if err == nil && d.in.n == 0 {
		err = io.EOF
	}
	return d.in.n, err
}

func (d *direct) Write(p []byte) (int, error) {
	err := d.out.run(d.control.Write, "write", p, nil)
	return d.out.n, err
}

// writeBoth writes two pieces at once.
func (d *direct) writeBoth(p, q []byte) (int64, error) {
	err := d.out.run(d.control.Write, "writev", p, q)
	return int64(d.out.n), err
}

// run makes the call when the connection is ready.
func (t *transfer) run(ready func(func(uintptr) bool) error, call string, p, q []byte) error {
	t.n, t.err = 0, 0
	t.pieces = [2]syscall.Iovec{vector(p), vector(q)}
	err := ready(t.try)
	t.pieces = [2]syscall.Iovec{}
	if err == nil && t.err != 0 {
		err = &net.OpError{Op: call, Net: "tcp", Err: os.NewSyscallError(call, t.err)}
	}
	return err
}

func vector(p []byte) (v syscall.Iovec) {
	v.Base = unsafe.SliceData(p)
	v.SetLen(len(p))
	return v
}

func bytesOf(v *syscall.Iovec) []byte { return unsafe.Slice(v.Base, int(v.Len)) }

// read reads what is there; it is false if there is nothing yet.
func (t *transfer) read(fd uintptr) bool {
	for {
		n, err := receive(fd, &t.pieces[0])
		switch err {
		case 0:
			t.n = n
			return true
		case syscall.EINTR:
		case syscall.EAGAIN:
			return false
		default:
			t.err = err
			return true
		}
	}
}

// write writes until all is written; it is false while there is no room.
func (t *transfer) write(fd uintptr) bool {
	for t.pieces[0].Len+t.pieces[1].Len > 0 {
		n, err := send(fd, &t.pieces)
		switch err {
		case 0:
			t.sent(n)
		case syscall.EINTR:
		case syscall.EAGAIN:
			return false
		default:
			t.err = err
			return true
		}
	}
	return true
}

// sent goes on behind what has been written.
func (t *transfer) sent(n int) {
	t.n += n
	for i := range t.pieces {
		piece := bytesOf(&t.pieces[i])
		done := min(n, len(piece))
		t.pieces[i] = vector(piece[done:])
		n -= done
	}
	if t.pieces[0].Len == 0 {
		t.pieces[0], t.pieces[1] = t.pieces[1], syscall.Iovec{}
	}
}
