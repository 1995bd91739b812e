package components

import (
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"slices"
	"strings"

	"trafficlab/scenarios"
)

// digestField tells what the bytes of a representation were when it was made,
// whoever has handed it on since (RFC 9530 section 3). Who changes a body on
// purpose leaves the field out.
const digestField = "Repr-Digest"

// ailingAnswer is an answer as a fault has it. What cannot be told from a whole
// answer by its framing, other bytes, can be told by its digest.
func ailingAnswer(r Response, ill *scenarios.Answer) Response {
	r.Ill = ill
	text := r.Body.Bytes
	if text == nil {
		text = Filler(r.Body.Size)
	}
	if !ill.Corrupted || len(text) == 0 {
		return r
	}
	r.Header = append(slices.Clip(r.Header), Field{digestField, Digest(text)})
	text = slices.Clone(text)
	for i := len(text) / 2; i < len(text); i += 1 << 10 {
		text[i] ^= 1
	}
	r.Body = Body{Size: int64(len(text)), Bytes: text}
	return r
}

// Digest is the value of a Repr-Digest field for a body without a coding.
func Digest(text []byte) string {
	sum := sha256.Sum256(text)
	return digestOf(sum[:])
}

func digestOf(sum []byte) string { return "sha-256=:" + base64.StdEncoding.EncodeToString(sum) + ":" }

// Proof checks the body of an answer against its digest. A nil Proof finds
// nothing wrong.
type Proof struct {
	want string
	sum  hash.Hash
}

// NewProof is what the body of an answer is to be held against: nil if nothing
// is said of these very bytes.
func NewProof(method string, status int, digest, coding string) *Proof {
	if digest == "" || method == "HEAD" || status != 200 || coding != "" || !strings.HasPrefix(digest, "sha-256=:") {
		return nil
	}
	return &Proof{digest, sha256.New()}
}

// Write takes some of the body.
func (p *Proof) Write(text []byte) (int, error) {
	if p == nil {
		return len(text), nil
	}
	return p.sum.Write(text)
}

// Fails tells whether the whole body was another.
func (p *Proof) Fails() bool { return p != nil && digestOf(p.sum.Sum(nil)) != p.want }

// IsCorrupt tells whether the whole body of an answer is not what its digest
// says.
func IsCorrupt(method string, r Response) bool {
	p := NewProof(method, r.Status, r.Header.Get(digestField), r.Header.Get("Content-Encoding"))
	if p == nil {
		return false
	}
	text := r.Body.Bytes
	if text == nil {
		text = Filler(r.Body.Size)
	}
	p.Write(text)
	return p.Fails()
}
