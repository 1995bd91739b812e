package components

import (
	"bufio"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Encoder applies a content coding to what is written to it. Flush sends on
// what it holds back; that costs bytes.
type Encoder interface {
	io.WriteCloser
	Flush() error
}

// encoder is one that can be used again.
type encoder interface {
	Encoder
	Reset(w io.Writer)
}

// encoders is those of each content coding, by its name. Their levels are the
// fast ones, for answers that are made anew each time, and the same live and in
// the simulator, so that both count the same bytes.
var encoders = map[string]*sync.Pool{
	"gzip": pooled(func() encoder {
		w, _ := gzip.NewWriterLevel(nil, 1) // errs only on a wrong level; NGINX's default too
		return w
	}),
	"br": pooled(func() encoder { return brotli.NewWriterLevel(nil, 2) }),
	"zstd": pooled(func() encoder {
		// RFC 9659 bounds the window by 8 MiB; less is less memory for each
		// answer under way.
		w, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
			zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
		return w
	}),
}

func pooled(made func() encoder) *sync.Pool {
	return &sync.Pool{New: func() any { return &gatherer{made(), bufio.NewWriterSize(nil, gathered)} }}
}

// Encode returns a writer that applies a content coding ("gzip", "br", "zstd",
// or "" for none) to what is written to it and passes that on to w. Close ends
// the coding, not w. As long as nobody flushes in between, the bytes do not
// depend on how they were cut into writes.
func Encode(w io.Writer, coding string) Encoder {
	pool, known := encoders[coding]
	if !known {
		return plainWriter{w}
	}
	g := pool.Get().(*gatherer)
	g.out.Reset(w)
	g.encoder.Reset(g.out)
	return &pooledEncoder{g, pool}
}

type plainWriter struct{ io.Writer }

func (plainWriter) Flush() error { return nil }
func (plainWriter) Close() error { return nil }

// gatherer gathers what an encoder gives piece by piece (gzip's: 246 bytes).
type gatherer struct {
	encoder
	out *bufio.Writer
}

const gathered = 16 << 10

// Flush sends on what encoder and gatherer hold back.
func (g *gatherer) Flush() error {
	if err := g.encoder.Flush(); err != nil {
		return err
	}
	return g.out.Flush()
}

// Close ends the stream, and holds on to nobody's connection.
func (g *gatherer) Close() error {
	err := g.encoder.Close()
	if err == nil {
		err = g.out.Flush()
	}
	g.encoder.Reset(nil)
	g.out.Reset(nil)
	return err
}

// pooledEncoder gives its encoder back when it is closed.
type pooledEncoder struct {
	*gatherer
	pool *sync.Pool
}

// Close ends the stream. Only the first call counts.
func (p *pooledEncoder) Close() error {
	if p.gatherer == nil {
		return nil
	}
	err := p.gatherer.Close()
	p.pool.Put(p.gatherer)
	p.gatherer = nil
	return err
}

// encodedSizes remembers the sizes of encoded fillers.
var encodedSizes sync.Map // encodedFiller → int64

type encodedFiller struct {
	coding string
	size   int64
}

// EncodedSize is the exact length of a body once the coding is applied, or
// Size as it is if that is not known. It is safe for concurrent use.
func EncodedSize(coding string, b Body) int64 {
	_, known := encoders[coding]
	switch {
	case !known:
		return max(b.Size, int64(len(b.Bytes)))
	case b.Bytes != nil:
		return sizeOf(coding, b.Bytes)
	case b.Size < 0:
		return b.Size
	}
	filler := encodedFiller{coding, b.Size}
	if size, known := encodedSizes.Load(filler); known {
		return size.(int64)
	}
	size := sizeOf(coding, Filler(b.Size))
	encodedSizes.Store(filler, size)
	return size
}

func sizeOf(coding string, text []byte) int64 {
	var n counter
	w := Encode(&n, coding)
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
