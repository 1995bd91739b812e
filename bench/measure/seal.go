package measure

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
)

// Seal is what run.json tells of the file of samples beside it, uncompressed:
// samples of another run, changed ones, and more than were kept do not match.
type Seal struct {
	Rows   int    // samples
	Bytes  int64  // with the head line
	SHA256 string // in hex
}

// sealer takes the seal of what is written through it or read from it.
type sealer struct {
	hash  hash.Hash
	bytes int64
}

func newSealer() *sealer { return &sealer{hash: sha256.New()} }

func (s *sealer) Write(p []byte) (int, error) {
	s.bytes += int64(len(p))
	return s.hash.Write(p)
}

func (s *sealer) seal(rows int) Seal {
	return Seal{rows, s.bytes, hex.EncodeToString(s.hash.Sum(nil))}
}

// room is how many samples to make room for: no more than there can be.
func (s Seal) room() int {
	return int(max(0, min(int64(s.Rows), s.Bytes/int64(2*len(columns)), enoughRoom)))
}

// enoughRoom is made at once: a seal that claims more must prove it.
const enoughRoom = 4_000_000

// guarded reads no more than the seal tells of, however little it took to
// compress it.
func (s Seal) guarded(r io.Reader) io.Reader {
	return &guard{r, s.Bytes}
}

type guard struct {
	io.Reader
	left int64
}

var errMore = errors.New("it holds more than " + runFile + " tells of")

func (g *guard) Read(p []byte) (int, error) {
	n, err := g.Reader.Read(p[:min(int64(len(p)), g.left+1)])
	if g.left -= int64(n); g.left < 0 {
		return 0, errMore
	}
	return n, err
}

// matches tells what is not as the seal says.
func (s Seal) matches(got Seal) error {
	switch {
	case got.Rows != s.Rows:
		return fmt.Errorf("it holds %d samples, and %s tells of %d", got.Rows, runFile, s.Rows)
	case got != s:
		return fmt.Errorf("its samples are not those that %s tells of", runFile)
	}
	return nil
}

// sealed puts a seal on the text of an object, as its first field: the SHA-256
// of all that was there before. It tells slips and touching up, not forgery:
// anybody can put it on again.
func sealed(object []byte) []byte {
	return slices.Concat(sealField(object), object[1:])
}

// unbroken tells whether the object is as it was sealed.
func unbroken(object []byte) bool {
	n := len(sealField(nil))
	if len(object) < n {
		return false
	}
	was := append([]byte("{"), object[n:]...)
	return bytes.Equal(object[:n], sealField(was))
}

func sealField(object []byte) []byte {
	return fmt.Appendf(nil, "{\n \"SHA256\": \"%x\",", sha256.Sum256(object))
}
