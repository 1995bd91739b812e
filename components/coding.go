package components

import (
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// codingLevel is gzip's, the same live and in the simulator, so that both
// count the same bytes. NGINX's default too.
const codingLevel = 1

var gzipWriters = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, codingLevel) // errs only on a wrong level
	return w
}}

// Encoder applies a content coding to what is written to it. Flush sends on
// what it holds back; that costs bytes.
type Encoder interface {
	io.WriteCloser
	Flush() error
}

// Encode returns a writer that applies a content coding ("gzip", or "" for
// none) to what is written to it and passes that on to w. Close ends the
// coding, not w. As long as nobody flushes in between, the bytes do not depend
// on how they were cut into writes.
func Encode(w io.Writer, coding string) Encoder {
	if coding != "gzip" {
		return plainWriter{w}
	}
	encoder := gzipWriters.Get().(*gzip.Writer)
	encoder.Reset(w)
	return &gzipWriter{encoder}
}

type plainWriter struct{ io.Writer }

func (plainWriter) Flush() error { return nil }
func (plainWriter) Close() error { return nil }

// gzipWriter gives its encoder back when it is closed.
type gzipWriter struct{ *gzip.Writer }

// Close ends the stream. Only the first call counts.
func (g *gzipWriter) Close() error {
	if g.Writer == nil {
		return nil
	}
	err := g.Writer.Close()
	gzipWriters.Put(g.Writer)
	g.Writer = nil
	return err
}

// encodedSizes remembers the sizes of encoded fillers.
var encodedSizes sync.Map // int64 → int64

// EncodedSize is the exact length of a body once the coding is applied, or
// Size as it is if that is not known. It is safe for concurrent use.
func EncodedSize(coding string, b Body) int64 {
	switch {
	case coding != "gzip":
		return max(b.Size, int64(len(b.Bytes)))
	case b.Bytes != nil:
		return gzipSize(b.Bytes)
	case b.Size < 0:
		return b.Size
	}
	if size, known := encodedSizes.Load(b.Size); known {
		return size.(int64)
	}
	size := gzipSize(Filler(b.Size))
	encodedSizes.Store(b.Size, size)
	return size
}

func gzipSize(text []byte) int64 {
	var n counter
	w := Encode(&n, "gzip")
	_, _ = w.Write(text) // a counter takes everything
	_ = w.Close()
	return int64(n)
}

// counter is a writer that only counts.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
