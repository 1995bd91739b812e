package live

import (
	"io"
	"net/http"
	"sync"

	"trafficlab/components"
	"trafficlab/live/http1"
)

// h2Source is the body of a request as net/http takes it, which means by Close
// to end a Read that waits: so it waits in a goroutine of its own, which ends
// with the body or the exchange. It asks for no more than net/http does.
type h2Source struct {
	from    http1.Source
	trailer http.Header // filled at the end
	work    *sync.WaitGroup

	reading sync.Once
	wanted  chan int
	given   chan h2Piece
	closing sync.Once
	closed  chan struct{}
}

// h2Piece is what one Read came to. Its bytes are good until the next is wanted.
type h2Piece struct {
	bytes []byte
	err   error
}

func newH2Source(from http1.Source, work *sync.WaitGroup) *h2Source {
	return &h2Source{
		from: from, trailer: http.Header{}, work: work,
		wanted: make(chan int), given: make(chan h2Piece), closed: make(chan struct{}),
	}
}

// Read implements io.Reader.
func (s *h2Source) Read(p []byte) (int, error) {
	s.reading.Do(func() { s.work.Go(s.read) })
	select {
	case s.wanted <- len(p):
	case <-s.closed:
		return 0, errGivenUp
	}
	select {
	case piece := <-s.given:
		if piece.err == io.EOF {
			fill(s.trailer, s.last())
		}
		return copy(p, piece.bytes), piece.err
	case <-s.closed:
		return 0, errGivenUp
	}
}

// last is the fields behind the body.
func (s *h2Source) last() (t components.Header) {
	for _, f := range s.from.Trailer() {
		if http1.Trails(f.Name, f.Value) {
			t = append(t, f)
		}
	}
	return t
}

// read reads what is wanted, until the end.
func (s *h2Source) read() {
	buffer := buffers.Get().(*[32 << 10]byte)
	defer buffers.Put(buffer)
	for {
		var piece h2Piece
		select {
		case n := <-s.wanted:
			n, piece.err = s.from.Read(buffer[:min(n, len(buffer))])
			piece.bytes = buffer[:n]
		case <-s.closed:
			return
		}
		select {
		case s.given <- piece:
		case <-s.closed:
			return
		}
	}
}

// Close ends the body, read to its end or not.
func (s *h2Source) Close() error {
	s.closing.Do(func() { close(s.closed) })
	return nil
}
