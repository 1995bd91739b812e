package http1

import (
	"io"
	"slices"
	"strings"

	"trafficlab/components"
)

// Bounds on what surrounds chunks: nobody needs more.
const (
	mostChunkLine  = 256     // size and extensions of one chunk
	mostExtensions = 4 << 10 // bytes of all extensions of a body
	mostTrailer    = 8 << 10 // bytes of a trailer section
)

// Body reads the body of a message from its connection. It ends with io.EOF
// behind its last byte; one that breaks off ends with io.ErrUnexpectedEOF, and
// one that is badly framed with an *Error. Not safe for concurrent use.
type Body struct {
	from    *Reader
	left    int64 // bytes to come of a body of known length, or of a chunk
	chunked bool
	tillEnd bool // of the connection
	begun   bool // the first chunk's size has been read

	room     int64 // bytes that the limit leaves; -1: any number
	beside   int   // bytes of extensions
	trailer  components.Header
	err      error
	finished func() // called once, behind the last byte; may be nil
}

// set makes b the body that follows a head whose framing is length.
func (b *Body) set(from *Reader, length int64) {
	*b = Body{from: from, room: -1}
	if from.limits.Body > 0 {
		b.room = from.limits.Body
	}
	switch length {
	case 0:
		b.err = io.EOF
	case Unknown:
		b.chunked = true
	case tillEnd:
		b.tillEnd = true
	default:
		b.left = length
	}
}

// Body returns the body behind a request's head.
func (r *Reader) Body(q *Request) *Body {
	b := new(Body)
	b.set(r, q.Length)
	return b
}

// AnswerBody returns the body behind an answer's head.
func (r *Reader) AnswerBody(a *Response) *Body {
	b := new(Body)
	b.set(r, a.body)
	return b
}

// Ended tells whether the last byte has been read.
func (b *Body) Ended() bool { return b.err == io.EOF }

// Trailer is the fields behind a chunked body, once it has ended.
func (b *Body) Trailer() components.Header { return b.trailer }

func (b *Body) Read(p []byte) (int, error) {
	if b.err != nil || len(p) == 0 {
		return 0, b.err
	}
	if b.chunked && b.left == 0 {
		if b.next(); b.err != nil {
			return 0, b.err
		}
	}
	if !b.tillEnd && int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.from.in.Read(p)
	b.pass(n, err)
	if n > 0 {
		return n, nil
	}
	return 0, b.err
}

// pass counts n bytes that were read.
func (b *Body) pass(n int, err error) {
	if b.room >= 0 {
		if b.room -= int64(n); b.room < 0 {
			b.end(errBodyTooLong)
			return
		}
	}
	switch {
	case b.tillEnd:
		if err != nil {
			b.end(err)
		}
		return
	case err == io.EOF:
		b.end(io.ErrUnexpectedEOF)
		return
	case err != nil:
		b.end(err)
		return
	}
	if b.left -= int64(n); b.left > 0 {
		return
	}
	if !b.chunked {
		b.end(io.EOF)
	} else if b.from.in.Buffered() >= len("\r\n0\r\n\r\n") {
		b.next() // that this was the last chunk is worth knowing now
	}
}

func (b *Body) end(err error) {
	if b.err != nil {
		return
	}
	b.err = err
	if err == io.EOF && b.finished != nil {
		b.finished()
	}
}

// next reads up to the data of the next chunk (RFC 9112 section 7.1).
func (b *Body) next() {
	if b.begun {
		if end, err := b.line(0, errChunkEnd); err != nil || end != "" {
			b.end(orElse(err, errChunkEnd))
			return
		}
	}
	b.begun = true
	line, err := b.line(mostChunkLine, errChunkSize)
	if err != nil {
		b.end(err)
		return
	}
	size, extensions, wrong := chunkSize(line)
	if b.beside += extensions; wrong != nil || b.beside > mostExtensions {
		b.end(errChunkSize)
		return
	}
	switch b.left = size; {
	case size == 0:
		b.end(orElse(b.readTrailer(), io.EOF))
	case b.room >= 0 && size > b.room:
		b.end(errBodyTooLong)
	}
}

