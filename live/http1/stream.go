package http1

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Stream is a connection that has left HTTP, with what was read ahead of it.
type Stream struct {
	net.Conn
	ahead *bufio.Reader
}

// Read reads first what had been read ahead.
func (s *Stream) Read(p []byte) (int, error) {
	if s.ahead.Buffered() > 0 {
		return s.ahead.Read(p)
	}
	return s.Conn.Read(p)
}

// CloseWrite says that nothing more will be written, while reading goes on.
func (s *Stream) CloseWrite() error {
	if half, ok := s.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return s.Conn.Close()
}

// ErrQuiet is how a tunnel ends in which nothing moved for too long.
var ErrQuiet = errors.New("the tunnel was quiet for too long")

// Tunnel copies between two streams, each way until its end, and returns how
// many bytes went from b to a, and what broke it first. A break of either way
// ends both; so does a time of idle in which neither side sends, if idle is not
// 0. It closes both.
func Tunnel(a, b *Stream, idle time.Duration) (back int64, err error) {
	t := tunnel{idle: idle}
	t.touch()
	failed := make(chan error, 2)
	carry := func(to, from *Stream) int64 {
		n, err := t.carry(to, from)
		if failed <- err; err != nil {
			a.Close()
			b.Close()
		}
		return n
	}
	var there sync.WaitGroup
	there.Go(func() { carry(b, a) })
	back = carry(a, b)
	there.Wait()
	a.Close()
	b.Close()
	if err = <-failed; err == nil {
		err = <-failed
	}
	return back, err
}

type tunnel struct {
	idle time.Duration
	last atomic.Int64 // when something moved, in Unix nanoseconds
}

func (t *tunnel) touch() { t.last.Store(time.Now().UnixNano()) }

func (t *tunnel) carry(to, from *Stream) (n int64, err error) {
	buffer := pieces.Get().(*piece)
	defer pieces.Put(buffer)
	for {
		if t.idle > 0 {
			from.SetReadDeadline(time.Unix(0, t.last.Load()).Add(t.idle))
		}
		read, err := from.Read(buffer[:])
		if read > 0 {
			t.touch()
			if t.idle > 0 {
				to.SetWriteDeadline(time.Now().Add(t.idle))
			}
			if _, err := to.Write(buffer[:read]); err != nil {
				return n, err
			}
			n += int64(read)
		}
		switch {
		case err == nil:
		case err == io.EOF:
			return n, to.CloseWrite()
		case t.idle > 0 && errors.Is(err, os.ErrDeadlineExceeded):
			if time.Since(time.Unix(0, t.last.Load())) >= t.idle {
				return n, ErrQuiet
			}
		default:
			return n, err
		}
	}
}
