package http1

import (
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"trafficlab/components"
)

// Incoming is the body of a request on a server. It may be read from another
// goroutine than the handler's. A client that breaks off has gone away.
type Incoming struct {
	conn *conn
	mu   sync.Mutex
	body Body
	over bool // the handler has returned
	late bool // it was read until then
	err  error

	refused atomic.Pointer[Error]
}

var errOver = errors.New("the request has been answered")

func (i *Incoming) begin(in *Reader, q *Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.body.set(in, q.Length)
	i.over = false
	i.conn.wire.paced = q.Length != 0
	if q.Length != 0 {
		i.body.finished = i.finished
	}
}

func (i *Incoming) finished() {
	i.conn.wire.paced = false
	i.conn.watch.free(i.conn)
}

// Read reads on. The first call asks a client for the body that waits to be
// asked.
func (i *Incoming) Read(p []byte) (int, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.over {
		return 0, errOver
	}
	i.conn.answer.Continue()
	n, err := i.body.Read(p)
	if err != nil && err != io.EOF {
		i.fail(err)
		err = i.err
	}
	return n, err
}

func (i *Incoming) fail(err error) {
	var wrong *Error
	switch {
	case i.err != nil:
		return
	case errors.As(err, &wrong):
		i.refuse(wrong)
	case i.conn.wire.stopped.Load():
		i.err = errOver
	case errors.Is(err, os.ErrDeadlineExceeded):
		i.refuse(errBodyTimeout)
	default:
		i.err = err
		i.conn.left()
	}
}

// Refused is why the body cannot be read to its end, if that is the client's
// doing.
func (i *Incoming) Refused() *Error { return i.refused.Load() }

func (i *Incoming) refuse(e *Error) {
	i.err = e
	i.refused.Store(e)
	i.conn.server.refused(e)
}

// Ready tells whether some of the body has come already, as far as can be seen
// at once.
func (i *Incoming) Ready() bool {
	if !i.mu.TryLock() {
		return false
	}
	defer i.mu.Unlock()
	if i.over || i.body.Ended() { // then the buffer is the watch's
		return !i.over
	}
	return i.conn.answer.ready() && i.conn.buffer.Buffered() > 0
}

// Trailer is the fields behind the body, once it has ended.
func (i *Incoming) Trailer() components.Header {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.body.trailer
}

// abandon ends a reading that goes on though the handler has returned.
func (i *Incoming) abandon() {
	if !i.mu.TryLock() {
		i.late = true
		i.conn.wire.stop()
		i.mu.Lock()
		if i.err == nil && i.body.Ended() { // it was about to end by itself: the next request is not to suffer
			i.late = false
			i.conn.wire.resume()
		}
	}
	i.over = true
	i.mu.Unlock()
}

// rest reads what nobody wanted of a body, if it is not much, and tells whether
// the next request may follow.
func (i *Incoming) rest() bool {
	if i.late || i.err != nil {
		return false
	}
	n, err := io.CopyN(io.Discard, &i.body, mostRest)
	return n < mostRest && err == io.EOF && i.body.Ended()
}

const mostRest = 256 << 10
