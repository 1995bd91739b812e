package live

import (
	"io"

	"trafficlab/components"
)

// sink is where the body of an answer goes: to the caller, perhaps encoded on
// the way, or nowhere.
type sink struct {
	to      io.Writer
	written int64          // bytes that came in, before any coding
	out     caller         // nil: there is no caller
	coding  io.WriteCloser // nil: none
}

type flusher interface{ Flush() error }

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
	if s.out == nil {
		return nil
	}
	return s.out.Flush()
}

// close ends the body, with a trailer that belongs to it as it came.
func (s *sink) close(trailer components.Header) error {
	if s.coding != nil {
		trailer = nil
		if err := s.coding.Close(); err != nil {
			return err
		}
	}
	if s.out == nil {
		return nil
	}
	return s.out.End(trailer)
}