func orElse(err, or error) error {
	if err != nil {
		return err
	}
	return or
}

// line reads one line of at most the given length, and returns it without its
// end.
func (b *Body) line(most int, wrong *Error) (string, error) {
	for n := 1; ; n++ {
		window, err := b.from.in.Peek(n)
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return "", err
		}
		switch c := window[n-1]; {
		case c == '\n' && (n < 2 || window[n-2] != '\r'):
			return "", errBareLF
		case c == '\n':
			line := string(window[:n-2])
			b.from.in.Discard(n)
			return line, nil
		case c != '\r' && n > most, n > 1 && window[n-2] == '\r', c != '\r' && classes[c]&inValue == 0:
			return "", wrong
		}
	}
}

// chunkSize reads the size of a chunk, and tells how long its extensions are.
func chunkSize(line string) (size int64, extensions int, wrong *Error) {
	digits := 0
	for digits < len(line) && classes[line[digits]]&inHex != 0 {
		if size >= 1<<58 {
			return 0, 0, errChunkSize
		}
		size = size<<4 | unhex(line[digits])
		digits++
	}
	if digits == 0 || digits > 16 || !areExtensions(line[digits:]) {
		return 0, 0, errChunkSize
	}
	return size, len(line) - digits, nil
}

// areExtensions tells whether text is chunk extensions by the grammar of RFC
// 9112 section 7.1.1: ;name, ;name=token, ;name="quoted".
func areExtensions(text string) bool {
	for text != "" {
		text = trim(text)
		if text == "" || text[0] != ';' {
			return false
		}
		name, rest := word(trim(text[1:]))
		if name == "" {
			return false
		}
		if after := trim(rest); strings.HasPrefix(after, "=") {
			if rest = trim(after[1:]); !strings.HasPrefix(rest, `"`) {
				if name, rest = word(rest); name == "" {
					return false
				}
			} else if rest = unquoted(rest[1:]); rest == "" {
				return false
			} else {
				rest = rest[1:]
			}
		}
		text = rest
	}
	return true
}

func word(text string) (token, rest string) {
	n := 0
	for n < len(text) && classes[text[n]]&inToken != 0 {
		n++
	}
	return text[:n], text[n:]
}

// unquoted goes on to the quotation mark that ends a quoted string.
func unquoted(text string) string {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return text[i:]
		}
	}
	return ""
}

// notInTrailers is fields that say how to read, route or answer a message,
// which nobody may learn at its end (RFC 9110 section 6.5.1).
var notInTrailers = []string{"Connection", "Content-Encoding", "Content-Length", "Content-Range", "Content-Type",
	"Authorization", "Cache-Control", "Cookie", "Expect", "Host", "Keep-Alive", "Max-Forwards", "Pragma",
	"Proxy-Authorization", "Proxy-Connection", "Range", "Set-Cookie", "TE", "Trailer", "Transfer-Encoding", "Upgrade"}

// readTrailer reads the fields behind the last chunk.
func (b *Body) readTrailer() error {
	for size := 0; ; {
		line, err := b.line(min(mostTrailer, b.from.in.Size()-2), errTrailer)
		if err != nil || line == "" {
			return err
		}
		if size += len(line); size > mostTrailer || len(b.trailer) >= b.from.limits.Fields {
			return errTrailer
		}
		name, value, wrong := field(line)
		if wrong != nil {
			return wrong
		}
		if forbidden(name) {
			return errTrailer
		}
		b.trailer = append(b.trailer, components.Field{Name: name, Value: value})
	}
}

// forbidden tells whether a field must not be in a trailer.
func forbidden(name string) bool {
	return slices.ContainsFunc(notInTrailers, func(not string) bool { return strings.EqualFold(not, name) })
}
