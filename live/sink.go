package live

import (
	"io"
	"net/http"

	"trafficlab/components"
)

// sink is where the body of an answer goes: to the caller, perhaps encoded on
// the way, or nowhere.
type sink struct {
	to      io.Writer
	written int64 // bytes that came in, before any coding
	wire    interface{ FlushError() error }
	coding  io.WriteCloser // nil: none
}

type flusher interface{ Flush() error }

func newSink(w http.ResponseWriter, coding string) *sink {
	s := &sink{to: w}
	s.wire, _ = w.(interface{ FlushError() error })
	if coding != "" {
		s.coding = components.Encode(w, coding)
		s.to = s.coding
	}
	return s
}

func (s *sink) Write(p []byte) (int, error) {
	n, err := s.to.Write(p)
	s.written += int64(n)
	return n, err
}

// flush sends what has been written on its way. An encoder is made to give all
// it has only if nobody knows when more will come, since that costs bytes.
func (s *sink) flush(now bool) error {
	if s.coding != nil && !now {
		return nil
	}
	if encoder, ok := s.coding.(flusher); ok {
		if err := encoder.Flush(); err != nil {
			return err
		}
	}
	if s.wire == nil {
		return nil
	}
	return s.wire.FlushError()
}

func (s *sink) close() error {
	if s.coding == nil {
		return nil
	}
	return s.coding.Close()
}
