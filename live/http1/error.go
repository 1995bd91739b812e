// Package http1 is HTTP/1.1 on the wire (RFC 9112): a strict reader of
// messages, a writer that frames them anew, a server and a pool of connections
// to upstreams.
//
// What is ambiguous is refused, never repaired: a message that two recipients
// could take for two different ones does not pass, and what passes is framed
// by this package, whatever its framing was when it came. Everything else of a
// message goes through as it was sent: the bytes of the target, the names,
// values and order of fields.
package http1

import (
	"context"
	"errors"
	"os"
)

// Error is why a message is refused, or a connection cut off.
type Error struct {
	Status int    // to answer a request with; 0: it is too late for one
	Reason string // short, to count by
}

func (e *Error) Error() string { return "refused: " + e.Reason }

// The reasons to refuse a message, by the rule that it breaks.
var (
	errMethod        = &Error{400, "bad method"}
	errRequestLine   = &Error{400, "bad request line"}
	errStatusLine    = &Error{400, "bad status line"}
	errBareLF        = &Error{400, "bare LF"}
	errName          = &Error{400, "bad field name"}
	errValue         = &Error{400, "bad field value"}
	errFold          = &Error{400, "folded line"}
	errColonSpace    = &Error{400, "space before colon"}
	errTarget        = &Error{400, "bad target"}
	errNoHost        = &Error{400, "no Host"}
	errManyHosts     = &Error{400, "several Host"}
	errHost          = &Error{400, "bad Host"}
	errHostDisagrees = &Error{400, "target and Host disagree"}
	errLength        = &Error{400, "bad Content-Length"}
	errManyLengths   = &Error{400, "several Content-Length"}
	errBothLengths   = &Error{400, "Content-Length beside Transfer-Encoding"}
	errCoding        = &Error{400, "bad Transfer-Encoding"}
	errCodingVersion = &Error{400, "Transfer-Encoding in HTTP/1.0"}
	errChunkSize     = &Error{400, "bad chunk size"}
	errChunkEnd      = &Error{400, "bad end of chunk"}
	errTrailer       = &Error{400, "field not allowed in a trailer"}
	errHeadTimeout   = &Error{408, "head too slow"}
	errBodyTimeout   = &Error{408, "body too slow"}
	errBodyTooLong   = &Error{413, "body too long"}
	errLineTooLong   = &Error{414, "request line too long"}
	errExpectation   = &Error{417, "unknown expectation"}
	errFieldTooLong  = &Error{431, "field too long"}
	errHeadTooLong   = &Error{431, "head too long"}
	errManyFields    = &Error{431, "too many fields"}
	errCodingUnknown = &Error{501, "unknown transfer coding"}
	errConnect       = &Error{501, "CONNECT"}
	errFull          = &Error{503, "too many connections"}
	errFiles         = &Error{503, "out of file descriptors"}
	errVersion       = &Error{505, "HTTP version"}

	errSilent        = &Error{0, "nobody asked"}
	errIdle          = &Error{0, "idle"}
	errHandshake     = &Error{0, "handshake"}
	errHandshakeSlow = &Error{0, "handshake too slow"}
)

// The reasons that hosts need to know.
var (
	TakenTooSlowly = &Error{0, "answer taken too slowly"}
	QuietTunnel    = &Error{0, "quiet tunnel"}
	BodyTooSlow    = errBodyTimeout
	BodyTooLong    = errBodyTooLong
	Full           = errFull
	OutOfFiles     = errFiles
)

// HandshakeError is why a handshake of TLS came to nothing.
func HandshakeError(err error) *Error {
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return errHandshakeSlow
	}
	return errHandshake
}
